//! The control packets as values that borrow from the buffer they were read from.

use std::num::NonZeroU16;

use super::Message;
use super::reader::Reader;
use super::topic::Topic;

/// Which text of the specification is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V31,
    V311,
}

impl Version {
    /// Protocol name and level, as CONNECT says them.
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

/// A PUBLISH is the largest of those that stand in here, since each message moves one about.
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

/// The four packets that move a publish on and carry nothing but its identifier.
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
    /// None at QoS 0 alone.
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
    /// One byte a filter: the granted QoS, or 0x80 for a refusal.
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
        self.bytes = reader.rest();
        Some((filter, QoS::from_bits(qos)?))
    }
}
