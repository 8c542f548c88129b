//! The messages that the application acknowledges: their mids and the order of arrival. PUBACKs go
//! out in the order of arrival, and so do PUBRECs [MQTT-4.6.0-2] [MQTT-4.6.0-3]. Neither kind waits
//! for the other.

use std::collections::{BTreeMap, VecDeque};

use crate::codec::{PacketId, PropertyList, QoS};

/// How many bits of a mid hold the packet identifier.
const ID_BITS: u32 = u16::BITS;

#[derive(Default)]
pub struct Arrivals {
    /// How many mids were given out. Each mid is unique, so a late or repeated acknowledgement
    /// never applies to a newer message with the same packet identifier.
    mids: u64,
    /// The mids of the messages of this connection, in the order of arrival.
    at_least_once: VecDeque<u64>,
    exactly_once: VecDeque<u64>,
    /// The properties of acknowledgements that are held, by mid.
    pub properties: BTreeMap<u64, PropertyList>,
}

impl Arrivals {
    /// Continues the numbering of a session that has ended.
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

    /// Forgets all arrivals: no message is owed, or none has arrived on this connection.
    pub fn clear(&mut self) {
        *self = Arrivals {
            properties: std::mem::take(&mut self.properties),
            ..Arrivals::after(self)
        };
    }

    /// The messages of QoS 1, or else those of QoS 2.
    pub fn of(&mut self, qos: QoS) -> &mut VecDeque<u64> {
        match qos {
            QoS::AtMostOnce | QoS::AtLeastOnce => &mut self.at_least_once,
            QoS::ExactlyOnce => &mut self.exactly_once,
        }
    }
}
