//! Where 3.1 and 3.1.1 differ.

use pmqtt::codec::{Ack, Buffer, Packet, PacketId, Role, Version, decode, encode, header};

use super::hex;

/// What a client of `version` reads: the text of `Debug`, or that of the error.
fn read(text: &str, version: Version) -> String {
    let mut bytes = hex(text);
    let result = header(&bytes, Role::Client, version)
        .map(|header| header.expect("a whole header"))
        .and_then(|header| decode(&mut bytes, &header, version));
    match result {
        Ok(packet) => format!("{packet:?}"),
        Err(error) => error.text.to_string(),
    }
}

#[test]
fn the_same_bytes_mean_different_things() {
    for (text, in_v31, in_v311) in [
        // 3.1 has no session present flag, and says nothing about its byte.
        (
            "20 02 01 00",
            "session_present: false",
            "session_present: true",
        ),
        ("20 02 ff 00", "session_present: false", "reserved flags"),
        ("20 02 01 05", "return_code: 5", "[MQTT311-3.2.2-4]"),
        (
            "20 02 00 06",
            "reserved return code",
            "reserved return code",
        ),
        // Only 3.1 marks a PUBREL that is sent again.
        ("6a 02 00 0a", "{ ack: PubRel, id: 10,", "[MQTT311-2.2.2-2]"),
        ("48 02 00 0a", "{ ack: PubAck, id: 10,", "[MQTT311-2.2.2-2]"),
        (
            "38 03 00 01 74",
            "dup: true, qos: AtMostOnce",
            "[MQTT311-3.3.1-2]",
        ),
        ("36 05 00 01 74 00 0a", "QoS 3", "QoS 3"),
    ] {
        for (version, expected) in [(Version::V31, in_v31), (Version::V311, in_v311)] {
            let read = read(text, version);
            assert!(read.contains(expected), "{text} in {version:?}: {read}");
        }
    }
}

#[test]
fn only_a_pubrel_of_3_1_says_that_it_is_sent_again() {
    let id = PacketId::new(10).unwrap();
    for (kind, version, first) in [
        (Ack::PubRel, Version::V31, 0x6a),
        (Ack::PubRel, Version::V311, 0x62),
        (Ack::PubRel, Version::V5, 0x62),
        (Ack::PubAck, Version::V31, 0x40),
        (Ack::PubRec, Version::V31, 0x50),
        (Ack::PubComp, Version::V31, 0x70),
    ] {
        let mut out = Buffer::default();
        encode::ack(&mut out, kind, id, true, version);
        assert_eq!(out[..], [first, 2, 0, 10], "{}", kind.name());
    }
}

/// A broker learns the version from CONNECT, so it cannot need it before.
#[test]
fn connect_tells_its_version_itself() {
    for (text, expected) in [
        ("10 0c 00 04 4d 51 54 54 04 02 00 0a 00 00", Version::V311),
        (
            "10 0e 00 06 4d 51 49 73 64 70 03 02 00 0a 00 00",
            Version::V31,
        ),
        ("10 0d 00 04 4d 51 54 54 05 02 00 0a 00 00 00", Version::V5),
    ] {
        for assumed in [Version::V31, Version::V311, Version::V5] {
            let mut bytes = hex(text);
            let header = header(&bytes, Role::Broker, assumed).unwrap().unwrap();
            match decode(&mut bytes, &header, assumed) {
                Ok(Packet::Connect(connect)) => assert_eq!(connect.version, expected),
                other => panic!("{other:?}"),
            }
        }
    }
}
