//! What the fixed header alone decides: type, direction, flags and length.

use pmqtt::codec::{MAX_REMAINING_LENGTH, Role, Version, header};

use super::{hex, oracle::remaining_length};

const VERSIONS: [Version; 3] = [Version::V31, Version::V311, Version::V5];

/// Type (table 2.1), and whether it may come to a client and to a broker before MQTT 5.
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

/// The same in each version. MQTT 5 has AUTH, and lets the broker send DISCONNECT.
fn directions(version: Version) -> [(u8, bool, bool); 16] {
    DIRECTIONS.map(|row| match row {
        (kind @ (14 | 15), ..) if version == Version::V5 => (kind, true, true),
        _ => row,
    })
}

#[test]
fn a_packet_goes_in_its_direction_only() {
    let rows = VERSIONS.map(|version| directions(version).map(|row| (version, row)));
    for (version, (kind, to_client, to_broker)) in rows.into_iter().flatten() {
        for (reader, legal) in [(Role::Client, to_client), (Role::Broker, to_broker)] {
            let expected = match (kind, reader) {
                _ if legal => "",
                (0 | 15, _) => "reserved packet type",
                (_, Role::Client) => "which only a client may send",
                (_, Role::Broker) => "only a broker may send",
            };
            let first = kind << 4 | required_flags(kind);
            assert_first_byte(first, reader, version, expected);
        }
    }
}

#[test]
fn reserved_flags_are_an_error_since_3_1_1() {
    let rows = VERSIONS.map(|version| directions(version).map(|row| (version, row)));
    for (version, (kind, to_client, to_broker)) in rows.into_iter().flatten() {
        if kind == 3 {
            continue;
        }
        for flags in 0..16 {
            let expected = match version {
                Version::V31 => "",
                _ if flags == required_flags(kind) => "",
                Version::V311 => "[MQTT311-2.2.2-2]",
                Version::V5 => "[MQTT5-2.1.3-1]",
            };
            let first = kind << 4 | flags;
            for (reader, legal) in [(Role::Client, to_client), (Role::Broker, to_broker)] {
                if legal {
                    assert_first_byte(first, reader, version, expected);
                }
            }
        }
    }
}

#[test]
fn publish_has_flags_of_its_own() {
    for flags in 0..16 {
        let expected = match flags {
            0b0110 | 0b0111 | 0b1110 | 0b1111 => ["[MQTT311-3.3.1-4]", "[MQTT5-3.3.1-4]"],
            0b1000 | 0b1001 => ["[MQTT311-3.3.1-2]", "[MQTT5-3.3.1-2]"],
            _ => ["", ""],
        };
        for reader in [Role::Client, Role::Broker] {
            assert_first_byte(0x30 | flags, reader, Version::V311, expected[0]);
            assert_first_byte(0x30 | flags, reader, Version::V5, expected[1]);
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
        for version in VERSIONS {
            for arrived in 0..bytes.len() {
                let waiting = header(&bytes[..arrived], Role::Client, version);
                assert_eq!(waiting, Ok(None), "{digits}");
            }
            let header = header(&bytes, Role::Client, version).unwrap().unwrap();
            let place = (header.start, header.end);
            assert_eq!(place, (bytes.len(), bytes.len() + length));
        }
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
        for version in VERSIONS {
            let error = header(&bytes, Role::Client, version).unwrap_err();
            let text = error.text;
            assert!(text.contains("more than 4 bytes"), "{digits}: {text}");
        }
    }
}

/// Only MQTT 5 requires the shortest encoding.
#[test]
fn remaining_length_may_have_more_digits_than_it_needs_before_mqtt_5() {
    for text in ["d0 00", "d0 80 00", "d0 80 80 00", "d0 80 80 80 00"] {
        let bytes = hex(text);
        let header = header(&bytes, Role::Client, Version::V311)
            .unwrap()
            .unwrap();
        assert_eq!((header.start, header.end), (bytes.len(), bytes.len()));
    }
}

#[test]
fn remaining_length_has_no_more_digits_than_it_needs() {
    for text in [
        "d0 80 00",
        "d0 80 80 00",
        "d0 80 80 80 00",
        "30 84 00",
        "40 82 80 00",
        "e0 ff ff ff 00",
    ] {
        let error = header(&hex(text), Role::Client, Version::V5).unwrap_err();
        assert!(error.text.contains("[MQTT5-1.5.5-1]"), "{text}: {error}");
        assert_eq!(error.reason, 0x81, "{text}");
    }
}

/// First byte, reader, and the minimum and maximum length of the packet before MQTT 5.
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

/// The same in MQTT 5, where most packets have properties of any length.
const MQTT5_LIMITS: &[(u8, Role, usize, usize)] = &[
    // A CONNECT tells its version itself: it can be of an older one.
    (0x10, Role::Broker, 12, MAX_REMAINING_LENGTH),
    // The refusal of a broker of an older version.
    (0x20, Role::Client, 2, MAX_REMAINING_LENGTH),
    (0x30, Role::Client, 3, MAX_REMAINING_LENGTH),
    (0x32, Role::Client, 5, MAX_REMAINING_LENGTH),
    (0x40, Role::Client, 2, MAX_REMAINING_LENGTH),
    (0x50, Role::Broker, 2, MAX_REMAINING_LENGTH),
    (0x62, Role::Client, 2, MAX_REMAINING_LENGTH),
    (0x70, Role::Broker, 2, MAX_REMAINING_LENGTH),
    (0x82, Role::Broker, 7, MAX_REMAINING_LENGTH),
    (0x90, Role::Client, 4, MAX_REMAINING_LENGTH),
    (0xa2, Role::Broker, 6, MAX_REMAINING_LENGTH),
    (0xb0, Role::Client, 4, MAX_REMAINING_LENGTH),
    (0xc0, Role::Broker, 0, 0),
    (0xd0, Role::Client, 0, 0),
    (0xe0, Role::Client, 0, MAX_REMAINING_LENGTH),
    (0xe0, Role::Broker, 0, MAX_REMAINING_LENGTH),
    (0xf0, Role::Client, 0, MAX_REMAINING_LENGTH),
    (0xf0, Role::Broker, 0, MAX_REMAINING_LENGTH),
];

/// No peer can make us wait for a packet that cannot exist.
#[test]
fn an_impossible_length_is_an_error_at_once() {
    let rows = LIMITS.iter().map(|row| (Version::V311, row));
    let rows = rows.chain(MQTT5_LIMITS.iter().map(|row| (Version::V5, row)));
    for (version, &(first, reader, least, most)) in rows {
        let announce = |length| {
            let bytes = [vec![first], remaining_length(length)].concat();
            let header = header(&bytes, reader, version).map_err(|error| error.text)?;
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
        ("30 05 00 00", "[MQTT311-4.7.3-1]"),
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
        let in_mqtt5 = header(&bytes, Role::Client, Version::V5);
        let may_be_empty = bytes.ends_with(&[0, 0]);
        assert_eq!(in_mqtt5.is_ok(), may_be_empty, "{text}");
    }
    for text in ["30 05 00 03", "32 05 00 01", "30 81 80 04 ff ff"] {
        assert!(
            matches!(header(&hex(text), Role::Client, Version::V311), Ok(Some(_))),
            "{text}"
        );
    }
}
