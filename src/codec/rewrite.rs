//! Changes an encoded PUBLISH of MQTT 5 while it is copied: what is kept is the message as it was published, what is
//! sent depends on the connection and on the time.

use std::ops::Range;

use super::encode::{place_of_topic, put_fixed_header, put_var_int};
use super::{Alias, PacketId, Publishable, property, var_int_len};

/// What to change. The default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrite {
    pub alias: Alias,
    /// The new message expiry interval, if the packet has one. Then it is the first property.
    pub expiry: Option<u32>,
    /// Makes a packet of MQTT 3.1.1. It has no properties, so `alias` and `expiry` have no effect.
    pub strip: bool,
    /// Sets DUP. The packet is of QoS 1 or 2.
    pub dup: bool,
    /// The new packet identifier. The packet has one, unless it is of QoS 0.
    pub packet_id: Option<PacketId>,
}

/// How many bytes longer a rewritten packet is at most: by a topic alias, and by a further digit in each of
/// the two lengths.
pub const GROWTH: usize = 3 + 1 + 1;

/// A packet and its changes. The caller sees to it that the new packet is not too long.
#[derive(Clone, Copy, Debug)]
pub struct Rewritten<'a> {
    rewrite: Rewrite,
    first: u8,
    topic: &'a [u8],
    packet_id: &'a [u8],
    properties: &'a [u8],
    payload: &'a [u8],
    /// Where the payload begins in the old packet.
    payload_start: usize,
    /// Of the new packet.
    properties_len: usize,
    remaining_length: usize,
}

impl Rewrite {
    /// `packet`: from `encode::publish`, with properties.
    #[inline]
    pub fn of(self, packet: &[u8]) -> Rewritten<'_> {
        let topic = place_of_topic(packet);
        let has_id = packet[0] & 0b0110 != 0;
        let id = topic.end..topic.end + 2 * usize::from(has_id);
        let properties = place_of_properties(packet, id.end);
        let payload_start = properties.end;
        let parts = Parts {
            first: packet[0],
            topic: &packet[topic],
            packet_id: &packet[id],
            properties: &packet[properties],
            payload: &packet[payload_start..],
        };
        self.of_parts(parts, payload_start)
    }

    /// A message of QoS 0, as if its packet had been encoded.
    pub fn of_message<'a>(self, message: &Publishable<'a>) -> Rewritten<'a> {
        let properties = message.properties.unwrap_or_default();
        let parts = Parts {
            first: 0x30 | message.retain as u8,
            topic: message.topic,
            packet_id: &[],
            properties: properties.as_bytes(),
            payload: message.payload,
        };
        self.of_parts(parts, 0)
    }

    #[inline(always)]
    fn of_parts(self, parts: Parts, payload_start: usize) -> Rewritten {
        let Parts {
            first,
            topic,
            packet_id,
            properties,
            payload,
        } = parts;
        let topic = match self.alias {
            Alias::Use(_) if !self.strip => &[],
            _ => topic,
        };
        let alias = match self.alias {
            Alias::None => 0,
            Alias::Set(_) | Alias::Use(_) => 3,
        };
        let properties_len = alias + properties.len();
        let section = match self.strip {
            true => 0,
            false => var_int_len(properties_len) + properties_len,
        };
        Rewritten {
            rewrite: self,
            first,
            topic,
            remaining_length: 2 + topic.len() + packet_id.len() + section + payload.len(),
            packet_id,
            properties,
            payload,
            payload_start,
            properties_len,
        }
    }
}

/// What a packet consists of.
struct Parts<'a> {
    first: u8,
    topic: &'a [u8],
    packet_id: &'a [u8],
    properties: &'a [u8],
    payload: &'a [u8],
}

/// Without their length, which is at `start`.
fn place_of_properties(packet: &[u8], start: usize) -> Range<usize> {
    let mut place = start;
    let mut length = usize::from(packet[place] & 0x7f);
    while packet[place] > 0x7f {
        place += 1;
        length |= usize::from(packet[place] & 0x7f) << (7 * (place - start));
    }
    place + 1..place + 1 + length
}

impl Rewritten<'_> {
    /// The length of the new packet.
    pub fn packet_len(&self) -> usize {
        self.head_len() + self.payload.len()
    }

    /// Writes the new packet to a slice of `packet_len` bytes.
    #[inline]
    pub fn write(&self, out: &mut [u8]) {
        let (head, payload) = out.split_at_mut(self.head_len());
        self.write_head(head);
        payload.copy_from_slice(self.payload);
    }

    /// The length of the new packet without its payload.
    #[inline]
    pub fn head_len(&self) -> usize {
        1 + var_int_len(self.remaining_length) + self.remaining_length - self.payload.len()
    }

    /// Writes the new packet without its payload, to a slice of `head_len` bytes. The payload is the old
    /// packet from `payload_start` on.
    #[inline]
    pub fn write_head(&self, out: &mut [u8]) {
        let dup = u8::from(self.rewrite.dup) << 3;
        let out = put_fixed_header(out, self.first | dup, self.remaining_length);
        let out = put(out, &(self.topic.len() as u16).to_be_bytes());
        let out = put(out, self.topic);
        let out = match self.rewrite.packet_id {
            Some(id) => put(out, &id.get().to_be_bytes()),
            None => put(out, self.packet_id),
        };
        if self.rewrite.strip {
            return;
        }
        let out = put_var_int(out, self.properties_len);
        let out = match self.rewrite.alias {
            Alias::None => out,
            Alias::Set(number) | Alias::Use(number) => {
                let [high, low] = number.get().to_be_bytes();
                put(out, &[property::TOPIC_ALIAS, high, low])
            }
        };
        out.copy_from_slice(self.properties);
        if let Some(expiry) = self.rewrite.expiry
            && out.first() == Some(&property::MESSAGE_EXPIRY)
        {
            out[1..5].copy_from_slice(&expiry.to_be_bytes());
        }
    }

    /// Where the payload begins in the old packet.
    pub fn payload_start(&self) -> usize {
        self.payload_start
    }
}

/// Writes bytes to the front of `out`, and returns what follows them.
#[inline(always)]
fn put<'a>(out: &'a mut [u8], bytes: &[u8]) -> &'a mut [u8] {
    let (front, behind) = out.split_at_mut(bytes.len());
    front.copy_from_slice(bytes);
    behind
}
