//! The control packets as values that borrow from the buffer they were read from.

use super::Message;
use super::reader::Reader;
use super::topic::Topic;
use super::values::{PacketId, QoS, Version};

/// PUBLISH is the largest variant: CONNECT is boxed, since each message moves a `Packet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    Connect(Box<Connect<'a>>),
    ConnAck(ConnAck),
    Publish(Publish<'a>),
    Ack(Ack, PacketId),
    Subscribe(Subscribe<'a>),
    SubAck(SubAck<'a>),
    Unsubscribe(Unsubscribe<'a>),
    UnsubAck(PacketId),
    PingReq,
    PingResp,
    Disconnect,
}

/// The four packets that answer a PUBLISH and each other, and carry its identifier only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ack {
    PubAck = 4,
    PubRec = 5,
    PubRel = 6,
    PubComp = 7,
}

impl Ack {
    pub fn name(self) -> &'static str {
        match self {
            Ack::PubAck => "PUBACK",
            Ack::PubRec => "PUBREC",
            Ack::PubRel => "PUBREL",
            Ack::PubComp => "PUBCOMP",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    pub version: Version,
    pub client_id: &'a str,
    pub clean_session: bool,
    /// Seconds; 0 turns the mechanism off.
    pub keep_alive: u16,
    pub will: Option<Message<'a>>,
    pub username: Option<&'a str>,
    pub password: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnAck {
    pub session_present: bool,
    /// 0 accepted, 1..=5 refused (table 3.1).
    pub return_code: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    pub dup: bool,
    pub qos: QoS,
    pub retain: bool,
    /// None at QoS 0 only.
    pub packet_id: Option<PacketId>,
    pub topic: Topic<'a>,
    pub payload: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    pub packet_id: PacketId,
    pub filters: Filters<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubAck<'a> {
    pub packet_id: PacketId,
    /// One byte for each filter: the granted QoS, or 0x80 for a refusal.
    pub granted: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    pub packet_id: PacketId,
    pub filters: Filters<'a>,
}

/// The filters of a SUBSCRIBE or an UNSUBSCRIBE, checked when the packet was decoded.
/// An UNSUBSCRIBE asks for no QoS; its filters are iterated with QoS 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filters<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) with_qos: bool,
}

impl<'a> Iterator for Filters<'a> {
    type Item = (&'a str, QoS);

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = Reader::new(self.bytes);
        let filter = reader.string("").ok()?;
        let qos = if self.with_qos {
            reader.u8("").ok()?
        } else {
            0
        };
        self.bytes = reader.remaining();
        Some((filter, QoS::from_bits(qos)?))
    }
}
