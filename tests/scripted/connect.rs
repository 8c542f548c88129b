//! The bytes of CONNECT, the effect of each CONNACK, and DISCONNECT.

use std::time::Duration;

use pmqtt::ffi;

use crate::support::{
    Broker, CONNACK, CONNECT, CONNECT_TO_STAY, Client, DISCONNECT, Drive, Event, SESSION_PRESENT,
    connected, each_drive,
};

/// Connects a client, and checks its CONNECT.
#[track_caller]
fn says(client: Client, keepalive: i32, connect: &[u8]) {
    let broker = Broker::new();
    let port = broker.port();
    assert_eq!(client.connect_async_to("127.0.0.1", port, keepalive), 0);
    client.run(Drive::Thread);
    broker.welcome(connect, CONNACK).expect_silence();
    assert_eq!(client.next(), Event::CONNECTED);
}

#[test]
fn connects_and_disconnects() {
    each_drive(|drive| {
        let mut connection = connected(drive);
        assert_eq!(connection.client.disconnect(), 0);
        connection.peer.expect(DISCONNECT);
        connection.peer.expect_end();
        assert_eq!(connection.client.next(), Event::Disconnected { rc: 0 });
        assert!(!connection.client.stats().connected);
    });
}

#[test]
fn a_blocking_connect_has_sent_connect_when_it_returns() {
    let (client, broker) = (Client::new("c"), Broker::new());
    assert_eq!(client.connect_to("127.0.0.1", broker.port(), 60), 0);
    let mut peer = broker.welcome(CONNECT, CONNACK);
    client.run(Drive::Step);
    assert_eq!(client.next(), Event::CONNECTED);
    peer.expect_silence();
}

#[test]
fn keep_alive_is_the_one_asked_for() {
    says(
        Client::new("c"),
        0,
        b"\x10\x0d\0\x04MQTT\x04\x02\0\0\0\x01c",
    );
    let longest = b"\x10\x0d\0\x04MQTT\x04\x02\xff\xff\0\x01c";
    says(Client::new("c"), 65_535, longest);
}

#[test]
fn version_3_1_has_its_own_name_and_level() {
    let client = Client::create("c", true, ffi::PMQTT_PROTOCOL_V31);
    says(client, 60, b"\x10\x0f\0\x06MQIsdp\x03\x02\0\x3c\0\x01c");
}

#[test]
fn version_0_is_3_1_1() {
    says(Client::create("c", true, 0), 60, CONNECT);
}

#[test]
fn a_session_that_is_to_stay_is_found_again() {
    let (client, broker) = (Client::create("c", false, 0), Broker::new());
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let _peer = broker.welcome(CONNECT_TO_STAY, SESSION_PRESENT);
    let found = Event::Connected {
        session_present: true,
        rc: 0,
    };
    assert_eq!(client.next(), found);
}

#[test]
fn a_will_is_in_connect() {
    let client = Client::new("c");
    client.set_will("last", b"words", 1, true);
    let connect = b"\x10\x1a\0\x04MQTT\x04\x2e\0\x3c\0\x01c\0\x04last\0\x05words";
    says(client, 60, connect);

    let client = Client::new("c");
    client.set_will("last", b"", 2, false);
    says(
        client,
        60,
        b"\x10\x15\0\x04MQTT\x04\x16\0\x3c\0\x01c\0\x04last\0\0",
    );
}

#[test]
fn credentials_are_in_connect() {
    let client = Client::new("c");
    client.set_credentials(Some("user"), Some("secret"));
    let connect = b"\x10\x1b\0\x04MQTT\x04\xc2\0\x3c\0\x01c\0\x04user\0\x06secret";
    says(client, 60, connect);

    let client = Client::new("c");
    client.set_credentials(Some("user"), None);
    says(
        client,
        60,
        b"\x10\x13\0\x04MQTT\x04\x82\0\x3c\0\x01c\0\x04user",
    );
}

#[test]
fn a_will_and_credentials_are_in_connect_in_this_order() {
    let client = Client::new("c");
    client.set_will("w", b"p", 0, false);
    client.set_credentials(Some("u"), Some("s"));
    let connect = b"\x10\x19\0\x04MQTT\x04\xc6\0\x3c\0\x01c\0\x01w\0\x01p\0\x01u\0\x01s";
    says(client, 60, connect);
}

#[test]
fn what_was_cleared_is_not_in_connect() {
    let client = Client::new("c");
    client.set_will("last", b"words", 1, true);
    client.set_credentials(Some("user"), Some("secret"));
    // SAFETY: the client lives.
    assert_eq!(unsafe { ffi::pmqtt_will_clear(client.0) }, 0);
    client.set_credentials(None, Some("secret"));
    says(client, 60, CONNECT);
}

#[test]
fn a_refusal_is_told_with_its_reason() {
    let words = [
        "unacceptable protocol version",
        "identifier rejected",
        "server unavailable",
        "bad user name or password",
        "not authorised",
    ];
    for (rc, words) in (1..).zip(words) {
        each_drive(|drive| {
            let (client, broker) = (Client::new("c"), Broker::new());
            client.set_reconnect_delay(100, 100);
            client.connect_async(&broker);
            client.run(drive);
            let mut peer = broker.welcome(CONNECT, &[0x20, 2, 0, rc]);
            let refused = Event::Connected {
                session_present: false,
                rc: rc.into(),
            };
            assert_eq!(client.next(), refused);
            let rc = ffi::PMQTT_ERR_CONN_REFUSED;
            assert_eq!(client.next(), Event::Disconnected { rc });
            peer.expect_end();
            let said = client.last_error();
            assert!(said.contains(words), "{said}");
            // A call that needs a connection returns why there is none.
            assert_eq!(client.try_subscribe(&[("s", 0)]).0, ffi::PMQTT_ERR_NO_CONN);
            let said = client.last_error();
            assert!(
                said.starts_with("mqtt: there is no connection; mqtt: CONNACK"),
                "{said}"
            );
            assert!(said.contains(words), "{said}");
        });
    }
}

#[test]
fn a_broker_that_does_not_answer_is_given_up() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        client.set_connect_timeout(Duration::from_millis(100));
        client.set_reconnect_delay(100, 100);
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.accept();
        peer.expect(CONNECT);
        peer.expect_end();
        let rc = ffi::PMQTT_ERR_TIMEOUT;
        assert_eq!(client.next(), Event::ConnectFailed { rc });
    });
}

#[test]
fn disconnect_before_connack_waits_for_it() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.accept();
        peer.expect(CONNECT);
        assert_eq!(client.disconnect(), 0);
        peer.send(CONNACK);
        peer.expect(DISCONNECT);
        peer.expect_end();
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.next(), Event::Disconnected { rc: 0 });
    });
}

#[test]
fn what_is_asked_for_before_connack_follows_it() {
    each_drive(|drive| {
        let (client, broker) = (Client::new("c"), Broker::new());
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = broker.accept();
        peer.expect(CONNECT);
        assert_eq!(client.subscribe(&[("s", 0)]), 1);
        assert_eq!(client.publish("t", b"0", 0), 2);
        assert_eq!(client.publish("t", b"1", 1), 3);
        peer.send(CONNACK);
        peer.expect(b"\x82\x06\0\x01\0\x01s\0");
        peer.expect(b"\x30\x04\0\x01t0");
        peer.expect(b"\x32\x06\0\x01t\0\x031");
        peer.expect_silence();
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.next(), Event::published(2));
    });
}

#[test]
fn connecting_anew_ends_the_present_connection() {
    each_drive(|drive| {
        let mut first = connected(drive);
        let second = Broker::new();
        first.client.connect_async(&second);
        first.peer.expect_end();
        let mut peer = second.welcome(CONNECT, CONNACK);
        assert_eq!(first.client.next(), Event::Disconnected { rc: 0 });
        assert_eq!(first.client.next(), Event::CONNECTED);
        peer.expect_silence();
    });
}

#[test]
fn the_log_names_each_stage_and_no_secret() {
    let (client, broker) = (Client::new("c"), Broker::new());
    client.set_credentials(Some("user"), Some("secret"));
    client.set_log();
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let connect = b"\x10\x1b\0\x04MQTT\x04\xc2\0\x3c\0\x01c\0\x04user\0\x06secret";
    let _peer = broker.welcome(connect, CONNACK);
    let mut lines = Vec::new();
    loop {
        match client.next() {
            Event::Log { text, .. } => lines.push(text),
            event => break assert_eq!(event, Event::CONNECTED),
        }
    }
    let stages = [
        ("connecting to 127.0.0.1", ""),
        ("tcp: connected to 127.0.0.1:", " ms)"),
        ("sending CONNECT", ""),
        ("received CONNACK", ""),
        ("mqtt: connected (", " ms)"),
    ];
    for ((stage, time), line) in stages.iter().zip(&lines) {
        assert!(line.starts_with(stage) && line.ends_with(time), "{line}");
    }
    assert_eq!(lines.len(), stages.len());
    assert!(!lines.concat().contains("secret"));
}

#[test]
fn no_text_begins_a_line_of_the_log_or_gives_orders_to_a_terminal() {
    const FORGED: &str = "t\n[log 8] \u{1b}[31m\u{7f}\u{9b}m";
    const PLAIN: &str = r"t\x0a[log 8] \x1b[31m\x7f\x9bm";
    let (client, broker) = (Client::new(FORGED), Broker::new());
    client.set_log();
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let forged = FORGED.as_bytes();
    let length = forged.len() as u8;
    let head = [0x10, 12 + length];
    let connect = [&head[..], b"\0\x04MQTT\x04\x02\0\x3c\0", &[length], forged].concat();
    let mut peer = broker.welcome(&connect, CONNACK);
    client.subscribe(&[(FORGED, 0)]);
    client.publish(FORGED, b"x", 0);
    peer.send(&[&[0x30, 2 + length, 0, length], forged].concat());
    let mut missing = vec![
        "sending CONNECT",
        "sending SUBSCRIBE",
        "sending PUBLISH",
        "received PUBLISH",
    ];
    while !missing.is_empty() {
        if let Event::Log { text, .. } = client.next() {
            assert!(!text.contains(char::is_control), "{text}");
            missing.retain(|packet| !(text.starts_with(packet) && text.contains(PLAIN)));
        }
    }
    assert_ne!(client.connect_to(FORGED, 1, 60), 0);
    let said = client.last_error();
    assert!(said.contains(PLAIN), "{said}");
    assert!(!said.contains(char::is_control));
}
