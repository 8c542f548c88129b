//! Decodes a whole packet to a value that borrows from it.

use super::header::{EMPTY_TOPIC, Header, Kind};
use super::properties::Taken;
use super::reader::{Reader, not_a_topic};
use super::topic::{self, Topic};
use super::{
    Ack, Acknowledgement, Auth, ConnAck, Connect, Disconnect, Filters, Malformed, Message, Packet,
    PacketId, Place, Properties, Publish, QoS, SubAck, Subscribe, UnsubAck, Unsubscribe, Version,
    Wish, reason,
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
        Kind::Delivery if version.rules().is_extended => {
            publish::<true>(body, header.flags, Place::Delivery).map(Packet::Publish)
        }
        Kind::Delivery => {
            publish::<false>(body, header.flags, Place::Delivery).map(Packet::Publish)
        }
        _ => other(body, header, version),
    }
}

/// Out of the way of PUBLISH.
#[inline(never)]
fn other<'a>(
    body: &'a mut [u8],
    header: &Header,
    version: Version,
) -> Result<Packet<'a>, Malformed> {
    match header.kind {
        Kind::Publish | Kind::Delivery => publish_of_client(body, header.flags, version),
        Kind::PubAck => ack(Ack::PubAck, body),
        Kind::PubRec => ack(Ack::PubRec, body),
        Kind::PubRel => ack(Ack::PubRel, body),
        Kind::PubComp => ack(Ack::PubComp, body),
        Kind::ConnAck => connack(body, version),
        Kind::SubAck => suback(body, version),
        Kind::UnsubAck => unsuback(body, version),
        Kind::PingResp => Ok(Packet::PingResp),
        Kind::Connect => connect(body),
        Kind::Subscribe => subscribe(body, version),
        Kind::Unsubscribe => unsubscribe(body, version),
        Kind::PingReq => Ok(Packet::PingReq),
        Kind::Disconnect => disconnect(body, Place::Disconnect),
        Kind::Dismissal => disconnect(body, Place::Dismissal),
        Kind::Auth => auth(body, reason::SUCCESS),
        Kind::Challenge => auth(body, reason::REAUTHENTICATE),
    }
}

/// Reads PUBACK, PUBREC, PUBREL or PUBCOMP at the front of `buffer`, in the form that all versions
/// share. None if it is another packet, incomplete or malformed.
#[inline(always)]
pub fn plain_ack(buffer: &[u8]) -> Option<(Ack, PacketId)> {
    let &[first, 2, ref id @ ..] = buffer.first_chunk::<4>()? else {
        return None;
    };
    let kind = match first {
        0x40 => Ack::PubAck,
        0x50 => Ack::PubRec,
        0x62 => Ack::PubRel,
        0x70 => Ack::PubComp,
        _ => return None,
    };
    Some((kind, PacketId::new(u16::from_be_bytes(*id))?))
}

/// `EXTENDED`: it has properties, those of `place`.
#[inline(always)]
pub fn publish<const EXTENDED: bool>(
    body: &mut [u8],
    flags: u8,
    place: Place,
) -> Result<Publish<'_>, Malformed> {
    const SHORT: &str = "PUBLISH whose topic is longer than the packet";
    let mut reader = Reader::new(body);
    let topic_length = reader.binary(SHORT)?.len();
    let qos = QoS::from_bits(flags >> 1 & 3).ok_or(Malformed::packet("PUBLISH with QoS 3"))?;
    let packet_id = match qos {
        QoS::AtMostOnce => None,
        _ => Some(reader.packet_id()?),
    };
    let behind_id = body.len() - reader.remaining().len();

    body[1..2 + topic_length].copy_within(1.., 0);
    body[1 + topic_length] = 0;
    let (topic, taken) = match EXTENDED {
        true => {
            let (front, behind) = body.split_at_mut(behind_id);
            let taken = Properties::take(behind, place)?;
            (Topic::new(&front[1..2 + topic_length]), taken)
        }
        false => {
            let body = &*body;
            let taken = Taken {
                properties: Properties::NONE,
                topic_alias: None,
                behind: &body[behind_id..],
            };
            (Topic::new(&body[1..2 + topic_length]), taken)
        }
    };
    if EXTENDED && topic_length == 0 {
        if taken.topic_alias.is_none() {
            return Err(Malformed::protocol(
                "PUBLISH with neither topic nor topic alias (3.3.2.1)",
            ));
        }
    } else {
        topic::check_name(topic.as_bytes()).map_err(|text| match topic_length {
            0 => Malformed::packet(EMPTY_TOPIC),
            _ => not_a_topic(topic.as_bytes(), text),
        })?;
    }
    Ok(Publish {
        dup: flags & 0b1000 != 0,
        qos,
        retain: flags & 1 != 0,
        packet_id,
        topic,
        topic_alias: taken.topic_alias,
        properties: taken.properties,
        payload: taken.behind,
    })
}

fn publish_of_client(
    body: &mut [u8],
    flags: u8,
    version: Version,
) -> Result<Packet<'_>, Malformed> {
    let publish = match version.rules().is_extended {
        true => publish::<true>(body, flags, Place::Publish),
        false => publish::<false>(body, flags, Place::Publish),
    };
    publish.map(Packet::Publish)
}

fn ack(kind: Ack, body: &[u8]) -> Result<Packet<'_>, Malformed> {
    let mut reader = Reader::new(body);
    let id = reader.packet_id()?;
    if reader.is_empty() {
        return Ok(Packet::Ack(Acknowledgement::plain(kind, id)));
    }
    let (reason, properties) = reason_and_properties(reader, Place::Ack)?;
    let is_allowed = match kind {
        Ack::PubAck | Ack::PubRec => reason::is_allowed_in_answer(reason),
        Ack::PubRel | Ack::PubComp => reason::is_allowed_in_release(reason),
    };
    match is_allowed {
        true => Ok(Packet::Ack(Acknowledgement {
            ack: kind,
            id,
            reason,
            properties,
        })),
        false => Err(Malformed::protocol(
            "an acknowledgement with a reason code that it must not have [MQTT5-3.4.2-1] [MQTT5-3.5.2-1] \
             [MQTT5-3.6.2-1] [MQTT5-3.7.2-1]",
        )),
    }
}

/// The end of a packet that may end behind its reason code.
fn reason_and_properties<'a>(
    mut reader: Reader<'a>,
    place: Place,
) -> Result<(u8, Properties<'a>), Malformed> {
    let reason = reader.u8("the packet ends before its reason code")?;
    let properties = match reader.is_empty() {
        true => Properties::NONE,
        false => Properties::read(&mut reader, place)?,
    };
    match reader.is_empty() {
        true => Ok((reason, properties)),
        false => Err(Malformed::packet(BEHIND_PROPERTIES)),
    }
}

const BEHIND_PROPERTIES: &str = "bytes behind the last field of a packet";

fn disconnect(body: &[u8], place: Place) -> Result<Packet<'_>, Malformed> {
    if body.is_empty() {
        return Ok(Packet::Disconnect(Disconnect {
            reason: reason::SUCCESS,
            properties: Properties::NONE,
        }));
    }
    let (reason, properties) = reason_and_properties(Reader::new(body), place)?;
    match reason::is_allowed(reason, place) {
        true => Ok(Packet::Disconnect(Disconnect { reason, properties })),
        false => Err(Malformed::protocol(
            "DISCONNECT with a reason code that it must not have [MQTT5-3.14.2-1]",
        )),
    }
}

/// `foreign`: the reason code that only the other side may send.
fn auth(body: &[u8], foreign: u8) -> Result<Packet<'_>, Malformed> {
    let (reason, properties) = match body {
        [] => (reason::SUCCESS, Properties::NONE),
        [_] => return Err(Malformed::packet("AUTH ends before its properties")),
        _ => reason_and_properties(Reader::new(body), Place::Auth)?,
    };
    match reason::is_allowed(reason, Place::Auth) && reason != foreign {
        true => Ok(Packet::Auth(Auth { reason, properties })),
        false => Err(Malformed::protocol(
            "AUTH with a reason code that it must not have [MQTT5-3.15.2-1]",
        )),
    }
}

fn connack(body: &[u8], version: Version) -> Result<Packet<'_>, Malformed> {
    if version.rules().is_extended {
        return extended_connack(body);
    }
    let mut reader = Reader::new(body);
    let flags = reader.u8("CONNACK ends before its flags")?;
    let return_code = reader.u8("CONNACK ends before its return code")?;
    // 3.1 has no session present flag and reserves the whole byte.
    let has_flag = version.rules().has_session_present;
    let session_present = has_flag && flags & 1 != 0;
    if has_flag && flags & !1 != 0 {
        return Err(Malformed::packet(
            "CONNACK with reserved flags set (3.2.2.1)",
        ));
    }
    if return_code > 5 {
        return Err(Malformed::packet(
            "CONNACK with a reserved return code (table 3.1)",
        ));
    }
    if session_present && return_code != 0 {
        return Err(Malformed::packet(
            "CONNACK that refuses and has a session present [MQTT311-3.2.2-4]",
        ));
    }
    Ok(Packet::ConnAck(ConnAck {
        session_present,
        return_code,
        properties: Properties::NONE,
    }))
}

fn extended_connack(body: &[u8]) -> Result<Packet<'_>, Malformed> {
    if let &[_, return_code @ 1..=5] = body {
        return Ok(Packet::ConnAck(ConnAck {
            session_present: false,
            return_code: reason::of_return_code(return_code),
            properties: Properties::NONE,
        }));
    }
    let mut reader = Reader::new(body);
    let flags = reader.u8("CONNACK ends before its flags")?;
    if flags & !1 != 0 {
        return Err(Malformed::packet(
            "CONNACK with reserved flags set [MQTT5-3.2.2-1]",
        ));
    }
    let (return_code, properties) = match reader.remaining() {
        [_] => return Err(Malformed::packet("CONNACK ends before its properties")),
        _ => reason_and_properties(reader, Place::ConnAck)?,
    };
    if !reason::is_allowed(return_code, Place::ConnAck) {
        return Err(Malformed::protocol(
            "CONNACK with a reason code that it must not have [MQTT5-3.2.2-8]",
        ));
    }
    let session_present = flags & 1 != 0;
    if session_present && return_code != 0 {
        return Err(Malformed::protocol(
            "CONNACK that refuses and has a session present [MQTT5-3.2.2-6]",
        ));
    }
    Ok(Packet::ConnAck(ConnAck {
        session_present,
        return_code,
        properties,
    }))
}

fn suback(body: &[u8], version: Version) -> Result<Packet<'_>, Malformed> {
    let mut reader = Reader::new(body);
    let packet_id = reader.packet_id()?;
    let properties = properties(&mut reader, Place::SubAck, version)?;
    let granted = reader.remaining();
    let is_allowed = |code: &u8| match version.rules().is_extended {
        true => reason::is_allowed(*code, Place::SubAck),
        false => matches!(code, 0..=2 | 0x80),
    };
    if granted.is_empty() {
        return Err(Malformed::packet("SUBACK without a code (3.9.3)"));
    }
    if !granted.iter().all(is_allowed) {
        return Err(Malformed::protocol(
            "SUBACK with a reserved code [MQTT311-3.9.3-2] [MQTT5-3.9.3-2]",
        ));
    }
    Ok(Packet::SubAck(SubAck {
        packet_id,
        properties,
        granted,
    }))
}

fn unsuback(body: &[u8], version: Version) -> Result<Packet<'_>, Malformed> {
    let mut reader = Reader::new(body);
    let packet_id = reader.packet_id()?;
    let properties = properties(&mut reader, Place::UnsubAck, version)?;
    let codes = reader.remaining();
    if codes.is_empty() && version.rules().is_extended {
        return Err(Malformed::packet("UNSUBACK without a code (3.11.3)"));
    }
    if !codes
        .iter()
        .all(|code| reason::is_allowed(*code, Place::UnsubAck))
    {
        return Err(Malformed::protocol(
            "UNSUBACK with a reserved code [MQTT5-3.11.3-2]",
        ));
    }
    Ok(Packet::UnsubAck(UnsubAck {
        packet_id,
        properties,
        codes,
    }))
}

/// The properties of a packet that has them in MQTT 5.
fn properties<'a>(
    reader: &mut Reader<'a>,
    place: Place,
    version: Version,
) -> Result<Properties<'a>, Malformed> {
    match version.rules().is_extended {
        true => Properties::read(reader, place),
        false => Ok(Properties::NONE),
    }
}

fn connect(body: &[u8]) -> Result<Packet<'_>, Malformed> {
    const SHORT: &str = "CONNECT ends too early";
    let mut reader = Reader::new(body);
    let name = reader.string(SHORT)?;
    let level = reader.u8(SHORT)?;
    let version = [Version::V31, Version::V311, Version::V5]
        .into_iter()
        .find(|version| version.protocol() == (name, level))
        .ok_or(Malformed::packet("CONNECT with an unknown protocol"))?;
    let flags = reader.u8(SHORT)?;
    if flags & 1 != 0 {
        return Err(Malformed::packet(
            "CONNECT with its reserved flag [MQTT311-3.1.2-3] [MQTT5-3.1.2-3]",
        ));
    }
    let keep_alive = reader.u16(SHORT)?;
    let properties = properties(&mut reader, Place::Connect, version)?;
    let client_id = reader.string(SHORT)?;
    let will = will(&mut reader, flags, version)?;
    let username = match flags & 0x80 != 0 {
        true => Some(reader.string(SHORT)?),
        false => None,
    };
    let password = match flags & 0x40 != 0 {
        true => Some(reader.binary(SHORT)?),
        false => None,
    };
    if password.is_some() && username.is_none() && !version.rules().is_extended {
        return Err(Malformed::packet(
            "CONNECT with a password and no user name [MQTT311-3.1.2-22]",
        ));
    }
    if !reader.is_empty() {
        return Err(Malformed::packet("CONNECT with bytes after its last field"));
    }
    Ok(Packet::Connect(Box::new(Connect {
        version,
        client_id,
        clean_session: flags & 0x02 != 0,
        keep_alive,
        will,
        username,
        password,
        properties,
    })))
}

fn will<'a>(
    reader: &mut Reader<'a>,
    flags: u8,
    version: Version,
) -> Result<Option<Message<'a>>, Malformed> {
    const SHORT: &str = "CONNECT ends inside its will";
    let qos = QoS::from_bits(flags >> 3 & 3).ok_or(Malformed::packet(
        "CONNECT with will QoS 3 [MQTT311-3.1.2-14] [MQTT5-3.1.2-12]",
    ))?;
    let retain = flags & 0x20 != 0;
    if flags & 0x04 == 0 {
        return match qos == QoS::AtMostOnce && !retain {
            true => Ok(None),
            false => Err(Malformed::packet(
                "CONNECT with will flags but no will [MQTT311-3.1.2-11] [MQTT5-3.1.2-11] [MQTT5-3.1.2-13]",
            )),
        };
    }
    let properties = match version.rules().is_extended {
        true => Some(Properties::read(reader, Place::Will)?),
        false => None,
    };
    let topic = reader.string(SHORT)?.as_bytes();
    topic::check_name(topic).map_err(Malformed::topic)?;
    let payload = reader.binary(SHORT)?;
    Ok(Some(Message {
        topic,
        payload,
        qos,
        retain,
        properties,
    }))
}

fn subscribe(body: &[u8], version: Version) -> Result<Packet<'_>, Malformed> {
    let mut reader = Reader::new(body);
    let packet_id = reader.packet_id()?;
    let properties = properties(&mut reader, Place::Subscribe, version)?;
    let filters = filters(reader.remaining(), Some(version))?;
    Ok(Packet::Subscribe(Subscribe {
        packet_id,
        properties,
        filters,
    }))
}

fn unsubscribe(body: &[u8], version: Version) -> Result<Packet<'_>, Malformed> {
    let mut reader = Reader::new(body);
    let packet_id = reader.packet_id()?;
    let properties = properties(&mut reader, Place::Unsubscribe, version)?;
    let filters = filters(reader.remaining(), None)?;
    Ok(Packet::Unsubscribe(Unsubscribe {
        packet_id,
        properties,
        filters,
    }))
}

/// `wishes`: the version of the wishes behind the filters of SUBSCRIBE.
fn filters(bytes: &[u8], wishes: Option<Version>) -> Result<Filters<'_>, Malformed> {
    if bytes.is_empty() {
        return Err(Malformed::packet(
            "no topic filter [MQTT311-3.8.3-3] [MQTT311-3.10.3-2] [MQTT5-3.8.3-2] [MQTT5-3.10.3-2]",
        ));
    }
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let filter = reader.string("the packet ends inside a topic filter")?;
        topic::check_filter(filter).map_err(Malformed::topic)?;
        if let Some(version) = wishes {
            let bits = reader.u8("SUBSCRIBE ends before a requested QoS")?;
            check_wish(bits, filter, version)?;
        }
    }
    let with_wish = wishes.is_some();
    Ok(Filters { bytes, with_wish })
}

fn check_wish(bits: u8, filter: &str, version: Version) -> Result<(), Malformed> {
    let wish = match version.rules().is_extended {
        true => Wish::from_bits(bits),
        false => QoS::from_bits(bits).map(Wish::from),
    };
    match wish {
        None => Err(Malformed::packet(
            "SUBSCRIBE with reserved bits behind a filter [MQTT311-3.8.3-4] [MQTT5-3.8.3-5]",
        )),
        Some(wish) if wish.no_local && topic::is_shared(filter) => Err(Malformed::protocol(
            "SUBSCRIBE with no local on a shared subscription [MQTT5-3.8.3-4]",
        )),
        Some(_) => Ok(()),
    }
}
