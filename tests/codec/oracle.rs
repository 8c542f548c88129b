//! What must hold for any bytes from a peer. The fuzz target checks it, too.

use pmqtt::codec::{
    Buffer, Header, Malformed, Message, Packet, Role, Version, decode, encode, header,
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
    let again = write(&decode(&mut packet, &header, version)?, version);
    assert_eq!(again, canonical(original, &header, version));
    Ok(Some(again))
}

fn write(packet: &Packet, version: Version) -> Vec<u8> {
    let mut out = Buffer::default();
    match packet.clone() {
        Packet::Connect(connect) => encode::connect(&mut out, &connect).unwrap(),
        Packet::ConnAck(connack) => encode::connack(&mut out, &connack, version).unwrap(),
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

/// The one encoding of `packet` that the encoder chooses. It sets no reserved bit, which 3.1 allows,
/// and its remaining length is no longer than needed, which neither version requires.
fn canonical(packet: &[u8], header: &Header, version: Version) -> Vec<u8> {
    let first = match packet[0] >> 4 {
        3 => packet[0],
        6 | 8 | 10 => packet[0] & 0xf0 | 0b0010,
        _ => packet[0] & 0xf0,
    };
    let mut out = vec![first];
    out.extend(remaining_length(header.end - header.start));
    out.extend_from_slice(&packet[header.start..]);
    if first == 0x20 && version == Version::V31 {
        out[2] = 0;
    }
    out
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
