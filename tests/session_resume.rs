//! What continues on the next connection, and in which order.

mod support;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec};
use pmqtt::codec::Version;
use support::peer::{Peer, ack};

/// Clean session, session present in the CONNACK that follows.
const BROKERS: [(bool, bool); 3] = [(true, false), (false, false), (false, true)];

#[test]
fn what_is_in_flight_goes_out_again_in_order() {
    for (version, pubrel) in [
        (Version::V31, "PUBREL #2 dup"),
        (Version::V311, "PUBREL #2"),
    ] {
        for (clean_session, present) in BROKERS {
            let mut peer = Peer::connected(|options| {
                options.version = version;
                options.clean_session = clean_session;
            });
            for (qos, payload) in [(1, "a"), (2, "b"), (2, "c"), (1, "d"), (1, "e")] {
                peer.publish(qos, payload);
            }
            peer.hears(ack(PubRec, 2));
            peer.hears(ack(PubAck, 4));
            peer.sent();
            let expected = [
                "PUBLISH q1 #1 dup a",
                pubrel,
                "PUBLISH q2 #3 dup c",
                "PUBLISH q1 #5 dup e",
            ];
            for _ in 0..2 {
                assert_eq!(peer.reconnect(present), expected);
            }
            let is_known = present || (version == Version::V31 && !clean_session);
            let end = if is_known {
                "published 2"
            } else {
                "in doubt 2"
            };
            assert_eq!(peer.hears(ack(PubComp, 2)), end);
            assert_eq!(peer.hears(ack(PubAck, 1)), "published 1");
            assert_eq!(peer.reconnect(present), expected[2..]);
        }
    }
}

#[test]
fn what_was_never_sent_has_no_dup() {
    let mut peer = Peer::connected(|options| options.max_inflight = 1);
    peer.publish(1, "a");
    peer.publish(1, "b");
    peer.sent();
    peer.session.close();
    peer.publish(2, "c");
    peer.configure(|options| options.max_inflight = 3);
    let expected = ["PUBLISH q1 #1 dup a", "PUBLISH q1 #2 b", "PUBLISH q2 #3 c"];
    assert_eq!(peer.connect(false), expected);
}

#[test]
fn the_window_holds_for_what_is_sent_again() {
    let mut peer = Peer::connected(|options| options.max_inflight = 3);
    for payload in ["a", "b", "c", "d"] {
        peer.publish(1, payload);
    }
    peer.sent();
    peer.configure(|options| options.max_inflight = 1);
    assert_eq!(peer.reconnect(false), ["PUBLISH q1 #1 dup a"]);
    peer.hears(ack(PubAck, 1));
    assert_eq!(peer.sent(), ["PUBLISH q1 #2 dup b"]);
    assert_eq!((peer.session.in_flight(), peer.session.queued()), (1, 2));
}

#[test]
fn messages_done_out_of_order_do_not_hold_up_a_narrower_window() {
    let mut peer = Peer::connected(|options| options.max_inflight = 3);
    for payload in ["a", "b", "c", "d"] {
        peer.publish(1, payload);
    }
    peer.hears(ack(PubAck, 2));
    peer.hears(ack(PubAck, 3));
    peer.sent();
    peer.configure(|options| options.max_inflight = 1);
    assert_eq!(peer.reconnect(false), ["PUBLISH q1 #1 dup a"]);
    assert_eq!(peer.hears(ack(PubAck, 1)), "published 1");
    assert_eq!(peer.sent(), ["PUBLISH q1 #4 dup d"]);
    assert_eq!(peer.hears(ack(PubAck, 4)), "published 4");
    assert_eq!(peer.session.unsettled(), 0);
}

#[test]
fn a_pubrec_that_the_broker_repeats_first_is_honoured_in_its_turn() {
    let mut peer = Peer::connected(|options| {
        options.clean_session = false;
        options.max_inflight = 2;
    });
    peer.publish(1, "a");
    peer.publish(2, "b");
    peer.sent();
    peer.configure(|options| options.max_inflight = 1);
    assert_eq!(peer.reconnect(true), ["PUBLISH q1 #1 dup a"]);
    // PUBREL now and PUBLISH later would make the broker accept the message twice.
    assert_eq!(peer.hears(ack(PubRec, 2)), "nothing");
    assert!(peer.sent().is_empty());
    peer.hears(ack(PubAck, 1));
    assert_eq!(peer.sent(), ["PUBREL #2"]);
    assert_eq!(peer.hears(ack(PubComp, 2)), "published 2");
}

#[test]
fn an_answer_to_what_was_not_sent_again_yet_changes_nothing() {
    let mut peer = Peer::connected(|options| options.max_inflight = 2);
    peer.publish(1, "a");
    peer.publish(1, "b");
    peer.configure(|options| options.max_inflight = 1);
    peer.reconnect(false);
    assert_eq!(peer.hears(ack(PubAck, 2)), "unexpected");
    assert_eq!(peer.session.in_flight(), 1);
    peer.hears(ack(PubAck, 1));
    assert_eq!(peer.sent(), ["PUBLISH q1 #2 dup b"]);
}

/// A broker that forgot the session still answers PUBREL: that answer settles nothing.
#[test]
fn a_message_that_the_broker_had_when_it_forgot_the_session_is_in_doubt() {
    for (version, clean_session, present, end) in [
        (Version::V311, true, false, "in doubt 2"),
        (Version::V311, false, false, "in doubt 2"),
        (Version::V311, false, true, "published 2"),
        (Version::V31, true, false, "in doubt 2"),
        // 3.1 cannot say that it has forgotten.
        (Version::V31, false, false, "published 2"),
    ] {
        let mut peer = Peer::connected(|options| {
            options.version = version;
            options.clean_session = clean_session;
        });
        for (qos, payload) in [(1, "a"), (2, "b"), (2, "c")] {
            peer.publish(qos, payload);
        }
        peer.hears(ack(PubRec, 2));
        peer.sent();
        let sent = peer.reconnect(present);
        assert!(sent[1].starts_with("PUBREL #2"), "{sent:?}");
        assert_eq!(sent[2], "PUBLISH q2 #3 dup c");
        assert_eq!(peer.hears(ack(PubComp, 2)), end);
        assert_eq!(peer.hears(ack(PubComp, 2)), "unexpected");
        // A message that was sent whole in one session is not in doubt.
        assert_eq!(peer.hears(ack(PubAck, 1)), "published 1");
        peer.hears(ack(PubRec, 3));
        assert_eq!(peer.sent(), ["PUBREL #3"]);
        assert_eq!(peer.hears(ack(PubComp, 3)), "published 3");
        assert_eq!(peer.session.unsettled(), 0);
        assert!(peer.session.is_idle());
    }
}

#[test]
fn a_doubt_stays_whatever_the_broker_says_later() {
    let mut peer = Peer::connected(|options| options.clean_session = false);
    peer.publish(2, "a");
    peer.hears(ack(PubRec, 1));
    peer.sent();
    assert_eq!(peer.reconnect(false), ["PUBREL #1"]);
    // It does not answer a PUBLISH of this session.
    assert_eq!(peer.hears(ack(PubRec, 1)), "nothing");
    assert_eq!(peer.sent(), ["PUBREL #1"]);
    for present in [true, false, true] {
        assert_eq!(peer.reconnect(present), ["PUBREL #1"]);
    }
    assert_eq!(peer.session.unsettled(), 1);
    assert_eq!(peer.hears(ack(PubComp, 1)), "in doubt 1");
    assert_eq!(peer.session.unsettled(), 0);
}

#[test]
fn a_doubt_is_noted_behind_a_narrower_window_too() {
    let mut peer = Peer::connected(|options| options.max_inflight = 3);
    for payload in ["a", "b", "c"] {
        peer.publish(2, payload);
    }
    for number in [2, 3] {
        peer.hears(ack(PubRec, number));
    }
    peer.sent();
    peer.configure(|options| options.max_inflight = 1);
    assert_eq!(peer.reconnect(false), ["PUBLISH q2 #1 dup a"]);
    assert_eq!(peer.hears(ack(PubRec, 2)), "nothing");
    assert_eq!(peer.hears(ack(PubComp, 2)), "unexpected");
    peer.hears(ack(PubRec, 1));
    assert_eq!(peer.sent(), ["PUBREL #1"]);
    assert_eq!(peer.hears(ack(PubComp, 1)), "published 1");
    assert_eq!(peer.sent(), ["PUBREL #2"]);
    assert_eq!(peer.hears(ack(PubComp, 2)), "in doubt 2");
    assert_eq!(peer.sent(), ["PUBREL #3"]);
    assert_eq!(peer.hears(ack(PubComp, 3)), "in doubt 3");
}
