//! Packets as text for the log: what they are, and nothing that may be secret.

use pmqtt::codec::{
    Buffer, Connect, Message, Place, Properties, PropertyList, QoS, Role, Version, decode, encode,
    header,
};

use super::hex;
use super::mqtt5_table::{PACKETS, PROPERTIES};
use super::vectors::{CONNECT, MESSAGE, WILL};

fn text(bytes: &[u8], reader: Role, version: Version) -> String {
    let mut bytes = bytes.to_vec();
    let header = header(&bytes, reader, version).unwrap().unwrap();
    decode(&mut bytes, &header, version).unwrap().to_string()
}

#[test]
fn reasons_and_the_names_of_properties_are_shown() {
    #[rustfmt::skip]
    let rows = [
        (Role::Client, "40 02 00 0a", "PUBACK (id 10)"),
        (Role::Client, "40 03 00 0a 10", "PUBACK (id 10, reason 0x10)"),
        (Role::Client, "50 08 00 0a 97 04 1f 00 01 72", "PUBREC (id 10, reason 0x97, with reason string)"),
        (Role::Client, "b0 05 00 0a 00 00 11", "UNSUBACK (id 10, codes [0, 17])"),
        (Role::Client, "e0 00", "DISCONNECT"),
        (Role::Client, "e0 01 8e", "DISCONNECT (reason 0x8e)"),
        (Role::Client, "f0 07 18 05 15 00 02 6d 6e", "AUTH (reason 0x18, with authentication method)"),
        (Role::Client, "30 0a 00 03 61 2f 62 03 23 00 05 78",
         "PUBLISH (QoS 0, retain no, dup no, 'a/b', topic alias 5, 1 bytes)"),
        (Role::Broker, "82 09 00 0a 02 0b 07 00 01 61 01",
         "SUBSCRIBE (id 10, 'a' QoS 1, with subscription identifier)"),
        (Role::Client, "20 08 00 00 05 21 00 14 24 01",
         "CONNACK (return code 0, session present no, with receive maximum, maximum QoS)"),
    ];
    for (reader, bytes, expected) in rows {
        assert_eq!(text(&hex(bytes), reader, Version::V5), expected);
    }
}

#[test]
fn each_property_is_named() {
    for packet in PACKETS {
        let here = PROPERTIES
            .iter()
            .filter(|property| property.belongs_in(packet));
        for property in here {
            let list = [property.needs(), property.bytes()].concat();
            let text = text(&packet.with(&list), packet.reader, Version::V5);
            // A will is shown as there or not there, and what a delivery says to the library alone is not shown.
            let is_hidden =
                property.name == "subscription identifier" && text.starts_with("PUBLISH");
            let expected = packet.name != "Will Properties" && !is_hidden;
            assert_eq!(text.contains(property.name), expected, "{text}");
        }
    }
}

#[test]
fn values_payloads_and_credentials_are_not_shown() {
    let mut list = PropertyList::default();
    list.append(Properties::check(b"\x26\0\x06secret\0\x06secret", Place::Will).unwrap());
    let properties = Some(list.get());
    let will = Message {
        payload: b"secret",
        properties,
        ..WILL
    };
    let connect = Connect {
        version: Version::V5,
        will: Some(will),
        username: Some("secret"),
        password: Some(b"secret"),
        properties: list.get(),
        ..CONNECT
    };
    let message = Message {
        payload: b"secret",
        qos: QoS::AtMostOnce,
        properties,
        ..MESSAGE
    };
    let [mut first, mut second] = [Buffer::default(), Buffer::default()];
    encode::connect(&mut first, &connect).unwrap();
    encode::publish(&mut second, &message.check().unwrap(), None).unwrap();
    for bytes in [first, second] {
        let text = text(&bytes, Role::Broker, Version::V5);
        assert!(text.contains("with user property"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}
