//! The messages that the application acknowledges: their mids, and in which order they came. PUBACK and PUBREC
//! each go out in the order of arrival [MQTT-4.6.0-2] [MQTT-4.6.0-3]; neither waits for the other.

use std::collections::VecDeque;

use crate::codec::{PacketId, QoS};

/// How many bits of a mid are the packet identifier.
const ID_BITS: u32 = u16::BITS;

#[derive(Default)]
pub struct Arrivals {
    /// How many mids were given out. They number what the application owes, so that an acknowledgement that
    /// comes late, or twice, is none of the message that has the packet identifier by then.
    mids: u64,
    /// The mids of those that came on this connection, in their order.
    at_least_once: VecDeque<u64>,
    exactly_once: VecDeque<u64>,
}

impl Arrivals {
    /// Goes on with the numbers of a session that is over.
    pub fn after(former: &Arrivals) -> Arrivals {
        Arrivals {
            mids: former.mids,
            ..Arrivals::default()
        }
    }

    pub fn new_mid(&mut self, id: PacketId) -> u64 {
        self.mids += 1;
        self.mids << ID_BITS | u64::from(id.get())
    }

    /// No message is owed any more, or none came on this connection.
    pub fn clear(&mut self) {
        *self = Arrivals::after(self);
    }

    /// Those of QoS 1, or else of QoS 2.
    pub fn of(&mut self, qos: QoS) -> &mut VecDeque<u64> {
        match qos {
            QoS::AtMostOnce | QoS::AtLeastOnce => &mut self.at_least_once,
            QoS::ExactlyOnce => &mut self.exactly_once,
        }
    }
}
