//! Packets to bytes, appended to a buffer that the caller keeps, so that nothing is allocated
//! once it has grown. What cannot be encoded is refused before the first byte is written.

use super::{
    Ack, ConnAck, Connect, MAX_REMAINING_LENGTH, MAX_STRING, Message, PacketId, QoS, TooLong,
    Version,
};

pub fn connect(out: &mut Vec<u8>, connect: &Connect) -> Result<(), TooLong> {
    let (name, level) = connect.version.protocol();
    let mut flags = (connect.clean_session as u8) << 1;
    let mut length = 2 + name.len() + 4 + field(connect.client_id.as_bytes(), "client id")?;
    if let Some(will) = &connect.will {
        flags |= 0x04 | (will.qos as u8) << 3 | (will.retain as u8) << 5;
        length += field(will.topic.as_bytes(), "will topic")?;
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
    fixed_header(out, 0x10, length)?;
    put_field(out, name.as_bytes());
    out.extend_from_slice(&[level, flags]);
    out.extend_from_slice(&connect.keep_alive.to_be_bytes());
    put_field(out, connect.client_id.as_bytes());
    if let Some(will) = &connect.will {
        put_field(out, will.topic.as_bytes());
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

pub fn connack(out: &mut Vec<u8>, connack: &ConnAck) {
    out.extend_from_slice(&[0x20, 2, connack.session_present as u8, connack.return_code]);
}

/// `packet_id` is None at QoS 0 alone.
pub fn publish(
    out: &mut Vec<u8>,
    message: &Message,
    packet_id: Option<PacketId>,
) -> Result<(), TooLong> {
    let first = 0x30 | (message.qos as u8) << 1 | message.retain as u8;
    fixed_header(out, first, publish_length(message)?)?;
    put_field(out, message.topic.as_bytes());
    if let Some(id) = packet_id {
        out.extend_from_slice(&id.get().to_be_bytes());
    }
    out.extend_from_slice(message.payload);
    Ok(())
}

/// The remaining length of a message's PUBLISH, if one can hold it.
pub fn publish_length(message: &Message) -> Result<usize, TooLong> {
    let topic = field(message.topic.as_bytes(), "topic")?;
    let id = if message.qos == QoS::AtMostOnce { 0 } else { 2 };
    match topic + id + message.payload.len() {
        length if length > MAX_REMAINING_LENGTH => Err(TooLong("packet")),
        length => Ok(length),
    }
}

/// Gives an encoded PUBLISH of QoS 1 or 2 another packet identifier.
pub fn set_packet_id(publish: &mut [u8], id: PacketId) {
    let body = 2 + publish[1..4].iter().take_while(|&&b| b & 0x80 != 0).count();
    let topic = u16::from_be_bytes([publish[body], publish[body + 1]]) as usize;
    let at = body + 2 + topic;
    publish[at..at + 2].copy_from_slice(&id.get().to_be_bytes());
}

/// Marks an encoded PUBLISH as sent before [MQTT-3.3.1-1].
pub fn set_dup(publish: &mut [u8]) {
    publish[0] |= 0b1000;
}

/// `again` marks a PUBREL that was sent before, which 3.1 knows and 3.1.1 does not.
pub fn ack(out: &mut Vec<u8>, kind: Ack, id: PacketId, again: bool, version: Version) {
    let flags = match kind {
        Ack::PubRel if again && version == Version::V31 => 0b1010,
        Ack::PubRel => 0b0010,
        _ => 0,
    };
    let [high, low] = id.get().to_be_bytes();
    out.extend_from_slice(&[(kind as u8) << 4 | flags, 2, high, low]);
}

pub fn subscribe(out: &mut Vec<u8>, id: PacketId, filters: &[(&str, QoS)]) -> Result<(), TooLong> {
    let mut length = 2;
    for (filter, _) in filters {
        length += field(filter.as_bytes(), "topic filter")? + 1;
    }
    fixed_header(out, 0x82, length)?;
    out.extend_from_slice(&id.get().to_be_bytes());
    for (filter, qos) in filters {
        put_field(out, filter.as_bytes());
        out.push(*qos as u8);
    }
    Ok(())
}

pub fn suback(out: &mut Vec<u8>, id: PacketId, granted: &[u8]) -> Result<(), TooLong> {
    fixed_header(out, 0x90, 2 + granted.len())?;
    out.extend_from_slice(&id.get().to_be_bytes());
    out.extend_from_slice(granted);
    Ok(())
}

pub fn unsubscribe(out: &mut Vec<u8>, id: PacketId, filters: &[&str]) -> Result<(), TooLong> {
    let mut length = 2;
    for filter in filters {
        length += field(filter.as_bytes(), "topic filter")?;
    }
    fixed_header(out, 0xa2, length)?;
    out.extend_from_slice(&id.get().to_be_bytes());
    for filter in filters {
        put_field(out, filter.as_bytes());
    }
    Ok(())
}

pub fn unsuback(out: &mut Vec<u8>, id: PacketId) {
    let [high, low] = id.get().to_be_bytes();
    out.extend_from_slice(&[0xb0, 2, high, low]);
}

pub fn pingreq(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xc0, 0]);
}

pub fn pingresp(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xd0, 0]);
}

pub fn disconnect(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xe0, 0]);
}

/// The length that a field takes with its prefix.
fn field(bytes: &[u8], what: &'static str) -> Result<usize, TooLong> {
    if bytes.len() > MAX_STRING {
        return Err(TooLong(what));
    }
    Ok(2 + bytes.len())
}

fn put_field(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u16).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn fixed_header(out: &mut Vec<u8>, first: u8, mut length: usize) -> Result<(), TooLong> {
    if length > MAX_REMAINING_LENGTH {
        return Err(TooLong("packet"));
    }
    out.reserve(5 + length);
    out.push(first);
    while length > 0x7f {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    Ok(())
}
