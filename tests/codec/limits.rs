//! What does not fit the wire is refused before the first byte.

use pmqtt::codec::{
    Buffer, Connect, MAX_REMAINING_LENGTH, MAX_STRING, Message, PacketId, QoS, TooLong, encode,
};

use super::vectors::{CONNECT, MESSAGE};

const ID: PacketId = PacketId::new(10).unwrap();

type Write = fn(&mut Buffer, &str) -> Result<(), TooLong>;

/// Every string or binary field, and how to write one that is `text`.
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
    ("topic", |out, text| {
        encode::publish(out, &Message { topic: text.as_bytes(), ..MESSAGE }, None)
    }),
    ("topic filter", |out, text| {
        encode::subscribe(out, ID, &[("#", QoS::AtMostOnce), (text, QoS::AtMostOnce)])
    }),
    ("topic filter", |out, text| {
        encode::unsubscribe(out, ID, &["#", text])
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
fn a_packet_has_up_to_268_435_455_bytes() {
    let payload = vec![0; MAX_REMAINING_LENGTH - 2];
    let publish = |out: &mut _, payload| {
        let message = Message {
            topic: b"t",
            payload,
            ..MESSAGE
        };
        encode::publish(out, &message, None)
    };
    let mut out = Buffer::default();
    assert_eq!(publish(&mut out, &payload), Err(TooLong("packet")));
    assert_eq!(out.capacity(), 0, "no room is made for what is refused");
    assert_eq!(publish(&mut out, &payload[1..]), Ok(()));
    assert_eq!(out[..5], [0x30, 0xff, 0xff, 0xff, 0x7f]);
    assert_eq!(out.len(), 5 + MAX_REMAINING_LENGTH);
}

#[test]
fn many_short_fields_are_a_long_packet() {
    let text = "x".repeat(MAX_STRING);
    let filters = vec![text.as_str(); 4096];
    let with_qos = vec![(text.as_str(), QoS::AtMostOnce); 4096];
    let codes = vec![0; MAX_REMAINING_LENGTH - 1];
    let mut out = Buffer::default();
    for result in [
        encode::subscribe(&mut out, ID, &with_qos),
        encode::unsubscribe(&mut out, ID, &filters),
        encode::suback(&mut out, ID, &codes),
    ] {
        assert_eq!(result, Err(TooLong("packet")));
    }
    assert!(out.is_empty());
}
