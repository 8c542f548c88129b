//! A connection that was asked to end does so, and does not delay the next one.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use pmqtt::ffi::{PMQTT_ERR_CONN_LOST, PMQTT_ERR_NO_CONN};

use crate::support::{
    Broker, CONNACK, CONNECT, Client, Connection, DISCONNECT, Drive, Event, Handle, Peer, Refusing,
    connected, each_drive,
};

/// More than a connection's sockets take while the broker does not read.
const LARGE: usize = 16 << 20;

const DISCONNECTED: Event = Event::Disconnected { rc: 0 };

/// Lets the client do something at its first connection only.
fn when_connected(client: &Client, act: impl FnOnce(Handle) + Send + 'static) {
    let act = Mutex::new(Some(act));
    client.hook(move |client, event| {
        if *event == Event::CONNECTED
            && let Some(act) = act.lock().expect("no panic").take()
        {
            act(client);
        }
    });
}

/// A client that has published more than the first broker takes, has disconnected, and has connected to
/// the second broker; with both connections.
fn filled_and_changed(drive: Drive) -> (Client, Peer, Peer) {
    let (client, first, second) = (Client::new("c"), Broker::new(), Broker::new());
    let port = second.port();
    when_connected(&client, move |client| {
        client.publish("t", &vec![7; LARGE], 0);
        assert_eq!(client.disconnect(), 0);
        assert_eq!(client.connect_async_to("127.0.0.1", port, 60), 0);
    });
    client.connect_async(&first);
    client.run(drive);
    let first = first.welcome(CONNECT, CONNACK);
    let second = second.welcome(CONNECT, CONNACK);
    for event in [Event::CONNECTED, DISCONNECTED, Event::CONNECTED] {
        assert_eq!(client.next(), event);
    }
    (client, first, second)
}

/// Expects the large message, DISCONNECT, and then the end.
#[track_caller]
fn expect_all(mut peer: Peer) {
    let length = LARGE + 3;
    let (low, high) = (length & 0x1f_ffff, length >> 21);
    let header = [
        0x30,
        low as u8 & 0x7f | 0x80,
        (low >> 7) as u8 & 0x7f | 0x80,
        (low >> 14) as u8 & 0x7f | 0x80,
        high as u8,
    ];
    peer.expect(&header);
    peer.expect(b"\0\x01t");
    peer.expect(&vec![7; LARGE]);
    peer.expect(DISCONNECT);
    peer.expect_end();
}

#[test]
fn a_connect_right_after_disconnect_loses_nothing_of_it() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        when_connected(&client, |client| {
            client.publish("t", b"0", 0);
            assert_eq!(client.disconnect(), 0);
            assert_eq!(client.reconnect(), 0);
        });
        client.connect_async(&broker);
        client.run(drive);
        let mut first = broker.welcome(CONNECT, CONNACK);
        first.expect(b"\x30\x04\0\x01t0");
        first.expect(DISCONNECT);
        let mut second = broker.welcome(CONNECT, CONNACK);
        first.expect_end();
        second.expect_silence();
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.next(), DISCONNECTED);
        assert_eq!(client.next(), Event::published(1));
        assert_eq!(client.next(), Event::CONNECTED);
        second.expect_silence();
        assert_eq!(client.told(), None);
    });
}

/// Otherwise each would take half a second, as this broker closes nothing.
#[test]
fn connections_in_turn_do_not_wait_for_the_broker_to_close() {
    const COUNT: usize = 10;
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        client.hook(|client, event| {
            if *event == Event::CONNECTED {
                assert_eq!(client.disconnect(), 0);
                assert_eq!(client.reconnect(), 0);
            }
        });
        client.connect_async(&broker);
        client.run(drive);
        let start = Instant::now();
        let mut peers: Vec<Peer> = (0..COUNT)
            .map(|_| broker.welcome(CONNECT, CONNACK))
            .collect();
        assert!(start.elapsed() < Duration::from_millis(500) * COUNT as u32 / 2);
        for peer in &mut peers {
            peer.expect(DISCONNECT);
            peer.expect_end();
        }
    });
}

/// The program may exit once it has the outcome, and loses nothing.
#[test]
fn on_disconnect_waits_for_the_broker_to_close() {
    each_drive(|drive| {
        let Connection {
            client, mut peer, ..
        } = connected(drive);
        assert_eq!(client.disconnect(), 0);
        peer.expect(DISCONNECT);
        peer.expect_end();
        assert_eq!(client.told(), None);
        peer.send(CONNACK);
        drop(peer);
        assert_eq!(client.next(), DISCONNECTED);
    });
}

#[test]
fn the_message_that_is_being_delivered_is_acknowledged() {
    for (publish, answer) in [
        (b"\x32\x06\0\x01t\0\x071", b"\x40\x02\0\x07"),
        (b"\x34\x06\0\x01t\0\x071", b"\x50\x02\0\x07"),
    ] {
        each_drive(|drive| {
            let Connection {
                client,
                mut peer,
                broker,
            } = connected(drive);
            client.hook(|client, event| {
                if matches!(event, Event::Message(_)) {
                    assert_eq!(client.disconnect(), 0);
                    assert_eq!(client.reconnect(), 0);
                }
            });
            // The second message is not passed to the program any more.
            peer.send(&[&publish[..], b"\x32\x06\0\x01t\0\x082"].concat());
            peer.expect(answer);
            peer.expect(DISCONNECT);
            peer.expect_end();
            let _second = broker.welcome(CONNECT, CONNACK);
        });
    }
}

#[test]
fn what_the_socket_has_not_taken_follows_beside_the_successor() {
    each_drive(|drive| {
        let (client, first, mut second) = filled_and_changed(drive);
        second.expect_silence();
        assert_eq!(client.told(), None);
        expect_all(first);
        assert_eq!(client.next(), Event::published(1));
        second.expect_silence();
    });
}

/// The older connection ends, as it had the time of a whole connection.
#[test]
fn there_is_never_more_than_one() {
    each_drive(|drive| {
        let (client, _first, mut second) = filled_and_changed(drive);
        assert_eq!(client.disconnect(), 0);
        second.expect(DISCONNECT);
        second.expect_end();
        let rc = PMQTT_ERR_CONN_LOST;
        assert_eq!(client.next(), Event::Published { mid: 1, rc });
        drop(second);
        assert_eq!(client.next(), DISCONNECTED);
    });
}

#[test]
fn a_connect_after_disconnect_does_not_wait_for_connack() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        client.connect_async(&broker);
        client.run(drive);
        let mut first = broker.accept();
        first.expect(CONNECT);
        // Nothing is sent before CONNACK, and then the message is given up.
        client.publish("t", b"0", 0);
        assert_eq!(client.disconnect(), 0);
        assert_eq!(client.reconnect(), 0);
        first.expect(DISCONNECT);
        first.expect_end();
        let _second = broker.welcome(CONNECT, CONNACK);
        let rc = PMQTT_ERR_CONN_LOST;
        assert_eq!(client.next(), DISCONNECTED);
        assert_eq!(client.next(), Event::Published { mid: 1, rc });
        assert_eq!(client.next(), Event::CONNECTED);
    });
}

/// A program exits when this returns.
#[test]
fn loop_forever_goes_on_until_all_is_said() {
    for retry_first in [true, false] {
        let (client, broker, nobody) = (Client::new("c"), Broker::new(), Refusing::new());
        let port = nobody.port();
        let first = Mutex::new(true);
        client.hook(move |client, event| match event {
            Event::Connected { .. } => {
                client.publish("t", &vec![7; LARGE], 0);
                assert_eq!(client.disconnect(), 0);
                assert_eq!(client.connect_async_to("127.0.0.1", port, 60), 0);
            }
            Event::ConnectFailed { .. } if *first.lock().expect("no panic") => {
                *first.lock().expect("no panic") = false;
                assert_eq!(client.disconnect(), PMQTT_ERR_NO_CONN);
            }
            _ => {}
        });
        client.connect_async(&broker);
        let handle = *client;
        let forever = thread::spawn(move || handle.loop_forever(retry_first));
        let peer = broker.welcome(CONNECT, CONNACK);
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.next(), DISCONNECTED);
        assert!(matches!(client.next(), Event::ConnectFailed { .. }));
        assert!(!forever.is_finished());
        expect_all(peer);
        assert_eq!(forever.join().expect("no panic"), 0);
        assert_eq!(client.next(), Event::published(1));
    }
}

#[test]
fn drain_waits_for_it() {
    each_drive(|drive| {
        let (client, peer, _second) = filled_and_changed(drive);
        let handle = *client;
        let drained = thread::spawn(move || handle.drain(Duration::from_secs(20)));
        expect_all(peer);
        assert_eq!(drained.join().expect("no panic"), (0, 0));
    });
}

#[test]
fn a_client_that_begins_anew_closes_it_at_once() {
    each_drive(|drive| {
        let (client, first, mut second) = filled_and_changed(drive);
        client.reinitialise("c");
        second.expect_end();
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut &first.stream, &mut rest);
        assert!(rest.len() < LARGE);
        assert_eq!(client.told(), None);
    });
}
