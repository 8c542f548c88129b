//! The will of MQTT 5.

use std::ffi::c_int;
use std::ptr::null;

use pmqtt::client::events::PropertyView;
use pmqtt::codec::{Packet, property};
use pmqtt::ffi::{
    self, PMQTT_ERR_INVAL, PMQTT_ERR_NOT_SUPPORTED, PMQTT_ERR_PAYLOAD_SIZE, PropertyPair,
    Publication,
};

use crate::support::mqtt5::ACCEPTED;
use crate::support::{Broker, CONNACK, Client, Drive, Handle, c, reconnect_when_lost};

const PLAIN: Publication = Publication {
    struct_size: size_of::<Publication>(),
    topic: c"w".as_ptr(),
    payload: c"gone".as_ptr().cast(),
    payload_len: 4,
    qos: 1,
    retain: true,
    expiry_s: 0,
    content_type: null(),
    response_topic: null(),
    correlation: null(),
    correlation_len: 0,
    payload_is_utf8: false,
    user_properties: null(),
    user_property_count: 0,
    tag: 0,
    properties: PropertyView {
        data: null(),
        len: 0,
    },
};

fn will_with(client: Handle, will: &Publication, delay_s: u32) -> c_int {
    // SAFETY: the client lives, and so does what the will refers to.
    unsafe { ffi::pmqtt_will_with(client.0, will, delay_s) }
}

#[test]
fn a_will_has_all_fields_on_each_connection() {
    let (client, broker) = (Client::mqtt5("c"), Broker::new());
    let (name, value, content) = (c("site"), c("north"), c("text"));
    let pair = PropertyPair {
        name: name.as_ptr(),
        value: value.as_ptr(),
    };
    let will = Publication {
        expiry_s: 60,
        content_type: content.as_ptr(),
        response_topic: c"r".as_ptr(),
        correlation: c"1".as_ptr().cast(),
        correlation_len: 1,
        payload_is_utf8: true,
        user_properties: &pair,
        user_property_count: 1,
        ..PLAIN
    };
    assert_eq!(will_with(*client, &will, 30), 0);
    drop((name, value, content));
    reconnect_when_lost(&client);
    client.connect_async(&broker);
    client.run(Drive::Thread);
    for _ in 0..2 {
        let mut peer = broker.accept();
        peer.read(|packet| {
            let Packet::Connect(connect) = packet else {
                panic!("{packet}");
            };
            let will = connect.will.expect("a will");
            assert_eq!((will.topic, will.payload), (&b"w"[..], &b"gone"[..]));
            assert!(will.qos as u8 == 1 && will.retain);
            let properties = will.properties.expect("a place for properties");
            assert_eq!(properties.number(property::WILL_DELAY), Some(30));
            assert_eq!(properties.number(property::MESSAGE_EXPIRY), Some(60));
            assert_eq!(properties.number(property::PAYLOAD_FORMAT), Some(1));
            assert_eq!(properties.text(property::CONTENT_TYPE), Some("text"));
            assert_eq!(properties.text(property::RESPONSE_TOPIC), Some("r"));
            assert_eq!(
                properties.bytes(property::CORRELATION_DATA),
                Some(&b"1"[..])
            );
            let user = properties.find(property::USER_PROPERTY);
            assert_eq!(user, Some(pmqtt::codec::Value::Pair(b"site", b"north")));
            assert_eq!(properties.into_iter().count(), 7);
        });
        peer.send(ACCEPTED);
    }
}

#[test]
fn a_plain_will_has_no_properties_and_a_wrong_one_changes_nothing() {
    let (client, broker) = (Client::mqtt5("c"), Broker::new());
    assert_eq!(will_with(*client, &PLAIN, 0), 0);
    let refused = |will: Publication, rc: c_int, words: &str| {
        assert_eq!(will_with(*client, &will, 5), rc);
        let said = client.last_error();
        assert!(
            said.starts_with("will_with: ") && said.contains(words),
            "{said}"
        );
    };
    let delay = b"\x18\0\0\0\x01";
    let view = |bytes: &[u8]| PropertyView {
        data: bytes.as_ptr().cast(),
        len: bytes.len(),
    };
    refused(
        Publication {
            topic: null(),
            ..PLAIN
        },
        PMQTT_ERR_INVAL,
        "topic is NULL",
    );
    refused(
        Publication {
            topic: c"#".as_ptr(),
            ..PLAIN
        },
        PMQTT_ERR_INVAL,
        "wildcards",
    );
    refused(Publication { qos: 3, ..PLAIN }, PMQTT_ERR_INVAL, "QoS 3");
    refused(
        Publication { tag: 1, ..PLAIN },
        PMQTT_ERR_INVAL,
        "tag has to be 0",
    );
    refused(
        Publication {
            properties: view(delay),
            ..PLAIN
        },
        PMQTT_ERR_INVAL,
        "delay_s of pmqtt_will_with",
    );
    let large = vec![0; 65_536];
    let too_large = Publication {
        payload: large.as_ptr().cast(),
        payload_len: large.len(),
        ..PLAIN
    };
    refused(too_large, PMQTT_ERR_PAYLOAD_SIZE, "65,535 bytes");
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let connect = b"\x10\x1b\0\x04MQTT\x05\x2e\0\x3c\x03\x22\0\x10\0\x01c\0\0\x01w\0\x04gone";
    broker.welcome(connect, ACCEPTED);
}

#[test]
fn before_mqtt_5_a_will_has_no_delay_and_no_properties() {
    let (client, broker) = (Client::new("c"), Broker::new());
    for (will, delay) in [
        (PLAIN, 1),
        (
            Publication {
                expiry_s: 1,
                ..PLAIN
            },
            0,
        ),
        (
            Publication {
                content_type: c"a".as_ptr(),
                ..PLAIN
            },
            0,
        ),
    ] {
        assert_eq!(will_with(*client, &will, delay), PMQTT_ERR_NOT_SUPPORTED);
        assert!(client.last_error().contains("PMQTT_PROTOCOL_V5"));
    }
    assert_eq!(will_with(*client, &PLAIN, 0), 0);
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let connect = b"\x10\x16\0\x04MQTT\x04\x2e\0\x3c\0\x01c\0\x01w\0\x04gone";
    broker.welcome(connect, CONNACK);
}
