//! `on_drained`: it is called once each time that everything has its outcome, after all outcomes.

use pmqtt::ffi;

use crate::support::{
    CONNACK, CONNECT, Client, Connection, DISCONNECT, Drive, Event, connected_with, each_drive,
    reconnect_when_lost,
};

const NO_CONN: i32 = ffi::PMQTT_ERR_NO_CONN;

/// A client that records `on_drained`.
fn connected(drive: Drive) -> Connection {
    connected_with(drive, |client| client.set_drained(true))
}

/// The QoS 1 PUBLISH with this number as its identifier and its payload.
fn publish(number: u8) -> [u8; 8] {
    [0x32, 6, 0, 1, b't', 0, number, number]
}

fn puback(number: u8) -> [u8; 4] {
    [0x40, 2, 0, number]
}

fn drained(last_mid: u64) -> Event {
    Event::Drained { last_mid }
}

#[test]
fn it_comes_once_after_the_outcome_of_the_last_one() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        for round in 0..3 {
            let first = 3 * round + 1;
            client.publish("t", &[first], 1);
            client.publish("t", b"0", 0);
            client.subscribe(&[("s", 0)]);
            peer.expect(&publish(first));
            peer.expect(b"\x30\x04\0\x01t0");
            peer.expect(&[0x82, 6, 0, first + 2, 0, 1, b's', 0]);
            assert_eq!(client.next(), Event::published(u64::from(first) + 1));
            peer.send(&puback(first));
            assert_eq!(client.next(), Event::published(first.into()));
            peer.expect_silence();
            assert_eq!(client.told(), None, "SUBSCRIBE has no answer");
            peer.send(&[0x90, 3, 0, first + 2, 0]);
            let mid = u64::from(first) + 2;
            assert!(matches!(client.next(), Event::Subscribed { .. }));
            assert_eq!(client.next(), drained(mid));
            peer.expect_silence();
            assert_eq!(client.told(), None);
        }
    });
}

#[test]
fn what_is_published_by_the_last_outcome_is_waited_for() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        client.hook(|client, event| {
            if *event == Event::published(1) {
                client.publish("t", &[2], 1);
            }
        });
        client.publish("t", &[1], 1);
        peer.expect(&publish(1));
        peer.send(&puback(1));
        assert_eq!(client.next(), Event::published(1));
        peer.expect(&publish(2));
        peer.expect_silence();
        assert_eq!(client.told(), None);
        peer.send(&puback(2));
        assert_eq!(client.next(), Event::published(2));
        assert_eq!(client.next(), drained(2));
    });
}

#[test]
fn what_it_publishes_itself_is_told_of_again() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        client.hook(|client, event| {
            if let Event::Drained { last_mid: 1..=2 } = event {
                client.publish("t", b"0", 0);
            }
        });
        client.publish("t", b"0", 0);
        for mid in 1..=3 {
            peer.expect(b"\x30\x04\0\x01t0");
            assert_eq!(client.next(), Event::published(mid));
            assert_eq!(client.next(), drained(mid));
        }
        peer.expect_silence();
        assert_eq!(client.told(), None);
    });
}

/// The counterpart of `pmqtt_drain` and `pmqtt_disconnect` for a program that must not wait.
#[test]
fn it_is_where_a_program_disconnects() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        client.hook(|client, event| {
            if let Event::Drained { .. } = event {
                assert_eq!(client.disconnect(), 0);
            }
        });
        client.publish("t", &[1], 1);
        peer.expect(&publish(1));
        peer.send(&puback(1));
        peer.expect(DISCONNECT);
        peer.expect_end();
        assert_eq!(client.next(), Event::published(1));
        assert_eq!(client.next(), drained(1));
        assert_eq!(client.next(), Event::Disconnected { rc: 0 });
        assert_eq!(client.told(), None);
    });
}

#[test]
fn a_connection_that_ends_settles_what_does_not_outlive_it() {
    each_drive(|drive| {
        let Connection {
            client,
            mut peer,
            broker: _broker,
        } = connected(drive);
        client.subscribe(&[("s", 0)]);
        peer.expect(b"\x82\x06\0\x01\0\x01s\0");
        drop(peer);
        let rc = ffi::PMQTT_ERR_CONN_LOST;
        let granted = Vec::new();
        assert_eq!(
            client.next(),
            Event::Subscribed {
                mid: 1,
                rc,
                granted
            }
        );
        assert_eq!(client.next(), drained(1));
        assert_eq!(client.next(), Event::Disconnected { rc });
    });
}

#[test]
fn what_waits_for_the_next_connection_is_not_settled() {
    each_drive(|drive| {
        let Connection {
            client,
            mut peer,
            broker,
        } = connected_with(drive, |client| {
            client.set_drained(true);
            reconnect_when_lost(client);
        });
        client.publish("t", &[1], 1);
        peer.expect(&publish(1));
        drop(peer);
        let rc = ffi::PMQTT_ERR_CONN_LOST;
        assert_eq!(client.next(), Event::Disconnected { rc });
        let mut peer = broker.welcome(CONNECT, CONNACK);
        peer.expect(b"\x3a\x06\0\x01t\0\x01\x01");
        peer.send(&puback(1));
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.next(), Event::published(1));
        assert_eq!(client.next(), drained(1));
    });
}

#[test]
fn without_a_connection_it_tells_of_what_is_given_up_and_not_of_what_was_not_taken() {
    let client = Client::new("c");
    client.set_drained(true);
    for _ in 0..2 {
        assert_eq!(client.try_publish("t", b"0", 0, false).0, NO_CONN);
        client.step(0);
        assert_eq!(client.told(), None);
    }
    for mid in 3..=4 {
        let queued = (NO_CONN, Some(mid));
        assert_eq!(client.try_publish("t", b"1", 1, false), queued);
    }
    client.step(0);
    assert_eq!(client.told(), None);
    client.clear_queue();
    assert_eq!(client.told(), None, "only a loop call tells");
    client.step(0);
    let rc = ffi::PMQTT_ERR_CANCELLED;
    for mid in 3..=4 {
        assert_eq!(client.next(), Event::Published { mid, rc });
    }
    assert_eq!(client.next(), drained(4));
    client.step(0);
    assert_eq!(client.told(), None);
}

#[test]
fn one_that_is_set_late_learns_of_what_is_not_settled_by_then() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected_with(drive, |_| {});
        client.publish("t", b"0", 0);
        assert_eq!(client.next(), Event::published(1));
        client.set_drained(true);
        peer.expect(b"\x30\x04\0\x01t0");
        peer.expect_silence();
        assert_eq!(client.told(), None);
        client.set_drained(false);
        client.publish("t", &[2], 1);
        peer.expect(&publish(2));
        client.set_drained(true);
        peer.send(&puback(2));
        assert_eq!(client.next(), Event::published(2));
        assert_eq!(client.next(), drained(2));
        client.set_drained(false);
        client.publish("t", b"0", 0);
        assert_eq!(client.next(), Event::published(3));
        peer.expect(b"\x30\x04\0\x01t0");
        peer.expect_silence();
        assert_eq!(client.told(), None);
    });
}

#[test]
fn a_client_that_begins_anew_in_the_last_outcome_forgets_it() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        client.hook(|client, event| {
            if *event == Event::published(1) {
                client.reinitialise("c");
            }
        });
        client.publish("t", &[1], 1);
        peer.expect(&publish(1));
        peer.send(&puback(1));
        assert_eq!(client.next(), Event::published(1));
        peer.expect_end();
        assert_eq!(client.told(), None);
    });
}
