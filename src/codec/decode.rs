//! Decodes a whole packet to a value that borrows from it.

use super::header::{Header, Kind};
use super::reader::Reader;
use super::topic::{self, Topic};
use super::{
    Ack, ConnAck, Connect, Filters, Malformed, Message, Packet, PacketId, Publish, QoS, SubAck,
    Subscribe, Unsubscribe, Version,
};

/// Decodes the packet that `header` describes and that fills `packet` to its end. The buffer changes in
/// one place: the topic of a PUBLISH moves one byte to the left, over its length prefix. The freed byte
/// becomes the topic's NUL terminator.
#[inline(always)]
pub fn decode<'a>(
    packet: &'a mut [u8],
    header: &Header,
    version: Version,
) -> Result<Packet<'a>, Malformed> {
    let body = &mut packet[header.start..header.end];
    match header.kind {
        Kind::Publish => publish(body, header.flags),
        Kind::PubAck => ack(Ack::PubAck, body),
        Kind::PubRec => ack(Ack::PubRec, body),
        Kind::PubRel => ack(Ack::PubRel, body),
        Kind::PubComp => ack(Ack::PubComp, body),
        Kind::ConnAck => connack(body, version),
        Kind::SubAck => suback(body),
        Kind::UnsubAck => Ok(Packet::UnsubAck(Reader::new(body).packet_id()?)),
        Kind::PingResp => Ok(Packet::PingResp),
        Kind::Connect => connect(body),
        Kind::Subscribe => subscribe(body),
        Kind::Unsubscribe => unsubscribe(body),
        Kind::PingReq => Ok(Packet::PingReq),
        Kind::Disconnect => Ok(Packet::Disconnect),
    }
}

/// Reads PUBACK, PUBREC, PUBREL or PUBCOMP at the front of `buffer`, in the form that all versions
/// share. None if it is another packet, incomplete or malformed.
#[inline(always)]
pub fn plain_ack(buffer: &[u8]) -> Option<(Ack, PacketId)> {
    let &[first, 2, high, low] = buffer.first_chunk()? else {
        return None;
    };
    let kind = match first {
        0x40 => Ack::PubAck,
        0x50 => Ack::PubRec,
        0x62 => Ack::PubRel,
        0x70 => Ack::PubComp,
        _ => return None,
    };
    Some((kind, PacketId::new(u16::from_be_bytes([high, low]))?))
}

#[inline(always)]
fn publish(body: &mut [u8], flags: u8) -> Result<Packet<'_>, Malformed> {
    const SHORT: &str = "PUBLISH whose topic is longer than the packet";
    let mut reader = Reader::new(body);
    let topic_length = reader.binary(SHORT)?.len();
    let qos = QoS::from_bits(flags >> 1 & 3).ok_or(Malformed("PUBLISH with QoS 3"))?;
    let packet_id = match qos {
        QoS::AtMostOnce => None,
        _ => Some(reader.packet_id()?),
    };
    let payload_start = body.len() - reader.remaining().len();

    body[1..2 + topic_length].copy_within(1.., 0);
    body[1 + topic_length] = 0;
    let body = &*body;
    let topic = Topic::new(&body[1..2 + topic_length]);
    topic::check_name(topic.as_bytes()).map_err(Malformed)?;
    Ok(Packet::Publish(Publish {
        dup: flags & 0b1000 != 0,
        qos,
        retain: flags & 1 != 0,
        packet_id,
        topic,
        payload: &body[payload_start..],
    }))
}

#[inline(always)]
fn ack(kind: Ack, body: &[u8]) -> Result<Packet<'_>, Malformed> {
    Ok(Packet::Ack(kind, Reader::new(body).packet_id()?))
}

fn connack(body: &[u8], version: Version) -> Result<Packet<'_>, Malformed> {
    let mut reader = Reader::new(body);
    let flags = reader.u8("CONNACK ends before its flags")?;
    let return_code = reader.u8("CONNACK ends before its return code")?;
    // 3.1 has no session present flag and reserves the whole byte.
    let session_present = version != Version::V31 && flags & 1 != 0;
    if version != Version::V31 && flags & !1 != 0 {
        return Err(Malformed("CONNACK with reserved flags set (3.2.2.1)"));
    }
    if return_code > 5 {
        return Err(Malformed("CONNACK with a reserved return code (table 3.1)"));
    }
    if session_present && return_code != 0 {
        return Err(Malformed(
            "CONNACK that refuses and has a session present [MQTT-3.2.2-4]",
        ));
    }
    Ok(Packet::ConnAck(ConnAck {
        session_present,
        return_code,
    }))
}

fn suback(body: &[u8]) -> Result<Packet<'_>, Malformed> {
    let mut reader = Reader::new(body);
    let packet_id = reader.packet_id()?;
    let granted = reader.remaining();
    if !granted.iter().all(|code| matches!(code, 0..=2 | 0x80)) {
        return Err(Malformed("SUBACK with a reserved code [MQTT-3.9.3-2]"));
    }
    Ok(Packet::SubAck(SubAck { packet_id, granted }))
}

fn connect(body: &[u8]) -> Result<Packet<'_>, Malformed> {
    const SHORT: &str = "CONNECT ends too early";
    let mut reader = Reader::new(body);
    let name = reader.string(SHORT)?;
    let level = reader.u8(SHORT)?;
    let version = [Version::V31, Version::V311]
        .into_iter()
        .find(|version| version.protocol() == (name, level))
        .ok_or(Malformed("CONNECT with an unknown protocol"))?;
    let flags = reader.u8(SHORT)?;
    if flags & 1 != 0 {
        return Err(Malformed("CONNECT with its reserved flag [MQTT-3.1.2-3]"));
    }
    let keep_alive = reader.u16(SHORT)?;
    let client_id = reader.string(SHORT)?;
    let will = will(&mut reader, flags)?;
    let username = match flags & 0x80 != 0 {
        true => Some(reader.string(SHORT)?),
        false => None,
    };
    let password = match flags & 0x40 != 0 {
        true => Some(reader.binary(SHORT)?),
        false => None,
    };
    if password.is_some() && username.is_none() {
        return Err(Malformed(
            "CONNECT with a password and no user name [MQTT-3.1.2-22]",
        ));
    }
    if !reader.is_empty() {
        return Err(Malformed("CONNECT with bytes after its last field"));
    }
    Ok(Packet::Connect(Box::new(Connect {
        version,
        client_id,
        clean_session: flags & 0x02 != 0,
        keep_alive,
        will,
        username,
        password,
    })))
}

fn will<'a>(reader: &mut Reader<'a>, flags: u8) -> Result<Option<Message<'a>>, Malformed> {
    const SHORT: &str = "CONNECT ends inside its will";
    let qos = QoS::from_bits(flags >> 3 & 3)
        .ok_or(Malformed("CONNECT with will QoS 3 [MQTT-3.1.2-14]"))?;
    let retain = flags & 0x20 != 0;
    if flags & 0x04 == 0 {
        return match qos == QoS::AtMostOnce && !retain {
            true => Ok(None),
            false => Err(Malformed(
                "CONNECT with will flags but no will [MQTT-3.1.2-11]",
            )),
        };
    }
    let topic = reader.string(SHORT)?.as_bytes();
    topic::check_name(topic).map_err(Malformed)?;
    let payload = reader.binary(SHORT)?;
    Ok(Some(Message {
        topic,
        payload,
        qos,
        retain,
    }))
}

fn subscribe(body: &[u8]) -> Result<Packet<'_>, Malformed> {
    let mut reader = Reader::new(body);
    let packet_id = reader.packet_id()?;
    let filters = filters(reader.remaining(), true)?;
    Ok(Packet::Subscribe(Subscribe { packet_id, filters }))
}

fn unsubscribe(body: &[u8]) -> Result<Packet<'_>, Malformed> {
    let mut reader = Reader::new(body);
    let packet_id = reader.packet_id()?;
    let filters = filters(reader.remaining(), false)?;
    Ok(Packet::Unsubscribe(Unsubscribe { packet_id, filters }))
}

fn filters(bytes: &[u8], with_qos: bool) -> Result<Filters<'_>, Malformed> {
    if bytes.is_empty() {
        return Err(Malformed("no topic filter [MQTT-3.8.3-3] [MQTT-3.10.3-2]"));
    }
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let filter = reader.string("the packet ends inside a topic filter")?;
        topic::check_filter(filter).map_err(Malformed)?;
        if with_qos {
            let qos = reader.u8("SUBSCRIBE ends before a requested QoS")?;
            QoS::from_bits(qos).ok_or(Malformed(
                "SUBSCRIBE with a requested QoS over 2 [MQTT-3.8.3-4]",
            ))?;
        }
    }
    Ok(Filters { bytes, with_qos })
}
