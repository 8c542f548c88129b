//! Packets with a valid header and an invalid body.

use pmqtt::codec::{Role, Version};

use super::{hex, oracle::round_trip};

use Role::{Broker, Client};

#[rustfmt::skip]
const MALFORMED: &[(Role, &str, &str)] = &[
    // CONNECT: protocol, flags, and an end inside each field.
    (Broker, "10 0c 00 04 4d 51 54 74 04 02 00 0a 00 00", "unknown protocol"),
    (Broker, "10 0c 00 04 4d 51 54 54 03 02 00 0a 00 00", "unknown protocol"),
    (Broker, "10 0c 00 04 4d 51 54 54 06 02 00 0a 00 00", "unknown protocol"),
    (Broker, "10 0e 00 06 4d 51 49 73 64 70 04 02 00 0a 00 00", "unknown protocol"),
    (Broker, "10 0c 00 00 04 02 00 0a 00 00 00 00 00 00", "unknown protocol"),
    (Broker, "10 0c 00 04 4d 51 54 54 04 03 00 0a 00 00", "[MQTT311-3.1.2-3]"),
    (Broker, "10 0c 00 04 4d 51 54 54 04 0a 00 0a 00 00", "[MQTT311-3.1.2-11]"),
    (Broker, "10 0c 00 04 4d 51 54 54 04 12 00 0a 00 00", "[MQTT311-3.1.2-11]"),
    (Broker, "10 0c 00 04 4d 51 54 54 04 22 00 0a 00 00", "[MQTT311-3.1.2-11]"),
    (Broker, "10 11 00 04 4d 51 54 54 04 1e 00 0a 00 00 00 01 77 00 00", "[MQTT311-3.1.2-14]"),
    (Broker, "10 0c 00 04 4d 51 54 54 04 1a 00 0a 00 00", "[MQTT311-3.1.2-14]"),
    (Broker, "10 0f 00 04 4d 51 54 54 04 42 00 0a 00 00 00 01 70", "[MQTT311-3.1.2-22]"),
    (Broker, "10 0c ff ff 4d 51 54 54 04 02 00 0a 00 00", "CONNECT ends too early"),
    (Broker, "10 0c 00 06 4d 51 49 73 64 70 03 02 00 0a", "CONNECT ends too early"),
    (Broker, "10 0d 00 06 4d 51 49 73 64 70 03 02 00 0a 00", "CONNECT ends too early"),
    (Broker, "10 0c 00 04 4d 51 54 54 04 02 00 0a 00 01", "CONNECT ends too early"),
    (Broker, "10 0d 00 04 4d 51 54 54 04 82 00 0a 00 00 00", "CONNECT ends too early"),
    (Broker, "10 0e 00 04 4d 51 54 54 04 82 00 0a 00 00 00 01", "CONNECT ends too early"),
    (Broker, "10 0e 00 04 4d 51 54 54 04 c2 00 0a 00 00 00 00", "CONNECT ends too early"),
    (Broker, "10 10 00 04 4d 51 54 54 04 c2 00 0a 00 00 00 00 00 01", "CONNECT ends too early"),
    (Broker, "10 0c 00 04 4d 51 54 54 04 06 00 0a 00 00", "CONNECT ends inside its will"),
    (Broker, "10 0f 00 04 4d 51 54 54 04 06 00 0a 00 00 00 01 77", "CONNECT ends inside its will"),
    (Broker, "10 0e 00 04 4d 51 54 54 04 02 00 0a 00 00 00 00", "bytes after its last field"),
    // CONNECT: its strings.
    (Broker, "10 0d 00 04 4d 51 54 54 04 02 00 0a 00 01 00", "[MQTT311-1.5.3-2]"),
    (Broker, "10 0d 00 04 4d 51 54 54 04 02 00 0a 00 01 80", "[MQTT311-1.5.3-1]"),
    (Broker, "10 0f 00 04 4d 51 54 54 04 82 00 0a 00 00 00 01 00", "[MQTT311-1.5.3-2]"),
    (Broker, "10 0f 00 04 4d 51 54 54 04 82 00 0a 00 00 00 01 ff", "[MQTT311-1.5.3-1]"),
    (Broker, "10 10 00 04 4d 51 54 54 04 06 00 0a 00 00 00 00 00 00", "[MQTT311-4.7.3-1]"),
    (Broker, "10 11 00 04 4d 51 54 54 04 06 00 0a 00 00 00 01 23 00 00", "[MQTT311-3.3.2-2]"),
    (Broker, "10 11 00 04 4d 51 54 54 04 06 00 0a 00 00 00 01 00 00 00", "[MQTT311-1.5.3-2]"),

    (Client, "20 02 02 00", "reserved flags"),
    (Client, "20 02 81 00", "reserved flags"),
    (Client, "20 02 00 06", "reserved return code"),
    (Client, "20 02 00 ff", "reserved return code"),
    (Client, "20 02 01 01", "[MQTT311-3.2.2-4]"),
    (Client, "20 02 01 05", "[MQTT311-3.2.2-4]"),

    // PUBLISH: what is not a topic name.
    (Client, "30 03 00 01 00", "U+0000"),
    (Client, "30 05 00 03 61 00 62", "U+0000"),
    (Client, "30 05 00 03 61 2f 00", "U+0000"),
    (Client, "30 03 00 01 2b", "[MQTT311-3.3.2-2]"),
    (Client, "30 05 00 03 61 2f 23", "[MQTT311-3.3.2-2]"),
    (Broker, "30 05 00 03 61 2f 2b", "[MQTT311-3.3.2-2]"),
    // PUBLISH: every kind of invalid UTF-8.
    (Client, "30 03 00 01 80", "[MQTT311-1.5.3-1]"),                // a continuation alone
    (Client, "30 03 00 01 c3", "[MQTT311-1.5.3-1]"),                // a start alone
    (Client, "30 04 00 01 c3 a9", "[MQTT311-1.5.3-1]"),             // cut by the topic's length
    (Client, "30 04 00 02 c0 80", "[MQTT311-1.5.3-1]"),             // U+0000 in Java's spelling
    (Client, "30 04 00 02 c1 bf", "[MQTT311-1.5.3-1]"),             // one byte's worth in two
    (Client, "30 05 00 03 e0 9f bf", "[MQTT311-1.5.3-1]"),          // two bytes' worth in three
    (Client, "30 05 00 03 ed a0 80", "[MQTT311-1.5.3-1]"),          // U+D800
    (Client, "30 05 00 03 ed bf bf", "[MQTT311-1.5.3-1]"),          // U+DFFF
    (Client, "30 06 00 04 f0 8f bf bf", "[MQTT311-1.5.3-1]"),       // three bytes' worth in four
    (Client, "30 06 00 04 f4 90 80 80", "[MQTT311-1.5.3-1]"),       // above U+10FFFF
    (Client, "30 07 00 05 f8 88 80 80 80", "[MQTT311-1.5.3-1]"),    // five bytes
    (Client, "30 04 00 02 ff fe", "[MQTT311-1.5.3-1]"),             // UTF-16
    (Client, "32 05 00 01 74 00 00", "[MQTT311-2.3.1-1]"),
    (Client, "34 05 00 01 74 00 00", "[MQTT311-2.3.1-1]"),

    (Client, "40 02 00 00", "[MQTT311-2.3.1-1]"),
    (Client, "50 02 00 00", "[MQTT311-2.3.1-1]"),
    (Client, "62 02 00 00", "[MQTT311-2.3.1-1]"),
    (Client, "70 02 00 00", "[MQTT311-2.3.1-1]"),
    (Client, "b0 02 00 00", "[MQTT311-2.3.1-1]"),

    (Broker, "82 06 00 00 00 01 61 00", "[MQTT311-2.3.1-1]"),
    (Broker, "82 06 00 0a 00 02 61 62", "SUBSCRIBE ends before a requested QoS"),
    (Broker, "82 06 00 0a 00 03 61 62", "ends inside a topic filter"),
    (Broker, "82 07 00 0a 00 01 61 00 00", "ends inside a topic filter"),
    (Broker, "82 06 00 0a 00 01 61 03", "[MQTT311-3.8.3-4]"),
    (Broker, "82 06 00 0a 00 01 61 04", "[MQTT311-3.8.3-4]"),
    (Broker, "82 06 00 0a 00 01 61 80", "[MQTT311-3.8.3-4]"),
    (Broker, "82 06 00 0a 00 01 80 00", "[MQTT311-1.5.3-1]"),
    (Broker, "82 06 00 0a 00 01 00 00", "[MQTT311-1.5.3-2]"),
    (Broker, "82 06 00 0a 00 00 00 00", "[MQTT311-4.7.3-1]"),
    (Broker, "82 07 00 0a 00 02 61 23 00", "[MQTT311-4.7.1-2]"),
    (Broker, "82 07 00 0a 00 02 61 2b 00", "[MQTT311-4.7.1-3]"),
    // The second filter is checked, too.
    (Broker, "82 0a 00 0a 00 01 61 00 00 01 62 03", "[MQTT311-3.8.3-4]"),

    (Broker, "a2 05 00 00 00 01 61", "[MQTT311-2.3.1-1]"),
    (Broker, "a2 05 00 0a 00 02 61", "ends inside a topic filter"),
    (Broker, "a2 05 00 0a 00 00 61", "[MQTT311-4.7.3-1]"),
    (Broker, "a2 06 00 0a 00 02 61 23", "[MQTT311-4.7.1-2]"),

    (Client, "90 03 00 00 00", "[MQTT311-2.3.1-1]"),
    (Client, "90 03 00 0a 03", "[MQTT311-3.9.3-2]"),
    (Client, "90 03 00 0a 7f", "[MQTT311-3.9.3-2]"),
    (Client, "90 03 00 0a 81", "[MQTT311-3.9.3-2]"),
    (Client, "90 04 00 0a 00 ff", "[MQTT311-3.9.3-2]"),
];

#[test]
fn each_is_refused_with_its_reason() {
    for &(reader, text, fragment) in MALFORMED {
        match round_trip(&hex(text), reader, Version::V311) {
            Err(error) => assert!(error.text.contains(fragment), "{text}: {}", error.text),
            Ok(packet) => panic!("{text} is read as {packet:02x?}"),
        }
    }
}
