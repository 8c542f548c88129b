//! Packets of MQTT 5 that may be written in several ways: each is read, and the encoder chooses one.

use std::num::NonZeroU16;

use pmqtt::codec::{Packet, Role, Version, decode, header};

use super::{hex, oracle::round_trip};

use Role::{Broker, Client};

/// What may arrive, and how the encoder writes it.
#[rustfmt::skip]
const FORMS: &[(Role, &str, &str)] = &[
    // Success may be left out if there are no properties, and the length of none may be left out.
    (Client, "40 02 00 0a", "40 02 00 0a"),
    (Client, "40 03 00 0a 00", "40 02 00 0a"),
    (Client, "40 04 00 0a 00 00", "40 02 00 0a"),
    (Client, "40 04 00 0a 10 00", "40 03 00 0a 10"),
    (Client, "50 03 00 0a 00", "50 02 00 0a"),
    (Client, "50 04 00 0a 00 00", "50 02 00 0a"),
    (Client, "50 04 00 0a 97 00", "50 03 00 0a 97"),
    (Client, "62 03 00 0a 00", "62 02 00 0a"),
    (Client, "62 04 00 0a 00 00", "62 02 00 0a"),
    (Client, "62 04 00 0a 92 00", "62 03 00 0a 92"),
    (Client, "70 03 00 0a 00", "70 02 00 0a"),
    (Client, "70 04 00 0a 00 00", "70 02 00 0a"),
    (Client, "70 04 00 0a 92 00", "70 03 00 0a 92"),
    (Client, "e0 00", "e0 00"),
    (Client, "e0 01 00", "e0 00"),
    (Client, "e0 02 00 00", "e0 00"),
    (Client, "e0 02 8b 00", "e0 01 8b"),
    (Broker, "e0 02 00 00", "e0 00"),
    (Broker, "e0 02 04 00", "e0 01 04"),
    (Client, "f0 00", "f0 02 00 00"),
    // A broker of 3.1 or 3.1.1 refuses MQTT 5 in the form of its own version.
    (Client, "20 02 00 01", "20 03 00 84 00"),
    (Client, "20 02 00 02", "20 03 00 85 00"),
    (Client, "20 02 00 03", "20 03 00 88 00"),
    (Client, "20 02 00 04", "20 03 00 86 00"),
    (Client, "20 02 00 05", "20 03 00 87 00"),
    // That of 3.1 does not define its first byte.
    (Client, "20 02 ff 01", "20 03 00 84 00"),
    // An alias instead of the topic.
    (Client, "30 06 00 00 03 23 00 05", "30 06 00 00 03 23 00 05"),
    (Broker, "3b 09 00 00 00 0a 03 23 00 05 78", "3b 09 00 00 00 0a 03 23 00 05 78"),
];

#[test]
fn each_form_is_read_and_one_is_written() {
    for &(reader, text, canonical) in FORMS {
        let read = round_trip(&hex(text), reader, Version::V5);
        assert_eq!(read, Ok(Some(hex(canonical))), "{text}");
    }
}

#[test]
fn a_topic_alias_replaces_the_topic() {
    let mut bytes = hex("32 08 00 00 00 0a 03 23 01 02");
    let header = header(&bytes, Client, Version::V5).unwrap().unwrap();
    let Ok(Packet::Publish(publish)) = decode(&mut bytes, &header, Version::V5) else {
        panic!("it is refused");
    };
    assert_eq!(publish.topic.terminated(), b"\0");
    assert_eq!(publish.topic_alias, NonZeroU16::new(0x102));
    assert_eq!(publish.payload, b"");
}
