//! The publish that there was no room for, until there is.

use std::num::NonZeroU32;

use crate::codec::QoS;

/// The QoS of a publish, 0 or more, and its bytes, in four bytes: those of a packet need 29 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(NonZeroU32);

impl Refused {
    /// None where there are no bytes, which is refused nowhere.
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
