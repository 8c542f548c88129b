//! Packets of MQTT 5 with a valid header and an invalid body. Properties and reason codes have tests of
//! their own.

use pmqtt::codec::{Role, Version};

use super::{hex, oracle::round_trip};

use Role::{Broker, Client};

const MALFORMED: u8 = 0x81;
const PROTOCOL_ERROR: u8 = 0x82;
const TOPIC_INVALID: u8 = 0x90;

#[rustfmt::skip]
const ROWS: &[(Role, &str, u8, &str)] = &[
    // CONNECT: protocol, flags, and an end inside each field.
    (Broker, "10 0d 00 04 4d 51 54 54 06 02 00 0a 00 00 00", MALFORMED, "unknown protocol"),
    (Broker, "10 0f 00 06 4d 51 49 73 64 70 05 02 00 0a 00 00 00", MALFORMED, "unknown protocol"),
    (Broker, "10 0d 00 04 4d 51 54 54 05 03 00 0a 00 00 00", MALFORMED, "[MQTT5-3.1.2-3]"),
    (Broker, "10 0d 00 04 4d 51 54 54 05 0a 00 0a 00 00 00", MALFORMED, "[MQTT5-3.1.2-11]"),
    (Broker, "10 0d 00 04 4d 51 54 54 05 12 00 0a 00 00 00", MALFORMED, "[MQTT5-3.1.2-11]"),
    (Broker, "10 0d 00 04 4d 51 54 54 05 22 00 0a 00 00 00", MALFORMED, "[MQTT5-3.1.2-13]"),
    (Broker, "10 13 00 04 4d 51 54 54 05 1e 00 0a 00 00 00 00 00 01 77 00 00", MALFORMED, "[MQTT5-3.1.2-12]"),
    (Broker, "10 0c 00 04 4d 51 54 54 05 02 00 0a 00 00", MALFORMED, "CONNECT ends too early"),
    (Broker, "10 0d 00 04 4d 51 54 54 05 02 00 0a 00 00 01", MALFORMED, "CONNECT ends too early"),
    (Broker, "10 0d 00 04 4d 51 54 54 05 02 00 0a 00 ff ff", MALFORMED, "CONNECT ends too early"),
    (Broker, "10 0d 00 04 4d 51 54 54 05 06 00 0a 00 00 00", MALFORMED, "ends inside its properties"),
    (Broker, "10 0e 00 04 4d 51 54 54 05 06 00 0a 00 00 00 00", MALFORMED, "ends inside its will"),
    (Broker, "10 11 00 04 4d 51 54 54 05 06 00 0a 00 00 00 00 00 01 77", MALFORMED, "ends inside its will"),
    (Broker, "10 0d 00 04 4d 51 54 54 05 82 00 0a 00 00 00", MALFORMED, "CONNECT ends too early"),
    (Broker, "10 0d 00 04 4d 51 54 54 05 42 00 0a 00 00 00", MALFORMED, "CONNECT ends too early"),
    (Broker, "10 0f 00 04 4d 51 54 54 05 c2 00 0a 00 00 00 00 00", MALFORMED, "CONNECT ends too early"),
    (Broker, "10 0e 00 04 4d 51 54 54 05 02 00 0a 00 00 00 00", MALFORMED, "bytes after its last field"),
    // CONNECT: its strings.
    (Broker, "10 0e 00 04 4d 51 54 54 05 02 00 0a 00 00 01 00", MALFORMED, "[MQTT5-1.5.4-2]"),
    (Broker, "10 10 00 04 4d 51 54 54 05 02 00 0a 00 00 03 ed a0 80", MALFORMED, "[MQTT5-1.5.4-1]"),
    (Broker, "10 12 00 04 4d 51 54 54 05 06 00 0a 00 00 00 00 00 01 00 00 00", MALFORMED, "[MQTT5-1.5.4-2]"),
    (Broker, "10 12 00 04 4d 51 54 54 05 06 00 0a 00 00 00 00 00 01 ff 00 00", MALFORMED, "[MQTT5-1.5.4-1]"),
    (Broker, "10 12 00 04 4d 51 54 54 05 06 00 0a 00 00 00 00 00 01 23 00 00", TOPIC_INVALID, "[MQTT5-4.7.0-1]"),
    (Broker, "10 11 00 04 4d 51 54 54 05 06 00 0a 00 00 00 00 00 00 00 00", TOPIC_INVALID, "[MQTT5-4.7.3-1]"),
    (Broker, "10 10 00 04 4d 51 54 54 05 82 00 0a 00 00 00 00 01 00", MALFORMED, "[MQTT5-1.5.4-2]"),
    (Broker, "10 10 00 04 4d 51 54 54 05 82 00 0a 00 00 00 00 01 80", MALFORMED, "[MQTT5-1.5.4-1]"),

    // CONNACK: 3.1.1 would accept the first.
    (Client, "20 02 00 00", MALFORMED, "ends before its properties"),
    (Client, "20 02 00 06", MALFORMED, "ends before its properties"),
    (Client, "20 02 00 87", MALFORMED, "ends before its properties"),
    (Client, "20 03 02 00 00", MALFORMED, "[MQTT5-3.2.2-1]"),
    (Client, "20 03 81 00 00", MALFORMED, "[MQTT5-3.2.2-1]"),
    (Client, "20 03 01 87 00", PROTOCOL_ERROR, "[MQTT5-3.2.2-6]"),
    (Client, "20 03 00 01 00", PROTOCOL_ERROR, "[MQTT5-3.2.2-8]"),
    (Client, "20 04 00 00 00 00", MALFORMED, "bytes behind the last field"),

    // PUBLISH: no length of properties, no packet identifier, no topic name.
    (Client, "30 03 00 01 74", MALFORMED, "ends inside its properties"),
    (Client, "32 05 00 01 74 00 0a", MALFORMED, "ends inside its properties"),
    (Client, "32 06 00 01 74 00 00 00", MALFORMED, "[MQTT5-2.2.1-3]"),
    (Client, "34 06 00 01 74 00 00 00", MALFORMED, "[MQTT5-2.2.1-3]"),
    (Client, "32 03 00 00 00", MALFORMED, "before its packet identifier"),
    (Client, "30 04 00 01 00 00", MALFORMED, "[MQTT5-1.5.4-2]"),
    (Client, "30 04 00 01 80 00", MALFORMED, "[MQTT5-1.5.4-1]"),
    (Client, "30 06 00 03 ed bf bf 00", MALFORMED, "[MQTT5-1.5.4-1]"),
    (Client, "30 04 00 01 23 00", TOPIC_INVALID, "[MQTT5-4.7.0-1]"),
    (Broker, "30 06 00 03 61 2f 2b 00", TOPIC_INVALID, "[MQTT5-4.7.0-1]"),
    (Client, "30 03 00 00 00", PROTOCOL_ERROR, "neither topic nor topic alias"),

    (Client, "40 02 00 00", MALFORMED, "[MQTT5-2.2.1-3]"),
    (Client, "50 03 00 00 00", MALFORMED, "[MQTT5-2.2.1-3]"),
    (Client, "62 04 00 00 00 00", MALFORMED, "[MQTT5-2.2.1-3]"),
    (Client, "70 02 00 00", MALFORMED, "[MQTT5-2.2.1-3]"),
    (Client, "40 05 00 0a 00 00 00", MALFORMED, "bytes behind the last field"),
    (Client, "50 05 00 0a 00 00 00", MALFORMED, "bytes behind the last field"),
    (Client, "62 05 00 0a 00 00 00", MALFORMED, "bytes behind the last field"),
    (Client, "70 05 00 0a 00 00 00", MALFORMED, "bytes behind the last field"),

    (Broker, "82 07 00 00 00 00 01 61 00", MALFORMED, "[MQTT5-2.2.1-3]"),
    (Broker, "82 08 00 0a 05 26 00 00 00 00", MALFORMED, "[MQTT5-3.8.3-2]"),
    (Broker, "82 07 00 0a 00 00 02 61 62", MALFORMED, "ends before a requested QoS"),
    (Broker, "82 07 00 0a 00 00 03 61 62", MALFORMED, "ends inside a topic filter"),
    (Broker, "82 07 00 0a 00 00 01 80 00", MALFORMED, "[MQTT5-1.5.4-1]"),
    (Broker, "82 07 00 0a 00 00 01 00 00", MALFORMED, "[MQTT5-1.5.4-2]"),
    (Broker, "82 07 00 0a 00 00 00 00 00", TOPIC_INVALID, "[MQTT5-4.7.3-1]"),
    (Broker, "82 08 00 0a 00 00 02 61 23 00", TOPIC_INVALID, "[MQTT5-4.7.1-1]"),
    (Broker, "82 08 00 0a 00 00 02 61 2b 00", TOPIC_INVALID, "[MQTT5-4.7.1-2]"),
    // QoS 3, retain handling 3, and each reserved bit.
    (Broker, "82 07 00 0a 00 00 01 61 03", MALFORMED, "[MQTT5-3.8.3-5]"),
    (Broker, "82 07 00 0a 00 00 01 61 30", MALFORMED, "[MQTT5-3.8.3-5]"),
    (Broker, "82 07 00 0a 00 00 01 61 40", MALFORMED, "[MQTT5-3.8.3-5]"),
    (Broker, "82 07 00 0a 00 00 01 61 80", MALFORMED, "[MQTT5-3.8.3-5]"),
    (Broker, "82 0b 00 0a 00 00 01 61 00 00 01 62 c0", MALFORMED, "[MQTT5-3.8.3-5]"),
    // "$share/g/a" with no local.
    (Broker, "82 10 00 0a 00 00 0a 24 73 68 61 72 65 2f 67 2f 61 04", PROTOCOL_ERROR, "[MQTT5-3.8.3-4]"),

    (Broker, "a2 06 00 00 00 00 01 61", MALFORMED, "[MQTT5-2.2.1-3]"),
    (Broker, "a2 08 00 0a 05 26 00 00 00 00", MALFORMED, "[MQTT5-3.10.3-2]"),
    (Broker, "a2 06 00 0a 00 00 02 61", MALFORMED, "ends inside a topic filter"),
    (Broker, "a2 06 00 0a 00 00 01 ff", MALFORMED, "[MQTT5-1.5.4-1]"),
    (Broker, "a2 07 00 0a 00 00 02 61 23", TOPIC_INVALID, "[MQTT5-4.7.1-1]"),

    (Client, "90 04 00 00 00 00", MALFORMED, "[MQTT5-2.2.1-3]"),
    (Client, "90 08 00 0a 05 26 00 00 00 00", MALFORMED, "SUBACK without a code"),
    (Client, "b0 04 00 00 00 00", MALFORMED, "[MQTT5-2.2.1-3]"),
    (Client, "b0 08 00 0a 05 26 00 00 00 00", MALFORMED, "UNSUBACK without a code"),

    (Client, "e0 03 00 00 00", MALFORMED, "bytes behind the last field"),
    (Broker, "e0 03 00 00 00", MALFORMED, "bytes behind the last field"),
    // Only an AUTH with nothing in it is shorter than its reason code and a length.
    (Client, "f0 01 00", MALFORMED, "AUTH ends before its properties"),
    (Broker, "f0 01 18", MALFORMED, "AUTH ends before its properties"),
    (Client, "f0 03 18 00 00", MALFORMED, "bytes behind the last field"),
    (Broker, "f0 00", PROTOCOL_ERROR, "[MQTT5-3.15.2-1]"),
];

#[test]
fn each_is_refused_with_its_reason() {
    for &(reader, text, reason, fragment) in ROWS {
        match round_trip(&hex(text), reader, Version::V5) {
            Err(error) => {
                assert!(error.text.contains(fragment), "{text}: {error}");
                assert_eq!(error.reason, reason, "{text}: {error}");
            }
            Ok(packet) => panic!("{text} is read as {packet:02x?}"),
        }
    }
}

/// The log names the property.
#[test]
fn an_error_names_its_property() {
    for (text, expected) in [
        (
            "e0 07 00 05 21 00 00 00 00",
            "a property that does not belong in the packet (2.2.2.2): receive maximum",
        ),
        (
            "e0 04 00 02 7f 00",
            "a property that does not belong in the packet (2.2.2.2): property 0x7f",
        ),
        (
            "e0 03 00 01 1f",
            "a property is longer than its packet: reason string",
        ),
    ] {
        let error = round_trip(&hex(text), Client, Version::V5).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
}
