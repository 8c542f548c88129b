//! PINGREQ on an idle connection, and the end of a broker that does not answer it.

use std::io::Read;
use std::thread;
use std::time::Duration;

use pmqtt::ffi;

use crate::support::{Broker, CONNACK, Client, Drive, Event, PINGREQ, PINGRESP, Peer, each_drive};

/// A connection with a keep alive of one second.
fn connected(drive: Drive) -> (Client, Peer) {
    connected_to(Broker::new(), drive, 1)
}

fn connected_to(broker: Broker, drive: Drive, keep_alive: u8) -> (Client, Peer) {
    let client = Client::new("c");
    client.set_reconnect_delay(100, 100);
    let seconds = keep_alive.into();
    assert_eq!(
        client.connect_async_to("127.0.0.1", broker.port(), seconds),
        0
    );
    client.run(drive);
    let connect = [
        b"\x10\x0d\0\x04MQTT\x04\x02\0",
        &[keep_alive][..],
        b"\0\x01c",
    ]
    .concat();
    let peer = broker.welcome(&connect, CONNACK);
    assert_eq!(client.next(), Event::CONNECTED);
    (client, peer)
}

#[test]
fn a_silent_connection_is_pinged() {
    each_drive(|drive| {
        let (client, mut peer) = connected(drive);
        for _ in 0..2 {
            peer.expect(PINGREQ);
            peer.send(PINGRESP);
        }
        peer.expect_silence();
        assert_eq!(client.told(), None);
        assert!(client.stats().ping_round_trip_us > 0);
    });
}

#[test]
fn a_broker_that_does_not_answer_is_given_up() {
    each_drive(|drive| {
        let (client, mut peer) = connected(drive);
        peer.expect(PINGREQ);
        peer.expect_end();
        let rc = ffi::PMQTT_ERR_KEEPALIVE;
        assert_eq!(client.next(), Event::Disconnected { rc });
    });
}

#[test]
fn keep_alive_0_is_no_reason_to_wake_up() {
    let (client, broker) = (Client::new("c"), Broker::new());
    assert_eq!(client.connect_async_to("127.0.0.1", broker.port(), 0), 0);
    client.run(Drive::Foreign);
    let mut peer = broker.welcome(b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01c", CONNACK);
    assert_eq!(client.next(), Event::CONNECTED);
    peer.expect_silence();
    peer.expect_silence();
    assert_eq!(client.next_timeout_ms(), -1);
}

#[test]
fn messages_to_the_broker_alone_do_not_show_that_it_lives() {
    let (client, mut peer) = connected(Drive::Thread);
    let mut messages = 0;
    let mut first = [0];
    loop {
        client.publish("t", b"", 0);
        peer.stream.read_exact(&mut first).expect("a packet");
        match first {
            [0x30] => peer.expect(b"\x03\0\x01t"),
            _ => break,
        }
        messages += 1;
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(first, [PINGREQ[0]]);
    assert!(messages > 1);
}

/// PINGREQ waits behind more bytes than the link can take in two intervals.
#[test]
fn a_slow_link_is_not_taken_for_a_dead_one() {
    const KEEP_ALIVE: u8 = 2;
    const PIECES: usize = 50;
    let (client, mut peer) = connected_to(Broker::new_narrow(), Drive::Thread, KEEP_ALIVE);
    client.publish("t", &[0; PIECES * 2000], 0);
    let mut piece = [0; 2000];
    for _ in 0..PIECES {
        peer.stream.read_exact(&mut piece).expect("the message");
        thread::sleep(Duration::from_millis(100));
    }
    peer.expect(&[0; 7]);
    peer.answer_ping();
    assert_eq!(client.next(), Event::published(1));
    peer.answer_ping();
    assert_eq!(client.told(), None);
}

#[test]
fn a_broker_whose_window_stays_closed_is_given_up() {
    let (client, _peer) = connected_to(Broker::new_narrow(), Drive::Thread, 1);
    client.publish("t", &[0; 1_000_000], 0);
    let rc = ffi::PMQTT_ERR_KEEPALIVE;
    while client.next() != (Event::Disconnected { rc }) {}
}
