//! PINGREQ when nothing else goes on, and what becomes of a broker that does not answer it.

use pmqtt::ffi;

use crate::support::{Broker, CONNACK, Client, Drive, Event, PINGREQ, PINGRESP, Peer, each_drive};

/// A connection with a keep alive of one second.
fn connected(drive: Drive) -> (Client, Peer) {
    let (client, broker) = (Client::new("c"), Broker::new());
    client.set_reconnect_delay(100, 100);
    assert_eq!(client.connect_async_to("127.0.0.1", broker.port(), 1), 0);
    client.run(drive);
    let peer = broker.welcome(b"\x10\x0d\0\x04MQTT\x04\x02\0\x01\0\x01c", CONNACK);
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
        std::io::Read::read_exact(&mut peer.stream, &mut first).expect("a packet");
        match first {
            [0x30] => peer.expect(b"\x03\0\x01t"),
            _ => break,
        }
        messages += 1;
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(first, [PINGREQ[0]]);
    assert!(messages > 1);
}
