//! An attempt that goes on with another connection: of MQTT 3.1.1 where the broker does not speak MQTT 5, or to
//! another broker.
//!
//! | the broker             | the attempt           | later connections |
//! |------------------------|-----------------------|-------------------|
//! | refuses the version    | goes on with 3.1.1    | 3.1.1             |
//! | closes without CONNACK | goes on with 3.1.1    | MQTT 5 first      |
//!
//! The application does not hear of it: its requests and messages wait for the CONNACK of the last connection.

use super::output::Output;
use super::{Phase, Session};
use crate::codec::{Buffer, Packet, Role, Version, decode, encode, header};

/// The version that is spoken instead of MQTT 5.
const OLDER: Version = Version::V311;

impl Session {
    /// Whether the attempt may go on with MQTT 3.1.1. Enhanced authentication is never left out: the broker is to
    /// prove what it is, too.
    pub fn may_fall_back(&self) -> bool {
        let is_under_way = matches!(
            self.phase,
            Phase::Connecting {
                then_disconnect: false,
                ..
            }
        );
        is_under_way && self.options.falls_back && self.version != OLDER && !self.authenticates()
    }

    /// The attempt goes on with MQTT 3.1.1. `is_refused`: the broker has said that it does not speak MQTT 5.
    pub fn fall_back(&mut self, is_refused: bool) {
        self.go_on();
        self.version = OLDER;
        if let Some(extended) = &mut self.extended {
            extended.is_refused |= is_refused;
            extended.falls_back = true;
            for (_, packet) in &mut extended.early {
                *packet = translated(packet);
            }
        }
    }

    /// The connection is gone before CONNACK, and the next `open` begins another one for the same attempt.
    pub fn go_on(&mut self) {
        self.output = Output::default();
        self.output.hold();
        self.phase = Phase::Closed;
        if let Some(extended) = &mut self.extended {
            extended.exchange.end();
            extended.goes_on = true;
        }
    }

    /// Whether the connection is not of MQTT 5, although the session is.
    pub fn is_older(&self) -> bool {
        self.extended.is_some() && self.version == OLDER
    }

    /// Whether an attempt is between two of its connections.
    pub(super) fn goes_on(&self) -> bool {
        let extended = self.extended.as_ref();
        extended.is_some_and(|extended| extended.goes_on)
    }

    /// The version of the next connection.
    pub(super) fn next_version(&self) -> Version {
        match &self.extended {
            Some(it) if (it.falls_back || it.is_refused) && !self.authenticates() => OLDER,
            _ => self.options.version,
        }
    }

    fn authenticates(&self) -> bool {
        let exchange = self.extended.as_ref().map(|extended| &extended.exchange);
        exchange.is_some_and(|it| it.method.is_some() || it.next_method.is_some())
    }
}

/// A request that waits for CONNACK, in the older version: SUBSCRIBE or UNSUBSCRIBE, which becomes shorter.
fn translated(request: &mut [u8]) -> Buffer {
    let mut out = Buffer::default();
    let Ok(Some(found)) = header(request, Role::Broker, Version::V5) else {
        return out;
    };
    let encoded = match decode(request, &found, Version::V5) {
        Ok(Packet::Subscribe(it)) => {
            let filters: Vec<_> = it.filters.collect();
            encode::subscribe(&mut out, it.packet_id, &filters, None)
        }
        Ok(Packet::Unsubscribe(it)) => {
            let filters: Vec<_> = it.filters.map(|(filter, _)| filter).collect();
            encode::unsubscribe(&mut out, it.packet_id, &filters, None)
        }
        _ => Ok(()),
    };
    debug_assert!(encoded.is_ok());
    out
}
