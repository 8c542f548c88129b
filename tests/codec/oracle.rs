//! What must hold for any bytes from a peer. The fuzz target checks it, too.

use std::num::NonZeroU16;

use pmqtt::codec::{
    Buffer, Header, Malformed, Message, Packet, Publish, Role, Value, Version, decode, encode,
    header, next_property,
};

/// Decodes the packet at the front of `bytes` and encodes it again; None if it is incomplete. Panics if
/// the two differ.
pub fn round_trip(
    bytes: &[u8],
    reader: Role,
    version: Version,
) -> Result<Option<Vec<u8>>, Malformed> {
    let Some(header) = header(bytes, reader, version)? else {
        return Ok(None);
    };
    let Some(original) = bytes.get(..header.end) else {
        return Ok(None);
    };
    let mut packet = original.to_vec();
    let packet = decode(&mut packet, &header, version)?;
    let again = write(&packet, version);
    let (first, body) = canonical(original, &header, version);
    let mut seen = body.clone();
    if let Packet::Publish(publish) = packet
        && version == Version::V5
    {
        let alias = take_for_client(first, &mut seen);
        assert_eq!(publish.topic_alias.map(NonZeroU16::get), alias);
    }
    assert_eq!(again, whole(first, seen));
    Ok(Some(whole(first, body)))
}

fn write(packet: &Packet, version: Version) -> Vec<u8> {
    let mut out = Buffer::default();
    match packet.clone() {
        Packet::Connect(connect) => encode::connect(&mut out, &connect).unwrap(),
        Packet::ConnAck(connack) => encode::connack(&mut out, &connack, version).unwrap(),
        Packet::Publish(publish) if publish.topic.as_bytes().is_empty() => {
            out.append(&without_topic(&publish))
        }
        Packet::Publish(publish) => {
            let message = Message {
                topic: publish.topic.as_bytes(),
                payload: publish.payload,
                qos: publish.qos,
                retain: publish.retain,
                properties: version.rules().is_extended.then_some(publish.properties),
            };
            encode::publish(&mut out, &message.check().unwrap(), publish.packet_id).unwrap();
            if publish.dup {
                encode::set_dup(&mut out);
            }
        }
        Packet::Ack(ack) if version.rules().is_extended => {
            encode::ack_with(&mut out, &ack).unwrap()
        }
        Packet::Ack(ack) => encode::ack(&mut out, ack.ack, ack.id, false, version),
        Packet::Subscribe(subscribe) => {
            let filters: Vec<_> = subscribe.filters.collect();
            let properties = version.rules().is_extended.then_some(subscribe.properties);
            encode::subscribe(&mut out, subscribe.packet_id, &filters, properties).unwrap();
        }
        Packet::SubAck(suback) => {
            encode::suback(&mut out, &suback, version).unwrap();
        }
        Packet::Unsubscribe(unsubscribe) => {
            let filters: Vec<_> = unsubscribe.filters.map(|(filter, _)| filter).collect();
            let properties = version
                .rules()
                .is_extended
                .then_some(unsubscribe.properties);
            encode::unsubscribe(&mut out, unsubscribe.packet_id, &filters, properties).unwrap();
        }
        Packet::UnsubAck(unsuback) => encode::unsuback(&mut out, &unsuback, version).unwrap(),
        Packet::PingReq => encode::pingreq(&mut out),
        Packet::PingResp => encode::pingresp(&mut out),
        Packet::Disconnect(disconnect) => {
            encode::disconnect_with(&mut out, disconnect.reason, disconnect.properties).unwrap();
        }
        Packet::Auth(auth) => encode::auth(&mut out, auth.reason, auth.properties).unwrap(),
    }
    out.to_vec()
}

/// A PUBLISH with a topic alias and no topic, as section 3.3 of MQTT 5 writes it. No message is like
/// that, so that the encoder has no function for it.
fn without_topic(publish: &Publish) -> Vec<u8> {
    let flags = u8::from(publish.dup) << 3 | (publish.qos as u8) << 1 | u8::from(publish.retain);
    let mut body = vec![0, 0];
    if let Some(id) = publish.packet_id {
        body.extend(id.get().to_be_bytes());
    }
    body.extend(remaining_length(publish.properties.len()));
    body.extend(publish.properties.as_bytes());
    body.extend(publish.payload);
    [&[0x30 | flags], &remaining_length(body.len())[..], &body].concat()
}

/// The one encoding of `packet` that the encoder chooses. It sets no reserved bit, which 3.1 allows,
/// and its remaining length is no longer than needed, which only MQTT 5 requires. Returns its first byte and its
/// body.
fn canonical(packet: &[u8], header: &Header, version: Version) -> (u8, Vec<u8>) {
    let first = match packet[0] >> 4 {
        3 => packet[0],
        6 | 8 | 10 => packet[0] & 0xf0 | 0b0010,
        _ => packet[0] & 0xf0,
    };
    let mut body = packet[header.start..].to_vec();
    if version == Version::V5 {
        choose_form(first >> 4, &mut body);
    }
    if first == 0x20 && version == Version::V31 {
        body[0] = 0;
    }
    (first, body)
}

fn whole(first: u8, body: Vec<u8>) -> Vec<u8> {
    [&[first], &remaining_length(body.len())[..], &body].concat()
}

/// Takes the topic alias and the subscription identifiers out of a PUBLISH's body: the program does not see them.
/// Returns the alias.
fn take_for_client(first: u8, body: &mut Vec<u8>) -> Option<u16> {
    let id = if first & 0b0110 == 0 { 0 } else { 2 };
    let start = 2 + usize::from(u16::from_be_bytes([body[0], body[1]])) + id;
    let digits = 1 + body[start..]
        .iter()
        .take_while(|&&byte| byte > 0x7f)
        .count();
    let length = body[start..start + digits]
        .iter()
        .rev()
        .fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
    let behind = start + digits + length;
    let (mut list, mut kept, mut alias) = (&body[start + digits..behind], Vec::new(), None);
    while let Some(((id, value), rest)) = next_property(list) {
        match (id, value) {
            (0x23, Value::Number(number)) => alias = Some(number as u16),
            (0x0b, _) => {}
            _ => kept.extend(&list[..list.len() - rest.len()]),
        }
        list = rest;
    }
    let section = [&remaining_length(kept.len())[..], &kept].concat();
    body.splice(start..behind, section);
    alias
}

/// MQTT 5 lets a packet without properties, and without a reason other than success, end early. Only
/// AUTH is then written in full.
fn choose_form(kind: u8, body: &mut Vec<u8>) {
    match (kind, &body[..]) {
        (2, &[_, code]) => *body = vec![0, reason_of_return_code(code), 0],
        (4..=7, &[high, low, 0] | &[high, low, 0, 0]) => *body = vec![high, low],
        (4..=7, &[high, low, reason, 0]) => *body = vec![high, low, reason],
        (14, [0] | [0, 0]) => body.clear(),
        (14, &[reason, 0]) => *body = vec![reason],
        (15, []) => *body = vec![0, 0],
        _ => {}
    }
}

/// The reason code of MQTT 5 with the meaning of a return code of 3.1.1 (table 3.1).
fn reason_of_return_code(code: u8) -> u8 {
    match code {
        1 => 0x84, // unsupported protocol version
        2 => 0x85, // client identifier not valid
        3 => 0x88, // server unavailable
        4 => 0x86, // bad user name or password
        5 => 0x87, // not authorized
        _ => panic!("return code {code}"),
    }
}

/// The algorithm of section 2.2.3, written as it is there.
pub fn remaining_length(mut x: usize) -> Vec<u8> {
    let mut digits = Vec::new();
    loop {
        let mut digit = (x % 128) as u8;
        x /= 128;
        if x > 0 {
            digit |= 128;
        }
        digits.push(digit);
        if x == 0 {
            return digits;
        }
    }
}
