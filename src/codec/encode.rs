//! Appends packets to a buffer that the caller keeps: once it has grown, nothing is allocated. A packet
//! that cannot be encoded is refused before its first byte is written.

use std::ops::Range;

use super::properties::section_len;
use super::{
    Ack, Acknowledgement, Buffer, ConnAck, Connect, MAX_REMAINING_LENGTH, MAX_STRING, Message,
    NoMemory, PacketId, Properties, Publishable, SubAck, TooLong, UnsubAck, Version, Wish,
    property, var_int, var_int_len,
};

pub fn connect(out: &mut Buffer, connect: &Connect) -> Result<(), TooLong> {
    let (name, level) = connect.version.protocol();
    let mut flags = (connect.clean_session as u8) << 1;
    let properties = extended(connect.version, connect.properties);
    let mut length = 2 + name.len() + 4 + field(connect.client_id.as_bytes(), "client id")?;
    length += section_len(properties);
    if let Some(will) = &connect.will {
        flags |= 0x04 | (will.qos as u8) << 3 | (will.retain as u8) << 5;
        length += section_len(will.properties);
        length += field(will.topic, "will topic")?;
        length += field(will.payload, "will payload")?;
    }
    if let Some(username) = connect.username {
        flags |= 0x80;
        length += field(username.as_bytes(), "user name")?;
    }
    if let Some(password) = connect.password {
        flags |= 0x40;
        length += field(password, "password")?;
    }
    begin(out, 0x10, length)?;
    put_field(out, name.as_bytes());
    out.append(&[level, flags]);
    out.append(&connect.keep_alive.to_be_bytes());
    put_section(out, properties);
    put_field(out, connect.client_id.as_bytes());
    if let Some(will) = &connect.will {
        put_section(out, will.properties);
        put_field(out, will.topic);
        put_field(out, will.payload);
    }
    if let Some(username) = connect.username {
        put_field(out, username.as_bytes());
    }
    if let Some(password) = connect.password {
        put_field(out, password);
    }
    Ok(())
}

pub fn connack(out: &mut Buffer, connack: &ConnAck, version: Version) -> Result<(), TooLong> {
    let properties = extended(version, connack.properties);
    begin(out, 0x20, 2 + section_len(properties))?;
    out.append(&[connack.session_present as u8, connack.return_code]);
    put_section(out, properties);
    Ok(())
}

/// `packet_id` is None at QoS 0 only. If there is no memory for the packet, nothing is written.
#[inline(always)]
pub fn publish(
    out: &mut Buffer,
    message: &Publishable,
    packet_id: Option<PacketId>,
) -> Result<(), NoMemory> {
    publish_into(out.try_extend(publish_len(message))?, message, packet_id);
    Ok(())
}

/// The size of the packet that `publish` makes.
#[inline(always)]
pub fn publish_len(message: &Publishable) -> usize {
    let length = message.remaining_length();
    1 + var_int_len(length) + length
}

/// Does what `publish` does, into a slice of `publish_len` bytes.
#[inline(always)]
pub fn publish_into(packet: &mut [u8], message: &Publishable, packet_id: Option<PacketId>) {
    let Message {
        topic,
        payload,
        properties,
        ..
    } = **message;
    let first = 0x30 | (message.qos as u8) << 1 | message.retain as u8;
    let length = message.remaining_length();
    let body = put_fixed_header(packet, first, length);
    let (prefix, body) = body.split_at_mut(2);
    prefix.copy_from_slice(&(topic.len() as u16).to_be_bytes());
    let (name, body) = body.split_at_mut(topic.len());
    name.copy_from_slice(topic);
    let body = match packet_id {
        None => body,
        Some(number) => {
            let (id, body) = body.split_at_mut(2);
            id.copy_from_slice(&number.get().to_be_bytes());
            body
        }
    };
    let payload_room = match properties {
        None => body,
        Some(properties) => {
            let body = put_var_int(body, properties.len());
            let (room, payload_room) = body.split_at_mut(properties.len());
            room.copy_from_slice(properties.as_bytes());
            payload_room
        }
    };
    payload_room.copy_from_slice(payload);
}

/// Replaces the packet identifier of an encoded PUBLISH of QoS 1 or 2. The identifier is the end of its
/// head; `publish` needs to have the head only.
#[inline(always)]
pub fn set_packet_id(publish: &mut [u8], id: PacketId) {
    let end = head_len(publish);
    publish[end - 2..end].copy_from_slice(&id.get().to_be_bytes());
}

/// The length of the head of a PUBLISH of QoS 1 or 2: all that comes before its properties and payload.
#[inline(always)]
pub fn head_len(publish: &[u8]) -> usize {
    place_of_topic(publish).end + 2
}

/// The topic of an encoded PUBLISH.
pub fn topic(publish: &[u8]) -> &[u8] {
    &publish[place_of_topic(publish)]
}

/// Whether an encoded PUBLISH of MQTT 5 has a message expiry interval, which is its first property.
pub fn has_expiry(publish: &[u8]) -> bool {
    let id = if publish[0] & 0b0110 == 0 { 0 } else { 2 };
    let start = place_of_topic(publish).end + id;
    let digits = publish[start..].iter().take_while(|&&byte| byte > 0x7f);
    let first = start + digits.count() + 1;
    publish[start] > 0 && publish.get(first) == Some(&property::MESSAGE_EXPIRY)
}

#[inline(always)]
pub(super) fn place_of_topic(publish: &[u8]) -> Range<usize> {
    let mut start = 2;
    while publish[start - 1] > 0x7f {
        start += 1;
    }
    let length = u16::from_be_bytes([publish[start], publish[start + 1]]);
    start + 2..start + 2 + usize::from(length)
}

/// Sets DUP, which marks a PUBLISH that is sent again [MQTT311-3.3.1-1] [MQTT5-3.3.1-1].
pub fn set_dup(publish: &mut [u8]) {
    publish[0] |= 0b1000;
}

/// `again` marks a PUBREL that is sent again: 3.1 has DUP for that, 3.1.1 does not.
#[inline(always)]
pub fn ack(out: &mut Buffer, kind: Ack, id: PacketId, again: bool, version: Version) {
    let flags = match kind {
        Ack::PubRel if again && version.rules().has_dup_pubrel => 0b1010,
        Ack::PubRel => 0b0010,
        _ => 0,
    };
    let [high, low] = id.get().to_be_bytes();
    out.append(&[(kind as u8) << 4 | flags, 2, high, low]);
}

/// `ack` with a reason or properties, in MQTT 5.
pub fn ack_with(out: &mut Buffer, ack: &Acknowledgement) -> Result<(), TooLong> {
    let &Acknowledgement {
        ack: kind,
        id,
        reason,
        properties,
    } = ack;
    if reason == 0 && properties.is_empty() {
        self::ack(out, kind, id, false, Version::V5);
        return Ok(());
    }
    let flags = if kind == Ack::PubRel { 0b0010 } else { 0 };
    begin(
        out,
        (kind as u8) << 4 | flags,
        3 + optional_section_len(properties),
    )?;
    out.append(&id.get().to_be_bytes());
    out.append(&[reason]);
    put_optional_section(out, properties);
    Ok(())
}

/// `properties`: None before MQTT 5, which asks for a QoS only.
pub fn subscribe(
    out: &mut Buffer,
    id: PacketId,
    filters: &[(&str, Wish)],
    properties: Option<Properties>,
) -> Result<(), TooLong> {
    begin(out, 0x82, subscribe_remaining(filters, properties)?)?;
    out.append(&id.get().to_be_bytes());
    put_section(out, properties);
    for (filter, wish) in filters {
        put_field(out, filter.as_bytes());
        out.append(&[match properties {
            Some(_) => wish.to_bits(),
            None => wish.qos as u8,
        }]);
    }
    Ok(())
}

/// The size of the packet that `subscribe` makes.
pub fn subscribe_len(
    filters: &[(&str, Wish)],
    properties: Option<Properties>,
) -> Result<usize, TooLong> {
    let length = subscribe_remaining(filters, properties)?;
    Ok(1 + var_int_len(length) + length)
}

fn subscribe_remaining(
    filters: &[(&str, Wish)],
    properties: Option<Properties>,
) -> Result<usize, TooLong> {
    let mut length = 2 + section_len(properties);
    for (filter, _) in filters {
        length += field(filter.as_bytes(), "topic filter")? + 1;
    }
    Ok(length)
}

pub fn suback(out: &mut Buffer, suback: &SubAck, version: Version) -> Result<(), TooLong> {
    let properties = extended(version, suback.properties);
    begin(
        out,
        0x90,
        2 + section_len(properties) + suback.granted.len(),
    )?;
    out.append(&suback.packet_id.get().to_be_bytes());
    put_section(out, properties);
    out.append(suback.granted);
    Ok(())
}

/// `properties`: None before MQTT 5.
pub fn unsubscribe(
    out: &mut Buffer,
    id: PacketId,
    filters: &[&str],
    properties: Option<Properties>,
) -> Result<(), TooLong> {
    let mut length = 2 + section_len(properties);
    for filter in filters {
        length += field(filter.as_bytes(), "topic filter")?;
    }
    begin(out, 0xa2, length)?;
    out.append(&id.get().to_be_bytes());
    put_section(out, properties);
    for filter in filters {
        put_field(out, filter.as_bytes());
    }
    Ok(())
}

pub fn unsuback(out: &mut Buffer, unsuback: &UnsubAck, version: Version) -> Result<(), TooLong> {
    let properties = extended(version, unsuback.properties);
    begin(
        out,
        0xb0,
        2 + section_len(properties) + unsuback.codes.len(),
    )?;
    out.append(&unsuback.packet_id.get().to_be_bytes());
    put_section(out, properties);
    out.append(unsuback.codes);
    Ok(())
}

pub fn pingreq(out: &mut Buffer) {
    out.append(&[0xc0, 0]);
}

pub fn pingresp(out: &mut Buffer) {
    out.append(&[0xd0, 0]);
}

pub fn disconnect(out: &mut Buffer) {
    out.append(&[0xe0, 0]);
}

/// `disconnect` with a reason or properties, in MQTT 5.
pub fn disconnect_with(
    out: &mut Buffer,
    reason: u8,
    properties: Properties,
) -> Result<(), TooLong> {
    if reason == 0 && properties.is_empty() {
        disconnect(out);
        return Ok(());
    }
    begin(out, 0xe0, 1 + optional_section_len(properties))?;
    out.append(&[reason]);
    put_optional_section(out, properties);
    Ok(())
}

pub fn auth(out: &mut Buffer, reason: u8, properties: Properties) -> Result<(), TooLong> {
    begin(out, 0xf0, 1 + section_len(Some(properties)))?;
    out.append(&[reason]);
    put_section(out, Some(properties));
    Ok(())
}

/// The properties of a packet that has them in MQTT 5.
fn extended(version: Version, properties: Properties) -> Option<Properties> {
    version.rules().is_extended.then_some(properties)
}

fn put_section(out: &mut Buffer, properties: Option<Properties>) {
    if let Some(properties) = properties {
        out.append(&var_int(properties.len()));
        out.append(properties.as_bytes());
    }
}

/// Without properties, these packets may end before the length of them.
fn optional_section_len(properties: Properties) -> usize {
    match properties.is_empty() {
        true => 0,
        false => section_len(Some(properties)),
    }
}

fn put_optional_section(out: &mut Buffer, properties: Properties) {
    put_section(out, Some(properties).filter(|some| !some.is_empty()));
}

/// The length of a field with its prefix.
fn field(bytes: &[u8], what: &'static str) -> Result<usize, TooLong> {
    if bytes.len() > MAX_STRING {
        return Err(TooLong(what));
    }
    Ok(2 + bytes.len())
}

fn put_field(out: &mut Buffer, bytes: &[u8]) {
    out.append(&(bytes.len() as u16).to_be_bytes());
    out.append(bytes);
}

/// Begins a packet. A packet that is too long writes nothing.
fn begin(out: &mut Buffer, first: u8, length: usize) -> Result<(), TooLong> {
    if length > MAX_REMAINING_LENGTH {
        return Err(TooLong("packet"));
    }
    put_fixed_header(out.extend(1 + var_int_len(length)), first, length);
    Ok(())
}

/// Writes the fixed header to the front of `packet`, and returns what follows it.
#[inline(always)]
pub(super) fn put_fixed_header(packet: &mut [u8], first: u8, length: usize) -> &mut [u8] {
    packet[0] = first;
    put_var_int(&mut packet[1..], length)
}

/// Writes a variable byte integer to the front of `room`, and returns what follows it.
#[inline(always)]
pub(super) fn put_var_int(room: &mut [u8], mut number: usize) -> &mut [u8] {
    let mut place = 0;
    while number > 0x7f {
        room[place] = number as u8 | 0x80;
        number >>= 7;
        place += 1;
    }
    room[place] = number as u8;
    &mut room[place + 1..]
}
