//! Encodes and decodes packets. Pure: no socket, no clock, no state between two calls.
//!
//! One implementation serves every protocol version: the version is a value. Both directions are here
//! because the tests play the broker.

mod buffer;
pub mod decode;
mod display;
pub mod encode;
pub mod header;
mod message;
pub mod packet;
mod properties;
pub mod property;
mod reader;
pub mod reason;
mod rules;
pub mod topic;
mod values;

use std::fmt;

pub use buffer::{Buffer, NoMemory};
pub use decode::{decode, plain_ack};
pub use header::{Header, Role, header};
pub use message::{Message, Publishable, Unfit};
pub use packet::{
    Ack, Acknowledgement, Auth, ConnAck, Connect, Disconnect, Filters, Packet, Publish, SubAck,
    Subscribe, UnsubAck, Unsubscribe,
};
pub use properties::{Properties, PropertyList, Value, next_property, var_int, var_int_len};
pub use property::Place;
pub use rules::Rules;
pub use values::{PacketId, QoS, RetainHandling, Version, Wish};

/// What is wrong with bytes from the peer.
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
    fn of_property(self, property: u8) -> Malformed {
        Malformed { property, ..self }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.text)?;
        match property::property(self.property) {
            Some(property) => write!(f, ": {}", property.name),
            None if self.property != 0 => write!(f, ": property {:#04x}", self.property),
            None => Ok(()),
        }
    }
}

/// What is too long for the wire: a string over 65,535 bytes, or a packet over 268,435,455.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong(pub &'static str);

/// The largest remaining length that four bytes of seven bits each can state (section 2.2.3).
pub const MAX_REMAINING_LENGTH: usize = 268_435_455;

/// The largest length of a string or of binary data with a two-byte prefix (section 1.5.3).
pub const MAX_STRING: usize = 65_535;
