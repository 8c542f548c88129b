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
        // 3.1 has no flag that says whether a session is present.
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

#[test]
fn what_is_acknowledged_by_itself_is_not_the_applications_to_acknowledge() {
    for (qos, level, answer) in [(1, AtLeastOnce, "PUBACK #1"), (2, ExactlyOnce, "PUBREC #1")] {
        let mut peer = durable();
        peer.hears_without_return(message(qos, 1, "a"));
        assert!(!peer.acknowledge(1, level), "in its callback");
        assert!(peer.sent().is_empty());
        peer.session.delivered(support::id(1), level, peer.now);
        assert!(!peer.acknowledge(1, level), "after it");
        assert_eq!(peer.sent(), [answer]);
    }
}

#[test]
fn manual_ack_counts_from_the_next_message_on() {
    let mut peer = durable();
    peer.hears_without_return(message(2, 1, "by itself"));
    // This change is made in the message's callback.
    peer.configure(|options| options.manual_ack = true);
    assert!(!peer.acknowledge(1, ExactlyOnce));
    peer.session
        .delivered(support::id(1), ExactlyOnce, peer.now);
    assert_eq!(peer.sent(), ["PUBREC #1"]);

    peer.hears(message(1, 2, "owed"));
    peer.hears(message(2, 3, "owed"));
    peer.configure(|options| options.manual_ack = false);
    assert_eq!(peer.hears(message(1, 4, "c")), "message q1 #4 c");
    assert_eq!(peer.hears(message(2, 5, "d")), "message q2 #5 d");
    assert_eq!(peer.sent(), ["PUBACK #4", "PUBREC #5"]);
    // The application still has to acknowledge what it was given before.
    assert!(peer.acknowledge(3, ExactlyOnce));
    assert!(peer.acknowledge(2, AtLeastOnce));
    assert_eq!(peer.sent(), ["PUBREC #3", "PUBACK #2"]);
    for number in [1, 3, 5] {
        peer.hears(ack(PubRel, number));
    }
    assert_eq!(peer.sent(), ["PUBCOMP #1", "PUBCOMP #3", "PUBCOMP #5"]);
    assert!(peer.session.is_idle());
}

#[test]
fn a_batch_in_which_manual_ack_is_set_is_acknowledged_by_itself() {
    let mut peer = durable();
    assert!(peer.session.begin_batch());
    peer.configure(|options| options.manual_ack = true);
    assert!(!peer.acknowledge(1, AtLeastOnce));
    peer.session.end_batch(&[support::id(1)]);
    assert_eq!(peer.sent(), ["PUBACK #1"]);
    assert!(!peer.acknowledge(1, AtLeastOnce));
    assert!(!peer.session.begin_batch());
}

/// The application gets each message once, whether it or the session acknowledges it in the end.
#[test]
fn a_message_comes_again_after_manual_ack_has_changed() {
    // The session acknowledges; the connection ended before the callback had returned.
    let mut peer = durable();
    peer.hears_without_return(message(2, 1, "a"));
    peer.configure(|options| options.manual_ack = true);
    peer.reconnect(true);
    assert_eq!(peer.hears(message_again(2, 1, "a")), "nothing");
    assert_eq!(peer.sent(), ["PUBREC #1"]);
    assert!(!peer.acknowledge(1, ExactlyOnce));
    assert!(peer.sent().is_empty());

    // The application had to acknowledge, and has turned manual acknowledgements off.
    let mut peer = manual();
    peer.hears(message(2, 1, "a"));
    peer.configure(|options| options.manual_ack = false);
    peer.reconnect(true);
    assert_eq!(peer.hears(message_again(2, 1, "a")), "nothing");
    assert_eq!(peer.sent(), ["PUBREC #1"]);
    assert!(!peer.acknowledge(1, ExactlyOnce));
    assert!(peer.sent().is_empty());
}

/// By then, another message has the packet identifier.
#[test]
fn a_late_acknowledgement_is_none_of_another_message() {
    let late = |qos: u8, level, change: fn(&mut Peer)| {
        let mut peer = manual();
        peer.hears(message(qos, 1, "a"));
        let before = peer.mid(1);
        change(&mut peer);
        peer.sent();
        let event = peer.hears(message(qos, 1, "b"));
        assert_eq!(event, format!("message q{qos} #1 b"));
        assert!(!peer.acknowledge_mid(before, level), "QoS {qos}");
        assert!(!peer.acknowledge_mid(1, level), "by the bare identifier");
        assert!(peer.sent().is_empty());
        assert!(peer.acknowledge(1, level));
        assert_eq!(peer.sent().len(), 1);
    };
    // Another connection, or another session.
    late(1, AtLeastOnce, |peer| drop(peer.reconnect(true)));
    late(1, AtLeastOnce, |peer| drop(peer.reconnect(false)));
    late(2, ExactlyOnce, |peer| drop(peer.reconnect(false)));
    // A second acknowledgement.
    late(1, AtLeastOnce, |peer| {
        assert!(peer.acknowledge(1, AtLeastOnce))
    });
    late(2, ExactlyOnce, |peer| {
        assert!(peer.acknowledge(1, ExactlyOnce));
        peer.hears(ack(PubRel, 1));
    });
    // A broker that sends PUBREL without having had PUBREC.
    late(2, ExactlyOnce, |peer| drop(peer.hears(ack(PubRel, 1))));
    // Meanwhile the application has left that acknowledgement to the session.
    late(2, ExactlyOnce, |peer| {
        peer.configure(|options| options.manual_ack = false);
        peer.hears(message_again(2, 1, "a"));
        peer.hears(ack(PubRel, 1));
        peer.configure(|options| options.manual_ack = true);
    });
    // A new session replaces this one.
    late(1, AtLeastOnce, |peer| {
        let options = peer.session.options().clone();
        peer.session = peer.session.successor(options);
        peer.connect(false);
    });
}

#[test]
fn a_message_keeps_its_mid_while_it_is_owed() {
    let mut peer = manual();
    peer.hears(message(1, 1, "a"));
    peer.hears(message(2, 2, "b"));
    let (first, second) = (peer.mid(1), peer.mid(2));
    // On the same connection it is the same message [MQTT-2.3.1-4].
    assert_eq!(peer.hears(message_again(1, 1, "a")), "message q1 #1 dup a");
    assert_eq!(peer.mid(1), first);
    assert!(peer.acknowledge_mid(first, AtLeastOnce));
    peer.reconnect(true);
    assert_eq!(peer.hears(message_again(2, 2, "b")), "nothing");
    peer.sent();
    assert!(peer.acknowledge_mid(second, ExactlyOnce));
    assert_eq!(peer.sent(), ["PUBREC #2"]);
}
