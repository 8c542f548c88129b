//! Application messages, and which of them a PUBLISH can hold.

use std::ops::Deref;

use super::properties::{Properties, section_len};
use super::{MAX_REMAINING_LENGTH, QoS, topic};

/// An application message as its sender states it, for a PUBLISH or a will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub topic: &'a [u8],
    pub payload: &'a [u8],
    pub qos: QoS,
    pub retain: bool,
    /// None: for a packet of MQTT 3, which has no place for them.
    pub properties: Option<Properties<'a>>,
}

/// Why a PUBLISH cannot hold a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The topic is not a valid topic name, for this reason.
    Topic(&'static str),
    /// The payload alone is longer than a packet.
    Payload,
    /// Topic, properties and payload together are longer than a packet.
    Packet,
}

/// A message that a PUBLISH can hold. It is checked once: no function that takes one has to refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publishable<'a> {
    message: Message<'a>,
    remaining_length: usize,
}

impl<'a> Message<'a> {
    #[inline(always)]
    pub fn check(self) -> Result<Publishable<'a>, Unfit> {
        topic::check_name(self.topic).map_err(Unfit::Topic)?;
        if self.payload.len() > MAX_REMAINING_LENGTH {
            return Err(Unfit::Payload);
        }
        let packet_id = if self.qos == QoS::AtMostOnce { 0 } else { 2 };
        let properties = section_len(self.properties);
        let remaining_length = 2 + self.topic.len() + packet_id + properties + self.payload.len();
        if remaining_length > MAX_REMAINING_LENGTH {
            return Err(Unfit::Packet);
        }
        Ok(Publishable {
            message: self,
            remaining_length,
        })
    }
}

impl Publishable<'_> {
    /// The remaining length that its fixed header states (section 2.2.3).
    pub(super) fn remaining_length(&self) -> usize {
        self.remaining_length
    }
}

impl<'a> Deref for Publishable<'a> {
    type Target = Message<'a>;

    fn deref(&self) -> &Message<'a> {
        &self.message
    }
}
