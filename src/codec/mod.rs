//! Encodes and decodes packets. Pure: no socket, no clock, no state between two calls.
//!
//! One implementation serves every protocol version: the version is a value. Both directions are here
//! because the tests play the broker.

mod buffer;
pub mod decode;
mod display;
pub mod encode;
pub mod header;
mod malformed;
mod message;
pub mod packet;
mod plain;
mod properties;
pub mod property;
mod reader;
pub mod reason;
pub mod rewrite;
mod rules;
pub mod topic;
mod values;

pub use buffer::{Buffer, NoMemory};
pub use decode::{decode, plain_ack};
pub use header::{Header, Role, header};
pub use malformed::Malformed;
pub use message::{Message, Publishable, Unfit};
pub use packet::{
    Ack, Acknowledgement, Auth, ConnAck, Connect, Disconnect, Filters, Packet, Publish, SubAck,
    Subscribe, UnsubAck, Unsubscribe,
};
pub use properties::{
    Properties, PropertyList, Value, check_property, next_property, property_len, var_int,
    var_int_len, write_property,
};
pub use property::Place;
pub use reader::check_text;
pub use rewrite::{GROWTH, Rewrite, Rewritten};
pub use rules::Rules;
pub use values::{Alias, PacketId, QoS, RetainHandling, Version, Wish};

/// What is too long for the wire: a string over 65,535 bytes, or a packet over 268,435,455.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong(pub &'static str);

/// The largest remaining length that four bytes of seven bits each can state (section 2.2.3).
pub const MAX_REMAINING_LENGTH: usize = 268_435_455;

/// The largest length of a string or of binary data with a two-byte prefix (section 1.5.3).
pub const MAX_STRING: usize = 65_535;
