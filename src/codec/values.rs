//! The values that several packets carry.

use std::num::NonZeroU16;

/// Which version of the specification applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V31,
    V311,
}

impl Version {
    /// Protocol name and level, as CONNECT states them.
    pub(super) fn protocol(self) -> (&'static str, u8) {
        match self {
            Version::V31 => ("MQIsdp", 3),
            Version::V311 => ("MQTT", 4),
        }
    }
}

/// Quality of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum QoS {
    AtMostOnce = 0,
    AtLeastOnce = 1,
    ExactlyOnce = 2,
}

impl QoS {
    /// None for 3 and above, which no version knows.
    pub fn from_bits(bits: u8) -> Option<QoS> {
        match bits {
            0 => Some(QoS::AtMostOnce),
            1 => Some(QoS::AtLeastOnce),
            2 => Some(QoS::ExactlyOnce),
            _ => None,
        }
    }
}

/// A packet identifier is never zero [MQTT-2.3.1-1].
pub type PacketId = NonZeroU16;
