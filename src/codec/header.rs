//! The fixed header (section 2.2), and each limit that the header alone can break. So no peer can make
//! us wait for bytes that the packet it announced cannot have.

use super::{MAX_REMAINING_LENGTH, MAX_STRING, Malformed, Version};

/// Who reads: each side accepts only what the other may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Client,
    Broker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Connect,
    ConnAck,
    /// PUBLISH from a client.
    Publish,
    /// PUBLISH from a broker.
    Delivery,
    PubAck,
    PubRec,
    PubRel,
    PubComp,
    Subscribe,
    SubAck,
    Unsubscribe,
    UnsubAck,
    PingReq,
    PingResp,
    /// DISCONNECT from a client.
    Disconnect,
    /// DISCONNECT from a broker.
    Dismissal,
    /// AUTH from a client.
    Auth,
    /// AUTH from a broker.
    Challenge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: Kind,
    pub flags: u8,
    /// Where the body begins.
    pub start: usize,
    /// Where the packet ends: its length in the buffer.
    pub end: usize,
}

impl Kind {
    #[inline(always)]
    fn is_publish(self) -> bool {
        matches!(self, Kind::Publish | Kind::Delivery)
    }
}

/// Reads the header at the front of `buffer`; None when it is not all there yet.
#[inline(always)]
pub fn header(buffer: &[u8], role: Role, version: Version) -> Result<Option<Header>, Malformed> {
    let Some(&first) = buffer.first() else {
        return Ok(None);
    };
    match first >> 4 {
        // Its checks are compiled separately from those of all other packets.
        3 => match role {
            Role::Client => header_of(Kind::Delivery, buffer, version),
            Role::Broker => header_of(Kind::Publish, buffer, version),
        },
        number => other_header(number, buffer, role, version),
    }
}

#[inline(always)]
fn header_of(kind: Kind, packet: &[u8], version: Version) -> Result<Option<Header>, Malformed> {
    let flags = packet[0] & 0x0f;
    check_flags(kind, flags, version)?;
    let Some((length, start)) = remaining_length(packet, version)? else {
        return Ok(None);
    };
    let end = start + length;
    // A whole PUBLISH makes nobody wait, and `decode` finds what is wrong with it.
    if !kind.is_publish() || end > packet.len() {
        check_lengths(kind, flags, length, &packet[start..], version)?;
    }
    Ok(Some(Header {
        kind,
        flags,
        start,
        end,
    }))
}

/// `body`: what has arrived of it.
#[inline(never)]
fn check_lengths(
    kind: Kind,
    flags: u8,
    length: usize,
    body: &[u8],
    version: Version,
) -> Result<(), Malformed> {
    match body.first_chunk() {
        // A length with room for the topic is not too short, and one of four bytes is not too long.
        Some(prefix) if kind.is_publish() => check_topic_length(*prefix, flags, length, version),
        _ if version.rules().is_extended => check_extended_length(kind, flags, length),
        _ => check_length(kind, flags, length),
    }
}

#[inline(never)]
fn other_header(
    number: u8,
    buffer: &[u8],
    role: Role,
    version: Version,
) -> Result<Option<Header>, Malformed> {
    header_of(other_kind(number, role, version)?, buffer, version)
}

fn other_kind(number: u8, role: Role, version: Version) -> Result<Kind, Malformed> {
    use Role::{Broker, Client};
    let is_extended = version.rules().is_extended;
    match (number, role) {
        (4, _) => Ok(Kind::PubAck),
        (5, _) => Ok(Kind::PubRec),
        (6, _) => Ok(Kind::PubRel),
        (7, _) => Ok(Kind::PubComp),
        (1, Broker) => Ok(Kind::Connect),
        (2, Client) => Ok(Kind::ConnAck),
        (8, Broker) => Ok(Kind::Subscribe),
        (9, Client) => Ok(Kind::SubAck),
        (10, Broker) => Ok(Kind::Unsubscribe),
        (11, Client) => Ok(Kind::UnsubAck),
        (12, Broker) => Ok(Kind::PingReq),
        (13, Client) => Ok(Kind::PingResp),
        (14, Broker) => Ok(Kind::Disconnect),
        (14, Client) if is_extended => Ok(Kind::Dismissal),
        (15, Broker) if is_extended => Ok(Kind::Auth),
        (15, Client) if is_extended => Ok(Kind::Challenge),
        (1, Client) => Err(Malformed::packet("CONNECT, which only a client may send")),
        (8, Client) => Err(Malformed::packet("SUBSCRIBE, which only a client may send")),
        (10, Client) => Err(Malformed::packet(
            "UNSUBSCRIBE, which only a client may send",
        )),
        (12, Client) => Err(Malformed::packet("PINGREQ, which only a client may send")),
        (14, Client) => Err(Malformed::packet(
            "DISCONNECT, which only a client may send",
        )),
        (2 | 9 | 11 | 13, Broker) => Err(Malformed::packet("a packet that only a broker may send")),
        _ => Err(Malformed::packet("a reserved packet type (table 2.1)")),
    }
}

/// 3.1 leaves unused flags undefined; later versions make each of them an error.
#[inline(always)]
fn check_flags(kind: Kind, flags: u8, version: Version) -> Result<(), Malformed> {
    let expected = match kind {
        Kind::Publish | Kind::Delivery => return check_publish_flags(flags, version),
        Kind::PubRel | Kind::Subscribe | Kind::Unsubscribe => 0b0010,
        _ => 0,
    };
    if flags != expected && version.rules().has_fixed_flags {
        return Err(Malformed::packet(
            "reserved header flags are set [MQTT311-2.2.2-2] [MQTT5-2.1.3-1]",
        ));
    }
    Ok(())
}

#[inline(always)]
fn check_publish_flags(flags: u8, version: Version) -> Result<(), Malformed> {
    match flags & 0b0110 == 0b0110 || flags & 0b1110 == 0b1000 {
        true => check_rare_publish_flags(flags, version),
        false => Ok(()),
    }
}

/// The flags of QoS 3, and of DUP at QoS 0, which 3.1 leaves undefined.
#[cold]
fn check_rare_publish_flags(flags: u8, version: Version) -> Result<(), Malformed> {
    match flags & 0b1110 {
        0b0110 | 0b1110 => Err(Malformed::packet(
            "PUBLISH with QoS 3 [MQTT311-3.3.1-4] [MQTT5-3.3.1-4]",
        )),
        0b1000 if version.rules().has_fixed_flags => Err(Malformed::packet(
            "PUBLISH with DUP at QoS 0 [MQTT311-3.3.1-2] [MQTT5-3.3.1-2]",
        )),
        _ => Ok(()),
    }
}

/// The value, and where the body begins; None if the buffer ends before that.
#[inline]
fn remaining_length(packet: &[u8], version: Version) -> Result<Option<(usize, usize)>, Malformed> {
    match packet.get(1) {
        Some(&byte) if byte & 0x80 == 0 => Ok(Some((byte as usize, 2))),
        _ => longer_length(packet, version),
    }
}

fn longer_length(packet: &[u8], version: Version) -> Result<Option<(usize, usize)>, Malformed> {
    let bytes = &packet[1..];
    let mut length = 0;
    for (index, &byte) in bytes.iter().take(4).enumerate() {
        length |= ((byte & 0x7f) as usize) << (7 * index);
        if byte & 0x80 == 0 {
            return match byte {
                0 if version.rules().is_extended => Err(Malformed::packet(
                    "remaining length in more bytes than it needs [MQTT5-1.5.5-1]",
                )),
                _ => Ok(Some((length, index + 2))),
            };
        }
    }
    if bytes.len() >= 4 {
        return Err(Malformed::packet(
            "remaining length of more than 4 bytes (2.2.3)",
        ));
    }
    Ok(None)
}

fn check_length(kind: Kind, flags: u8, length: usize) -> Result<(), Malformed> {
    const STRING: usize = 2 + MAX_STRING;
    let (least, most) = match kind {
        // At least the shorter protocol name, flags, keep alive and an empty client id. At most the
        // longer one with client id, will topic, will message, user name and password.
        Kind::Connect => (12, 12 + 5 * STRING),
        Kind::Publish | Kind::Delivery if flags & 0b0110 == 0 => (3, MAX_REMAINING_LENGTH),
        Kind::Publish | Kind::Delivery => (5, MAX_REMAINING_LENGTH),
        Kind::Subscribe => (6, MAX_REMAINING_LENGTH),
        // At most as many codes as the largest SUBSCRIBE has filters, of one character each.
        Kind::SubAck => (3, 2 + (MAX_REMAINING_LENGTH - 2) / 4),
        Kind::Unsubscribe => (5, MAX_REMAINING_LENGTH),
        Kind::PingReq | Kind::PingResp => (0, 0),
        Kind::Disconnect | Kind::Dismissal | Kind::Auth | Kind::Challenge => (0, 0),
        Kind::ConnAck
        | Kind::PubAck
        | Kind::PubRec
        | Kind::PubRel
        | Kind::PubComp
        | Kind::UnsubAck => (2, 2),
    };
    check_range(length, least, most)
}

/// `check_length` for packets with properties, each of which ends at a length of its own.
fn check_extended_length(kind: Kind, flags: u8, length: usize) -> Result<(), Malformed> {
    let (least, most) = match kind {
        // It tells its version itself, so that it can be of an older one.
        Kind::Connect => (12, MAX_REMAINING_LENGTH),
        // The same as before MQTT 5, and the length of the properties.
        Kind::Subscribe => (7, MAX_REMAINING_LENGTH),
        Kind::Unsubscribe => (6, MAX_REMAINING_LENGTH),
        Kind::SubAck | Kind::UnsubAck => (4, MAX_REMAINING_LENGTH),
        // A broker of an older version refuses in the form of its own version.
        Kind::ConnAck => (2, MAX_REMAINING_LENGTH),
        Kind::PubAck | Kind::PubRec | Kind::PubRel | Kind::PubComp => (2, MAX_REMAINING_LENGTH),
        Kind::Disconnect | Kind::Dismissal | Kind::Auth | Kind::Challenge => {
            (0, MAX_REMAINING_LENGTH)
        }
        Kind::Publish | Kind::Delivery | Kind::PingReq | Kind::PingResp => {
            return check_length(kind, flags, length);
        }
    };
    check_range(length, least, most)
}

fn check_range(length: usize, least: usize, most: usize) -> Result<(), Malformed> {
    if length < least {
        return Err(Malformed::packet(
            "remaining length too short for the packet",
        ));
    }
    if length > most {
        return Err(Malformed::packet(
            "remaining length too long for the packet",
        ));
    }
    Ok(())
}

pub(super) const EMPTY_TOPIC: &str = "PUBLISH with an empty topic [MQTT311-4.7.3-1]";

/// The topic must leave room for what follows it. This is checked long before the payload has arrived.
fn check_topic_length(
    prefix: [u8; 2],
    flags: u8,
    length: usize,
    version: Version,
) -> Result<(), Malformed> {
    let packet_id = if flags & 0b0110 == 0 { 0 } else { 2 };
    match u16::from_be_bytes(prefix) as usize {
        // The topic of an alias, or a mistake: its properties will show.
        0 if version.rules().is_extended => Ok(()),
        0 => Err(Malformed::packet(EMPTY_TOPIC)),
        topic if 2 + topic + packet_id > length => Err(Malformed::packet(
            "PUBLISH whose topic is longer than the packet",
        )),
        _ => Ok(()),
    }
}
