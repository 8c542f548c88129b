//! The control packets as values that borrow from the buffer they were read from.

use std::num::NonZeroU16;

use super::properties::Properties;
use super::reader::Reader;
use super::topic::Topic;
use super::values::{PacketId, QoS, Version, Wish};
use super::{Message, reason};

/// PUBLISH is the largest variant: CONNECT is boxed, since each message moves a `Packet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    Connect(Box<Connect<'a>>),
    ConnAck(ConnAck<'a>),
    Publish(Publish<'a>),
    Ack(Acknowledgement<'a>),
    Subscribe(Subscribe<'a>),
    SubAck(SubAck<'a>),
    Unsubscribe(Unsubscribe<'a>),
    UnsubAck(UnsubAck<'a>),
    PingReq,
    PingResp,
    Disconnect(Disconnect<'a>),
    Auth(Auth<'a>),
}

/// The four packets that answer a PUBLISH and each other.
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

/// One of them. Before MQTT 5, it carries the identifier only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement<'a> {
    pub ack: Ack,
    pub id: PacketId,
    pub reason: u8,
    pub properties: Properties<'a>,
}

impl Acknowledgement<'static> {
    /// With success and no properties, as in every version.
    pub fn plain(ack: Ack, id: PacketId) -> Acknowledgement<'static> {
        Acknowledgement {
            ack,
            id,
            reason: reason::SUCCESS,
            properties: Properties::NONE,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    pub version: Version,
    pub client_id: &'a str,
    /// Clean start in MQTT 5.
    pub clean_session: bool,
    /// Seconds; 0 turns the mechanism off.
    pub keep_alive: u16,
    pub will: Option<Message<'a>>,
    pub username: Option<&'a str>,
    pub password: Option<&'a [u8]>,
    pub properties: Properties<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnAck<'a> {
    pub session_present: bool,
    /// 0 accepted; refused: 1..=5 (table 3.1), in MQTT 5 a reason code.
    pub return_code: u8,
    pub properties: Properties<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    pub dup: bool,
    pub qos: QoS,
    pub retain: bool,
    /// None at QoS 0 only.
    pub packet_id: Option<PacketId>,
    /// Empty only in MQTT 5, with a topic alias.
    pub topic: Topic<'a>,
    pub topic_alias: Option<NonZeroU16>,
    /// Without topic alias and subscription identifiers, so that the program may publish them again.
    pub properties: Properties<'a>,
    pub payload: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    pub filters: Filters<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubAck<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    /// One byte for each filter: the granted QoS, or a refusal: 0x80, in MQTT 5 a reason code.
    pub granted: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    pub filters: Filters<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsubAck<'a> {
    pub packet_id: PacketId,
    pub properties: Properties<'a>,
    /// A reason code for each filter; empty before MQTT 5.
    pub codes: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect<'a> {
    pub reason: u8,
    pub properties: Properties<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth<'a> {
    pub reason: u8,
    pub properties: Properties<'a>,
}

/// The filters of a SUBSCRIBE or an UNSUBSCRIBE, checked when the packet was decoded.
/// An UNSUBSCRIBE wishes nothing; its filters are iterated with QoS 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filters<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) with_wish: bool,
}

impl<'a> Iterator for Filters<'a> {
    type Item = (&'a str, Wish);

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = Reader::new(self.bytes);
        let filter = reader.string("").ok()?;
        let wish = if self.with_wish {
            reader.u8("").ok()?
        } else {
            0
        };
        self.bytes = reader.remaining();
        Some((filter, Wish::from_bits(wish)?))
    }
}
