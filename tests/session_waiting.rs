//! Queue options: messages that wait are dropped, replaced or kept.

mod support;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec};
use pmqtt::codec::{Message, QoS};
use pmqtt::session::{Cancel, GivenUp, Outcome, PublishError, QueueOptions, WhenFull};
use support::peer::{Peer, ack};

const OLDEST: QueueOptions = QueueOptions {
    when_full: WhenFull::DropOldest,
    newest_only: false,
    keep_qos0: false,
};

const NEWEST: QueueOptions = QueueOptions {
    when_full: WhenFull::Refuse,
    newest_only: true,
    keep_qos0: false,
};

const KEEP: QueueOptions = QueueOptions {
    when_full: WhenFull::Refuse,
    newest_only: false,
    keep_qos0: true,
};

fn with(options: QueueOptions, messages: usize) -> Peer {
    let mut peer = Peer::new(|options| options.max_queued_messages = messages);
    peer.session.set_queue_options(options);
    peer
}

fn publish(peer: &mut Peer, topic: &str, qos: QoS, payload: &[u8]) -> Result<u64, PublishError> {
    let message = Message {
        topic: topic.as_bytes(),
        payload,
        qos,
        retain: false,
        properties: None,
    };
    let message = message.check().expect("PUBLISH fits");
    peer.session.publish(&message, || peer.now)
}

fn mid(answer: Result<u64, PublishError>) -> u64 {
    match answer {
        Ok(mid) | Err(PublishError::NotConnected { mid }) => mid,
        Err(error) => panic!("{error:?}"),
    }
}

fn dropped(mids: impl IntoIterator<Item = u64>) -> Vec<Outcome> {
    let why = GivenUp::Dropped;
    let outcomes = mids.into_iter();
    outcomes.map(|mid| Outcome::GivenUp { mid, why }).collect()
}

#[test]
fn the_oldest_make_room() {
    let mut peer = with(OLDEST, 2);
    for payload in ["a", "b", "c", "d"] {
        peer.publish(1, payload);
    }
    assert_eq!(peer.outcomes(), dropped([1, 2]));
    assert_eq!(peer.session.dropped(), 2);
    assert_eq!(peer.connect(false), ["PUBLISH q1 #3 c", "PUBLISH q1 #4 d"]);
}

#[test]
fn what_was_sent_is_not_dropped() {
    let mut peer = with(OLDEST, 2);
    peer.configure(|options| options.clean_session = false);
    peer.publish(1, "a");
    peer.publish(2, "b");
    assert_eq!(peer.connect(false), ["PUBLISH q1 #1 a", "PUBLISH q2 #2 b"]);
    assert_eq!(peer.try_publish(1, "c"), Err(PublishError::QueueFull));
    // A message that has to be sent again is not dropped, either.
    peer.session.close();
    assert_eq!(peer.try_publish(1, "c"), Err(PublishError::QueueFull));
    assert!(peer.outcomes().is_empty());
    assert_eq!(
        peer.connect(true),
        ["PUBLISH q1 #1 dup a", "PUBLISH q2 #2 dup b"]
    );
    peer.hears(ack(PubAck, 1));
    assert_eq!(peer.outcomes(), [Outcome::Writable]);
}

#[test]
fn a_message_that_dropping_does_not_help_drops_nothing() {
    let mut peer = with(OLDEST, 0);
    peer.configure(|options| {
        options.max_queued_bytes = 500;
        options.max_inflight = 1;
    });
    assert!(peer.connect(false).is_empty());
    peer.publish(1, &"x".repeat(100));
    peer.publish(1, "y");
    let large = "z".repeat(400);
    assert_eq!(peer.try_publish(1, &large), Err(PublishError::QueueFull));
    assert!(peer.outcomes().is_empty());
}

#[test]
fn bytes_make_room_too() {
    let mut peer = with(OLDEST, 0);
    peer.configure(|options| options.max_queued_bytes = 1000);
    for _ in 0..1000 {
        peer.publish(1, &"x".repeat(100));
        assert!(peer.session.queued_bytes() <= 1000 + 200);
        peer.outcomes();
    }
    // 64 bytes for the record of a message, and 5 + 3 for the head of its packet.
    assert_eq!(peer.session.unsettled(), 1000 / (64 + 100 + 7));
    peer.publish(1, &"x".repeat(10_000));
    assert_eq!(peer.session.unsettled(), 1);
}

/// The places of those that were answered behind it are not free.
#[test]
fn the_limit_holds_behind_a_message_without_an_answer() {
    const LIMIT: usize = 50_000;
    for options in [QueueOptions::default(), OLDEST, NEWEST, KEEP] {
        let mut peer = Peer::connected(|options| options.max_queued_bytes = LIMIT);
        peer.session.set_queue_options(options);
        peer.publish(1, "first");
        while let Ok(mid) = peer.try_publish(1, "x") {
            peer.sent();
            peer.hears(ack(PubAck, mid as u16));
            assert!(peer.session.queued_bytes() <= LIMIT);
        }
        assert_eq!(peer.session.unsettled(), 1);
        peer.hears(ack(PubAck, 1));
        assert_eq!(peer.outcomes(), [Outcome::Writable]);
        assert_eq!(peer.session.queued_bytes(), 0);
    }
}

#[test]
fn only_those_of_qos_0_make_room() {
    let mut peer = with(
        QueueOptions {
            when_full: WhenFull::DropQos0,
            newest_only: false,
            keep_qos0: true,
        },
        3,
    );
    for (qos, payload) in [(0, "a"), (1, "b"), (0, "c"), (1, "d"), (2, "e")] {
        peer.publish(qos, payload);
    }
    assert_eq!(peer.outcomes(), dropped([1, 3]));
    for qos in [0, 1, 2] {
        assert_eq!(peer.try_publish(qos, "f"), Err(PublishError::QueueFull));
    }
    assert!(peer.outcomes().is_empty());
    let sent = peer.connect(false);
    assert_eq!(
        sent,
        ["PUBLISH q1 #2 b", "PUBLISH q1 #4 d", "PUBLISH q2 #5 e"]
    );
}

#[test]
fn qos_0_waits_for_a_connection() {
    let mut peer = with(KEEP, 0);
    let large = "x".repeat(10_000);
    for (qos, payload) in [(0, "a"), (1, "b"), (0, &*large), (0, "")] {
        peer.publish(qos, payload);
    }
    assert_eq!(peer.session.unsettled(), 4);
    peer.configure(|options| options.max_inflight = 1);
    // Later messages follow the kept ones.
    peer.open();
    peer.publish(0, "c");
    assert_eq!(peer.hears(support::peer::connack(0, false)), "connack 0");
    let sent = peer.sent();
    assert_eq!(sent, ["PUBLISH q0 a", "PUBLISH q1 #2 b"]);
    assert_eq!(peer.outcomes(), [Outcome::Written { mid: 1 }]);
    peer.publish(0, "d");
    assert!(peer.sent().is_empty());
    peer.hears(ack(PubAck, 2));
    let sent = peer.sent();
    let heard: Vec<_> = sent.iter().map(|text| text.len()).collect();
    assert_eq!(heard[0], "PUBLISH q0 ".len() + large.len(), "{sent:?}");
    assert_eq!(sent[1..], ["PUBLISH q0 ", "PUBLISH q0 c", "PUBLISH q0 d"]);
    let written = [3, 4, 5, 6].map(|mid| Outcome::Written { mid });
    assert_eq!(peer.outcomes(), written);
    assert_eq!(peer.session.queued_bytes(), 0);
    // No message waits now.
    assert_eq!(peer.try_publish(0, "e"), Ok(7));
    assert_eq!(peer.sent(), ["PUBLISH q0 e"]);
}

#[test]
fn a_kept_message_that_was_not_written_is_lost_with_the_connection() {
    let mut peer = with(KEEP, 0);
    peer.publish(0, "a");
    peer.open();
    peer.hears(support::peer::connack(0, false));
    peer.take();
    peer.session.close();
    assert_eq!(peer.outcomes(), [Outcome::Lost { mid: 1 }]);
    assert!(peer.connect(false).is_empty());
}

#[test]
fn the_newest_of_a_topic_replaces_what_waits() {
    let mut peer = with(NEWEST, 3);
    for (topic, payload) in [("x", "a"), ("y", "b"), ("z", "c"), ("y", "d"), ("x", "e")] {
        mid(publish(
            &mut peer,
            topic,
            QoS::AtLeastOnce,
            payload.as_bytes(),
        ));
    }
    assert_eq!(peer.outcomes(), dropped([2, 1]));
    let full = publish(&mut peer, "w", QoS::AtLeastOnce, b"f");
    assert_eq!(full, Err(PublishError::QueueFull));
    peer.configure(|options| options.max_inflight = 2);
    assert_eq!(peer.connect(false), ["PUBLISH q1 #3 c", "PUBLISH q1 #4 d"]);
    // z and y are in flight. Only x waits, and can be replaced although the queue is full.
    let full = publish(&mut peer, "y", QoS::AtLeastOnce, b"g");
    assert_eq!(full, Err(PublishError::QueueFull));
    mid(publish(&mut peer, "x", QoS::AtLeastOnce, b"h"));
    assert_eq!(peer.outcomes(), dropped([5]));
    peer.hears(ack(PubAck, 3));
    mid(publish(&mut peer, "y", QoS::AtLeastOnce, b"i"));
    peer.hears(ack(PubAck, 4));
    assert_eq!(peer.sent(), ["PUBLISH q1 #6 h", "PUBLISH q1 #7 i"]);
}

#[test]
fn a_million_messages_of_a_hundred_topics_leave_a_hundred() {
    const ALL: u64 = 1_000_000;
    let mut peer = with(NEWEST, 0);
    peer.configure(|options| options.max_queued_bytes = 64 * 1024);
    let topics: Vec<String> = (0..100).map(|number| format!("sensor/{number}")).collect();
    for number in 0..ALL {
        let topic = &topics[number as usize % topics.len()];
        let mid = mid(publish(
            &mut peer,
            topic,
            QoS::AtLeastOnce,
            &number.to_be_bytes(),
        ));
        assert_eq!(mid, number + 1);
    }
    assert_eq!(peer.session.unsettled(), topics.len());
    let outcomes = peer.outcomes();
    assert_eq!(outcomes, dropped(1..=ALL - 100));
    peer.configure(|options| options.max_inflight = 0);
    assert_eq!(peer.connect(false).len(), topics.len());
}

#[test]
fn topics_that_rarely_come_hold_no_memory_of_others() {
    let mut peer = with(NEWEST, 0);
    peer.configure(|options| options.max_queued_bytes = 512 * 1024);
    let busy = vec![0; 1000];
    for round in 0..1000 {
        mid(publish(
            &mut peer,
            &format!("rare/{round}"),
            QoS::ExactlyOnce,
            b"x",
        ));
        for _ in 0..100 {
            mid(publish(&mut peer, "busy", QoS::AtLeastOnce, &busy));
            peer.outcomes();
        }
    }
    assert_eq!(peer.session.unsettled(), 1001);
    peer.configure(|options| options.max_inflight = 0);
    let sent = peer.connect(false);
    assert_eq!(sent.len(), 1001);
    assert!(sent[..1000].iter().all(|text| text.ends_with(" x")));
}

#[test]
fn a_flood_keeps_its_order_and_each_has_one_outcome() {
    const ALL: u64 = 200_000;
    let mut peer = with(OLDEST, 50);
    peer.configure(|options| options.max_inflight = 5);
    assert!(peer.connect(false).is_empty());
    let (mut sent, mut outcomes, mut acked) = (Vec::new(), Vec::new(), 0);
    for number in 1..=ALL + 50 {
        if number <= ALL {
            assert_eq!(peer.try_publish(1, ""), Ok(number));
        }
        if number % 7 == 0 || number > ALL {
            sent.extend(peer.sent());
            for text in &sent[acked..] {
                let id = text.split('#').nth(1).expect("an identifier").trim();
                peer.hears(ack(PubAck, id.parse().expect("a number")));
            }
            acked = sent.len();
        }
        outcomes.extend(peer.outcomes());
    }
    assert_eq!(peer.session.unsettled(), 0);
    let mids: Vec<u64> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::GivenUp { mid, .. } => *mid,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(mids.is_sorted_by(|a, b| a < b));
    assert_eq!(mids.len() + sent.len(), ALL as usize);
    assert_eq!(peer.session.queued_bytes(), 0);
}

fn cancelled(mid: u64) -> Outcome {
    let why = GivenUp::Cancelled;
    Outcome::GivenUp { mid, why }
}

#[test]
fn what_was_never_sent_is_cancelled_at_once() {
    let mut peer = with(KEEP, 0);
    for (qos, payload) in [(0, "a"), (1, "b"), (2, "c"), (1, "d")] {
        peer.publish(qos, payload);
    }
    for mid in [2, 1, 3] {
        assert_eq!(peer.session.cancel(mid), Cancel::Done);
        assert_eq!(peer.outcomes(), [cancelled(mid)]);
        assert_eq!(peer.session.cancel(mid), Cancel::NotFound);
    }
    assert_eq!(peer.session.cancel(5), Cancel::NotFound);
    assert_eq!(peer.session.cancel(0), Cancel::NotFound);
    assert_eq!(peer.connect(false), ["PUBLISH q1 #4 d"]);
    assert_eq!(peer.session.cancelled(), 3);
}

#[test]
fn what_was_sent_at_qos_1_keeps_its_identifier_until_it_is_answered() {
    let mut peer = Peer::connected(|options| options.clean_session = false);
    peer.publish(1, "a");
    peer.sent();
    assert_eq!(peer.session.cancel(1), Cancel::Done);
    assert_eq!(peer.session.cancel(1), Cancel::NotFound);
    assert_eq!(peer.outcomes(), [cancelled(1)]);
    assert_eq!((peer.session.unsettled(), peer.session.in_flight()), (0, 1));
    // [MQTT-4.4.0-1]
    assert_eq!(peer.reconnect(true), ["PUBLISH q1 #1 dup a"]);
    assert_eq!(peer.hears(ack(PubAck, 1)), "nothing");
    assert!(peer.outcomes().is_empty());
    assert_eq!((peer.session.unsettled(), peer.session.in_flight()), (0, 0));
    assert_eq!(peer.session.queued_bytes(), 0);
}

#[test]
fn what_was_sent_and_cancelled_ends_with_the_session() {
    let mut peer = Peer::connected(|_| {});
    for payload in ["a", "b", "c"] {
        peer.publish(1, payload);
    }
    peer.sent();
    for mid in [1, 3] {
        assert_eq!(peer.session.cancel(mid), Cancel::Done);
    }
    assert_eq!(peer.outcomes(), [cancelled(1), cancelled(3)]);
    assert_eq!(peer.reconnect(false), ["PUBLISH q1 #2 dup b"]);
    assert_eq!(peer.session.unsettled(), 1);
    assert_eq!(peer.hears(ack(PubAck, 3)), "unexpected");
    assert_eq!(peer.hears(ack(PubAck, 2)), "published 2");
    assert_eq!(peer.session.queued_bytes(), 0);
    assert!(peer.session.is_idle());
}

#[test]
fn what_was_sent_at_qos_2_is_not_cancelled() {
    let mut peer = Peer::connected(|options| options.clean_session = false);
    peer.publish(2, "a");
    peer.sent();
    assert_eq!(peer.session.cancel(1), Cancel::Busy);
    peer.hears(ack(PubRec, 1));
    assert_eq!(peer.session.cancel(1), Cancel::Busy);
    peer.session.close();
    assert_eq!(peer.session.cancel(1), Cancel::Busy);
    assert_eq!(peer.connect(true), ["PUBREL #1"]);
    assert_eq!(peer.hears(ack(PubComp, 1)), "published 1");
    assert_eq!(peer.session.cancel(1), Cancel::NotFound);
    assert!(peer.outcomes().is_empty());
}

#[test]
fn clearing_leaves_what_was_sent() {
    let mut peer = Peer::connected(|options| options.max_inflight = 2);
    for payload in ["a", "b", "c", "d", "e"] {
        peer.publish(1, payload);
    }
    peer.sent();
    peer.session.clear_queue();
    assert_eq!(peer.outcomes(), [cancelled(3), cancelled(4), cancelled(5)]);
    assert_eq!(peer.session.unsettled(), 2);
    assert_eq!(peer.publish(1, "f"), 6);
    assert!(peer.sent().is_empty());
    peer.hears(ack(PubAck, 2));
    assert_eq!(peer.sent(), ["PUBLISH q1 #6 f"]);
    peer.session.clear_queue();
    assert!(peer.outcomes().is_empty());
}

#[test]
fn what_is_cancelled_here_and_there_gives_its_memory_back() {
    const ALL: u64 = 20_000;
    let mut peer = Peer::new(|_| {});
    let payload = "x".repeat(50);
    for _ in 0..ALL {
        peer.publish(1, &payload);
    }
    let full = peer.session.queued_bytes();
    // Nine rounds cancel one tenth each, so one message in ten is left.
    for round in 1..10 {
        for mid in (1..=ALL).filter(|mid| mid.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 10 == round) {
            assert_eq!(peer.session.cancel(mid), Cancel::Done);
        }
        peer.outcomes();
    }
    let left = peer.session.unsettled();
    let kept = peer.session.queued_bytes();
    assert!(kept < 3 * left * (full / ALL as usize), "{kept} of {full}");
}

/// The ring shrinks while messages are cancelled, and holes stand before the remaining ones.
#[test]
fn a_queue_with_many_holes_is_cleared_in_order() {
    let mut peer = Peer::new(|_| {});
    let large = "x".repeat(8000);
    for mid in 1..=836 {
        peer.publish(1, if mid <= 300 { &large } else { "a" });
    }
    for mid in 301..=740 {
        assert_eq!(peer.session.cancel(mid), Cancel::Done);
    }
    assert_eq!(peer.outcomes().len(), 440);
    peer.session.clear_queue();
    let cancelled = (1..=300).chain(741..=836).map(|mid| Outcome::GivenUp {
        mid,
        why: GivenUp::Cancelled,
    });
    assert_eq!(peer.outcomes(), cancelled.collect::<Vec<_>>());
    assert_eq!((peer.session.queued(), peer.session.queued_bytes()), (0, 0));
}
