//! Limits of the queue, and the word that there is room again.

mod support;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec};
use pmqtt::session::{Outcome, PublishError};
use support::peer::{Peer, ack};

const FULL: Result<u64, PublishError> = Err(PublishError::QueueFull);

#[test]
fn messages_are_counted_until_they_are_settled() {
    let mut peer = Peer::connected(|options| options.max_queued_messages = 2);
    peer.publish(1, "a");
    peer.publish(2, "b");
    peer.sent();
    peer.hears(ack(PubRec, 2));
    for qos in [1, 2] {
        assert_eq!(peer.try_publish(qos, "c"), FULL);
    }
    assert_eq!(peer.try_publish(0, "no limit for QoS 0"), Ok(3));
    peer.sent();
    assert_eq!(peer.outcomes(), [Outcome::Written { mid: 3 }]);
    peer.hears(ack(PubComp, 2));
    peer.hears(ack(PubAck, 1));
    assert_eq!(peer.outcomes(), [Outcome::Writable]);
    assert_eq!(peer.publish(1, "c"), 4);
}

#[test]
fn messages_are_counted_without_a_connection_too() {
    let mut peer = Peer::new(|options| options.max_queued_messages = 2);
    peer.publish(1, "a");
    peer.publish(1, "b");
    assert_eq!(peer.try_publish(1, "c"), FULL);
    assert_eq!(peer.connect(false), ["PUBLISH q1 #1 a", "PUBLISH q1 #2 b"]);
    assert!(peer.outcomes().is_empty());
}

#[test]
fn bytes_of_every_qos_are_counted() {
    for qos in [0, 1, 2] {
        let mut peer = Peer::connected(|options| options.max_queued_bytes = 250);
        peer.publish(qos, &"x".repeat(100));
        peer.take();
        for refused in [0, 1, 2] {
            assert_eq!(peer.try_publish(refused, &"x".repeat(200)), FULL);
        }
    }
}

#[test]
fn one_message_is_always_taken() {
    let mut peer = Peer::connected(|options| options.max_queued_bytes = 10);
    for (qos, mid) in [(0, 1), (1, 2)] {
        assert_eq!(peer.try_publish(qos, &"x".repeat(1000)), Ok(mid));
        assert_eq!(peer.try_publish(0, "y"), FULL);
        peer.sent();
    }
    assert_eq!(peer.try_publish(0, "y"), FULL);
    peer.outcomes();
    peer.hears(ack(PubAck, 2));
    assert_eq!(peer.outcomes(), [Outcome::Writable]);
}

#[test]
fn nothing_is_announced_that_nobody_waits_for() {
    let mut peer = Peer::connected(|options| options.max_queued_messages = 1);
    peer.publish(1, "a");
    peer.hears(ack(PubAck, 1));
    peer.sent();
    assert!(peer.outcomes().is_empty());
}

#[test]
fn room_is_announced_when_it_is_enough_for_what_was_refused() {
    let mut peer = Peer::connected(|options| options.max_queued_bytes = 400);
    for _ in 0..3 {
        peer.publish(1, &"x".repeat(100));
        peer.sent();
    }
    assert_eq!(peer.try_publish(1, &"x".repeat(200)), FULL);
    peer.hears(ack(PubAck, 1));
    assert!(peer.outcomes().is_empty());
    peer.hears(ack(PubAck, 2));
    assert_eq!(peer.outcomes(), [Outcome::Writable]);
    assert_eq!(peer.publish(1, &"x".repeat(200)), 4);
}

#[test]
fn room_is_announced_for_the_qos_that_was_refused() {
    let mut peer = Peer::connected(|options| {
        options.max_queued_bytes = 300;
        options.max_queued_messages = 1;
    });
    peer.publish(1, &"x".repeat(100));
    let written = peer.take().len();
    assert_eq!(peer.try_publish(0, &"x".repeat(150)), FULL);
    // The number of messages is still at its limit, which is nothing to QoS 0.
    peer.written(written, false);
    assert_eq!(peer.outcomes(), [Outcome::Writable]);
}

/// Four messages of QoS 1 are in flight, which are as many as there may be, and one was refused.
fn full_of_four() -> Peer {
    let mut peer = Peer::connected(|options| options.max_queued_messages = 4);
    for _ in 0..4 {
        peer.publish(1, "a");
    }
    peer.sent();
    assert_eq!(peer.try_publish(1, "b"), FULL);
    peer
}

#[test]
fn room_is_announced_when_half_of_the_messages_are_settled() {
    let mut peer = full_of_four();
    peer.hears(ack(PubAck, 1));
    assert!(peer.outcomes().is_empty());
    peer.hears(ack(PubAck, 2));
    assert_eq!(peer.outcomes(), [Outcome::Writable]);
    peer.hears(ack(PubAck, 3));
    assert!(peer.outcomes().is_empty());
}

#[test]
fn there_is_room_before_it_is_announced() {
    let mut peer = full_of_four();
    peer.hears(ack(PubAck, 1));
    assert_eq!(peer.try_publish(1, "b"), Ok(5));
}

#[test]
fn a_connection_that_ends_makes_room() {
    let mut peer = Peer::connected(|options| options.max_queued_bytes = 100);
    peer.publish(0, &"x".repeat(90));
    assert_eq!(peer.try_publish(1, &"x".repeat(90)), FULL);
    peer.session.close();
    assert_eq!(
        peer.outcomes(),
        [Outcome::Lost { mid: 1 }, Outcome::Writable]
    );
}

#[test]
fn a_higher_limit_makes_room() {
    let mut peer = Peer::new(|options| options.max_queued_messages = 1);
    peer.publish(1, "a");
    assert_eq!(peer.try_publish(1, "b"), FULL);
    peer.configure(|options| options.max_queued_messages = 2);
    assert_eq!(peer.outcomes(), [Outcome::Writable]);
}
