//! Messages to the broker: their handshakes, identifiers and window.

mod support;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec, PubRel};
use pmqtt::codec::{Properties, QoS};
use pmqtt::session::{Failure, Outcome};
use support::peer::{Peer, ack, suback};

#[test]
fn qos_0_is_done_with_its_last_byte() {
    let mut peer = Peer::connected(|_| {});
    assert_eq!(peer.publish(0, "a"), 1);
    assert_eq!(peer.publish(0, "b"), 2);
    assert_eq!(peer.session.unsettled(), 2);
    let bytes = peer.take();
    let each = bytes.len() / 2;
    assert_eq!(peer.texts(bytes), ["PUBLISH q0 a", "PUBLISH q0 b"]);
    for (count, outcomes) in [
        (each - 1, vec![]),
        (2, vec![Outcome::Written { mid: 1 }]),
        (each - 1, vec![Outcome::Written { mid: 2 }]),
    ] {
        peer.written(count);
        assert_eq!(peer.outcomes(), outcomes);
    }
    assert_eq!(peer.session.unsettled(), 0);
}

#[test]
fn qos_1_is_done_with_puback() {
    let mut peer = Peer::connected(|_| {});
    assert_eq!(peer.publish(1, "a"), 1);
    assert_eq!(peer.sent(), ["PUBLISH q1 #1 a"]);
    assert_eq!(peer.hears(ack(PubAck, 1)), "published 1");
    assert_eq!(peer.hears(ack(PubAck, 1)), "unexpected");
    assert!(peer.sent().is_empty());
    assert_eq!(peer.session.unsettled(), 0);
    assert_eq!(peer.session.queued_bytes(), 0);
}

#[test]
fn qos_2_is_done_with_pubcomp() {
    let mut peer = Peer::connected(|_| {});
    assert_eq!(peer.publish(2, "a"), 1);
    assert_eq!(peer.sent(), ["PUBLISH q2 #1 a"]);
    for _ in 0..2 {
        assert_eq!(peer.hears(ack(PubRec, 1)), "nothing");
        assert_eq!(peer.sent(), ["PUBREL #1"]);
    }
    assert_eq!(peer.session.unsettled(), 1);
    assert_eq!(peer.hears(ack(PubComp, 1)), "published 1");
    assert_eq!(peer.hears(ack(PubComp, 1)), "unexpected");
    assert_eq!(peer.session.unsettled(), 0);
    assert_eq!(peer.session.queued_bytes(), 0);
}

#[test]
fn an_unknown_pubrec_is_released_so_that_the_broker_can_forget_it() {
    let mut peer = Peer::connected(|_| {});
    assert_eq!(peer.hears(ack(PubRec, 77)), "unexpected");
    assert_eq!(peer.sent(), ["PUBREL #77"]);
    assert_eq!(peer.hears(ack(PubComp, 77)), "unexpected");
}

#[test]
fn an_answer_out_of_turn_is_a_violation() {
    let mut peer = Peer::connected(|_| {});
    peer.publish(1, "a");
    let answer = peer.try_hears(ack(PubRec, 1));
    assert!(matches!(answer, Err(Failure::Violation(..))));
}

/// A PUBREL that was sent twice is answered twice, and by then another message may have the identifier.
#[test]
fn a_second_answer_to_another_message_changes_nothing() {
    let mut peer = Peer::connected(|_| {});
    peer.publish(1, "a");
    peer.publish(2, "b");
    assert_eq!(peer.sent().len(), 2);
    assert_eq!(peer.hears(ack(PubComp, 1)), "unexpected");
    assert_eq!(peer.hears(ack(PubComp, 2)), "unexpected");
    let subscribed = peer
        .session
        .subscribe(&[("f", QoS::AtLeastOnce.into())], Properties::NONE);
    assert_eq!(subscribed, Ok(3));
    peer.sent();
    for kind in [PubAck, PubComp] {
        assert_eq!(peer.hears(ack(kind, 3)), "unexpected");
        assert!(peer.sent().is_empty());
    }
    assert_eq!(peer.hears(ack(PubRec, 3)), "unexpected");
    assert_eq!(peer.sent(), ["PUBREL #3"]);
    assert_eq!(peer.hears(suback(3, &[1])), "subscribed 3 [1]");
    assert_eq!(peer.hears(ack(PubAck, 1)), "published 1");
    assert_eq!(peer.hears(ack(PubRec, 2)), "nothing");
    assert_eq!(peer.hears(ack(PubComp, 2)), "published 2");
    assert_eq!(peer.session.unsettled(), 0);
}

/// As RabbitMQ 3 does.
#[test]
fn a_broker_without_qos_2_ends_the_handshake_with_puback() {
    let mut peer = Peer::connected(|options| options.max_inflight = 1);
    for payload in ["a", "b", "c"] {
        peer.publish(2, payload);
    }
    assert_eq!(peer.sent(), ["PUBLISH q2 #1 a"]);
    assert_eq!(peer.hears(ack(PubAck, 1)), "first published 1 with PUBACK");
    assert_eq!(peer.sent(), ["PUBLISH q2 #2 b"]);
    assert_eq!(peer.hears(ack(PubAck, 1)), "unexpected");
    assert_eq!(peer.hears(ack(PubAck, 2)), "published 2 with PUBACK");
    assert_eq!(peer.reconnect(false), ["PUBLISH q2 #3 dup c"]);
    assert_eq!(peer.hears(ack(PubAck, 3)), "first published 3 with PUBACK");
    assert_eq!(peer.session.unsettled(), 0);
    assert!(peer.session.is_idle());

    // This does not hold once the handshake of QoS 2 has begun.
    peer.publish(2, "d");
    peer.hears(ack(PubRec, 4));
    let answer = peer.try_hears(ack(PubAck, 4));
    assert!(matches!(answer, Err(Failure::Violation(..))));
}

#[test]
fn an_inbound_pubrel_leaves_the_window_alone() {
    let mut peer = Peer::connected(|options| options.max_inflight = 1);
    peer.publish(2, "a");
    peer.publish(2, "b");
    peer.sent();
    assert_eq!(peer.hears(ack(PubRel, 1)), "nothing");
    assert_eq!(peer.sent(), ["PUBCOMP #1"]);
    assert_eq!((peer.session.in_flight(), peer.session.queued()), (1, 1));
}

#[test]
fn the_window_lets_out_one_for_each_that_is_done() {
    let mut peer = Peer::connected(|options| options.max_inflight = 2);
    for (qos, payload) in [(2, "a"), (1, "b"), (1, "c"), (2, "d")] {
        peer.publish(qos, payload);
    }
    assert_eq!(peer.sent(), ["PUBLISH q2 #1 a", "PUBLISH q1 #2 b"]);
    assert_eq!((peer.session.in_flight(), peer.session.queued()), (2, 2));
    peer.hears(ack(PubRec, 1));
    assert_eq!(peer.sent(), ["PUBREL #1"]);
    peer.hears(ack(PubAck, 2));
    assert_eq!(peer.sent(), ["PUBLISH q1 #3 c"]);
    peer.hears(ack(PubComp, 1));
    assert_eq!(peer.sent(), ["PUBLISH q2 #4 d"]);
    peer.hears(ack(PubAck, 3));
    assert_eq!((peer.session.in_flight(), peer.session.queued()), (1, 0));
}

#[test]
fn qos_0_needs_no_window() {
    let mut peer = Peer::connected(|options| options.max_inflight = 1);
    peer.publish(1, "a");
    peer.publish(1, "b");
    peer.publish(0, "c");
    assert_eq!(peer.sent(), ["PUBLISH q1 #1 a", "PUBLISH q0 c"]);
}

#[test]
fn a_window_changed_in_flight_applies_at_once() {
    let mut peer = Peer::connected(|options| options.max_inflight = 3);
    for payload in ["a", "b", "c", "d", "e"] {
        peer.publish(1, payload);
    }
    assert_eq!(peer.sent().len(), 3);
    peer.configure(|options| options.max_inflight = 1);
    peer.hears(ack(PubAck, 1));
    peer.hears(ack(PubAck, 2));
    assert!(peer.sent().is_empty());
    peer.hears(ack(PubAck, 3));
    assert_eq!(peer.sent(), ["PUBLISH q1 #4 d"]);
    peer.configure(|options| options.max_inflight = 2);
    assert_eq!(peer.sent(), ["PUBLISH q1 #5 e"]);
}

#[test]
fn the_widest_window_has_all_identifiers() {
    for window in [0, u16::MAX] {
        let mut peer = Peer::connected(|options| options.max_inflight = window);
        for _ in 0..65_537 {
            peer.publish(1, "");
        }
        while !peer.sent().is_empty() {}
        assert_eq!(peer.session.in_flight(), 65_535);
        assert_eq!(peer.session.queued(), 2);
        // Mid 65,536 would have identifier 1, if it did not have to wait for another message.
        peer.hears(ack(PubAck, 300));
        assert_eq!(peer.sent(), ["PUBLISH q1 #300 "]);
        peer.hears(ack(PubAck, 2));
        assert_eq!(peer.sent(), ["PUBLISH q1 #2 "]);
    }
}

#[test]
fn an_identifier_in_flight_is_passed_over() {
    let mut peer = Peer::connected(|_| {});
    peer.publish(1, "stays");
    for mid in 2..=65_535 {
        peer.publish(0, "");
        if mid % 1000 == 0 {
            peer.sent();
            peer.outcomes();
        }
    }
    peer.sent();
    assert_eq!(peer.publish(1, "mid 65,536"), 65_536);
    assert_eq!(peer.publish(1, "mid 65,537"), 65_537);
    let expected = ["PUBLISH q1 #2 mid 65,536", "PUBLISH q1 #3 mid 65,537"];
    assert_eq!(peer.sent(), expected);
    assert_eq!(peer.hears(ack(PubAck, 1)), "published 1");
    assert_eq!(peer.hears(ack(PubAck, 2)), "published 65536");
}
