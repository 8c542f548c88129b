//! Replies to the requests of other clients (section 4.10 of MQTT 5).

use std::ffi::{c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::Mutex;

use pmqtt::client::events::{MessageEvent, PropertyView};
use pmqtt::codec::{Buffer, Message as Sent, Packet, PropertyList, QoS, encode, property};
use pmqtt::ffi::{self, PMQTT_ERR_INVAL, PMQTT_ERR_NOT_FOUND, Publication};

use crate::support::mqtt5::{ACCEPTED, connected5};
use crate::support::requests::publication;
use crate::support::{Connection, Drive, Event, Peer, c};

/// A request of another client to this one.
fn ask(peer: &mut Peer, topic: Option<&[u8]>, data: Option<&[u8]>) {
    let mut list = PropertyList::default();
    if let Some(topic) = topic {
        list.bytes(property::RESPONSE_TOPIC, topic).expect("fits");
    }
    if let Some(data) = data {
        list.bytes(property::CORRELATION_DATA, data).expect("fits");
    }
    let message = Sent {
        topic: b"service",
        payload: b"?",
        qos: QoS::AtMostOnce,
        retain: false,
        properties: Some(list.get()),
    };
    let mut out = Buffer::default();
    encode::publish(&mut out, &message.check().expect("fits"), None).expect("memory");
    peer.send(&out);
}

#[track_caller]
fn reply(peer: &mut Peer) -> (Vec<u8>, Option<Vec<u8>>, Vec<u8>) {
    peer.read(|packet| match packet {
        Packet::Publish(publish) => (
            publish.topic.as_bytes().to_vec(),
            publish
                .properties
                .bytes(property::CORRELATION_DATA)
                .map(<[u8]>::to_vec),
            publish.payload.to_vec(),
        ),
        other => panic!("{other}"),
    })
}

/// What the callback of a responder returns, and the address that it keeps.
struct Responder {
    results: Mutex<Vec<c_int>>,
    address: Mutex<Vec<u8>>,
}

extern "C" fn on_request(
    client: *mut pmqtt::client::Handle,
    responder: *mut c_void,
    message: *const MessageEvent,
) {
    // SAFETY: the userdata is a `Responder` of the test, which outlives its client.
    let responder = unsafe { &*responder.cast::<Responder>() };
    let answer = Publication {
        struct_size: size_of::<Publication>(),
        payload: b"!".as_ptr().cast(),
        payload_len: 1,
        // SAFETY: all bytes 0 are NULL, 0 and false.
        ..unsafe { std::mem::zeroed() }
    };
    let mut buf = [0_u8; 64];
    let mut address = PropertyView {
        data: null(),
        len: 0,
    };
    // SAFETY: the client, the message and the arguments live.
    let results = unsafe {
        let buffer = buf.as_mut_ptr().cast();
        [
            ffi::pmqtt_reply(client, message, &answer),
            ffi::pmqtt_reply_address(message, buffer, buf.len(), &mut address),
            ffi::pmqtt_reply_address(message, buffer, 3, &mut address),
            ffi::pmqtt_reply_address(message, null_mut(), buf.len(), &mut address),
            ffi::pmqtt_reply_address(null(), buffer, buf.len(), &mut address),
            ffi::pmqtt_reply_address(message, buffer, buf.len(), null_mut()),
        ]
    };
    *responder.address.lock().unwrap() = buf[..address.len].to_vec();
    responder.results.lock().unwrap().extend(results);
}

#[test]
fn a_reply_goes_where_the_request_says_at_once_or_later() {
    let Connection {
        client, mut peer, ..
    } = connected5(Drive::Thread, ACCEPTED);
    let responder = Box::new(Responder {
        results: Mutex::default(),
        address: Mutex::default(),
    });
    let handler = ffi::MessageHandler {
        struct_size: size_of::<ffi::MessageHandler>(),
        filter: c"service".as_ptr(),
        callback: Some(on_request),
        userdata: (&raw const *responder).cast_mut().cast(),
        release: None,
    };
    // SAFETY: the client and the handler live.
    let rc = unsafe { ffi::pmqtt_message_handler_add(client.0, &handler) };
    assert_eq!(rc, 0);
    let mut check = |topic: Option<&[u8]>, data: Option<&[u8]>, results: [c_int; 6]| {
        ask(&mut peer, topic, data);
        if results[0] == 0 {
            let expected = (
                topic.unwrap().to_vec(),
                data.map(<[u8]>::to_vec),
                b"!".to_vec(),
            );
            assert_eq!(reply(&mut peer), expected);
            assert!(matches!(client.next(), Event::Published { rc: 0, .. }));
        }
        peer.expect_silence5();
        let mut told = responder.results.lock().unwrap();
        assert_eq!(std::mem::take(&mut *told), results);
    };
    let wrong = PMQTT_ERR_INVAL;
    let none = PMQTT_ERR_NOT_FOUND;
    check(None, Some(b"c"), [none, none, none, wrong, wrong, wrong]);
    check(Some(b"r"), None, [0, 0, wrong, wrong, wrong, wrong]);
    check(
        Some(b"r/1"),
        Some(b"\0\xff"),
        [0, 0, wrong, wrong, wrong, wrong],
    );
    check(Some(b"r/1"), Some(b""), [0, 0, wrong, wrong, wrong, wrong]);
    check(
        Some(b"r/1"),
        Some(b"\0\xff"),
        [0, 0, wrong, wrong, wrong, wrong],
    );
    let bytes = responder.address.lock().unwrap().clone();
    assert_eq!(bytes, b"\x08\0\x03r/1\x09\0\x02\0\xff");
    let address = PropertyView {
        data: bytes.as_ptr().cast(),
        len: bytes.len(),
    };
    let empty = Publication {
        struct_size: size_of::<Publication>(),
        // SAFETY: all bytes 0 are NULL, 0 and false.
        ..unsafe { std::mem::zeroed() }
    };
    let topic = c("own");
    let with_topic = publication(&topic, 0);
    let with_correlation = Publication {
        correlation: b"x".as_ptr().cast(),
        correlation_len: 1,
        ..empty
    };
    let broken = PropertyView { len: 5, ..address };
    // SAFETY: the client and the arguments live.
    unsafe {
        assert_eq!(ffi::pmqtt_reply_to(client.0, &address, &empty), 0);
        assert_eq!(ffi::pmqtt_reply_to(client.0, &address, &with_topic), wrong);
        assert_eq!(
            ffi::pmqtt_reply_to(client.0, &address, &with_correlation),
            wrong
        );
        assert_eq!(ffi::pmqtt_reply_to(client.0, &address, null()), wrong);
        assert_eq!(ffi::pmqtt_reply_to(client.0, null(), &empty), wrong);
        assert_eq!(ffi::pmqtt_reply_to(client.0, &broken, &empty), wrong);
        assert_eq!(ffi::pmqtt_reply(client.0, null(), &empty), wrong);
    }
    let later = (b"r/1".to_vec(), Some(b"\0\xff".to_vec()), b"".to_vec());
    assert_eq!(reply(&mut peer), later);
}
