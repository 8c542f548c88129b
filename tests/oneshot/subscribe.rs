//! Receiving: what is wanted and no more; each message that is kept is acknowledged.

use std::ffi::{CStr, c_int, c_void};
use std::thread;
use std::time::Duration;

use pmqtt::client::Handle;
use pmqtt::client::events::MessageEvent;
use pmqtt::ffi::*;

use crate::call::{Call, publication};
use crate::mosquitto::Mosquitto;
use crate::played::{DISCONNECT, PUBACK, Peer, SUBSCRIBE, play};

/// It subscribes on the connection that the broker accepts.
#[test]
fn the_best_version_of_the_broker_is_found() {
    let (port, broker) = play(|listener| {
        Peer::answer(listener, 1).expect_end();
        let mut peer = Peer::grant(listener, 0);
        peer.send_message(1, b'x');
        peer.expect(PUBACK);
    });
    let call = Call::to(port).with(|options| options.protocol = PMQTT_PROTOCOL_BEST);
    let (code, messages) = call.collect(&[c"t"], 0, 1);
    assert_eq!((code, messages.len()), (PMQTT_ERR_SUCCESS, 1));
    broker.join().expect("the broker");
}

#[test]
fn a_durable_session_keeps_what_was_not_returned() {
    let broker = Mosquitto::start();
    let mut stored = publication(c"t", b"stored", 1);
    stored.retain = true;
    assert_eq!(
        Call::to(broker.port).publish_one(&stored),
        PMQTT_ERR_SUCCESS
    );
    let collect = |qos, count, retained| {
        let call = Call::to(broker.port).with(|options| {
            options.client_id = c"durable".as_ptr();
            options.durable = true;
        });
        let (code, messages) = call.collect_with(&[c"t"], qos, count, retained);
        assert_eq!(code, PMQTT_ERR_SUCCESS, "{}", call.words());
        let payloads = messages.into_iter().map(|message| message.payload);
        payloads.collect::<Vec<_>>()
    };

    for qos in 1..=2 {
        assert_eq!(collect(qos, 1, true), [b"stored"]);
        let messages: Vec<_> = [b"a", b"b", b"c", b"d", b"e"]
            .map(|payload| publication(c"t", payload, qos))
            .into();
        assert_eq!(Call::to(broker.port).publish(&messages), PMQTT_ERR_SUCCESS);
        assert_eq!(collect(qos, 2, false), [b"a", b"b"]);
        assert_eq!(collect(qos, 3, false), [b"c", b"d", b"e"], "{qos}");
    }
}

#[test]
fn several_filters_and_empty_payloads() {
    let broker = Mosquitto::start();
    for topic in [c"a/1", c"b/1"] {
        let mut stored = publication(topic, topic.to_bytes(), 0);
        stored.retain = true;
        assert_eq!(
            Call::to(broker.port).publish_one(&stored),
            PMQTT_ERR_SUCCESS
        );
    }
    let call = Call::to(broker.port);
    let (code, messages) = call.collect_with(&[c"a/+", c"b/#"], 0, 2, true);
    assert_eq!(code, PMQTT_ERR_SUCCESS, "{}", call.words());
    for message in &messages {
        assert_eq!(message.payload, message.topic.to_bytes());
        assert!(message.retain && message.qos == 0);
    }
    assert_ne!(messages[0].topic, messages[1].topic);
}

#[test]
fn only_what_is_wanted_is_acknowledged() {
    let (port, broker) = play(|listener| {
        let mut peer = Peer::grant(listener, 1);
        peer.send(b"\x32\x06\0\x01t\0\x01a\x32\x06\0\x01t\0\x02b\x32\x06\0\x01t\0\x03c");
        assert_eq!(peer.expect(PUBACK), [0, 1]);
        assert_eq!(peer.expect(PUBACK), [0, 2]);
        peer.expect(DISCONNECT);
        peer.expect_end();
    });
    let (code, messages) = Call::to(port).collect(&[c"t"], 1, 2);
    assert_eq!(code, PMQTT_ERR_SUCCESS);
    assert_eq!(messages.len(), 2);
    broker.join().expect("the broker");
}

#[test]
fn what_came_before_a_failure_is_returned() {
    let (port, broker) = play(|listener| {
        let mut peer = Peer::grant(listener, 1);
        peer.send_message(1, b'a');
        peer.expect(PUBACK);
        peer.expect(DISCONNECT);
    });
    let call = Call::to(port).with(|options| options.timeout_ms = 2000);
    let (code, messages) = call.collect(&[c"t"], 1, 2);
    assert_eq!(code, PMQTT_ERR_TIMEOUT);
    assert_eq!(messages.len(), 1);
    assert!(
        call.words().ends_with("; 1 of 2 messages came"),
        "{}",
        call.words()
    );
    broker.join().expect("the broker");
}

#[test]
fn the_last_message_may_come_with_the_end_of_the_connection() {
    let (port, broker) = play(|listener| {
        let mut peer = Peer::grant(listener, 0);
        peer.send(b"\x30\x04\0\x01ta");
    });
    let (code, messages) = Call::to(port).collect(&[c"t"], 0, 1);
    assert_eq!(code, PMQTT_ERR_SUCCESS);
    assert_eq!(messages[0].payload, b"a");
    broker.join().expect("the broker");
}

#[test]
fn a_refused_filter_is_an_error() {
    for follows in [false, true] {
        let (port, broker) = play(|listener| {
            let mut peer = Peer::grant(listener, 0x80);
            peer.expect(DISCONNECT);
        });
        let call = Call::to(port);
        let code = match follows {
            true => call.follow(Some(unexpected), 1, &mut ()),
            false => call.collect(&[c"t"], 1, 1).0,
        };
        assert_eq!(code, PMQTT_ERR_ACL_DENIED);
        assert!(call.words().contains("refused t"), "{}", call.words());
        broker.join().expect("the broker");
    }
}

extern "C" fn unexpected(_: *mut Handle, _: *mut c_void, _: *const MessageEvent) {
    unreachable!("there is no message");
}

#[test]
fn following_goes_on_over_a_lost_connection() {
    let (port, broker) = play(|listener| {
        let mut first = Peer::grant(listener, 1);
        first.send_message(1, b'a');
        first.expect(PUBACK);
        drop(first);
        let mut second = Peer::grant(listener, 1);
        thread::sleep(Duration::from_secs(2));
        second.send_message(1, b'b');
        second.expect(PUBACK);
        second.expect(DISCONNECT);
        second.expect_end();
    });
    let mut payloads = Vec::<u8>::new();
    // The timeout has passed when the second message comes.
    let call = Call::to(port).with(|options| options.timeout_ms = 2000);
    assert_eq!(
        call.follow(Some(until_b), 1, &mut payloads),
        PMQTT_ERR_SUCCESS,
        "{}",
        call.words()
    );
    assert_eq!(payloads, b"ab");
    broker.join().expect("the broker");
}

extern "C" fn until_b(client: *mut Handle, userdata: *mut c_void, event: *const MessageEvent) {
    // SAFETY: the user data is the vector, the payload one byte.
    unsafe {
        let payload = *(*event).payload.cast::<u8>();
        (*userdata.cast::<Vec<u8>>()).push(payload);
        if payload == b'b' {
            assert_eq!(pmqtt_disconnect(client), PMQTT_ERR_SUCCESS);
        }
    }
}

#[test]
fn following_ends_when_a_later_connection_is_refused() {
    let (port, broker) = play(|listener| {
        drop(Peer::grant(listener, 1));
        Peer::answer(listener, 5).expect_end();
    });
    let call = Call::to(port);
    assert_eq!(
        call.follow(Some(unexpected), 1, &mut ()),
        PMQTT_ERR_CONN_REFUSED
    );
    assert!(call.words().contains("not authorised"), "{}", call.words());
    broker.join().expect("the broker");
}

#[test]
fn no_answer_to_subscribe_is_a_timeout() {
    let (port, broker) = play(|listener| {
        let mut peer = Peer::answer(listener, 0);
        peer.expect(SUBSCRIBE);
        peer.expect(DISCONNECT);
    });
    let call = Call::to(port).with(|options| options.timeout_ms = 2000);
    assert_eq!(call.follow(Some(unexpected), 1, &mut ()), PMQTT_ERR_TIMEOUT);
    broker.join().expect("the broker");
}

#[test]
fn the_callback_may_free_its_client() {
    follow_until(|client| {
        // SAFETY: the client is the library's, and is not used any more.
        unsafe { pmqtt_client_free(client) };
    });
}

#[test]
fn another_thread_may_disconnect() {
    follow_until(|client| {
        let client = client.expose_provenance();
        thread::spawn(move || {
            // SAFETY: the client is live, as nothing else ends the call.
            unsafe { pmqtt_disconnect(std::ptr::with_exposed_provenance_mut(client)) }
        });
    });
}

/// Receives one message, and calls `end` in its callback.
fn follow_until(mut end: fn(*mut Handle)) {
    let (port, broker) = play(|listener| {
        let mut peer = Peer::grant(listener, 1);
        peer.send_message(1, b'a');
        while peer.read_on() {}
    });
    let code: c_int = Call::to(port).follow(Some(call_end), 1, &mut end);
    assert_eq!(code, PMQTT_ERR_SUCCESS);
    broker.join().expect("the broker");
}

extern "C" fn call_end(client: *mut Handle, userdata: *mut c_void, event: *const MessageEvent) {
    // SAFETY: the user data is the function, the event the library's.
    unsafe {
        assert_eq!(CStr::from_ptr((*event).topic), c"t");
        (*userdata.cast::<fn(*mut Handle)>())(client);
    }
}
