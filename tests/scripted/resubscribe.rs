//! Subscribing again after a reconnect without a session.

use std::ffi::{CStr, c_void};
use std::slice;
use std::sync::Mutex;

use pmqtt::client::events::Subscribed;
use pmqtt::ffi;

use crate::support::mqtt5::{ACCEPTED, connack};
use crate::support::{
    Broker, CONNACK, CONNECT_TO_STAY, Client, Drive, Event, Handle, SESSION_PRESENT, each_of,
};

fn set_resubscribe(client: Handle, resubscribe: bool) {
    // SAFETY: the client lives.
    let rc = unsafe { ffi::pmqtt_resubscribe_set(client.0, resubscribe) };
    assert_eq!(rc, 0);
}

fn subscribed(mid: u64, granted: &[u8]) -> Event {
    Event::Subscribed {
        mid,
        rc: 0,
        granted: granted.into(),
    }
}

#[test]
fn it_subscribes_before_the_queue_unless_the_broker_has_the_session() {
    each_of(&Drive::RECONNECTING, |drive| {
        let client = Client::create("c", false, ffi::PMQTT_PROTOCOL_V311);
        let broker = Broker::new();
        set_resubscribe(*client, true);
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.welcome(CONNECT_TO_STAY, CONNACK);
        assert_eq!(client.next(), Event::CONNECTED);
        client.subscribe(&[("b", 1), ("a/+", 2)]);
        peer.expect(b"\x82\x0c\0\x01\0\x01b\x01\0\x03a/+\x02");
        peer.send(b"\x90\x04\0\x01\x01\x02");
        assert_eq!(client.next(), subscribed(1, &[1, 2]));
        client.publish("t", b"", 1);
        peer.expect(b"\x32\x05\0\x01t\0\x02");
        drop(peer);

        let mut peer = broker.welcome(CONNECT_TO_STAY, SESSION_PRESENT);
        peer.expect(b"\x3a\x05\0\x01t\0\x02");
        drop(peer);
        let mut peer = broker.welcome(CONNECT_TO_STAY, CONNACK);
        peer.expect(b"\x82\x0c\xff\xff\0\x03a/+\x02\0\x01b\x01");
        peer.expect(b"\x3a\x05\0\x01t\0\x02");
        peer.send(b"\x90\x04\xff\xff\x02\x01");
        peer.expect_silence();
        for told in std::iter::from_fn(|| client.told()) {
            let is_of_connection =
                matches!(told, Event::Connected { .. } | Event::Disconnected { .. });
            assert!(is_of_connection, "{told:?}");
        }
    });
}

#[test]
fn what_the_program_subscribes_to_in_on_connect_is_not_doubled() {
    each_of(&Drive::RECONNECTING, |drive| {
        let (client, broker) = (Client::mqtt5("c"), Broker::new());
        set_resubscribe(*client, true);
        client.hook(|client, event| {
            if matches!(event, Event::Connected { .. }) {
                client.subscribe(&[("own", 0)]);
            }
        });
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.welcome_any(ACCEPTED);
        peer.expect(b"\x82\x09\0\x01\0\0\x03own\0");
        peer.send(b"\x90\x04\0\x01\0\0");
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.next(), subscribed(1, &[0]));
        client.subscribe(&[("a", 0)]);
        peer.expect(b"\x82\x07\0\x02\0\0\x01a\0");
        peer.send(b"\x90\x04\0\x02\0\0");
        assert_eq!(client.next(), subscribed(2, &[0]));
        drop(peer);
        // Retained messages come only if the subscription is new.
        let mut peer = broker.welcome_any(ACCEPTED);
        peer.expect(b"\x82\x09\0\x03\0\0\x03own\0");
        peer.expect(b"\x82\x07\xff\xff\0\0\x01a\x10");
        peer.expect_silence5();
    });
}

/// Mid, filters with their codes, and reason.
type Refused = (u64, Vec<(String, u8)>, i32);

static REFUSED: Mutex<Vec<Refused>> = Mutex::new(Vec::new());

extern "C" fn on_subscribe(
    _: *mut pmqtt::client::Handle,
    _: *mut c_void,
    event: *const Subscribed,
) {
    // SAFETY: the library passes an event that lives through the callback, and its pointers and counts match.
    let refused = unsafe {
        let event = &*event;
        if event.mid != 0 {
            return assert!(event.filters.is_null());
        }
        let codes = slice::from_raw_parts(event.granted_qos, event.granted_qos_count);
        let filters = slice::from_raw_parts(event.filters, event.granted_qos_count);
        let texts = filters.iter().map(|filter| CStr::from_ptr(*filter));
        let texts = texts.map(|text| text.to_str().expect("UTF-8").to_owned());
        (
            event.mid,
            texts.zip(codes.iter().copied()).collect(),
            event.reason,
        )
    };
    REFUSED.lock().unwrap().push(refused);
}

#[test]
fn refused_filters_are_told_and_logged() {
    let (client, broker) = (Client::mqtt5("c"), Broker::new());
    set_resubscribe(*client, true);
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_on_subscribe_set(client.0, Some(on_subscribe)) };
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let mut peer = broker.welcome_any(ACCEPTED);
    assert_eq!(client.next(), Event::CONNECTED);
    client.subscribe(&[("a/#", 0), ("b", 0), ("c", 0)]);
    peer.packet();
    peer.send(b"\x90\x06\0\x01\0\0\0\0");
    peer.expect_silence5();
    client.set_log();
    drop(peer);
    let mut peer = broker.welcome_any(&connack(false, 0, b"\x28\0"));
    peer.expect(b"\x82\x0b\xff\xff\0\0\x01b\x10\0\x01c\x10");
    peer.send(b"\x90\x05\xff\xff\0\x87\x00");
    peer.expect_silence5();
    let is_about = |event: &Event, filter: &str| match event {
        Event::Log { text, .. } => {
            text.ends_with(&format!("refused to subscribe again to {filter}"))
        }
        _ => false,
    };
    for last in ["a/#: 0xa2", "b: 0x87"] {
        while !is_about(&client.next(), last) {}
    }
    client.disconnect();
    while client.next() != (Event::Disconnected { rc: 0 }) {}
    let all = std::mem::take(&mut *REFUSED.lock().unwrap());
    let expected = [
        (0, vec![("a/#".into(), 0xa2)], 0xa2),
        (0, vec![("b".into(), 0x87)], 0x87),
    ];
    assert_eq!(all, expected);
}
