//! Messages from the broker: acknowledged by the session, or by the application.

mod support;

use pmqtt::codec::Ack::PubRel;
use pmqtt::codec::QoS::{AtLeastOnce, AtMostOnce, ExactlyOnce};
use pmqtt::codec::Version;
use support::peer::{Peer, ack, message, message_again};

fn durable() -> Peer {
    Peer::connected(|options| options.clean_session = false)
}

fn manual() -> Peer {
    Peer::connected(|options| {
        options.clean_session = false;
        options.manual_ack = true;
    })
}

#[test]
fn each_qos_has_its_acknowledgement() {
    let mut peer = durable();
    assert_eq!(peer.hears(message(0, 0, "a")), "message q0 a");
    assert!(peer.sent().is_empty());
    assert_eq!(peer.hears(message(1, 1, "b")), "message q1 #1 b");
    assert_eq!(peer.sent(), ["PUBACK #1"]);
    assert_eq!(peer.hears(message(2, 2, "c")), "message q2 #2 c");
    assert_eq!(peer.sent(), ["PUBREC #2"]);
    assert_eq!(peer.hears(ack(PubRel, 2)), "nothing");
    assert_eq!(peer.sent(), ["PUBCOMP #2"]);
}

#[test]
fn qos_1_is_delivered_each_time_it_comes() {
    let mut peer = durable();
    peer.hears(message(1, 1, "a"));
    assert_eq!(peer.hears(message_again(1, 1, "a")), "message q1 #1 dup a");
    assert_eq!(peer.sent(), ["PUBACK #1", "PUBACK #1"]);
}

#[test]
fn qos_2_is_delivered_once_until_pubrel() {
    let mut peer = durable();
    peer.hears(message(2, 1, "a"));
    assert_eq!(peer.hears(message_again(2, 1, "a")), "nothing");
    assert_eq!(peer.sent(), ["PUBREC #1", "PUBREC #1"]);
    peer.hears(ack(PubRel, 1));
    assert_eq!(peer.hears(message(2, 1, "b")), "message q2 #1 b");
    assert_eq!(peer.sent(), ["PUBCOMP #1", "PUBREC #1"]);
}

#[test]
fn pubrel_is_always_answered() {
    let mut peer = durable();
    for number in [5, 5] {
        assert_eq!(peer.hears(ack(PubRel, number)), "nothing");
        assert_eq!(peer.sent(), [format!("PUBCOMP #{number}")]);
    }
}

#[test]
fn qos_2_is_delivered_once_across_connections() {
    for version in [Version::V31, Version::V311] {
        let mut peer = Peer::connected(|options| {
            options.version = version;
            options.clean_session = false;
        });
        peer.hears(message(2, 1, "a"));
        // 3.1 has no flag to tell that the session is present.
        assert!(peer.reconnect(version == Version::V311).is_empty());
        assert_eq!(peer.hears(message_again(2, 1, "a")), "nothing");
        assert_eq!(peer.sent(), ["PUBREC #1"]);
    }
}

#[test]
fn a_broker_that_forgot_the_session_uses_identifiers_anew() {
    for (version, clean_session) in [
        (Version::V31, true),
        (Version::V311, true),
        (Version::V311, false),
    ] {
        let mut peer = Peer::connected(|options| {
            options.version = version;
            options.clean_session = clean_session;
        });
        peer.hears(message(2, 1, "a"));
        peer.reconnect(false);
        assert_eq!(peer.hears(message(2, 1, "b")), "message q2 #1 b");
    }
}

#[test]
fn a_connection_that_failed_before_connack_forgets_nothing() {
    let mut peer = durable();
    peer.hears(message(2, 1, "a"));
    peer.session.close();
    peer.configure(|options| options.clean_session = true);
    peer.open();
    peer.session.close();
    peer.configure(|options| options.clean_session = false);
    peer.connect(true);
    assert_eq!(peer.hears(message_again(2, 1, "a")), "nothing");
}

#[test]
fn a_callback_that_outlives_its_connection_is_not_run_again_at_qos_2() {
    let mut peer = durable();
    assert_eq!(
        peer.hears_without_return(message(1, 1, "a")),
        "message q1 #1 a"
    );
    assert_eq!(
        peer.hears_without_return(message(2, 2, "b")),
        "message q2 #2 b"
    );
    assert!(peer.reconnect(true).is_empty());
    assert_eq!(peer.hears(message_again(1, 1, "a")), "message q1 #1 dup a");
    assert_eq!(peer.hears(message_again(2, 2, "b")), "nothing");
    assert_eq!(peer.sent(), ["PUBACK #1", "PUBREC #2"]);
}

#[test]
fn the_application_acknowledges_once() {
    let mut peer = manual();
    peer.hears(message(1, 1, "a"));
    peer.hears(message(2, 2, "b"));
    assert!(peer.sent().is_empty());
    assert!(!peer.acknowledge(1, ExactlyOnce));
    assert!(!peer.acknowledge(2, AtLeastOnce));
    assert!(!peer.acknowledge(3, AtLeastOnce));
    assert!(!peer.acknowledge(1, AtMostOnce));
    assert!(peer.acknowledge(2, ExactlyOnce));
    assert!(peer.acknowledge(1, AtLeastOnce));
    assert_eq!(peer.sent(), ["PUBREC #2", "PUBACK #1"]);
    assert!(!peer.acknowledge(2, ExactlyOnce));
    assert!(!peer.acknowledge(1, AtLeastOnce));
    peer.hears(ack(PubRel, 2));
    assert_eq!(peer.sent(), ["PUBCOMP #2"]);
}

#[test]
fn a_duplicate_before_the_application_acknowledged_waits_for_it() {
    let mut peer = manual();
    peer.hears(message(2, 1, "a"));
    assert_eq!(peer.hears(message_again(2, 1, "a")), "nothing");
    assert!(peer.sent().is_empty());
    assert!(peer.acknowledge(1, ExactlyOnce));
    assert_eq!(peer.hears(message_again(2, 1, "a")), "nothing");
    assert_eq!(peer.sent(), ["PUBREC #1", "PUBREC #1"]);
}

#[test]
fn qos_1_that_is_owed_when_the_connection_ends_comes_again() {
    let mut peer = manual();
    peer.hears(message(1, 1, "a"));
    peer.session.close();
    assert!(!peer.acknowledge(1, AtLeastOnce));
    peer.connect(true);
    assert!(!peer.acknowledge(1, AtLeastOnce));
    assert_eq!(peer.hears(message_again(1, 1, "a")), "message q1 #1 dup a");
    assert!(peer.acknowledge(1, AtLeastOnce));
    assert_eq!(peer.sent(), ["PUBACK #1"]);
}

#[test]
fn qos_2_is_owed_across_connections() {
    let mut peer = manual();
    peer.hears(message(2, 1, "a"));
    peer.hears(message(2, 2, "b"));
    peer.session.close();
    assert!(peer.acknowledge(1, ExactlyOnce));
    assert!(peer.connect(true).is_empty());
    assert_eq!(peer.hears(message_again(2, 1, "a")), "nothing");
    assert_eq!(peer.hears(message_again(2, 2, "b")), "nothing");
    assert_eq!(peer.sent(), ["PUBREC #1"]);
    assert!(peer.acknowledge(2, ExactlyOnce));
    assert_eq!(peer.sent(), ["PUBREC #2"]);
}

#[test]
fn nothing_is_owed_to_a_broker_that_forgot_the_session() {
    let mut peer = manual();
    peer.hears(message(2, 1, "a"));
    peer.reconnect(false);
    assert!(!peer.acknowledge(1, ExactlyOnce));
    assert_eq!(peer.hears(message(2, 1, "b")), "message q2 #1 b");
}
