//! Bytes to packets and back. Pure: no socket, no clock, no state between two calls.
//!
//! One implementation serves every protocol version: the version is a value, and both
//! directions are here because the tests play the broker.

mod buffer;
pub mod decode;
mod display;
pub mod encode;
pub mod header;
mod message;
pub mod packet;
mod reader;
pub mod topic;
mod values;

pub use buffer::{Buffer, NoMemory};
pub use decode::{decode, plain_ack};
pub use header::{Header, Role, header};
pub use message::{Message, Publishable, Unfit};
pub use packet::{Ack, ConnAck, Connect, Filters, Packet, Publish, SubAck, Subscribe, Unsubscribe};
pub use values::{PacketId, QoS, Version};

/// What is wrong with bytes that came from the peer; the text names packet, cause and,
/// where one rules, the normative statement of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// What does not fit the wire: a string over 65,535 bytes, or a packet over 268,435,455.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong(pub &'static str);

/// The largest remaining length that four bytes of seven bits can say (section 2.2.3).
pub const MAX_REMAINING_LENGTH: usize = 268_435_455;

/// The largest length of a string or of binary data with a two-byte prefix (section 1.5.3).
pub const MAX_STRING: usize = 65_535;
