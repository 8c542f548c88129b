//! Messages of each QoS, from the broker to the client.

use std::sync::mpsc::channel;

use pmqtt::ffi;

use crate::support::{
    Broker, CONNACK, CONNECT, CONNECT_TO_STAY, Client, Connection, Drive, Event, LIMIT, Message,
    SESSION_PRESENT, connected, connected_with, each_drive, reconnect_when_lost,
};

fn told(mid: u64, payload: &[u8], qos: i32) -> Event {
    Event::Message(Message::new(mid, "t", payload, qos))
}

#[test]
fn qos_0_has_no_answer() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        peer.send(b"\x30\x07\0\x01tzero");
        assert_eq!(client.next(), told(0, b"zero", 0));
        peer.expect_silence();
    });
}

#[test]
fn qos_1_is_answered_with_puback() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        peer.send(b"\x32\x08\0\x01t\x01\x02one");
        peer.expect(b"\x40\x02\x01\x02");
        assert_eq!(client.next(), told(0x102, b"one", 1));
        peer.expect_silence();
    });
}

#[test]
fn the_answer_follows_the_callback() {
    each_drive(|drive| {
        let (go, wait) = channel::<()>();
        let Connection {
            client: _client,
            mut peer,
            ..
        } = connected_with(drive, |client| {
            client.hook(move |client, event| {
                if matches!(event, Event::Message(_)) {
                    assert_eq!(wait.recv_timeout(LIMIT), Ok(()));
                    client.try_publish("first", b"", 0, false);
                }
            });
        });
        peer.send(b"\x32\x05\0\x01t\0\x01");
        go.send(()).expect("a callback that waits");
        peer.expect(b"\x30\x07\0\x05first\x40\x02\0\x01");
    });
}

#[test]
fn qos_2_is_delivered_with_publish_and_once() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        peer.send(b"\x34\x08\0\x01t\0\x09two");
        peer.expect(b"\x50\x02\0\x09");
        assert_eq!(client.next(), told(9, b"two", 2));
        peer.send(b"\x3c\x08\0\x01t\0\x09two");
        peer.expect(b"\x50\x02\0\x09");
        peer.send(b"\x62\x02\0\x09");
        peer.expect(b"\x70\x02\0\x09");
        peer.send(b"\x62\x02\0\x09");
        peer.expect(b"\x70\x02\0\x09");
        assert_eq!(client.told(), None);
        // The identifier is free for the next message.
        peer.send(b"\x34\x08\0\x01t\0\x09new");
        peer.expect(b"\x50\x02\0\x09");
        assert_eq!(client.next(), told(9, b"new", 2));
    });
}

#[test]
fn a_qos_2_identifier_is_remembered_with_the_session() {
    each_drive(|drive| {
        let (client, broker) = (Client::create("c", false, 0), Broker::new());
        reconnect_when_lost(&client);
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.welcome(CONNECT_TO_STAY, SESSION_PRESENT);
        peer.send(b"\x34\x08\0\x01t\0\x09two");
        peer.expect(b"\x50\x02\0\x09");
        drop(peer);
        let mut peer = broker.welcome(CONNECT_TO_STAY, SESSION_PRESENT);
        peer.send(b"\x3c\x08\0\x01t\0\x09two");
        peer.expect(b"\x50\x02\0\x09");
        peer.expect_silence();
        let is_message = |event: &Event| matches!(event, Event::Message(_));
        let events: Vec<Event> = std::iter::from_fn(|| client.told()).collect();
        assert_eq!(events.iter().filter(|e| is_message(e)).count(), 1);
    });
}

#[test]
fn a_pubrec_without_answer_is_sent_again() {
    each_drive(|drive| {
        let Connection {
            client: _client,
            mut peer,
            ..
        } = connected_with(drive, |client| client.set_retry(1));
        peer.send(b"\x34\x08\0\x01t\0\x09two");
        peer.expect(b"\x50\x02\0\x09");
        peer.answer_ping();
        peer.expect(b"\x50\x02\0\x09");
        peer.send(b"\x62\x02\0\x09");
        peer.expect(b"\x70\x02\0\x09");
    });
}

#[test]
fn flags_reach_the_callback() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        peer.send(b"\x31\x04\0\x01tk\x3a\x06\0\x01t\0\x01d");
        let mut kept = Message::new(0, "t", b"k", 0);
        kept.retain = true;
        let mut twice = Message::new(1, "t", b"d", 1);
        twice.dup = true;
        assert_eq!(client.next(), Event::Message(kept));
        assert_eq!(client.next(), Event::Message(twice));
    });
}

#[test]
fn large_messages_come_whole() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        let payload: Vec<u8> = (0..2_097_152 - 3).map(|at| (at % 251) as u8).collect();
        peer.send(b"\x30\x80\x80\x80\x01\0\x01t");
        peer.send(&payload);
        assert_eq!(client.next(), told(0, &payload, 0));
        let payload = &payload[..16_384 - 5];
        peer.send(b"\x34\x80\x80\x01\0\x01t\0\x01");
        peer.send(payload);
        peer.expect(b"\x50\x02\0\x01");
        assert_eq!(client.next(), told(1, payload, 2));
    });
}

#[test]
fn each_filter_that_matches_gets_the_message() {
    let Connection {
        client, mut peer, ..
    } = connected(Drive::Thread);
    assert_eq!(client.add_filter("t/+"), 0);
    assert_eq!(client.add_filter("t/#"), 0);
    peer.send(b"\x30\x05\0\x03t/a\x30\x03\0\x01u");
    let both = Event::Message(Message::new(0, "t/a", b"", 0));
    assert_eq!(client.next(), both);
    assert_eq!(client.next(), both);
    assert_eq!(client.next(), Event::Message(Message::new(0, "u", b"", 0)));
}

/// The broker gives the packet identifier to another message, and the first is not acknowledged.
#[test]
fn an_acknowledgement_that_comes_after_a_reconnect_is_of_no_other_message() {
    for qos in 1..=2 {
        each_drive(|drive| {
            let Connection {
                client,
                mut peer,
                broker,
            } = connected_with(drive, |client| {
                client.set_manual_ack(true);
                reconnect_when_lost(client);
            });
            let first = 0x30 | (qos << 1);
            peer.send(&[first, 6, 0, 1, b't', 0, 1, b'a']);
            let before = client.next_mid();
            drop(peer);
            let mut peer = broker.welcome(CONNECT, CONNACK);
            let rc = ffi::PMQTT_ERR_CONN_LOST;
            assert_eq!(client.next(), Event::Disconnected { rc });
            assert_eq!(client.next(), Event::CONNECTED);
            peer.send(&[first, 6, 0, 1, b't', 0, 1, b'b']);
            let now = client.next_mid();
            let level = qos.into();
            assert_eq!(client.ack(before, level), ffi::PMQTT_ERR_NOT_FOUND);
            peer.expect_silence();
            assert_eq!(client.ack(now, level), 0);
            peer.expect(&[0x30 + (qos << 4), 2, 0, 1]);
        });
    }
}

#[test]
fn the_program_may_acknowledge_by_itself() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected_with(drive, |client| client.set_manual_ack(true));
        peer.send(b"\x32\x06\0\x01t\0\x011\x34\x06\0\x01t\0\x022");
        let (first, second) = (client.next_mid(), client.next_mid());
        peer.expect_silence();
        assert_eq!(client.ack(second, 2), 0);
        peer.expect(b"\x50\x02\0\x02");
        assert_eq!(client.ack(1, 1), ffi::PMQTT_ERR_NOT_FOUND);
        assert_eq!(client.ack(first, 1), 0);
        peer.expect(b"\x40\x02\0\x01");
        assert_eq!(client.ack(first, 1), ffi::PMQTT_ERR_NOT_FOUND);
        assert_eq!(client.ack(second, 2), ffi::PMQTT_ERR_NOT_FOUND);
        peer.send(b"\x62\x02\0\x02");
        peer.expect(b"\x70\x02\0\x02");
    });
}
