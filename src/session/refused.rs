//! The publish that was refused because the queue was full, until there is room.

use std::num::NonZeroU32;

use crate::codec::QoS;

/// Whether the QoS of the publish is above 0, and its bytes. Both fit into 32 bits: the length
/// of a packet needs 29.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(NonZeroU32);

impl Refused {
    /// None only without bytes, and such a publish is never refused.
    pub fn new(qos: QoS, bytes: usize) -> Option<Refused> {
        let is_acknowledged = u32::from(qos > QoS::AtMostOnce);
        NonZeroU32::new((bytes as u32) << 1 | is_acknowledged).map(Refused)
    }

    pub fn qos(self) -> QoS {
        match self.0.get() & 1 {
            0 => QoS::AtMostOnce,
            _ => QoS::AtLeastOnce,
        }
    }

    pub fn bytes(self) -> usize {
        (self.0.get() >> 1) as usize
    }
}
