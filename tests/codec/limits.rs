//! A packet that is too long is refused before its first byte is written.

use pmqtt::codec::{
    Buffer, Connect, MAX_REMAINING_LENGTH, MAX_STRING, Message, PacketId, Properties, PropertyList,
    QoS, RetainHandling, SubAck, TooLong, Unfit, Version, Wish, encode, property,
};

use super::vectors::{CONNECT, MESSAGE};

const ID: PacketId = PacketId::new(10).unwrap();

const QOS_0: Wish = Wish {
    qos: QoS::AtMostOnce,
    no_local: false,
    retain_as_published: false,
    retain_handling: RetainHandling::Always,
};

type Write = fn(&mut Buffer, &str) -> Result<(), TooLong>;

/// Every string or binary field, and how to write it with the value `text`.
#[rustfmt::skip]
const FIELDS: &[(&str, Write)] = &[
    ("client id", |out, text| {
        encode::connect(out, &Connect { client_id: text, ..CONNECT })
    }),
    ("will topic", |out, text| {
        let will = Message { topic: text.as_bytes(), ..MESSAGE };
        encode::connect(out, &Connect { will: Some(will), ..CONNECT })
    }),
    ("will payload", |out, text| {
        let will = Message { payload: text.as_bytes(), ..MESSAGE };
        encode::connect(out, &Connect { will: Some(will), ..CONNECT })
    }),
    ("user name", |out, text| {
        encode::connect(out, &Connect { username: Some(text), ..CONNECT })
    }),
    ("password", |out, text| {
        let password = Some(text.as_bytes());
        encode::connect(out, &Connect { username: Some(""), password, ..CONNECT })
    }),
    ("topic filter", |out, text| {
        encode::subscribe(out, ID, &[("#", QOS_0), (text, QOS_0)], None)
    }),
    ("topic filter", |out, text| {
        encode::unsubscribe(out, ID, &["#", text], None)
    }),
];

#[test]
fn a_field_has_up_to_65_535_bytes() {
    let text = "x".repeat(MAX_STRING + 1);
    for &(what, write) in FIELDS {
        let mut out = Buffer::default();
        assert_eq!(write(&mut out, &text), Err(TooLong(what)));
        assert!(out.is_empty(), "{what}");
        assert_eq!(write(&mut out, &text[1..]), Ok(()), "{what}");
    }
}

#[test]
fn a_topic_has_up_to_65_535_bytes() {
    let text = "x".repeat(MAX_STRING + 1);
    let check = |topic: &str| {
        let topic = topic.as_bytes();
        Message { topic, ..MESSAGE }.check().map(|_| ())
    };
    let why = "a topic must not be longer than 65,535 bytes [MQTT311-4.7.3-3] [MQTT5-4.7.3-3]";
    assert_eq!(check(&text), Err(Unfit::Topic(why)));
    assert_eq!(check(&text[1..]), Ok(()));
}

#[test]
fn a_property_has_up_to_65_535_bytes() {
    let text = vec![b'x'; MAX_STRING + 1];
    let mut list = PropertyList::default();
    let refused = list.bytes(property::REASON_STRING, &text).map(drop);
    assert_eq!(refused, Err(TooLong("property")));
    assert!(list.get().is_empty());
    assert!(list.bytes(property::REASON_STRING, &text[1..]).is_ok());
    let expected = Some(&text[1..]);
    assert_eq!(list.get().bytes(property::REASON_STRING), expected);
}

/// Their length is a part of the packet, too.
#[test]
fn a_packet_with_properties_has_up_to_268_435_455_bytes() {
    let mut list = PropertyList::default();
    list.number(property::MESSAGE_EXPIRY, 60);
    let payload = vec![0; MAX_REMAINING_LENGTH];
    for (properties, section) in [(Properties::NONE, 1), (list.get(), 6)] {
        let check = |length| {
            let message = Message {
                topic: b"t",
                payload: &payload[..length],
                properties: Some(properties),
                ..MESSAGE
            };
            message.check().map(|message| encode::publish_len(&message))
        };
        let most = MAX_REMAINING_LENGTH - 3 - section;
        assert_eq!(check(most), Ok(5 + MAX_REMAINING_LENGTH));
        assert_eq!(check(most + 1), Err(Unfit::Packet));
    }
}

#[test]
fn a_packet_has_up_to_268_435_455_bytes() {
    let payload = vec![0; MAX_REMAINING_LENGTH + 1];
    let check = |length, qos| {
        let message = Message {
            topic: b"t",
            payload: &payload[..length],
            qos,
            ..MESSAGE
        };
        message.check()
    };
    for (qos, most) in [
        (QoS::AtMostOnce, MAX_REMAINING_LENGTH - 3),
        (QoS::AtLeastOnce, MAX_REMAINING_LENGTH - 5),
        (QoS::ExactlyOnce, MAX_REMAINING_LENGTH - 5),
    ] {
        assert!(check(most, qos).is_ok());
        assert_eq!(check(most + 1, qos), Err(Unfit::Packet));
        assert_eq!(check(MAX_REMAINING_LENGTH, qos), Err(Unfit::Packet));
        assert_eq!(check(MAX_REMAINING_LENGTH + 1, qos), Err(Unfit::Payload));
    }
    let largest = check(MAX_REMAINING_LENGTH - 3, QoS::AtMostOnce).unwrap();
    let mut out = Buffer::default();
    encode::publish(&mut out, &largest, None).unwrap();
    assert_eq!(out[..5], [0x30, 0xff, 0xff, 0xff, 0x7f]);
    assert_eq!(out.len(), 5 + MAX_REMAINING_LENGTH);
}

#[test]
fn many_short_fields_are_a_long_packet() {
    let text = "x".repeat(MAX_STRING);
    let filters = vec![text.as_str(); 4096];
    let with_qos = vec![(text.as_str(), QOS_0); 4096];
    let suback = SubAck {
        packet_id: ID,
        properties: Properties::NONE,
        granted: &vec![0; MAX_REMAINING_LENGTH - 1],
    };
    let mut out = Buffer::default();
    for result in [
        encode::subscribe(&mut out, ID, &with_qos, None),
        encode::unsubscribe(&mut out, ID, &filters, None),
        encode::suback(&mut out, &suback, Version::V311),
    ] {
        assert_eq!(result, Err(TooLong("packet")));
    }
    assert!(out.is_empty());
}
