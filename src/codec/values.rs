//! The values that several packets carry.

use std::num::NonZeroU16;

/// Which version of the specification applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V31,
    V311,
    V5,
}

impl Version {
    /// Protocol name and level, as CONNECT states them.
    pub(super) fn protocol(self) -> (&'static str, u8) {
        match self {
            Version::V31 => ("MQIsdp", 3),
            Version::V311 => ("MQTT", 4),
            Version::V5 => ("MQTT", 5),
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

/// What SUBSCRIBE asks for with a filter (section 3.8.3.1 of MQTT 5). Before MQTT 5, it is the QoS only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub qos: QoS,
    /// The broker does not send back what this client publishes.
    pub no_local: bool,
    /// Messages keep the retain flag with which they were published.
    pub retain_as_published: bool,
    pub retain_handling: RetainHandling,
}

/// When SUBSCRIBE brings retained messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RetainHandling {
    Always = 0,
    IfNew = 1,
    Never = 2,
}

impl From<QoS> for Wish {
    fn from(qos: QoS) -> Wish {
        Wish {
            qos,
            no_local: false,
            retain_as_published: false,
            retain_handling: RetainHandling::Always,
        }
    }
}

impl Wish {
    pub(super) fn to_bits(self) -> u8 {
        self.qos as u8
            | u8::from(self.no_local) << 2
            | u8::from(self.retain_as_published) << 3
            | (self.retain_handling as u8) << 4
    }

    /// None for QoS 3, retain handling 3 and reserved bits.
    pub(super) fn from_bits(bits: u8) -> Option<Wish> {
        Some(Wish {
            qos: QoS::from_bits(bits & 3)?,
            no_local: bits & 4 != 0,
            retain_as_published: bits & 8 != 0,
            retain_handling: match bits >> 4 {
                0 => RetainHandling::Always,
                1 => RetainHandling::IfNew,
                2 => RetainHandling::Never,
                _ => return None,
            },
        })
    }
}

/// How a PUBLISH states its topic (section 3.3.2.3.4 of MQTT 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alias {
    /// Without an alias.
    #[default]
    None,
    /// With an alias that stands for it from now on.
    Set(NonZeroU16),
    /// By an alias alone.
    Use(NonZeroU16),
}

/// A packet identifier is never zero [MQTT311-2.3.1-1] [MQTT5-2.2.1-3].
pub type PacketId = NonZeroU16;
