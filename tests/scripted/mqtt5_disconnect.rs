//! Disconnecting with a reason.

use std::ptr::null;
use std::time::Duration;

use pmqtt::client::events::PropertyView;
use pmqtt::codec::{Packet, property};
use pmqtt::ffi::{self, PMQTT_ERR_INVAL, PMQTT_ERR_NO_CONN, PMQTT_ERR_NOT_SUPPORTED};

use crate::support::mqtt5::{ACCEPTED, accepted_with, connected5};
use crate::support::{
    Broker, CONNACK, CONNECT_TO_STAY, Client, DISCONNECT, Drive, Event, Handle, Peer, connected,
    each_drive,
};

const WITH_WILL: i32 = 0x04;

fn disconnect_with(client: Handle, reason: i32, properties: &[u8]) -> i32 {
    let view = PropertyView {
        data: properties.as_ptr().cast(),
        len: properties.len(),
    };
    // SAFETY: the client lives, and so do the properties.
    unsafe { ffi::pmqtt_disconnect_with(client.0, reason, &view) }
}

/// The reason of DISCONNECT, its session expiry, and its reason string.
type Said = (u8, Option<u32>, Option<String>);

fn said(peer: &mut Peer) -> Said {
    peer.read(|packet| match packet {
        Packet::Disconnect(disconnect) => {
            let properties = disconnect.properties;
            let text = properties.text(property::REASON_STRING);
            let expiry = properties.number(property::SESSION_EXPIRY);
            (disconnect.reason, expiry, text.map(String::from))
        }
        other => panic!("{other}"),
    })
}

#[test]
fn each_reason_of_a_client_is_in_disconnect_and_no_other_is() {
    let mut connection = connected5(Drive::Thread, ACCEPTED);
    let allowed = |reason: &i32| matches!(*reason, 0 | 4 | 0x80..=0x83 | 0x90 | 0x93..=0x99);
    for reason in (0..=0xff)
        .chain([-1, 0x100, 0x104])
        .filter(|it| !allowed(it))
    {
        let rc = disconnect_with(*connection.client, reason, b"");
        assert_eq!(rc, PMQTT_ERR_INVAL, "{reason}");
    }
    connection.peer.expect_silence5();
    for reason in (0..=0xff).filter(allowed) {
        let mut connection = connected5(Drive::Thread, ACCEPTED);
        let client = *connection.client;
        assert_eq!(disconnect_with(client, reason, b""), 0);
        // An earlier reason stays.
        assert_eq!(client.disconnect(), 0);
        assert_eq!(said(&mut connection.peer), (reason as u8, None, None));
        connection.peer.expect_end();
        drop(connection.peer);
        assert_eq!(connection.client.next(), Event::Disconnected { rc: 0 });
    }
}

#[test]
fn everything_that_was_accepted_comes_before_it() {
    each_drive(|drive| {
        let mut connection = connected5(drive, ACCEPTED);
        let client = *connection.client;
        let mid = client.publish("t", b"", 1);
        let properties = b"\x1f\0\x03bye\x26\0\x01a\0\x01b";
        assert_eq!(disconnect_with(client, WITH_WILL, properties), 0);
        connection.peer.expect(b"\x32\x06\0\x01t\0\x01\0");
        let expected = (WITH_WILL as u8, None, Some("bye".into()));
        assert_eq!(said(&mut connection.peer), expected);
        connection.peer.expect_end();
        assert_eq!(connection.client.next(), Event::Disconnected { rc: 0 });
        assert_eq!((mid, client.stats().unsettled), (1, 1));
    });
}

#[test]
fn the_session_expiry_changes_unless_it_was_0() {
    let expiry = |seconds: u8| [0x11, 0, 0, 0, seconds];
    // CONNECT has stated 0, whatever the broker has answered.
    let mut clean = connected5(Drive::Thread, &accepted_with(&expiry(9)));
    let client = *clean.client;
    assert_eq!(disconnect_with(client, 0, &expiry(5)), PMQTT_ERR_INVAL);
    assert!(client.last_error().contains("session expiry was 0"));
    clean.peer.expect_silence5();
    assert_eq!(disconnect_with(client, 0, &expiry(0)), 0);
    assert_eq!(said(&mut clean.peer), (0, Some(0), None));

    let (kept, broker) = (
        Client::create("c", false, ffi::PMQTT_PROTOCOL_V5),
        Broker::new(),
    );
    kept.connect_async(&broker);
    kept.run(Drive::Thread);
    let mut peer = broker.welcome_any(ACCEPTED);
    assert_eq!(kept.next(), Event::CONNECTED);
    assert_eq!(disconnect_with(*kept, 0, &expiry(5)), 0);
    assert_eq!(said(&mut peer), (0, Some(5), None));
}

#[test]
fn what_is_too_large_for_the_broker_is_left_out_but_not_the_expiry() {
    let (kept, broker) = (
        Client::create("c", false, ffi::PMQTT_PROTOCOL_V5),
        Broker::new(),
    );
    kept.connect_async(&broker);
    kept.run(Drive::Thread);
    let mut peer = broker.welcome_any(&accepted_with(b"\x27\0\0\0\x0b"));
    assert_eq!(kept.next(), Event::CONNECTED);
    let properties = b"\x1f\0\x03bye\x11\0\0\0\x05";
    assert_eq!(disconnect_with(*kept, 0x80, properties), 0);
    assert_eq!(said(&mut peer), (0x80, Some(5), None));
}

#[test]
fn properties_of_another_packet_are_refused() {
    let mut connection = connected5(Drive::Thread, ACCEPTED);
    let client = *connection.client;
    for wrong in [
        b"\x03\0\0" as &[u8],
        b"\x1c\0\0",
        b"\x1f\0\x01\xff",
        b"\x1f",
    ] {
        assert_eq!(disconnect_with(client, 0, wrong), PMQTT_ERR_INVAL);
        assert!(client.last_error().starts_with("disconnect_with: "));
    }
    connection.peer.expect_silence5();
    assert!(connection.client.told().is_none());
}

/// The broker publishes the will when a connection ends without a DISCONNECT.
#[test]
fn with_the_will_an_older_client_closes_after_all_that_it_has_accepted() {
    each_drive(|drive| {
        let mut connection = connected(drive);
        let client = *connection.client;
        client.publish("t", b"", 0);
        client.publish("t", b"", 1);
        // SAFETY: the client lives.
        let rc = unsafe { ffi::pmqtt_disconnect_with(client.0, WITH_WILL, null()) };
        assert_eq!(rc, 0);
        assert_eq!(client.try_publish("t", b"", 0, false).0, PMQTT_ERR_NO_CONN);
        connection
            .peer
            .expect(b"\x30\x03\0\x01t\x32\x05\0\x01t\0\x02");
        connection.peer.expect_end();
        assert_eq!(connection.client.next(), Event::published(1));
        assert_eq!(connection.client.next(), Event::Disconnected { rc: 0 });
    });
}

/// Nothing is left to write, and the broker waits for the client.
#[test]
fn with_nothing_to_write_a_connection_closes_at_once() {
    each_drive(|drive| {
        for reason in [0, WITH_WILL] {
            let mut connection = connected(drive);
            assert_eq!(disconnect_with(*connection.client, reason, b""), 0);
            if reason == 0 {
                connection.peer.expect(DISCONNECT);
            }
            connection.peer.expect_end();
            drop(connection.peer);
            assert_eq!(connection.client.next(), Event::Disconnected { rc: 0 });
        }
    });
}

#[test]
fn an_older_client_waits_for_connack_and_for_a_message_that_is_delivered() {
    let client = Client::create("c", false, ffi::PMQTT_PROTOCOL_V311);
    let broker = Broker::new();
    client.hook(|client, event| {
        if matches!(event, Event::Message(_)) {
            assert_eq!(disconnect_with(client, WITH_WILL, b""), 0);
        }
    });
    client.connect_async(&broker);
    client.run(Drive::Thread);
    let mut peer = broker.accept();
    peer.expect(CONNECT_TO_STAY);
    assert_eq!(disconnect_with(*client, WITH_WILL, b""), 0);
    peer.send(CONNACK);
    peer.expect_end();
    assert_eq!(client.next(), Event::CONNECTED);
    assert_eq!(client.next(), Event::Disconnected { rc: 0 });

    client.connect_async(&broker);
    let mut peer = broker.welcome(CONNECT_TO_STAY, CONNACK);
    peer.send(b"\x32\x05\0\x01t\0\x07");
    peer.expect(b"\x40\x02\0\x07");
    peer.expect_end();
}

#[test]
fn an_older_client_has_no_other_reason_and_no_properties() {
    let mut connection = connected(Drive::Thread);
    let client = *connection.client;
    assert_eq!(disconnect_with(client, 0x80, b""), PMQTT_ERR_NOT_SUPPORTED);
    assert!(client.last_error().contains("PMQTT_PROTOCOL_V5"));
    let user = b"\x26\0\x01a\0\x01b";
    assert_eq!(disconnect_with(client, 0, user), PMQTT_ERR_NOT_SUPPORTED);
    assert_eq!(disconnect_with(client, 0x8b, b""), PMQTT_ERR_INVAL);
    connection.peer.expect_silence();
    assert_eq!(disconnect_with(client, 0, b""), 0);
    connection.peer.expect(b"\xe0\0");
    connection.peer.expect_end();
    assert_eq!(connection.client.next(), Event::Disconnected { rc: 0 });
    assert_eq!(disconnect_with(client, 0, b""), PMQTT_ERR_NO_CONN);
}

/// [MQTT5-3.14.1-1]
#[test]
fn a_disconnect_with_reserved_flags_is_malformed() {
    each_drive(|drive| {
        let mut connection = connected5(drive, ACCEPTED);
        connection.peer.send(b"\xe1\0");
        assert_eq!(said(&mut connection.peer), (0x81, None, None));
        connection.peer.expect_end();
        let rc = ffi::PMQTT_ERR_PROTOCOL;
        assert_eq!(connection.client.next(), Event::Disconnected { rc });
    });
}

/// [MQTT5-4.13.2-1]
#[test]
fn a_connection_ends_even_if_its_disconnect_cannot_be_sent() {
    each_drive(|drive| {
        let (client, broker) = (Client::mqtt5("c"), Broker::new_narrow());
        client.set_connect_timeout(Duration::from_millis(500));
        client.connect_async(&broker);
        client.run(drive);
        let peer = broker.welcome_any(ACCEPTED);
        assert_eq!(client.next(), Event::CONNECTED);
        let mid = client.publish("t", &vec![0; 16 * 1024 * 1024], 0);
        assert_eq!(disconnect_with(*client, 0x80, b""), 0);
        let lost = Event::Published {
            mid,
            rc: ffi::PMQTT_ERR_CONN_LOST,
        };
        assert_eq!(client.next(), lost);
        let rc = ffi::PMQTT_ERR_TIMEOUT;
        assert_eq!(client.next(), Event::Disconnected { rc });
        drop(peer);
    });
}
