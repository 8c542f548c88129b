//! What is wrong with bytes from the peer.

use std::fmt;

use super::{property, reason};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Names the packet, the cause and, where there is one, the normative statement.
    pub text: &'static str,
    /// The reason code of MQTT 5 with which a client leaves the peer.
    pub reason: u8,
    /// The identifier of the property; 0: it is about no property.
    pub property: u8,
}

impl Malformed {
    /// The bytes cannot be parsed.
    #[cold]
    pub fn packet(text: &'static str) -> Malformed {
        Malformed {
            text,
            reason: reason::MALFORMED,
            property: 0,
        }
    }

    /// The packet can be parsed, but is not allowed to be like that.
    #[cold]
    pub fn protocol(text: &'static str) -> Malformed {
        Malformed {
            reason: reason::PROTOCOL_ERROR,
            ..Malformed::packet(text)
        }
    }

    /// A topic is not valid.
    #[cold]
    pub fn topic(text: &'static str) -> Malformed {
        Malformed {
            reason: reason::TOPIC_INVALID,
            ..Malformed::packet(text)
        }
    }

    #[cold]
    pub(super) fn of_property(self, property: u8) -> Malformed {
        Malformed { property, ..self }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.text)?;
        match property::property(self.property) {
            Some(property) => write!(f, ": {}", property.name()),
            None if self.property != 0 => write!(f, ": property {:#04x}", self.property),
            None => Ok(()),
        }
    }
}
