//! Limits of the queue, and the report that there is room again.

mod support;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec};
use pmqtt::session::{Gather, Outcome, PublishError};
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
        peer.outcomes();
    }
    assert_eq!(peer.try_publish(0, "y"), FULL);
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
    let mut peer = Peer::connected(|options| options.max_queued_bytes = 650);
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
        options.max_queued_bytes = 400;
        options.max_queued_messages = 1;
    });
    peer.publish(1, &"x".repeat(100));
    let written = peer.take().len();
    assert_eq!(peer.try_publish(0, &"x".repeat(150)), FULL);
    // The number of messages is still at its limit, which does not apply to QoS 0.
    peer.written(written);
    assert_eq!(peer.outcomes(), [Outcome::Writable]);
}

/// Four messages of QoS 1 are in flight, which is the limit, and one was refused.
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

/// The output is a copy, so it holds no more than the socket soon takes.
#[test]
fn the_output_takes_what_the_socket_will_and_the_rest_waits() {
    let mut peer = Peer::connected(|options| options.max_inflight = 0);
    let payload = "x".repeat(1000);
    let all: Vec<String> = (1..=1000)
        .map(|mid| format!("PUBLISH q1 #{mid} {payload}"))
        .collect();
    for _ in &all {
        peer.publish(1, &payload);
    }
    assert!(peer.session.in_flight() < 300);
    assert!(peer.session.has_unwritten());
    let mut sent = Vec::new();
    while peer.session.has_unwritten() {
        assert!(peer.session.queued_bytes() < 1000 * 1100 + 300 * 1024);
        sent.extend(peer.sent());
    }
    assert_eq!(sent, all);
    assert_eq!(peer.session.in_flight(), 1000);
}

#[test]
fn disconnect_comes_behind_all_that_the_window_has_room_for() {
    let mut peer = Peer::connected(|options| options.max_inflight = 900);
    let payload = "x".repeat(1000);
    for _ in 0..1000 {
        peer.publish(1, &payload);
    }
    peer.session.disconnect(peer.now);
    let sent = peer.sent();
    assert_eq!(sent.len(), 901);
    assert_eq!(sent.last().unwrap(), "DISCONNECT");
    assert_eq!(peer.session.queued(), 100);
}

/// A large payload is not copied to the output, and the bytes are still the same.
#[test]
fn large_messages_are_sent_from_where_they_are_kept() {
    let mut peer = Peer::connected(|options| {
        options.max_inflight = 2;
        options.clean_session = false;
    });
    let payloads = ["a".repeat(5000), "b".into(), "c".repeat(70_000), "d".into()];
    let [a, b, c, d] = payloads.each_ref();
    for payload in &payloads {
        peer.publish(1, payload);
    }
    let first = [format!("PUBLISH q1 #1 {a}"), format!("PUBLISH q1 #2 {b}")];
    let mut output = Gather::default();
    peer.session.take_output(&mut output);
    assert_eq!(output.as_row(), None);
    peer.written(output.len());
    assert_eq!(peer.texts(output.to_row().to_vec()), first);
    assert_eq!(peer.hears(ack(PubAck, 1)), "published 1");
    assert_eq!(peer.sent(), [format!("PUBLISH q1 #3 {c}")]);
    let again = [
        format!("PUBLISH q1 #2 dup {b}"),
        format!("PUBLISH q1 #3 dup {c}"),
    ];
    assert_eq!(peer.reconnect(true), again);
    peer.hears(ack(PubAck, 3));
    peer.hears(ack(PubAck, 2));
    assert_eq!(peer.sent(), [format!("PUBLISH q1 #4 {d}")]);
    peer.hears(ack(PubAck, 4));
    assert_eq!(peer.session.queued_bytes(), 0);
}
