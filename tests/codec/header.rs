//! What the fixed header alone decides: type, direction, flags and length.

use pmqtt::codec::{MAX_REMAINING_LENGTH, Role, Version, header};

use super::{hex, oracle::remaining_length};

/// Type (table 2.1), and whether it may come to a client and to a broker.
const DIRECTIONS: [(u8, bool, bool); 16] = [
    (0, false, false),
    (1, false, true),
    (2, true, false),
    (3, true, true),
    (4, true, true),
    (5, true, true),
    (6, true, true),
    (7, true, true),
    (8, false, true),
    (9, true, false),
    (10, false, true),
    (11, true, false),
    (12, false, true),
    (13, true, false),
    (14, false, true),
    (15, false, false),
];

#[test]
fn a_packet_goes_in_its_direction_only() {
    for (kind, to_client, to_broker) in DIRECTIONS {
        for (reader, legal) in [(Role::Client, to_client), (Role::Broker, to_broker)] {
            let expected = match (kind, reader) {
                _ if legal => "",
                (0 | 15, _) => "reserved packet type",
                (_, Role::Client) => "which only a client may send",
                (_, Role::Broker) => "only a broker may send",
            };
            let first = kind << 4 | required_flags(kind);
            assert_first_byte(first, reader, Version::V311, expected);
        }
    }
}

#[test]
fn reserved_flags_are_an_error_since_3_1_1() {
    for (kind, to_client, _) in DIRECTIONS {
        if matches!(kind, 0 | 3 | 15) {
            continue;
        }
        let reader = if to_client {
            Role::Client
        } else {
            Role::Broker
        };
        for flags in 0..16 {
            let expected = match flags == required_flags(kind) {
                true => "",
                false => "[MQTT311-2.2.2-2]",
            };
            let first = kind << 4 | flags;
            assert_first_byte(first, reader, Version::V31, "");
            assert_first_byte(first, reader, Version::V311, expected);
        }
    }
}

#[test]
fn publish_has_flags_of_its_own() {
    for flags in 0..16 {
        let expected = match flags {
            0b0110 | 0b0111 | 0b1110 | 0b1111 => "[MQTT-3.3.1-4]",
            0b1000 | 0b1001 => "[MQTT-3.3.1-2]",
            _ => "",
        };
        for reader in [Role::Client, Role::Broker] {
            assert_first_byte(0x30 | flags, reader, Version::V311, expected);
        }
    }
}

/// The first byte is checked before any other has arrived; `expected` is "" if it is legal.
fn assert_first_byte(first: u8, reader: Role, version: Version, expected: &str) {
    let error = match header(&[first], reader, version) {
        Ok(header) => header.map_or("", |_| "a header of one byte"),
        Err(error) => error.text,
    };
    let fits = error.contains(expected) && error.is_empty() == expected.is_empty();
    assert!(fits, "{first:02x} to the {reader:?}: {error:?}");
}

/// Table 2.2.
fn required_flags(kind: u8) -> u8 {
    match kind {
        6 | 8 | 10 => 0b0010,
        _ => 0,
    }
}

/// Every boundary of table 2.4; PUBLISH may have each of these lengths.
#[test]
fn remaining_length_has_one_to_four_digits() {
    for (length, digits) in [
        (64, "40"),
        (127, "7f"),
        (128, "80 01"),
        (321, "c1 02"),
        (16_383, "ff 7f"),
        (16_384, "80 80 01"),
        (2_097_151, "ff ff 7f"),
        (2_097_152, "80 80 80 01"),
        (268_435_455, "ff ff ff 7f"),
    ] {
        let bytes = hex(&format!("30 {digits}"));
        for arrived in 0..bytes.len() {
            let waiting = header(&bytes[..arrived], Role::Client, Version::V311);
            assert_eq!(waiting, Ok(None), "{digits}");
        }
        let header = header(&bytes, Role::Client, Version::V311)
            .unwrap()
            .unwrap();
        assert_eq!(
            (header.start, header.end),
            (bytes.len(), bytes.len() + length)
        );
    }
}

#[test]
fn remaining_length_has_no_fifth_digit() {
    for digits in [
        "80 80 80 80",
        "ff ff ff ff",
        "80 80 80 80 01",
        "80 80 80 80 00",
    ] {
        let bytes = hex(&format!("30 {digits}"));
        let error = header(&bytes, Role::Client, Version::V311).unwrap_err();
        let text = error.text;
        assert!(text.contains("more than 4 bytes"), "{digits}: {text}");
    }
}

/// Only MQTT 5 requires the shortest encoding.
#[test]
fn remaining_length_may_have_more_digits_than_it_needs() {
    for text in ["d0 00", "d0 80 00", "d0 80 80 00", "d0 80 80 80 00"] {
        let bytes = hex(text);
        let header = header(&bytes, Role::Client, Version::V311)
            .unwrap()
            .unwrap();
        assert_eq!((header.start, header.end), (bytes.len(), bytes.len()));
    }
}

/// First byte, reader, and the minimum and maximum length of the packet.
const LIMITS: &[(u8, Role, usize, usize)] = &[
    (0x10, Role::Broker, 12, 12 + 5 * 65_537),
    (0x20, Role::Client, 2, 2),
    (0x30, Role::Client, 3, MAX_REMAINING_LENGTH),
    (0x32, Role::Client, 5, MAX_REMAINING_LENGTH),
    (0x34, Role::Broker, 5, MAX_REMAINING_LENGTH),
    (0x40, Role::Client, 2, 2),
    (0x50, Role::Client, 2, 2),
    (0x62, Role::Client, 2, 2),
    (0x70, Role::Client, 2, 2),
    (0x82, Role::Broker, 6, MAX_REMAINING_LENGTH),
    (0x90, Role::Client, 3, 67_108_865),
    (0xa2, Role::Broker, 5, MAX_REMAINING_LENGTH),
    (0xb0, Role::Client, 2, 2),
    (0xc0, Role::Broker, 0, 0),
    (0xd0, Role::Client, 0, 0),
    (0xe0, Role::Broker, 0, 0),
];

/// No peer can make us wait for a packet that cannot exist.
#[test]
fn an_impossible_length_is_an_error_at_once() {
    for &(first, reader, least, most) in LIMITS {
        let announce = |length| {
            let bytes = [vec![first], remaining_length(length)].concat();
            let header = header(&bytes, reader, Version::V311).map_err(|error| error.text)?;
            Ok(header.expect("all digits are there").end - bytes.len())
        };
        assert_eq!(announce(least), Ok(least), "{first:02x}");
        assert_eq!(announce(most), Ok(most), "{first:02x}");
        if least > 0 {
            let short = Err("remaining length too short for the packet");
            assert_eq!(announce(least - 1), short, "{first:02x}");
        }
        if most < MAX_REMAINING_LENGTH {
            let long = Err("remaining length too long for the packet");
            assert_eq!(announce(most + 1), long, "{first:02x}");
        }
    }
}

#[test]
fn an_impossible_topic_length_is_an_error_before_the_topic_is_there() {
    for (text, fragment) in [
        ("30 05 00 00", "[MQTT-4.7.3-1]"),
        ("30 05 00 04", "topic is longer than the packet"),
        ("32 05 00 02", "topic is longer than the packet"),
        ("34 05 ff ff", "topic is longer than the packet"),
        ("30 80 80 01 ff ff", "topic is longer than the packet"),
    ] {
        let bytes = hex(text);
        let error = header(&bytes, Role::Client, Version::V311).unwrap_err();
        assert!(error.text.contains(fragment), "{text}: {error}");
        let before = header(&bytes[..bytes.len() - 1], Role::Client, Version::V311);
        assert!(matches!(before, Ok(Some(_))), "{text}");
    }
    for text in ["30 05 00 03", "32 05 00 01", "30 81 80 04 ff ff"] {
        assert!(
            matches!(header(&hex(text), Role::Client, Version::V311), Ok(Some(_))),
            "{text}"
        );
    }
}
