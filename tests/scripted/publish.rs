//! Messages of each QoS, from the client to the broker.

use std::thread;
use std::time::Duration;

use pmqtt::ffi;

use crate::support::{
    Broker, CONNACK, CONNECT, Client, Connection, DISCONNECT, Drive, Event, LIMIT, connected,
    connected_with, each_drive, each_of, reconnect_when_lost,
};

#[test]
fn qos_0_is_done_when_it_is_written() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        assert_eq!(client.publish("topic", b"payload", 0), 1);
        peer.expect(b"\x30\x0e\0\x05topicpayload");
        assert_eq!(client.next(), Event::published(1));
    });
}

#[test]
fn a_payload_may_be_empty() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        // SAFETY: the client lives, and a payload of no bytes may be NULL.
        let rc = unsafe {
            let (payload, mid) = (std::ptr::null(), std::ptr::null_mut());
            ffi::pmqtt_publish(client.0, c"topic".as_ptr(), payload, 0, 0, false, mid)
        };
        assert_eq!(rc, 0);
        peer.expect(b"\x30\x07\0\x05topic");
        assert_eq!(client.next(), Event::published(1));
    });
}

#[test]
fn retain_is_a_flag() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        assert_eq!(client.try_publish("t", b"kept", 0, true), (0, Some(1)));
        peer.expect(b"\x31\x07\0\x01tkept");
        assert_eq!(client.try_publish("t", b"kept", 1, true), (0, Some(2)));
        peer.expect(b"\x33\x09\0\x01t\0\x02kept");
    });
}

#[test]
fn qos_1_is_done_with_puback() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        assert_eq!(client.publish("t", b"one", 1), 1);
        peer.expect(b"\x32\x08\0\x01t\0\x01one");
        peer.expect_silence();
        assert_eq!(client.told(), None);
        peer.send(b"\x40\x02\0\x01");
        assert_eq!(client.next(), Event::published(1));
        assert_eq!(client.drain(LIMIT), (0, 0));
    });
}

#[test]
fn qos_1_is_sent_again_on_the_next_connection() {
    each_drive(|drive| {
        let Connection {
            client,
            mut peer,
            broker,
        } = connected_with(drive, reconnect_when_lost);
        client.publish("t", b"one", 1);
        peer.expect(b"\x32\x08\0\x01t\0\x01one");
        drop(peer);
        let mut peer = broker.welcome(CONNECT, CONNACK);
        peer.expect(b"\x3a\x08\0\x01t\0\x01one");
        peer.send(b"\x40\x02\0\x01");
        let rc = ffi::PMQTT_ERR_CONN_LOST;
        assert_eq!(client.next(), Event::Disconnected { rc });
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.next(), Event::published(1));
        peer.expect_silence();
    });
}

#[test]
fn qos_1_is_sent_again_when_no_answer_comes() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected_with(drive, |client| client.set_retry(1));
        client.publish("t", b"one", 1);
        peer.expect(b"\x32\x08\0\x01t\0\x01one");
        peer.answer_ping();
        peer.expect(b"\x3a\x08\0\x01t\0\x01one");
        peer.send(b"\x40\x02\0\x01");
        assert_eq!(client.next(), Event::published(1));
        peer.expect_silence();
    });
}

#[test]
fn qos_2_is_done_with_pubcomp() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        client.publish("t", b"two", 2);
        peer.expect(b"\x34\x08\0\x01t\0\x01two");
        peer.send(b"\x50\x02\0\x01");
        peer.expect(b"\x62\x02\0\x01");
        peer.expect_silence();
        assert_eq!(client.told(), None);
        peer.send(b"\x70\x02\0\x01");
        assert_eq!(client.next(), Event::published(1));
        peer.expect_silence();
    });
}

#[test]
fn qos_2_goes_on_where_it_was_on_the_next_connection() {
    each_drive(|drive| {
        let Connection {
            client,
            mut peer,
            broker,
        } = connected_with(drive, reconnect_when_lost);
        client.publish("t", b"two", 2);
        peer.expect(b"\x34\x08\0\x01t\0\x01two");
        drop(peer);
        let mut peer = broker.welcome(CONNECT, CONNACK);
        peer.expect(b"\x3c\x08\0\x01t\0\x01two");
        peer.send(b"\x50\x02\0\x01");
        peer.expect(b"\x62\x02\0\x01");
        drop(peer);
        let mut peer = broker.welcome(CONNECT, CONNACK);
        peer.expect(b"\x62\x02\0\x01");
        peer.send(b"\x70\x02\0\x01");
        let rc = ffi::PMQTT_ERR_CONN_LOST;
        for _ in 0..2 {
            assert_eq!(client.next(), Event::Disconnected { rc });
            assert_eq!(client.next(), Event::CONNECTED);
        }
        // The session of the message is lost.
        let rc = ffi::PMQTT_ERR_IN_DOUBT;
        assert_eq!(client.next(), Event::Published { mid: 1, rc });
        assert_eq!(client.drain(LIMIT), (0, 0));
        assert_eq!(client.stats().messages_out, 0);
        peer.expect_silence();
    });
}

#[test]
fn drain_fails_when_a_message_is_in_doubt_in_the_end() {
    let (client, broker) = (Client::new("c"), Broker::new());
    client.connect_async(&broker);
    let step_until = |event: Event| {
        while client.told().as_ref() != Some(&event) {
            client.step(10);
        }
    };
    let queued = (ffi::PMQTT_ERR_NO_CONN, Some(1));
    assert_eq!(client.try_publish("t", b"two", 2, false), queued);
    client.step(0);
    let mut peer = broker.accept();
    peer.send(CONNACK);
    step_until(Event::CONNECTED);
    peer.expect(CONNECT);
    client.step(0);
    peer.expect(b"\x34\x08\0\x01t\0\x01two");
    peer.send(b"\x50\x02\0\x01");
    drop(peer);
    let rc = ffi::PMQTT_ERR_CONN_LOST;
    step_until(Event::Disconnected { rc });
    assert_eq!(client.reconnect(), 0);
    client.step(0);
    let mut peer = broker.accept();
    peer.send(CONNACK);
    step_until(Event::CONNECTED);
    // Only the drain runs the client: no callback runs before it begins.
    peer.send(b"\x70\x02\0\x01");
    let (rc, left) = client.drain(LIMIT);
    assert_eq!((rc, left), (ffi::PMQTT_ERR_IN_DOUBT, 0));
    assert!(client.last_error().contains("may have lost a message"));
    assert_eq!(client.next(), Event::Published { mid: 1, rc });
    assert_eq!(client.drain(LIMIT), (0, 0));
}

#[test]
fn a_pubrel_is_sent_again_when_no_answer_comes() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected_with(drive, |client| client.set_retry(1));
        client.publish("t", b"one", 2);
        peer.expect(b"\x34\x08\0\x01t\0\x01one");
        peer.send(b"\x50\x02\0\x01");
        peer.expect(b"\x62\x02\0\x01");
        peer.answer_ping();
        peer.expect(b"\x62\x02\0\x01");
        peer.send(b"\x70\x02\0\x01");
        assert_eq!(client.next(), Event::published(1));
        peer.expect_silence();
    });
}

#[test]
fn version_3_1_marks_a_pubrel_that_is_sent_again() {
    each_drive(|drive| {
        let client = Client::create("c", true, ffi::PMQTT_PROTOCOL_V31);
        let broker = Broker::new();
        client.set_retry(1);
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.welcome(b"\x10\x0f\0\x06MQIsdp\x03\x02\0\x3c\0\x01c", CONNACK);
        client.publish("t", b"two", 2);
        peer.expect(b"\x34\x08\0\x01t\0\x01two");
        peer.send(b"\x50\x02\0\x01");
        peer.expect(b"\x62\x02\0\x01");
        peer.answer_ping();
        peer.expect(b"\x6a\x02\0\x01");
    });
}

#[test]
fn without_a_retry_time_nothing_is_sent_again() {
    let Connection {
        client, mut peer, ..
    } = connected_with(crate::support::Drive::Foreign, |client| client.set_retry(0));
    client.publish("t", b"one", 1);
    peer.expect(b"\x32\x08\0\x01t\0\x01one");
    peer.expect_silence();
    // Only the keep alive of 60 s is left to wait for.
    assert!(client.next_timeout_ms() > 30_000);
}

/// A remaining length, and its encoding.
const LENGTHS: [(usize, &[u8]); 6] = [
    (127, b"\x7f"),
    (128, b"\x80\x01"),
    (16_383, b"\xff\x7f"),
    (16_384, b"\x80\x80\x01"),
    (2_097_151, b"\xff\xff\x7f"),
    (2_097_152, b"\x80\x80\x80\x01"),
];

#[test]
fn each_form_of_the_remaining_length() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        for ((length, written), mid) in LENGTHS.iter().zip(1..) {
            let payload: Vec<u8> = (0..length - 5).map(|at| at as u8).collect();
            client.publish("t", &payload, 2);
            let publish = [b"\x34", *written, b"\0\x01t\0", &[mid], &payload];
            peer.expect(&publish.concat());
            peer.send(&[0x50, 2, 0, mid]);
            peer.expect(&[0x62, 2, 0, mid]);
            peer.send(&[0x70, 2, 0, mid]);
            assert_eq!(client.next(), Event::published(mid.into()));
        }
    });
}

#[test]
fn without_a_connection_qos_0_is_dropped_and_the_others_wait() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        let no_conn = ffi::PMQTT_ERR_NO_CONN;
        assert_eq!(client.try_publish("t", b"0", 0, false), (no_conn, Some(1)));
        assert_eq!(client.try_publish("t", b"1", 1, false), (no_conn, Some(2)));
        assert_eq!(client.try_publish("t", b"2", 2, false), (no_conn, Some(3)));
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.welcome(CONNECT, CONNACK);
        peer.expect(b"\x32\x06\0\x01t\0\x021");
        peer.expect(b"\x34\x06\0\x01t\0\x032");
        peer.expect_silence();
    });
}

#[test]
fn disconnect_lets_what_was_published_go_first() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        for mid in 1..=100 {
            assert_eq!(client.publish("t", b"0", 0), mid);
        }
        assert_eq!(client.disconnect(), 0);
        for _ in 1..=100 {
            peer.expect(b"\x30\x04\0\x01t0");
        }
        peer.expect(DISCONNECT);
        peer.expect_end();
        for mid in 1..=100 {
            assert_eq!(client.next(), Event::published(mid));
        }
        assert_eq!(client.next(), Event::Disconnected { rc: 0 });
    });
}

#[test]
fn drain_waits_for_the_last_answer() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        client.publish("t", b"0", 0);
        client.publish("t", b"1", 1);
        peer.expect(b"\x30\x04\0\x01t0");
        peer.expect(b"\x32\x06\0\x01t\0\x021");
        let (rc, left) = client.drain(Duration::from_millis(20));
        assert_eq!((rc, left), (ffi::PMQTT_ERR_TIMEOUT, 1));
        peer.send(b"\x40\x02\0\x02");
        assert_eq!(client.drain(LIMIT), (0, 0));
    });
}

#[test]
fn drain_waits_for_the_answers_to_requests() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        client.subscribe(&[("s", 0)]);
        client.unsubscribe(&["u"]);
        peer.expect(b"\x82\x06\0\x01\0\x01s\0");
        peer.expect(b"\xa2\x05\0\x02\0\x01u");
        let drain = || client.drain(Duration::from_millis(20));
        assert_eq!(drain(), (ffi::PMQTT_ERR_TIMEOUT, 2));
        assert_eq!(client.stats().unsettled, 2);
        peer.send(b"\xb0\x02\0\x02");
        let unsubscribed = Event::Unsubscribed { mid: 2, rc: 0 };
        assert_eq!(client.next(), unsubscribed);
        assert_eq!(drain(), (ffi::PMQTT_ERR_TIMEOUT, 1));
        peer.send(b"\x90\x03\0\x01\0");
        assert_eq!(client.drain(LIMIT), (0, 0));
        let granted = vec![0];
        let subscribed = Event::Subscribed {
            mid: 1,
            rc: 0,
            granted,
        };
        assert_eq!(client.told(), Some(subscribed));
    });
}

/// Where the client connects again by itself.
#[test]
fn drain_goes_on_with_the_next_connection() {
    each_of(&Drive::RECONNECTING, |drive| {
        let Connection {
            client,
            mut peer,
            broker,
        } = connected_with(drive, |client| client.set_reconnect_delay(1, 1));
        client.publish("t", &[1], 1);
        peer.expect(b"\x32\x06\0\x01t\0\x01\x01");
        let handle = *client;
        let drained = thread::spawn(move || handle.drain(LIMIT));
        drop(peer);
        let mut peer = broker.welcome(CONNECT, CONNACK);
        peer.expect(b"\x3a\x06\0\x01t\0\x01\x01");
        peer.send(b"\x40\x02\0\x01");
        assert_eq!(drained.join().expect("no panic"), (0, 0));
    });
}
