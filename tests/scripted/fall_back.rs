//! `PMQTT_PROTOCOL_BEST`: MQTT 5, or MQTT 3.1.1 where the broker does not speak MQTT 5.

use std::ffi::c_void;
use std::io::Read;
use std::ptr::null;
use std::time::Duration;

use pmqtt::client::events::PropertyView;
use pmqtt::ffi::{
    self, PMQTT_ERR_CONN_LOST, PMQTT_ERR_CONN_REFUSED, PMQTT_ERR_NO_CONN, PMQTT_LOG_DEBUG,
    PMQTT_LOG_WARNING, PMQTT_PROTOCOL_BEST, PMQTT_PROTOCOL_V5, PMQTT_PROTOCOL_V311,
    PMQTT_RETAIN_NEVER, Publication, Subscription,
};

use crate::support::mqtt5::{ACCEPTED, connack};
use crate::support::{
    Broker, CONNACK, CONNECT, CONNECT_TO_STAY, Client, Drive, Event, Handle, Peer, c, each_drive,
    on_auth, reconnect_when_lost,
};

/// CONNACK of a broker that knows MQTT 3.1.1 and no later version.
const OLDER: &[u8] = b"\x20\x02\0\x01";
const USER: &[u8] = b"\x26\0\x01a\0\x01b";
const SECOND: Duration = Duration::from_secs(1);

fn best() -> Client {
    Client::create("c", true, PMQTT_PROTOCOL_BEST)
}

/// The next connection, of which CONNECT is one of MQTT 5.
fn accept5(broker: &Broker) -> Peer {
    let mut peer = broker.accept();
    assert_eq!(peer.packet()[2..9], *b"\0\x04MQTT\x05");
    peer
}

/// The broker refuses or closes a connection of MQTT 5.
fn refuse(broker: &Broker, answer: &[u8]) {
    let mut peer = accept5(broker);
    peer.send(answer);
    if !answer.is_empty() {
        peer.expect_end();
    }
}

/// A client whose broker has refused MQTT 5 and accepted MQTT 3.1.1.
fn older(drive: Drive, client: Client) -> (Client, Peer, Broker) {
    let broker = Broker::new();
    client.connect_async(&broker);
    client.run(drive);
    refuse(&broker, OLDER);
    let peer = broker.welcome(CONNECT, CONNACK);
    assert_eq!(client.next(), Event::CONNECTED);
    (client, peer, broker)
}

fn view(properties: &[u8]) -> PropertyView {
    PropertyView {
        data: properties.as_ptr().cast(),
        len: properties.len(),
    }
}

fn publish(client: Handle, qos: i32, properties: &[u8], expiry_s: u32) {
    let topic = c("t");
    let publication = Publication {
        struct_size: size_of::<Publication>(),
        topic: topic.as_ptr(),
        qos,
        expiry_s,
        properties: view(properties),
        // SAFETY: all bytes 0 are NULL, 0 and false.
        ..unsafe { std::mem::zeroed() }
    };
    // SAFETY: the client lives, and so does the publication.
    let rc = unsafe { ffi::pmqtt_publish_message(client.0, &publication, std::ptr::null_mut()) };
    assert!(rc == 0 || rc == PMQTT_ERR_NO_CONN && qos > 0, "{rc}");
}

fn subscribe(client: Handle, filter: &str, retain_handling: i32, properties: &[u8]) {
    let filter = c(filter);
    let subscription = Subscription {
        struct_size: size_of::<Subscription>(),
        filter: filter.as_ptr(),
        qos: 1,
        retain_handling,
        no_local: retain_handling > 0,
        // SAFETY: all bytes 0 are NULL, 0 and false.
        ..unsafe { std::mem::zeroed() }
    };
    // SAFETY: the client lives, and so do the arguments.
    let rc = unsafe {
        let (subscription, properties) = (&subscription, view(properties));
        ffi::pmqtt_subscribe_with(client.0, subscription, 1, &properties, std::ptr::null_mut())
    };
    assert_eq!(rc, 0);
}

#[test]
fn a_broker_that_speaks_mqtt_5_gets_mqtt_5() {
    each_drive(|drive| {
        let (client, broker) = (best(), Broker::new());
        client.connect_async(&broker);
        client.run(drive);
        let mut peer = accept5(&broker);
        peer.send(ACCEPTED);
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.version(), PMQTT_PROTOCOL_V5);
        publish(*client, 1, USER, 0);
        peer.expect(b"\x32\x0d\0\x01t\0\x01\x07\x26\0\x01a\0\x01b");
    });
}

#[test]
fn a_refused_version_is_remembered() {
    for answer in [OLDER, &connack(false, 0x84, b"")] {
        each_drive(|drive| {
            let (client, broker) = (best(), Broker::new());
            reconnect_when_lost(&client);
            client.connect_async(&broker);
            client.run(drive);
            refuse(&broker, answer);
            for connections in 1..=3 {
                let peer = broker.welcome(CONNECT, CONNACK);
                assert_eq!(client.next(), Event::CONNECTED);
                assert_eq!(client.version(), PMQTT_PROTOCOL_V311);
                assert_eq!(client.stats().connections, connections);
                drop(peer);
                let rc = PMQTT_ERR_CONN_LOST;
                assert_eq!(client.next(), Event::Disconnected { rc });
            }
        });
    }
}

#[test]
fn it_is_forgotten_when_the_client_begins_anew() {
    let (client, peer, broker) = older(Drive::Thread, best());
    client.reinitialise("c");
    drop(peer);
    client.connect_async(&broker);
    accept5(&broker);
}

#[test]
fn a_close_without_connack_is_not_remembered() {
    each_drive(|drive| {
        let (client, broker) = (best(), Broker::new());
        reconnect_when_lost(&client);
        client.connect_async(&broker);
        client.run(drive);
        for _ in 0..2 {
            refuse(&broker, b"");
            let peer = broker.welcome(CONNECT, CONNACK);
            assert_eq!(client.next(), Event::CONNECTED);
            drop(peer);
            let rc = PMQTT_ERR_CONN_LOST;
            assert_eq!(client.next(), Event::Disconnected { rc });
        }
        let mut peer = accept5(&broker);
        peer.send(ACCEPTED);
        assert_eq!(client.next(), Event::CONNECTED);
        assert_eq!(client.version(), PMQTT_PROTOCOL_V5);
    });
}

/// The second connection does not wait for the delay of a reconnect, and has the one report.
#[test]
fn both_connections_of_an_attempt_have_one_end() {
    each_drive(|drive| {
        let (client, broker) = (best(), Broker::new());
        client.set_reconnect_delay(3600, 3600);
        client.connect_async(&broker);
        client.run(drive);
        refuse(&broker, b"");
        broker.accept().expect(CONNECT);
        let rc = PMQTT_ERR_CONN_LOST;
        assert_eq!(client.next(), Event::ConnectFailed { rc });
        assert_eq!(client.told(), None);
        assert!(!broker.is_asked(SECOND / 5));

        assert_eq!(client.reconnect(), 0);
        refuse(&broker, OLDER);
        broker.welcome(CONNECT, b"\x20\x02\0\x05").expect_end();
        let session_present = false;
        let refused = Event::Connected {
            session_present,
            rc: 5,
        };
        assert_eq!(client.next(), refused);
        let rc = PMQTT_ERR_CONN_REFUSED;
        assert_eq!(client.next(), Event::Disconnected { rc });
        assert_eq!(client.told(), None);
    });
}

#[test]
fn other_refusals_are_no_reason() {
    each_drive(|drive| {
        let (client, broker) = (best(), Broker::new());
        client.set_reconnect_delay(3600, 3600);
        client.connect_async(&broker);
        client.run(drive);
        refuse(&broker, &connack(false, 0x87, b""));
        assert!(matches!(client.next(), Event::Connected { rc: 0x87, .. }));
        let rc = PMQTT_ERR_CONN_REFUSED;
        assert_eq!(client.next(), Event::Disconnected { rc });
        assert!(!broker.is_asked(SECOND / 5));
    });
    // Only a client of both versions goes on.
    let (client, broker) = (Client::mqtt5("c"), Broker::new());
    client.set_reconnect_delay(3600, 3600);
    client.connect_async(&broker);
    client.run(Drive::Thread);
    refuse(&broker, OLDER);
    assert!(matches!(client.next(), Event::Connected { rc: 0x84, .. }));
    assert!(!broker.is_asked(SECOND / 5));
}

/// An answer of the broker proves what it is, which MQTT 3.1.1 cannot.
#[test]
fn enhanced_authentication_is_never_left_out() {
    for answer in [b"", OLDER] {
        let (client, broker) = (best(), Broker::new());
        client.set_reconnect_delay(1, 1);
        // SAFETY: the client lives.
        unsafe { ffi::pmqtt_auth_set(client.0, c("M").as_ptr(), Some(on_auth)) };
        client.hook(|client, event| {
            if matches!(event, Event::Auth { .. }) {
                // SAFETY: the client lives.
                let rc = unsafe { ffi::pmqtt_auth_answer(client.0, null::<c_void>(), 0, null()) };
                assert_eq!(rc, 0);
            }
        });
        client.connect_async(&broker);
        client.run(Drive::Thread);
        for _ in 0..2 {
            refuse(&broker, answer);
        }
    }
    // Nor once the broker was found to speak MQTT 3.1.1.
    let (client, peer, broker) = older(Drive::Thread, best());
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_auth_set(client.0, c("M").as_ptr(), Some(on_auth)) };
    client.hook(|client, event| {
        if matches!(event, Event::Auth { .. }) {
            // SAFETY: the client lives.
            unsafe { ffi::pmqtt_auth_answer(client.0, null::<c_void>(), 0, null()) };
        }
    });
    drop(peer);
    accept5(&broker);
}

/// What waits for CONNACK waits for that of the second connection.
#[test]
fn what_was_accepted_before_connack_goes_out_once_in_mqtt_3() {
    each_drive(|drive| {
        let (client, broker) = (best(), Broker::new());
        publish(*client, 1, USER, 0);
        assert_eq!(client.connect_to("127.0.0.1", broker.port(), 60), 0);
        subscribe(*client, "s", PMQTT_RETAIN_NEVER, USER);
        publish(*client, 0, USER, 0);
        client.unsubscribe(&["u"]);
        publish(*client, 2, USER, 60);
        client.run(drive);
        refuse(&broker, OLDER);
        let mut peer = broker.welcome(CONNECT, CONNACK);
        peer.expect(b"\x82\x06\0\x02\0\x01s\x01");
        peer.expect(b"\xa2\x05\0\x04\0\x01u");
        peer.expect(b"\x30\x03\0\x01t");
        peer.expect(b"\x32\x05\0\x01t\0\x01");
        peer.expect(b"\x34\x05\0\x01t\0\x05");
        peer.send(b"\x90\x03\0\x02\x01\xb0\x02\0\x04\x40\x02\0\x01\x50\x02\0\x05\x70\x02\0\x05");
        let mut told: Vec<Event> = (0..6).map(|_| client.next()).collect();
        assert_eq!(told.remove(0), Event::CONNECTED);
        for expected in [
            Event::Subscribed {
                mid: 2,
                rc: 0,
                granted: vec![1],
            },
            Event::Unsubscribed { mid: 4, rc: 0 },
            Event::published(1),
            Event::published(3),
            Event::published(5),
        ] {
            assert!(told.contains(&expected), "{expected:?} of {told:?}");
        }
    });
}

/// The program may call anything between the two connections, and hears of what it ends.
#[test]
fn the_program_may_give_up_between_the_connections() {
    each_drive(|drive| {
        let (client, broker) = (best(), Broker::new());
        client.hook(|client, event| {
            if matches!(event, Event::Log { text, .. } if text.contains("trying MQTT 3.1.1")) {
                // The log line comes once the first connection is gone.
                assert_eq!(client.subscribe(&[("s", 0)]), 1);
                assert_eq!(client.disconnect(), PMQTT_ERR_NO_CONN);
            }
        });
        // SAFETY: the client lives.
        unsafe { ffi::pmqtt_log_level_set(client.0, PMQTT_LOG_DEBUG) };
        client.set_log();
        client.connect_async(&broker);
        client.run(drive);
        refuse(&broker, OLDER);
        let mut told = Vec::new();
        while told.len() < 2 {
            match client.next() {
                Event::Log { .. } => {}
                event => told.push(event),
            }
        }
        let rc = PMQTT_ERR_CONN_LOST;
        let lost = Event::Subscribed {
            mid: 1,
            rc,
            granted: vec![],
        };
        let rc = PMQTT_ERR_NO_CONN;
        assert!(told.contains(&lost), "{told:?}");
        assert!(told.contains(&Event::ConnectFailed { rc }), "{told:?}");
        assert!(!broker.is_asked(SECOND / 5));
    });
}

#[test]
fn a_disconnect_before_connack_ends_the_attempt() {
    each_drive(|drive| {
        let (client, broker) = (best(), Broker::new());
        assert_eq!(client.connect_to("127.0.0.1", broker.port(), 60), 0);
        assert_eq!(client.disconnect(), 0);
        client.run(drive);
        refuse(&broker, OLDER);
        assert!(matches!(client.next(), Event::Connected { rc: 0x84, .. }));
        assert!(matches!(client.next(), Event::Disconnected { .. }));
        assert!(!broker.is_asked(SECOND / 5));
    });
}

#[test]
fn what_only_mqtt_5_can_say_is_left_out_with_a_line_in_the_log() {
    let (client, mut peer, _broker) = older(Drive::Thread, best());
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_log_level_set(client.0, PMQTT_LOG_WARNING) };
    client.set_log();
    for (retain_handling, properties, lines) in [
        (0, b"" as &[u8], 0),
        (PMQTT_RETAIN_NEVER, b"", 1),
        (0, USER, 1),
    ] {
        subscribe(*client, "s", retain_handling, properties);
        let mut subscribe = [0; 8];
        peer.stream.read_exact(&mut subscribe).expect("SUBSCRIBE");
        assert_eq!(subscribe[4..], *b"\0\x01s\x01");
        peer.expect_silence();
        let mut logged = 0;
        while let Some(Event::Log { text, .. }) = client.told() {
            assert!(text.contains("left out"), "{text}");
            logged += 1;
        }
        assert_eq!(logged, lines);
    }
    publish(*client, 0, USER, 9);
    publish(*client, 1, USER, 9);
    peer.expect(b"\x30\x03\0\x01t\x32\x05\0\x01t\0\x05");
    // No reason and no properties: only whether the will is published.
    // SAFETY: the client lives, and so do the properties.
    let rc = unsafe { ffi::pmqtt_disconnect_with(client.0, 0x80, &view(USER)) };
    assert_eq!(rc, 0);
    peer.expect_end();
}

/// MQTT 3.1.1 has no refusal: without an answer, the broker would send the message for ever.
#[test]
fn a_refused_message_is_acknowledged() {
    let client = best();
    client.set_manual_ack(true);
    let (client, mut peer, _broker) = older(Drive::Thread, client);
    let ack_with = |mid, qos| {
        // SAFETY: the client lives, and so do the properties.
        let rc = unsafe { ffi::pmqtt_ack_with(client.0, mid, qos, 0x97, &view(USER)) };
        assert_eq!(rc, 0);
    };
    peer.send(b"\x32\x05\0\x01t\0\x07");
    ack_with(client.next_mid(), 1);
    peer.expect(b"\x40\x02\0\x07");
    peer.send(b"\x34\x05\0\x01t\0\x08");
    ack_with(client.next_mid(), 2);
    peer.expect(b"\x50\x02\0\x08");
    peer.send(b"\x62\x02\0\x08");
    peer.expect(b"\x70\x02\0\x08");
}

/// The time limit of a message stands where other clients note when they sent it.
#[test]
fn nothing_is_sent_again_on_the_same_connection() {
    let client = best();
    client.set_retry(1);
    let (client, mut peer, _broker) = older(Drive::Thread, client);
    publish(*client, 1, USER, 1);
    publish(*client, 1, b"", 0);
    peer.expect(b"\x32\x05\0\x01t\0\x01\x32\x05\0\x01t\0\x02");
    std::thread::sleep(SECOND * 5 / 2);
    peer.expect_silence();
}

#[test]
fn clean_start_becomes_clean_session() {
    for (clean_session, connect) in [(true, CONNECT), (false, CONNECT_TO_STAY)] {
        let client = Client::create("c", clean_session, PMQTT_PROTOCOL_BEST);
        // SAFETY: a structure of numbers and pointers may be all zero.
        let mut options: ffi::ConnectOptions = unsafe { std::mem::zeroed() };
        options.struct_size = size_of::<ffi::ConnectOptions>();
        options.receive_maximum = 1;
        options.client_id_by_broker = true;
        // SAFETY: the client lives, and so do the options.
        let rc = unsafe { ffi::pmqtt_connect_options_set(client.0, &options) };
        assert_eq!(rc, 0);
        let broker = Broker::new();
        client.connect_async(&broker);
        client.run(Drive::Thread);
        refuse(&broker, OLDER);
        let mut peer = broker.welcome(connect, CONNACK);
        // The receive maximum was not stated.
        peer.send(b"\x34\x05\0\x01t\0\x07\x34\x05\0\x01t\0\x08");
        peer.expect(b"\x50\x02\0\x07\x50\x02\0\x08");
    }
}
