//! Every packet of the specifications, byte for byte: those of MQTT 3 here, those of MQTT 5 beside.
//!
//! Encoding is compared with values that stand beside the bytes. Decoding is compared through encoding:
//! a decoded packet must encode to the same bytes, which fails if a field is in the wrong place.

use pmqtt::codec::{
    Ack, Buffer, ConnAck, Connect, Malformed, Message, PacketId, Properties, QoS, Role, SubAck,
    UnsubAck, Version, encode, header,
};

use super::{hex, mqtt5_vectors, oracle::round_trip};

pub struct Vector {
    pub bytes: Vec<u8>,
    pub reader: Role,
    pub version: Version,
    what: &'static str,
    write: fn(&mut Buffer),
}

pub type Row = (
    &'static str,
    &'static [Role],
    &'static [Version],
    &'static str,
    fn(&mut Buffer),
);

pub const CLIENT: &[Role] = &[Role::Client];
pub const BROKER: &[Role] = &[Role::Broker];
pub const EITHER: &[Role] = &[Role::Client, Role::Broker];

const V31: &[Version] = &[Version::V31];
const V311: &[Version] = &[Version::V311];
const ANY: &[Version] = &[Version::V31, Version::V311];

pub const ID: PacketId = PacketId::new(10).unwrap();

pub const CONNECT: Connect = Connect {
    version: Version::V311,
    client_id: "c",
    clean_session: true,
    keep_alive: 10,
    will: None,
    username: None,
    password: None,
    properties: Properties::NONE,
};

pub const WILL: Message = Message {
    topic: b"w",
    payload: b"bye",
    qos: QoS::AtLeastOnce,
    retain: false,
    properties: None,
};

pub const MESSAGE: Message = Message {
    topic: b"a/b",
    payload: b"x",
    qos: QoS::AtMostOnce,
    retain: false,
    properties: None,
};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("CONNECT with an empty client id", BROKER, V311,
     "10 0c 00 04 4d 51 54 54 04 00 00 00 00 00",
     |out| connect(out, Connect { client_id: "", clean_session: false, keep_alive: 0, ..CONNECT })),
    ("CONNECT", BROKER, V311,
     "10 0d 00 04 4d 51 54 54 04 02 00 0a 00 01 63",
     |out| connect(out, CONNECT)),
    ("CONNECT of 3.1", BROKER, V31,
     "10 0f 00 06 4d 51 49 73 64 70 03 02 00 0a 00 01 63",
     |out| connect(out, Connect { version: Version::V31, ..CONNECT })),
    ("CONNECT with the variable header of figure 3.6", BROKER, V311,
     "10 1b 00 04 4d 51 54 54 04 ce 00 0a 00 01 63 00 01 77 00 03 62 79 65 00 01 75 00 01 70",
     |out| connect(out, Connect {
         will: Some(WILL), username: Some("u"), password: Some(b"p"), ..CONNECT
     })),
    ("CONNECT of 3.1 with everything", BROKER, V31,
     "10 1d 00 06 4d 51 49 73 64 70 03 ce 00 0a 00 01 63 00 01 77 00 03 62 79 65 00 01 75 00 01 70",
     |out| connect(out, Connect {
         version: Version::V31, will: Some(WILL), username: Some("u"), password: Some(b"p"),
         ..CONNECT
     })),
    ("CONNECT with a retained will of QoS 2 and no payload", BROKER, V311,
     "10 12 00 04 4d 51 54 54 04 36 ff ff 00 01 63 00 01 77 00 00",
     |out| connect(out, Connect {
         keep_alive: 65_535,
         will: Some(Message { payload: b"", qos: QoS::ExactlyOnce, retain: true, ..WILL }),
         ..CONNECT
     })),
    ("CONNECT with an empty user name and no password", BROKER, V311,
     "10 0f 00 04 4d 51 54 54 04 82 00 0a 00 01 63 00 00",
     |out| connect(out, Connect { username: Some(""), ..CONNECT })),
    ("CONNECT with a password that is not text", BROKER, V311,
     "10 14 00 04 4d 51 54 54 04 c2 00 0a 00 01 63 00 01 75 00 02 00 ff",
     |out| connect(out, Connect { username: Some("u"), password: Some(b"\0\xff"), ..CONNECT })),

    ("CONNACK that accepts", CLIENT, ANY, "20 02 00 00", |out| connack(out, false, 0)),
    ("CONNACK with a session", CLIENT, V311, "20 02 01 00", |out| connack(out, true, 0)),
    ("CONNACK: protocol version", CLIENT, ANY, "20 02 00 01", |out| connack(out, false, 1)),
    ("CONNACK: identifier", CLIENT, ANY, "20 02 00 02", |out| connack(out, false, 2)),
    ("CONNACK: unavailable", CLIENT, ANY, "20 02 00 03", |out| connack(out, false, 3)),
    ("CONNACK: user or password", CLIENT, ANY, "20 02 00 04", |out| connack(out, false, 4)),
    ("CONNACK: not authorised", CLIENT, ANY, "20 02 00 05", |out| connack(out, false, 5)),

    ("PUBLISH, the shortest", EITHER, ANY, "30 03 00 01 74",
     |out| publish(out, Message { topic: b"t", payload: b"", ..MESSAGE })),
    ("PUBLISH", EITHER, ANY, "30 06 00 03 61 2f 62 78", |out| publish(out, MESSAGE)),
    ("PUBLISH, retained", EITHER, ANY, "31 06 00 03 61 2f 62 78",
     |out| publish(out, Message { retain: true, ..MESSAGE })),
    ("PUBLISH with the variable header of figure 3.11", EITHER, ANY,
     "32 08 00 03 61 2f 62 00 0a 78",
     |out| publish(out, Message { qos: QoS::AtLeastOnce, ..MESSAGE })),
    ("PUBLISH of QoS 2", EITHER, ANY, "34 08 00 03 61 2f 62 00 0a 78",
     |out| publish(out, Message { qos: QoS::ExactlyOnce, ..MESSAGE })),
    ("PUBLISH of QoS 1 again, retained", EITHER, ANY, "3b 08 00 03 61 2f 62 00 0a 78",
     |out| publish_again(out, Message { qos: QoS::AtLeastOnce, retain: true, ..MESSAGE })),
    ("PUBLISH of QoS 2 again", EITHER, ANY, "3c 08 00 03 61 2f 62 00 0a 78",
     |out| publish_again(out, Message { qos: QoS::ExactlyOnce, ..MESSAGE })),
    ("PUBLISH of QoS 0 again, which only 3.1 allows", EITHER, V31, "38 06 00 03 61 2f 62 78",
     |out| publish_again(out, MESSAGE)),
    ("PUBLISH of QoS 1, the shortest", EITHER, ANY, "32 05 00 01 74 00 0a",
     |out| publish(out, Message { topic: b"t", payload: b"", qos: QoS::AtLeastOnce, ..MESSAGE })),
    ("PUBLISH with the string of figure 1.2", EITHER, ANY, "30 07 00 05 41 f0 aa 9b 94",
     |out| publish(out, Message { topic: "A\u{2a6d4}".as_bytes(), payload: b"", ..MESSAGE })),
    ("PUBLISH that keeps a byte order mark [MQTT311-1.5.3-3]", EITHER, ANY, "30 05 00 03 ef bb bf",
     |out| publish(out, Message { topic: "\u{feff}".as_bytes(), payload: b"", ..MESSAGE })),
    ("PUBLISH with zeros as its payload", EITHER, ANY, "30 08 00 03 61 2f 62 00 00 00",
     |out| publish(out, Message { payload: b"\0\0\0", ..MESSAGE })),

    ("PUBACK", EITHER, ANY, "40 02 00 0a", |out| ack(out, Ack::PubAck)),
    ("PUBREC", EITHER, ANY, "50 02 00 0a", |out| ack(out, Ack::PubRec)),
    ("PUBREL", EITHER, ANY, "62 02 00 0a", |out| ack(out, Ack::PubRel)),
    ("PUBCOMP", EITHER, ANY, "70 02 00 0a", |out| ack(out, Ack::PubComp)),
    ("PUBACK of the last identifier", EITHER, ANY, "40 02 ff ff",
     |out| encode::ack(out, Ack::PubAck, PacketId::MAX, false, Version::V311)),

    ("SUBSCRIBE of figures 3.21 and 3.23", BROKER, ANY,
     "82 0e 00 0a 00 03 61 2f 62 01 00 03 63 2f 64 02",
     |out| {
         let filters = [("a/b", QoS::AtLeastOnce.into()), ("c/d", QoS::ExactlyOnce.into())];
         encode::subscribe(out, ID, &filters, None).unwrap();
     }),
    ("SUBSCRIBE, the shortest", BROKER, ANY, "82 06 00 0a 00 01 23 00",
     |out| encode::subscribe(out, ID, &[("#", QoS::AtMostOnce.into())], None).unwrap()),
    ("SUBACK of figure 3.27", CLIENT, ANY, "90 05 00 0a 00 02 80",
     |out| suback(out, &[0, 2, 0x80])),
    ("SUBACK, the shortest", CLIENT, ANY, "90 03 00 0a 01",
     |out| suback(out, &[1])),
    ("UNSUBSCRIBE of figure 3.30", BROKER, ANY,
     "a2 0c 00 0a 00 03 61 2f 62 00 03 63 2f 64",
     |out| encode::unsubscribe(out, ID, &["a/b", "c/d"], None).unwrap()),
    ("UNSUBSCRIBE, the shortest", BROKER, ANY, "a2 05 00 0a 00 01 2b",
     |out| encode::unsubscribe(out, ID, &["+"], None).unwrap()),
    ("UNSUBACK", CLIENT, ANY, "b0 02 00 0a", unsuback),

    ("PINGREQ", BROKER, ANY, "c0 00", encode::pingreq),
    ("PINGRESP", CLIENT, ANY, "d0 00", encode::pingresp),
    ("DISCONNECT", BROKER, ANY, "e0 00", encode::disconnect),
];

pub fn connect(out: &mut Buffer, connect: Connect) {
    encode::connect(out, &connect).unwrap();
}

fn connack(out: &mut Buffer, session_present: bool, return_code: u8) {
    let connack = ConnAck {
        session_present,
        return_code,
        properties: Properties::NONE,
    };
    encode::connack(out, &connack, Version::V311).unwrap();
}

pub fn publish(out: &mut Buffer, message: Message) {
    let id = (message.qos != QoS::AtMostOnce).then_some(ID);
    encode::publish(out, &message.check().unwrap(), id).unwrap();
}

pub fn publish_again(out: &mut Buffer, message: Message) {
    let start = out.len();
    publish(out, message);
    encode::set_dup(&mut out[start..]);
}

fn ack(out: &mut Buffer, kind: Ack) {
    encode::ack(out, kind, ID, false, Version::V311);
}

fn suback(out: &mut Buffer, granted: &[u8]) {
    let suback = SubAck {
        packet_id: ID,
        properties: Properties::NONE,
        granted,
    };
    encode::suback(out, &suback, Version::V311).unwrap();
}

fn unsuback(out: &mut Buffer) {
    let unsuback = UnsubAck {
        packet_id: ID,
        properties: Properties::NONE,
        codes: &[],
    };
    encode::unsuback(out, &unsuback, Version::V311).unwrap();
}

/// Each row once for each role that may read it, in each version that has it.
pub fn vectors() -> impl Iterator<Item = Vector> {
    ROWS.iter()
        .chain(mqtt5_vectors::ROWS)
        .flat_map(|&(what, readers, versions, text, write)| {
            readers.iter().flat_map(move |&reader| {
                versions.iter().map(move |&version| Vector {
                    bytes: hex(text),
                    reader,
                    version,
                    what,
                    write,
                })
            })
        })
}

impl Vector {
    /// The result when its reader gets other bytes.
    fn read(&self, bytes: &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
        round_trip(bytes, self.reader, self.version)
    }
}

#[test]
fn is_written_behind_what_is_already_there() {
    for vector in vectors() {
        let mut out = Buffer::default();
        out.append(b"before");
        (vector.write)(&mut out);
        let expected = [b"before", &vector.bytes[..]].concat();
        assert_eq!(out[..], expected, "{}", vector.what);
    }
}

#[test]
fn is_read_up_to_where_its_length_says() {
    for vector in vectors() {
        for next in [&b""[..], b"\xff\xff"] {
            let read = vector.read(&[&vector.bytes, next].concat());
            let expected = Ok(Some(vector.bytes.clone()));
            assert_eq!(read, expected, "{}", vector.what);
        }
    }
}

#[test]
fn is_awaited_from_every_byte_on() {
    for vector in vectors() {
        let length = vector.bytes.len();
        for arrived in 0..length {
            let header = header(&vector.bytes[..arrived], vector.reader, vector.version);
            let end = header.map(|header| header.map(|header| header.end));
            let expected = (arrived >= 2).then_some(length);
            assert_eq!(end, Ok(expected), "{}, {arrived} bytes", vector.what);
        }
    }
}

/// A body may end early and still be a whole packet, as a payload can. It is then read as that, and the
/// round trip compares it with the bytes that are left.
#[test]
fn may_announce_fewer_bytes_without_harm() {
    for vector in vectors() {
        for length in 0..vector.bytes.len() - 2 {
            let mut shorter = vector.bytes[..2 + length].to_vec();
            shorter[1] = length as u8;
            assert_ne!(vector.read(&shorter), Ok(None), "{shorter:02x?}");
        }
    }
}
