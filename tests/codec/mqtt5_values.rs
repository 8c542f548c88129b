//! The values that a property of MQTT 5 may have.

use pmqtt::codec::{Malformed, Properties, Role, Version};

use super::hex;
use super::mqtt5_table::{PACKETS, PROPERTIES, Packet};
use super::oracle::round_trip;

const MALFORMED: u8 = 0x81;
const PROTOCOL_ERROR: u8 = 0x82;
const TOPIC_INVALID: u8 = 0x90;
const ALIAS_INVALID: u8 = 0x94;

/// Property, its value, and the reason to refuse it; 0: it is allowed.
#[rustfmt::skip]
const NUMBERS: &[(u8, &str, u8)] = &[
    (0x01, "00", 0), (0x01, "01", 0), (0x01, "02", PROTOCOL_ERROR), (0x01, "ff", PROTOCOL_ERROR),
    (0x17, "00", 0), (0x17, "01", 0), (0x17, "02", PROTOCOL_ERROR), (0x17, "ff", PROTOCOL_ERROR),
    (0x19, "00", 0), (0x19, "01", 0), (0x19, "02", PROTOCOL_ERROR), (0x19, "ff", PROTOCOL_ERROR),
    (0x24, "00", 0), (0x24, "01", 0), (0x24, "02", PROTOCOL_ERROR), (0x24, "ff", PROTOCOL_ERROR),
    (0x25, "00", 0), (0x25, "01", 0), (0x25, "02", PROTOCOL_ERROR), (0x25, "ff", PROTOCOL_ERROR),
    (0x28, "00", 0), (0x28, "01", 0), (0x28, "02", PROTOCOL_ERROR), (0x28, "ff", PROTOCOL_ERROR),
    (0x29, "00", 0), (0x29, "01", 0), (0x29, "02", PROTOCOL_ERROR), (0x29, "ff", PROTOCOL_ERROR),
    (0x2a, "00", 0), (0x2a, "01", 0), (0x2a, "02", PROTOCOL_ERROR), (0x2a, "ff", PROTOCOL_ERROR),
    (0x21, "00 00", PROTOCOL_ERROR), (0x21, "00 01", 0), (0x21, "ff ff", 0),
    (0x23, "00 00", ALIAS_INVALID), (0x23, "00 01", 0), (0x23, "ff ff", 0),
    (0x13, "00 00", 0), (0x13, "ff ff", 0),
    (0x22, "00 00", 0), (0x22, "ff ff", 0),
    (0x27, "00 00 00 00", PROTOCOL_ERROR), (0x27, "00 00 00 01", 0), (0x27, "ff ff ff ff", 0),
    (0x02, "00 00 00 00", 0), (0x02, "ff ff ff ff", 0),
    (0x11, "00 00 00 00", 0), (0x11, "ff ff ff ff", 0),
    (0x18, "00 00 00 00", 0), (0x18, "ff ff ff ff", 0),
    // A variable byte integer: not 0, in as few bytes as it needs, and in four at most.
    (0x0b, "00", PROTOCOL_ERROR), (0x0b, "01", 0), (0x0b, "7f", 0), (0x0b, "80 01", 0),
    (0x0b, "ff 7f", 0), (0x0b, "80 80 01", 0), (0x0b, "ff ff 7f", 0), (0x0b, "80 80 80 01", 0),
    (0x0b, "ff ff ff 7f", 0),
    (0x0b, "80 00", MALFORMED), (0x0b, "81 00", MALFORMED), (0x0b, "81 80 00", MALFORMED),
    (0x0b, "81 80 80 00", MALFORMED), (0x0b, "80 80 80 80 01", MALFORMED),
    (0x0b, "ff ff ff ff 7f", MALFORMED),
];

/// What a property of type UTF-8 may hold, and what not.
#[rustfmt::skip]
const TEXTS: &[(&str, u8)] = &[
    ("74", 0),
    ("c3 a9", 0),
    ("ed 9f bf", 0),                    // U+D7FF, below the surrogates
    ("ee 80 80", 0),                    // U+E000, above them
    ("ef bb bf", 0),                    // the byte order mark
    ("ef bf bf", 0),                    // U+FFFF
    ("f4 8f bf bf", 0),                 // U+10FFFF
    ("00", MALFORMED),
    ("61 00 62", MALFORMED),
    ("c0 80", MALFORMED),               // U+0000 in Java's spelling
    ("80", MALFORMED),                  // a continuation alone
    ("c3", MALFORMED),                  // a start alone
    ("ed a0 80", MALFORMED),            // U+D800
    ("ed bf bf", MALFORMED),            // U+DFFF
    ("ed a0 bd ed b8 80", MALFORMED),   // a pair of surrogates
    ("f4 90 80 80", MALFORMED),         // above U+10FFFF
    ("f8 88 80 80 80", MALFORMED),      // five bytes
    ("ff", MALFORMED),
];

/// What is a text, but no topic name.
const NO_TOPICS: &[&str] = &["", "23", "2b", "61 2f 23", "2b 2f 61"];

fn packets(id: u8) -> impl Iterator<Item = &'static Packet> {
    let property = PROPERTIES
        .iter()
        .find(|property| property.id == id)
        .unwrap();
    PACKETS.iter().filter(|packet| property.belongs_in(packet))
}

/// Whether each packet that may have the property takes it, or refuses it for this reason.
fn assert_verdict(id: u8, value: &[u8], reason: u8) {
    let list = [&[id], value].concat();
    let mut count = 0;
    for packet in packets(id) {
        let read = round_trip(&packet.with(&list), packet.reader, Version::V5).map(drop);
        let checked = Properties::check(&list, packet.place).map(drop);
        for result in [read, checked] {
            let expected = match reason {
                0 => None,
                reason => Some((reason, id)),
            };
            let verdict = result.err().map(|error| (error.reason, error.property));
            assert_eq!(verdict, expected, "{list:02x?} in {}", packet.name);
        }
        count += 1;
    }
    assert!(count > 0);
}

fn prefixed(text: &[u8]) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes(), text].concat()
}

#[test]
fn a_number_is_in_its_range() {
    for &(id, value, reason) in NUMBERS {
        assert_verdict(id, &hex(value), reason);
    }
}

/// Content type, response topic, assigned client identifier, authentication method, response
/// information, server reference and reason string.
const OF_TEXT: [u8; 7] = [0x03, 0x08, 0x12, 0x15, 0x1a, 0x1c, 0x1f];

#[test]
fn a_text_is_well_formed() {
    for id in OF_TEXT {
        for &(text, reason) in TEXTS {
            assert_verdict(id, &prefixed(&hex(text)), reason);
        }
    }
}

#[test]
fn a_text_may_be_empty_if_it_is_no_topic() {
    for id in OF_TEXT.into_iter().filter(|id| *id != 0x08) {
        assert_verdict(id, &prefixed(b""), 0);
    }
}

#[test]
fn name_and_value_of_a_user_property_are_well_formed() {
    for &(text, reason) in TEXTS {
        let text = prefixed(&hex(text));
        assert_verdict(0x26, &[&text[..], &prefixed(b"value")].concat(), reason);
        assert_verdict(0x26, &[&prefixed(b"name"), &text[..]].concat(), reason);
    }
    assert_verdict(0x26, &prefixed(b"").repeat(2), 0);
}

#[test]
fn a_response_topic_is_a_topic_name() {
    for text in NO_TOPICS {
        assert_verdict(0x08, &prefixed(&hex(text)), TOPIC_INVALID);
    }
    assert_verdict(0x08, &prefixed(&vec![b'x'; 65_535]), 0);
}

#[test]
fn binary_data_may_be_anything() {
    for data in ["", "00", "ff", "ed a0 80", "23"] {
        assert_verdict(0x09, &prefixed(&hex(data)), 0);
    }
}

#[test]
fn authentication_data_needs_a_method() {
    let [method, data] = [hex("15 00 01 6d"), hex("16 00 02 00 ff")];
    for packet in packets(0x16) {
        let read = |list: &[u8]| -> Result<(), Malformed> {
            Properties::check(list, packet.place)?;
            round_trip(&packet.with(list), packet.reader, Version::V5).map(drop)
        };
        assert_eq!(read(&method), Ok(()));
        assert_eq!(read(&[&method[..], &data].concat()), Ok(()));
        assert_eq!(read(&[&data[..], &method].concat()), Ok(()));
        let error = read(&data).unwrap_err();
        assert_eq!((error.reason, error.property), (PROTOCOL_ERROR, 0x16));
    }
}

/// With neither topic nor alias, no property makes a PUBLISH valid.
#[test]
fn a_publish_has_a_topic_or_an_alias() {
    for text in [
        "30 03 00 00 00",
        "30 04 00 00 00 78",
        "30 08 00 00 05 26 00 00 00 00",
    ] {
        let read = round_trip(&hex(text), Role::Client, Version::V5);
        assert_eq!(
            read.map_err(|error| error.reason),
            Err(PROTOCOL_ERROR),
            "{text}"
        );
    }
}
