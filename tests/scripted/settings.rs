//! When a setting takes effect, if it is made before a connection, during the attempt, on the
//! connection, or in a callback.

use std::thread;
use std::time::Duration;

use pmqtt::ffi;

use crate::support::{
    Broker, CONNACK, CONNECT, Client, Connection, Drive, Event, Handle, Peer, connected,
    connected_with, each_drive, reconnect_when_lost,
};

/// CONNECT with the will and the credentials of `set_all`.
const CONNECT_WITH_ALL: &[u8] =
    b"\x10\x19\0\x04MQTT\x04\xc6\0\x3c\0\x01c\0\x01w\0\x01p\0\x01u\0\x01s";

fn set_all(client: Handle) {
    client.set_will("w", b"p", 0, false);
    client.set_credentials(Some("u"), Some("s"));
}

fn clear_all(client: Handle) {
    // SAFETY: the client lives.
    assert_eq!(unsafe { ffi::pmqtt_will_clear(client.0) }, 0);
    client.set_credentials(None, None);
}

/// Loses the connection, and expects this CONNECT on the next one.
fn lose(peer: Peer, broker: &Broker, connect: &[u8]) -> Peer {
    drop(peer);
    broker.welcome(connect, CONNACK)
}

#[test]
fn what_is_set_while_connected_is_in_the_next_connect() {
    each_drive(|drive| {
        let connection = connected(drive);
        let (client, broker) = (connection.client, connection.broker);
        reconnect_when_lost(&client);
        set_all(*client);
        let peer = lose(connection.peer, &broker, CONNECT_WITH_ALL);
        clear_all(*client);
        lose(peer, &broker, CONNECT).expect_silence();
    });
}

#[test]
fn what_is_set_before_connack_is_in_the_next_connect() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        reconnect_when_lost(&client);
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.accept();
        peer.expect(CONNECT);
        set_all(*client);
        peer.send(CONNACK);
        assert_eq!(client.next(), Event::CONNECTED);
        lose(peer, &broker, CONNECT_WITH_ALL).expect_silence();
    });
}

#[test]
fn what_is_set_in_on_disconnect_is_in_the_next_connect() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        client.hook(|client, event| {
            if matches!(event, Event::Disconnected { .. }) {
                set_all(client);
                assert_eq!(client.reconnect(), 0);
            }
        });
        client.connect_async(&broker);
        client.run(drive);
        let peer = broker.welcome(CONNECT, CONNACK);
        lose(peer, &broker, CONNECT_WITH_ALL).expect_silence();
    });
}

/// A program that sets its password only once it is refused.
#[test]
fn credentials_that_are_set_after_a_refusal_are_in_the_next_connect() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        client.hook(|client, event| match event {
            Event::Connected { rc: 4, .. } => set_all(client),
            Event::Disconnected { .. } => assert_eq!(client.reconnect(), 0),
            _ => {}
        });
        client.connect_async(&broker);
        client.run(drive);
        broker.welcome(CONNECT, b"\x20\x02\0\x04").expect_end();
        broker.welcome(CONNECT_WITH_ALL, CONNACK).expect_silence();
    });
}

#[test]
fn a_retry_time_that_is_set_in_flight_holds_for_what_is_in_flight() {
    const PUBLISH: &[u8] = b"\x32\x05\0\x01t\0\x01";
    const AGAIN: &[u8] = b"\x3a\x05\0\x01t\0\x01";
    each_drive(|drive| {
        let mut connection = connected(drive);
        connection.client.set_retry(0);
        connection.client.publish("t", b"", 1);
        connection.peer.expect(PUBLISH);
        connection.peer.expect_silence();
        connection.client.set_retry(1);
        connection.peer.answer_ping();
        connection.peer.expect(AGAIN);
        connection.client.set_retry(0);
        connection.peer.send(b"\x40\x02\0\x01");
        assert_eq!(connection.client.next(), Event::published(1));
    });
}

/// A connect timeout that changes during an attempt holds for the next attempt.
#[test]
fn a_connect_timeout_holds_from_the_next_attempt_on() {
    let (client, broker) = (Client::new("c"), Broker::new());
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let mut peer = broker.accept();
    peer.expect(CONNECT);
    client.set_connect_timeout(Duration::from_millis(1));
    // If it held for this attempt, the attempt would have failed by now.
    thread::sleep(Duration::from_millis(50));
    peer.send(CONNACK);
    assert_eq!(client.next(), Event::CONNECTED);
}

#[test]
fn a_packet_above_the_limit_ends_the_connection_once_its_header_is_there() {
    let limited = |size: usize, packets: &'static [&'static [u8]], messages: usize| {
        each_drive(|drive| {
            let Connection {
                client, mut peer, ..
            } = connected_with(drive, |client| client.set_max_packet_size(size));
            for packet in packets {
                peer.send(packet);
            }
            for _ in 0..messages {
                assert!(matches!(client.next(), Event::Message(_)));
            }
            peer.expect_end();
            let rc = ffi::PMQTT_ERR_PAYLOAD_SIZE;
            assert_eq!(client.next(), Event::Disconnected { rc });
        });
    };
    // The whole packet, or its header only; after a packet within the limit, and at the limits of both
    // ways to read.
    limited(5, &[b"\x30\x04\0\x01t0"], 0);
    limited(5, &[b"\x30\x03\0\x01t\x30\x04\0\x01t0"], 1);
    limited(100, &[b"\x30\x05\0\x01t01", b"\x30\x63\0\x01t"], 1);
    limited(20_000, &[b"\x30\xff\xff\xff\x7f\0\x01t"], 0);
}

#[test]
fn a_packet_as_large_as_the_limit_is_taken() {
    each_drive(|drive| {
        for size in [5, 129, 20_000, 100_000] {
            let Connection {
                client, mut peer, ..
            } = connected_with(drive, |client| client.set_max_packet_size(size));
            let header = match size {
                5 => &b"\x30\x03"[..],
                129 => b"\x30\x7f",
                20_000 => b"\x30\x9c\x9c\x01",
                _ => b"\x30\x9c\x8d\x06",
            };
            let mut packet = [header, b"\0\x01t"].concat();
            packet.resize(size, b'x');
            for _ in 0..10 {
                peer.send(&packet);
            }
            for _ in 0..10 {
                assert!(matches!(client.next(), Event::Message(_)));
            }
        }
    });
}

#[test]
fn a_limit_takes_effect_at_once() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        // A packet is already arriving.
        peer.send(b"\x30\x90\x4e\0\x01t");
        while client.stats().bytes_in < 4 + 6 {
            thread::yield_now();
        }
        client.set_max_packet_size(1000);
        peer.send(b"x");
        peer.expect_end();
        let rc = ffi::PMQTT_ERR_PAYLOAD_SIZE;
        assert_eq!(client.next(), Event::Disconnected { rc });
        let said = client.last_error();
        assert!(
            said.contains("10003 bytes") && said.ends_with(" 1000"),
            "{said}"
        );
    });
}
