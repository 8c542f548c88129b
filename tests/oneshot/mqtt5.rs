//! One-shots in MQTT 5: messages and the will have properties, and refusals have reasons.

use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use pmqtt::client::Handle;
use pmqtt::client::events::{MessageEvent, PropertyView};
use pmqtt::ffi::*;

use crate::call::{Call, publication};
use crate::mosquitto::Mosquitto;
use crate::played::{DISCONNECT, PUBLISH_QOS_1, PUBLISH_QOS_2, Peer, SUBSCRIBE, play};

fn call(port: u16) -> Call {
    Call::to(port).with(|options| options.protocol = PMQTT_PROTOCOL_V5)
}

/// A message with content type, correlation data and a user property.
fn described(topic: &'static CStr, qos: i32, user: &PropertyPair) -> Publication {
    Publication {
        content_type: c"text".as_ptr(),
        correlation: b"\0c".as_ptr().cast(),
        correlation_len: 2,
        user_properties: user,
        user_property_count: 1,
        ..publication(topic, b"payload", qos)
    }
}

const DESCRIPTION: &[u8] = b"\x03\0\x04text\x09\0\x02\0c\x26\0\x04name\0\x05value";

fn user() -> PropertyPair {
    PropertyPair {
        name: c"name".as_ptr(),
        value: c"value".as_ptr(),
    }
}

/// # Safety
/// The list is that of an event that is still valid.
unsafe fn bytes(list: &PropertyView) -> Vec<u8> {
    match list.len {
        0 => Vec::new(),
        // SAFETY: the caller promises the same.
        len => unsafe { std::slice::from_raw_parts(list.data.cast::<u8>(), len) }.to_vec(),
    }
}

#[test]
fn messages_have_their_properties() {
    let broker = Mosquitto::start();
    let user = user();
    let subscriber = call(broker.port).with(|options| {
        options.client_id = c"durable".as_ptr();
        options.durable = true;
        options.timeout_ms = 300;
    });
    assert_eq!(subscriber.collect(&[c"t"], 2, 1).0, PMQTT_ERR_TIMEOUT);
    let messages = [1, 2].map(|qos| described(c"t", qos, &user));
    let publisher = call(broker.port);
    assert_eq!(publisher.publish(&messages), 0, "{}", publisher.words());

    let subscriber = subscriber.with(|options| options.timeout_ms = 0);
    let mut out = ptr::null_mut();
    // SAFETY: everything lives through the calls; the list is freed once.
    unsafe {
        let filters = [c"t".as_ptr()];
        let code = pmqtt_subscribe_simple(
            filters.as_ptr(),
            1,
            2,
            2,
            false,
            &subscriber.options,
            &mut out,
        );
        assert_eq!(code, 0, "{}", subscriber.words());
        for index in 0..2 {
            let message = &*pmqtt_messages_get(out, index);
            assert_eq!(bytes(&message.properties), DESCRIPTION);
            assert_eq!(message.qos, index as i32 + 1);
        }
        pmqtt_messages_free(out);
    }
}

#[test]
fn a_callback_gets_the_properties() {
    extern "C" fn once(client: *mut Handle, seen: *mut c_void, event: *const MessageEvent) {
        // SAFETY: the userdata is that of the test, and the event is valid.
        unsafe {
            let seen = &*seen.cast::<AtomicUsize>();
            seen.fetch_add(bytes(&(*event).properties).len(), Ordering::SeqCst);
            pmqtt_disconnect(client);
        }
    }
    let broker = Mosquitto::start();
    let user = user();
    let retained = Publication {
        retain: true,
        ..described(c"t", 1, &user)
    };
    assert_eq!(call(broker.port).publish(&[retained]), 0);
    let mut seen = AtomicUsize::default();
    assert_eq!(call(broker.port).follow(Some(once), 1, &mut seen), 0);
    assert_eq!(seen.into_inner(), DESCRIPTION.len());
}

#[test]
fn a_will_has_its_properties() {
    let user = user();
    let (port, broker) = play(|listener| {
        let mut peer = Peer::answer5(listener, b"");
        // The properties of the will come behind the client identifier.
        let expected = [
            b"\x1f\x02\0\0\0\x09".as_slice(),
            DESCRIPTION,
            b"\0\x01w\0\x07payload",
        ];
        let connect = String::from_utf8_lossy(&peer.connect).into_owned();
        assert!(peer.connect.ends_with(&expected.concat()), "{connect:?}");
        peer.expect(DISCONNECT);
        peer.expect_end();
    });
    let will = Publication {
        expiry_s: 9,
        ..described(c"w", 1, &user)
    };
    let call = call(port).with(|options| options.will = &will);
    assert_eq!(call.publish(&[]), 0, "{}", call.words());
    broker.join().expect("the broker");
}

#[test]
fn a_refused_message_is_an_error_once_the_others_are_done() {
    let (port, broker) = play(|listener| {
        let mut peer = Peer::answer5(listener, b"");
        for (first, answer) in [(PUBLISH_QOS_1, 0x40), (PUBLISH_QOS_2, 0x50)] {
            let publish = peer.expect(first);
            let id = [publish[3], publish[4]];
            let text = b"\x07\x1f\0\x04full";
            peer.send(&[answer, 11, id[0], id[1], 0x97]);
            peer.send(text);
        }
        let publish = peer.expect(PUBLISH_QOS_1);
        peer.send(&[0x40, 2, publish[3], publish[4]]);
        peer.expect(DISCONNECT);
        peer.expect_end();
    });
    let messages = [1, 2, 1].map(|qos| publication(c"t", b"m", qos));
    let call = call(port);
    assert_eq!(call.publish(&messages), PMQTT_ERR_REJECTED);
    assert_eq!(
        call.words(),
        "publish: messages that the broker refused: 2; the first with 0x97: Quota exceeded. The \
         broker says: full; 1 of 3 messages are settled"
    );
    broker.join().expect("the broker");
}

/// The others are sent.
#[test]
fn messages_that_the_broker_does_not_take_are_an_error() {
    let (port, broker) = play(|listener| {
        // Maximum QoS 1.
        let mut peer = Peer::answer5(listener, b"\x24\x01");
        let publish = peer.expect(PUBLISH_QOS_1);
        assert!(publish.ends_with(b"m"));
        peer.send(&[0x40, 2, publish[3], publish[4]]);
        peer.expect(DISCONNECT);
        peer.expect_end();
    });
    let messages = [2, 1].map(|qos| publication(c"t", b"m", qos));
    let call = call(port);
    assert_eq!(call.publish(&messages), PMQTT_ERR_REJECTED);
    assert_eq!(
        call.words(),
        "publish: messages that the broker refused: 1; the first with 0x9b: QoS not supported.; 1 \
         of 2 messages are settled"
    );
    broker.join().expect("the broker");
}

#[test]
fn a_refused_subscription_has_its_reason() {
    let refusals: [fn(&Call) -> i32; 2] = [
        |call| call.collect(&[c"t"], 1, 1).0,
        |call| call.follow(Some(unexpected), 1, &mut ()),
    ];
    for refused in refusals {
        let (port, broker) = play(|listener| {
            let mut peer = Peer::answer5(listener, b"");
            let subscribe = peer.expect(SUBSCRIBE);
            peer.send(&[0x90, 9, subscribe[0], subscribe[1]]);
            peer.send(b"\x05\x1f\0\x02no\x87");
            peer.expect(DISCONNECT);
            peer.expect_end();
        });
        let call = call(port);
        assert_eq!(refused(&call), PMQTT_ERR_ACL_DENIED);
        let words =
            "subscribe: the broker refused t with 0x87: Not authorised. The broker says: no";
        assert!(call.words().starts_with(words), "{}", call.words());
        broker.join().expect("the broker");
    }
}

extern "C" fn unexpected(_: *mut Handle, _: *mut c_void, _: *const MessageEvent) {
    unreachable!("there is no message");
}

#[test]
fn before_mqtt_5_a_field_is_refused() {
    let user = user();
    let call = Call::to(1);
    let messages = [publication(c"t", b"", 1), described(c"t", 1, &user)];
    assert_eq!(call.publish(&messages), PMQTT_ERR_NOT_SUPPORTED);
    assert_eq!(
        call.words(),
        "publish: content_type is for MQTT 5 (PMQTT_PROTOCOL_V5); it is message 1"
    );
    let call = call.with(|options| options.will = &messages[1]);
    assert_eq!(call.publish(&[]), PMQTT_ERR_NOT_SUPPORTED);
    assert!(call.words().starts_with("will: content_type"));
}
