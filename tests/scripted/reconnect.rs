//! How attempts to connect fail, and when the next one begins.

use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

use pmqtt::ffi;

use crate::support::{
    Broker, CONNACK, CONNECT, Client, Connection, Drive, Event, Refusing, Silent, connected_with,
    each_drive, each_of, reconnect_when_lost,
};

const REFUSED: Event = Event::ConnectFailed {
    rc: ffi::PMQTT_ERR_ERRNO,
};
/// Longer than any test waits, in seconds.
const NEVER: i32 = 3600;

#[test]
fn a_port_where_nobody_listens_is_told() {
    each_drive(|drive| {
        let (client, port) = (Client::new("c"), Refusing::new());
        client.set_reconnect_delay(NEVER, NEVER);
        client.hook(|client, _| {
            let said = client.last_error();
            assert!(said.starts_with("tcp: "), "{said}");
            assert!(said.contains("refused"), "{said}");
        });
        assert_eq!(client.connect_async_to("127.0.0.1", port.port(), 60), 0);
        client.run(drive);
        assert_eq!(client.next(), REFUSED);
        assert_eq!(client.told(), None);
    });
}

#[test]
fn a_port_that_does_not_answer_is_given_up() {
    each_drive(|drive| {
        let (client, port) = (Client::new("c"), Silent::new());
        client.set_reconnect_delay(NEVER, NEVER);
        client.set_connect_timeout(Duration::from_millis(200));
        assert_eq!(client.connect_async_to("127.0.0.1", port.port(), 60), 0);
        client.run(drive);
        let rc = ffi::PMQTT_ERR_TIMEOUT;
        assert_eq!(client.next(), Event::ConnectFailed { rc });
        assert_eq!(client.told(), None);
    });
}

#[test]
fn loop_forever_can_end_with_the_first_attempt() {
    let (client, port) = (Client::new("c"), Refusing::new());
    assert_eq!(client.connect_async_to("127.0.0.1", port.port(), 60), 0);
    assert_eq!(client.loop_forever(false), ffi::PMQTT_ERR_ERRNO);
    assert_eq!(client.next(), REFUSED);
}

/// The waits are at least 0.5, 1 and 2 seconds; the time around a callback differs.
#[test]
fn each_wait_is_longer_than_the_one_before() {
    each_of(&Drive::RECONNECTING, |drive| {
        let (client, port) = (Client::new("c"), Refusing::new());
        let (sender, times) = std::sync::mpsc::channel();
        client.hook(move |_, _| sender.send(Instant::now()).expect("a receiver"));
        client.set_reconnect_delay(1, 4);
        assert_eq!(client.connect_async_to("127.0.0.1", port.port(), 60), 0);
        client.run(drive);
        for _ in 0..4 {
            assert_eq!(client.next(), REFUSED);
        }
        let times: Vec<Instant> = times.try_iter().take(4).collect();
        let waits = times.windows(2).map(|pair| pair[1] - pair[0]);
        for (wait, least) in waits.zip([400, 800, 1600]) {
            assert!(wait >= Duration::from_millis(least), "{wait:?}");
        }
    });
}

#[test]
fn refused_credentials_are_not_tried_at_once_again() {
    each_of(&Drive::RECONNECTING, |drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        client.connect_async(&broker);
        client.run(drive);
        for wait in [300, 700] {
            let mut peer = broker.welcome(CONNECT, b"\x20\x02\0\x05");
            peer.expect_end();
            assert!(!broker.is_asked(Duration::from_millis(wait)));
            let session_present = false;
            let refused = Event::Connected {
                session_present,
                rc: 5,
            };
            assert_eq!(client.next(), refused);
            let rc = ffi::PMQTT_ERR_CONN_REFUSED;
            assert_eq!(client.next(), Event::Disconnected { rc });
        }
        let _peer = broker.welcome(CONNECT, CONNACK);
        assert_eq!(client.next(), Event::CONNECTED);
    });
}

#[test]
fn reconnect_in_on_disconnect_does_not_wait() {
    each_drive(|drive| {
        let Connection {
            client,
            peer,
            broker,
        } = connected_with(drive, |client| {
            client.set_reconnect_delay(NEVER, NEVER);
            reconnect_when_lost(client);
        });
        drop(peer);
        let _peer = broker.welcome(CONNECT, CONNACK);
        let rc = ffi::PMQTT_ERR_CONN_LOST;
        assert_eq!(client.next(), Event::Disconnected { rc });
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.stats().connections, 2);
    });
}

#[test]
fn disconnect_ends_the_wait_for_the_next_attempt() {
    let (client, port) = (Client::new("c"), Refusing::new());
    client.set_reconnect_delay(NEVER, NEVER);
    assert_eq!(client.connect_async_to("127.0.0.1", port.port(), 60), 0);
    let handle = *client;
    let forever = thread::spawn(move || handle.loop_forever(true));
    assert_eq!(client.next(), REFUSED);
    assert_eq!(client.disconnect(), ffi::PMQTT_ERR_NO_CONN);
    assert_eq!(forever.join().expect("no panic"), 0);
    assert_eq!(client.told(), None);
}

/// A broker that closes when it gets a message blocks all messages behind it.
#[test]
fn a_message_that_no_connection_gets_past_is_named() {
    each_drive(|drive| {
        let Connection {
            client,
            mut peer,
            broker,
        } = connected_with(drive, reconnect_when_lost);
        let topic = "\n".repeat(100);
        client.publish("first", b"", 1);
        client.publish(&topic, b"payload", 1);
        client.publish("behind", b"", 1);
        peer.expect(b"\x32\x09\0\x05first\0\x01");
        peer.send(b"\x40\x02\0\x01");
        assert_eq!(client.next(), Event::published(1));
        let rc = ffi::PMQTT_ERR_CONN_LOST;
        for connection in 1..=4 {
            peer.stream.shutdown(Shutdown::Write).expect("an end");
            assert_eq!(client.next(), Event::Disconnected { rc });
            let error = client.last_error();
            let words = format!(
                "; 3 or more connections in a row ended before message 2 (QoS 1, 113 bytes, topic \"{}...\") had its \
                 answer",
                "\\n".repeat(64)
            );
            assert_eq!(
                error.ends_with(&words),
                connection >= 3,
                "{connection}: {error}"
            );
            drop(peer);
            peer = broker.welcome(CONNECT, CONNACK);
            assert_eq!(client.next(), Event::CONNECTED);
        }
        // After its answer there is nothing to report.
        peer.send(b"\x40\x02\0\x02");
        assert_eq!(client.next(), Event::published(2));
        drop(peer);
        assert_eq!(client.next(), Event::Disconnected { rc });
        assert!(!client.last_error().contains("in a row"));
    });
}

/// Callbacks tell of the end of a connection as long as the next one follows, and the return code does not.
#[test]
fn process_is_successful_while_a_connection_is_wanted() {
    let (client, broker) = (Client::new("c"), Broker::new());
    assert!(client.event_fd() >= 0);
    client.set_reconnect_delay(1, 1);
    client.connect_async(&broker);
    let next = || loop {
        match client.told() {
            Some(event) => return event,
            None => assert_eq!(client.process(), 0),
        }
        thread::sleep(Duration::from_millis(1));
    };
    let accept = || {
        while !broker.is_asked(Duration::from_millis(1)) {
            assert_eq!(client.process(), 0);
        }
        broker.accept()
    };
    accept().send(b"\x20\x02\0\x05");
    assert!(matches!(next(), Event::Connected { rc: 5, .. }));
    let rc = ffi::PMQTT_ERR_CONN_REFUSED;
    assert_eq!(next(), Event::Disconnected { rc });
    accept().send(CONNACK);
    assert_eq!(next(), Event::CONNECTED);
    let rc = ffi::PMQTT_ERR_CONN_LOST;
    assert_eq!(next(), Event::Disconnected { rc });
    assert_eq!(client.disconnect(), ffi::PMQTT_ERR_NO_CONN);
    assert_eq!(client.process(), ffi::PMQTT_ERR_NO_CONN);
}
