//! Every packet of MQTT 5, byte for byte.

use pmqtt::codec::{
    Ack, Acknowledgement, Buffer, ConnAck, Connect, Message, Properties, PropertyList, QoS,
    RetainHandling, SubAck, UnsubAck, Version, Wish, encode,
};

use super::vectors::{
    BROKER, CLIENT, CONNECT, EITHER, ID, MESSAGE, Row, WILL, connect, publish, publish_again,
};

const V5: &[Version] = &[Version::V5];

const EMPTY: Connect = Connect {
    version: Version::V5,
    ..CONNECT
};

const PLAIN: Message = Message {
    properties: Some(Properties::NONE),
    ..MESSAGE
};

const PLAIN_WILL: Message = Message {
    properties: Some(Properties::NONE),
    ..WILL
};

const WISH: Wish = Wish {
    qos: QoS::AtLeastOnce,
    no_local: false,
    retain_as_published: false,
    retain_handling: RetainHandling::Always,
};

/// The properties with the identifiers that the standard gives to them.
const CORRELATION_DATA: u8 = 0x09;
const SUBSCRIPTION_ID: u8 = 0x0b;
const SESSION_EXPIRY: u8 = 0x11;
const AUTH_METHOD: u8 = 0x15;
const AUTH_DATA: u8 = 0x16;
const WILL_DELAY: u8 = 0x18;
const REASON_STRING: u8 = 0x1f;
const RECEIVE_MAXIMUM: u8 = 0x21;
const MAXIMUM_QOS: u8 = 0x24;

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    ("CONNECT", BROKER, V5, "10 0e 00 04 4d 51 54 54 05 02 00 0a 00 00 01 63",
     |out| connect(out, EMPTY)),
    ("CONNECT with an empty client id", BROKER, V5, "10 0d 00 04 4d 51 54 54 05 00 00 0a 00 00 00",
     |out| connect(out, Connect { client_id: "", clean_session: false, ..EMPTY })),
    ("CONNECT with a user name and no password", BROKER, V5,
     "10 11 00 04 4d 51 54 54 05 82 00 0a 00 00 01 63 00 01 75",
     |out| connect(out, Connect { username: Some("u"), ..EMPTY })),
    ("CONNECT with a password and no user name", BROKER, V5,
     "10 11 00 04 4d 51 54 54 05 42 00 0a 00 00 01 63 00 01 70",
     |out| connect(out, Connect { password: Some(b"p"), ..EMPTY })),
    ("CONNECT with the variable header of the example in 3.1.2.12", BROKER, V5,
     "10 22 00 04 4d 51 54 54 05 ce 00 0a 05 11 00 00 00 0a 00 01 63 00 00 01 77 00 03 62 79 65 \
      00 01 75 00 01 70",
     |out| connect(out, Connect {
         will: Some(PLAIN_WILL), username: Some("u"), password: Some(b"p"),
         properties: PropertyList::default().number(SESSION_EXPIRY, 10).get(),
         ..EMPTY
     })),
    ("CONNECT with properties of its will", BROKER, V5,
     "10 1c 00 04 4d 51 54 54 05 0e 00 0a 00 00 01 63 05 18 00 00 00 05 00 01 77 00 03 62 79 65",
     |out| connect(out, Connect {
         will: Some(Message {
             properties: Some(PropertyList::default().number(WILL_DELAY, 5).get()), ..WILL
         }),
         ..EMPTY
     })),

    ("CONNACK that accepts", CLIENT, V5, "20 03 00 00 00",
     |out| connack(out, false, 0, Properties::NONE)),
    ("CONNACK with a session", CLIENT, V5, "20 03 01 00 00",
     |out| connack(out, true, 0, Properties::NONE)),
    ("CONNACK that refuses", CLIENT, V5, "20 03 00 87 00",
     |out| connack(out, false, 0x87, Properties::NONE)),
    ("CONNACK with limits", CLIENT, V5, "20 08 00 00 05 21 00 14 24 01",
     |out| connack(out, false, 0,
                   PropertyList::default().number(RECEIVE_MAXIMUM, 20).number(MAXIMUM_QOS, 1).get())),

    ("PUBLISH, the shortest", EITHER, V5, "30 04 00 01 74 00",
     |out| publish(out, Message { topic: b"t", payload: b"", ..PLAIN })),
    ("PUBLISH of QoS 1", EITHER, V5,
     "32 09 00 03 61 2f 62 00 0a 00 78",
     |out| publish(out, Message { qos: QoS::AtLeastOnce, ..PLAIN })),
    ("PUBLISH of QoS 2, retained", EITHER, V5, "35 09 00 03 61 2f 62 00 0a 00 78",
     |out| publish(out, Message { qos: QoS::ExactlyOnce, retain: true, ..PLAIN })),
    ("PUBLISH again", EITHER, V5, "3a 09 00 03 61 2f 62 00 0a 00 78",
     |out| publish_again(out, Message { qos: QoS::AtLeastOnce, ..PLAIN })),
    ("PUBLISH with a property", EITHER, V5, "30 0c 00 03 61 2f 62 05 09 00 02 00 ff 78",
     |out| publish(out, Message {
         properties: Some(list(|list| { list.bytes(CORRELATION_DATA, b"\0\xff").unwrap(); }).get()),
         ..MESSAGE
     })),
    ("PUBLISH of two subscriptions", CLIENT, V5, "30 0c 00 03 61 2f 62 05 0b 01 0b 80 01 78",
     |out| publish(out, Message {
         properties: Some(
             PropertyList::default().number(SUBSCRIPTION_ID, 1).number(SUBSCRIPTION_ID, 128).get(),
         ),
         ..MESSAGE
     })),
    ("PUBLISH that keeps a byte order mark [MQTT5-1.5.4-3]", EITHER, V5, "30 06 00 03 ef bb bf 00",
     |out| publish(out, Message { topic: "\u{feff}".as_bytes(), payload: b"", ..PLAIN })),

    ("PUBACK", EITHER, V5, "40 02 00 0a", |out| ack(out, Ack::PubAck, 0)),
    ("PUBREC", EITHER, V5, "50 02 00 0a", |out| ack(out, Ack::PubRec, 0)),
    ("PUBREL", EITHER, V5, "62 02 00 0a", |out| ack(out, Ack::PubRel, 0)),
    ("PUBCOMP", EITHER, V5, "70 02 00 0a", |out| ack(out, Ack::PubComp, 0)),
    ("PUBACK with a reason", EITHER, V5, "40 03 00 0a 10", |out| ack(out, Ack::PubAck, 0x10)),
    ("PUBREC with a reason", EITHER, V5, "50 03 00 0a 97", |out| ack(out, Ack::PubRec, 0x97)),
    ("PUBREL with a reason", EITHER, V5, "62 03 00 0a 92", |out| ack(out, Ack::PubRel, 0x92)),
    ("PUBCOMP with a reason", EITHER, V5, "70 03 00 0a 92", |out| ack(out, Ack::PubComp, 0x92)),
    ("PUBACK with success and a reason string", EITHER, V5, "40 08 00 0a 00 04 1f 00 01 72",
     |out| ack_because(out, Ack::PubAck, 0)),
    ("PUBREC with a reason string", EITHER, V5, "50 08 00 0a 80 04 1f 00 01 72",
     |out| ack_because(out, Ack::PubRec, 0x80)),
    ("PUBREL with a reason string", EITHER, V5, "62 08 00 0a 92 04 1f 00 01 72",
     |out| ack_because(out, Ack::PubRel, 0x92)),
    ("PUBCOMP with a reason string", EITHER, V5, "70 08 00 0a 92 04 1f 00 01 72",
     |out| ack_because(out, Ack::PubComp, 0x92)),

    ("SUBSCRIBE", BROKER, V5,
     "82 0f 00 0a 00 00 03 61 2f 62 01 00 03 63 2f 64 02",
     |out| {
         let filters = [("a/b", WISH), ("c/d", Wish { qos: QoS::ExactlyOnce, ..WISH })];
         encode::subscribe(out, ID, &filters, Some(Properties::NONE)).unwrap();
     }),
    ("SUBSCRIBE with each of its options", BROKER, V5,
     "82 13 00 0a 00 00 01 61 04 00 01 62 09 00 01 63 12 00 01 64 2e",
     |out| {
         let filters = [
             ("a", Wish { qos: QoS::AtMostOnce, no_local: true, ..WISH }),
             ("b", Wish { retain_as_published: true, ..WISH }),
             ("c", Wish { qos: QoS::ExactlyOnce, retain_handling: RetainHandling::IfNew, ..WISH }),
             ("d", Wish {
                 qos: QoS::ExactlyOnce, no_local: true, retain_as_published: true,
                 retain_handling: RetainHandling::Never,
             }),
         ];
         encode::subscribe(out, ID, &filters, Some(Properties::NONE)).unwrap();
     }),
    ("SUBSCRIBE with an identifier", BROKER, V5, "82 09 00 0a 02 0b 07 00 01 61 01",
     |out| {
         let mut list = PropertyList::default();
         let properties = Some(list.number(SUBSCRIPTION_ID, 7).get());
         encode::subscribe(out, ID, &[("a", WISH)], properties).unwrap();
     }),
    ("SUBACK", CLIENT, V5, "90 06 00 0a 00 01 02 9e",
     |out| suback(out, &[1, 2, 0x9e], Properties::NONE)),
    ("SUBACK with a reason string", CLIENT, V5, "90 08 00 0a 04 1f 00 01 72 80",
     |out| suback(out, &[0x80], because().get())),
    ("UNSUBSCRIBE", BROKER, V5, "a2 0d 00 0a 00 00 03 61 2f 62 00 03 63 2f 64",
     |out| encode::unsubscribe(out, ID, &["a/b", "c/d"], Some(Properties::NONE)).unwrap()),
    ("UNSUBACK", CLIENT, V5, "b0 05 00 0a 00 00 11",
     |out| unsuback(out, &[0, 0x11], Properties::NONE)),
    ("UNSUBACK with a reason string", CLIENT, V5, "b0 08 00 0a 04 1f 00 01 72 87",
     |out| unsuback(out, &[0x87], because().get())),

    ("PINGREQ", BROKER, V5, "c0 00", encode::pingreq),
    ("PINGRESP", CLIENT, V5, "d0 00", encode::pingresp),

    ("DISCONNECT", EITHER, V5, "e0 00", encode::disconnect),
    ("DISCONNECT, which needs no reason", EITHER, V5, "e0 00",
     |out| encode::disconnect_with(out, 0, Properties::NONE).unwrap()),
    ("DISCONNECT with its will", BROKER, V5, "e0 01 04",
     |out| encode::disconnect_with(out, 4, Properties::NONE).unwrap()),
    ("DISCONNECT, since another took the session over", CLIENT, V5, "e0 01 8e",
     |out| encode::disconnect_with(out, 0x8e, Properties::NONE).unwrap()),
    ("DISCONNECT that ends its session", BROKER, V5, "e0 07 00 05 11 00 00 00 00",
     |out| {
         let mut list = PropertyList::default();
         encode::disconnect_with(out, 0, list.number(SESSION_EXPIRY, 0).get()).unwrap();
     }),
    ("DISCONNECT with a reason string", EITHER, V5, "e0 06 81 04 1f 00 01 72",
     |out| encode::disconnect_with(out, 0x81, because().get()).unwrap()),

    ("AUTH that goes on", EITHER, V5, "f0 0a 18 08 15 00 01 6d 16 00 01 64",
     |out| encode::auth(out, 0x18, method_and_data().get()).unwrap()),
    ("AUTH that begins again", BROKER, V5, "f0 0a 19 08 15 00 01 6d 16 00 01 64",
     |out| encode::auth(out, 0x19, method_and_data().get()).unwrap()),
    ("AUTH that succeeds", CLIENT, V5, "f0 0a 00 08 15 00 01 6d 16 00 01 64",
     |out| encode::auth(out, 0, method_and_data().get()).unwrap()),
    ("AUTH without properties", CLIENT, V5, "f0 02 00 00",
     |out| encode::auth(out, 0, Properties::NONE).unwrap()),
];

fn connack(out: &mut Buffer, session_present: bool, return_code: u8, properties: Properties) {
    let connack = ConnAck {
        session_present,
        return_code,
        properties,
    };
    encode::connack(out, &connack, Version::V5).unwrap();
}

fn ack(out: &mut Buffer, ack: Ack, reason: u8) {
    let properties = Properties::NONE;
    let ack = Acknowledgement {
        ack,
        id: ID,
        reason,
        properties,
    };
    encode::ack_with(out, &ack).unwrap();
}

fn ack_because(out: &mut Buffer, ack: Ack, reason: u8) {
    let list = because();
    let ack = Acknowledgement {
        ack,
        id: ID,
        reason,
        properties: list.get(),
    };
    encode::ack_with(out, &ack).unwrap();
}

fn suback(out: &mut Buffer, granted: &[u8], properties: Properties) {
    let suback = SubAck {
        packet_id: ID,
        properties,
        granted,
    };
    encode::suback(out, &suback, Version::V5).unwrap();
}

fn unsuback(out: &mut Buffer, codes: &[u8], properties: Properties) {
    let unsuback = UnsubAck {
        packet_id: ID,
        properties,
        codes,
    };
    encode::unsuback(out, &unsuback, Version::V5).unwrap();
}

fn because() -> PropertyList {
    list(|list| {
        list.bytes(REASON_STRING, b"r").unwrap();
    })
}

fn method_and_data() -> PropertyList {
    list(|list| {
        list.bytes(AUTH_METHOD, b"m").unwrap();
        list.bytes(AUTH_DATA, b"d").unwrap();
    })
}

fn list(fill: fn(&mut PropertyList)) -> PropertyList {
    let mut list = PropertyList::default();
    fill(&mut list);
    list
}
