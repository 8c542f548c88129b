//! Messages with a time limit: one that was not sent in time is never sent, and reported once.

mod support;

use std::time::Duration;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec};
use pmqtt::session::{Cancel, GivenUp, Outcome, PublishError, QueueOptions, WhenFull};
use support::peer::{Peer, ack, connack};
use support::seconds;

/// An outcome may be reported this late.
const LATE: Duration = Duration::from_millis(500);
const MILLISECOND: Duration = Duration::from_millis(1);

const KEEP: QueueOptions = QueueOptions {
    when_full: WhenFull::Refuse,
    newest_only: false,
    keep_qos0: true,
};

fn publish(peer: &mut Peer, limit: u64, qos: u8, payload: &str) -> u64 {
    match peer.try_publish_for(seconds(limit), qos, payload.as_bytes()) {
        Ok(mid) | Err(PublishError::NotConnected { mid }) => mid,
        Err(error) => panic!("{error:?}"),
    }
}

/// Lets time pass, and calls `expire` when it is due. Returns the outcomes.
fn live(peer: &mut Peer, time: Duration) -> Vec<Outcome> {
    let end = peer.now + time;
    let mut outcomes = Vec::new();
    while let Some(at) = peer.session.expiry_due().filter(|&at| at <= end) {
        peer.now = peer.now.max(at);
        peer.session.expire(peer.now);
        let next = peer.session.expiry_due();
        assert!(next.is_none_or(|next| next > peer.now), "it would spin");
        outcomes.extend(peer.outcomes());
    }
    peer.now = end;
    outcomes
}

fn expired(mids: impl IntoIterator<Item = u64>) -> Vec<Outcome> {
    let why = GivenUp::Expired;
    let outcomes = mids.into_iter();
    outcomes.map(|mid| Outcome::GivenUp { mid, why }).collect()
}

#[test]
fn what_waits_for_a_connection_expires() {
    let mut peer = Peer::new(|_| {});
    peer.session.set_queue_options(KEEP);
    for (limit, qos, payload) in [(2, 0, "a"), (1, 1, "b"), (2, 2, "c"), (5, 1, "d")] {
        publish(&mut peer, limit, qos, payload);
    }
    peer.publish(1, "e");
    assert_eq!(peer.session.unsettled(), 5);
    assert!(live(&mut peer, seconds(1) - MILLISECOND).is_empty());
    assert_eq!(live(&mut peer, MILLISECOND), expired([2]));
    assert_eq!(live(&mut peer, seconds(1)), expired([1, 3]));
    assert_eq!(peer.session.unsettled(), 2);
    assert_eq!(peer.session.expired(), 3);
    assert_eq!(peer.connect(false), ["PUBLISH q1 #4 d", "PUBLISH q1 #5 e"]);
    assert_eq!(peer.session.expiry_due(), None);
}

#[test]
fn what_is_over_is_not_sent_though_nobody_has_looked() {
    let mut peer = Peer::new(|_| {});
    peer.session.set_queue_options(KEEP);
    for (limit, qos, payload) in [(1, 1, "a"), (9, 2, "b"), (1, 0, "c"), (9, 0, "d")] {
        publish(&mut peer, limit, qos, payload);
    }
    publish(&mut peer, 1, 2, "e");
    peer.wait(seconds(1));
    assert_eq!(peer.connect(false), ["PUBLISH q2 #2 b", "PUBLISH q0 d"]);
    let written = Outcome::Written { mid: 4 };
    assert_eq!(
        peer.outcomes(),
        [vec![written], expired([1, 3, 5])].concat()
    );
    assert!(live(&mut peer, seconds(20)).is_empty());
}

#[test]
fn what_waits_for_room_in_the_window_expires() {
    let mut peer = Peer::connected(|options| options.max_inflight = 1);
    for (limit, payload) in [(1, "a"), (1, "b"), (3, "c")] {
        publish(&mut peer, limit, 1, payload);
    }
    assert_eq!(peer.sent(), ["PUBLISH q1 #1 a"]);
    // The first one was sent.
    assert_eq!(live(&mut peer, seconds(2)), expired([2]));
    peer.hears(ack(PubAck, 1));
    assert_eq!(peer.sent(), ["PUBLISH q1 #3 c"]);
    assert!(live(&mut peer, seconds(10)).is_empty());
    assert_eq!(peer.hears(ack(PubAck, 3)), "published 3");
    assert_eq!(peer.session.queued_bytes(), 0);
    assert!(peer.session.is_idle());
}

#[test]
fn what_is_over_leaves_its_place_in_the_window_to_the_next() {
    let mut peer = Peer::connected(|options| options.max_inflight = 1);
    publish(&mut peer, 1, 1, "a");
    for payload in ["b", "c", "d"] {
        publish(&mut peer, 1, 1, payload);
    }
    peer.publish(1, "e");
    assert_eq!(peer.sent(), ["PUBLISH q1 #1 a"]);
    peer.wait(seconds(1));
    peer.hears(ack(PubAck, 1));
    assert_eq!(peer.sent(), ["PUBLISH q1 #5 e"]);
    assert_eq!(peer.outcomes(), expired([2, 3, 4]));
}

/// A message that was sent may have arrived.
#[test]
fn what_was_sent_does_not_expire() {
    let mut peer = Peer::connected(|options| options.clean_session = false);
    publish(&mut peer, 1, 1, "a");
    publish(&mut peer, 1, 2, "b");
    publish(&mut peer, 1, 2, "c");
    publish(&mut peer, 1, 0, "d");
    // A message counts as sent before the socket has taken any of its bytes.
    assert!(!peer.take().is_empty());
    peer.hears(ack(PubRec, 3));
    assert_eq!(peer.session.expiry_due(), None);
    assert!(live(&mut peer, seconds(2)).is_empty());
    for session_present in [true, false] {
        peer.session.close();
        assert!(live(&mut peer, seconds(2)).is_empty());
        assert_eq!(
            peer.connect(session_present),
            ["PUBLISH q1 #1 dup a", "PUBLISH q2 #2 dup b", "PUBREL #3"]
        );
    }
    assert_eq!(peer.outcomes(), [Outcome::Lost { mid: 4 }]);
    assert_eq!(peer.hears(ack(PubAck, 1)), "published 1");
}

#[test]
fn what_was_not_sent_expires_after_a_connection_too() {
    for session_present in [true, false] {
        let mut peer = Peer::connected(|options| {
            options.clean_session = false;
            options.max_inflight = 2;
        });
        publish(&mut peer, 5, 2, "a");
        publish(&mut peer, 5, 1, "b");
        publish(&mut peer, 5, 1, "c");
        publish(&mut peer, 8, 1, "d");
        peer.sent();
        peer.hears(ack(PubRec, 1));
        peer.session.close();
        assert_eq!(live(&mut peer, seconds(6)), expired([3]));
        let again = peer.connect(session_present);
        assert_eq!(again, ["PUBREL #1", "PUBLISH q1 #2 dup b"]);
        peer.hears(ack(PubAck, 2));
        assert_eq!(peer.sent(), ["PUBLISH q1 #4 d"]);
        peer.hears(ack(PubComp, 1));
        peer.hears(ack(PubAck, 4));
        assert!(live(&mut peer, seconds(20)).is_empty());
        assert_eq!(peer.session.queued_bytes(), 0);
    }
}

/// Messages also expire while the session waits for CONNACK, and while DISCONNECT is on its way.
#[test]
fn it_expires_in_each_phase() {
    let mut peer = Peer::new(|options| options.max_inflight = 1);
    publish(&mut peer, 1, 1, "a");
    peer.open();
    assert_eq!(live(&mut peer, seconds(2)), expired([1]));
    peer.hears(connack(0, false));
    peer.publish(1, "b");
    publish(&mut peer, 1, 1, "c");
    peer.session.disconnect(peer.now);
    assert_eq!(peer.sent(), ["PUBLISH q1 #2 b", "DISCONNECT"]);
    assert_eq!(live(&mut peer, seconds(2)), expired([3]));
}

#[test]
fn time_that_is_over_at_once_is_told_at_once() {
    let mut peer = Peer::connected(|_| {});
    for qos in [0, 1, 2] {
        let mid = peer.try_publish_for(Duration::ZERO, qos, b"x");
        assert_eq!(mid, Ok(u64::from(qos) + 1));
    }
    assert!(peer.session.has_outcomes());
    assert_eq!(peer.outcomes(), expired([1, 2, 3]));
    assert!(peer.sent().is_empty());
    assert_eq!(peer.session.queued_bytes(), 0);
}

#[test]
fn what_expires_makes_room() {
    let mut peer = Peer::new(|options| options.max_queued_messages = 2);
    publish(&mut peer, 1, 1, "a");
    publish(&mut peer, 1, 1, "b");
    assert_eq!(peer.try_publish(1, "c"), Err(PublishError::QueueFull));
    let outcomes = live(&mut peer, seconds(1));
    assert_eq!(
        outcomes,
        [expired([1, 2]), vec![Outcome::Writable]].concat()
    );
    peer.publish(1, "c");
    assert_eq!(peer.connect(false), ["PUBLISH q1 #3 c"]);
}

/// An older message still waits, so the places of the expired ones are not closed.
#[test]
fn what_expires_makes_all_of_its_room() {
    const LIMIT: usize = 7000;
    const SIZE: usize = 43;
    for options in [QueueOptions::default(), KEEP] {
        let mut peer = Peer::new(|options| options.max_queued_bytes = LIMIT);
        peer.session.set_queue_options(options);
        let fill = |peer: &mut Peer| {
            let mut count = 0;
            while peer.try_publish_for(seconds(1), 1, &[0; SIZE]) != Err(PublishError::QueueFull) {
                count += 1;
            }
            count
        };
        peer.publish(1, "oldest");
        let count = fill(&mut peer);
        assert!((50..64).contains(&count), "{count}");
        let outcomes = live(&mut peer, seconds(1));
        assert_eq!(outcomes.len(), count + 1);
        assert_eq!(outcomes.last(), Some(&Outcome::Writable));
        for _ in 0..count {
            peer.publish(1, &"x".repeat(SIZE));
        }
        assert_eq!(
            peer.try_publish(1, &"x".repeat(SIZE)),
            Err(PublishError::QueueFull)
        );
    }
}

/// Each message has one outcome, whatever ends it first.
#[test]
fn another_end_comes_first() {
    let mut peer = Peer::new(|options| options.max_queued_messages = 3);
    peer.session.set_queue_options(QueueOptions {
        when_full: WhenFull::DropOldest,
        newest_only: false,
        keep_qos0: true,
    });
    for qos in [0, 1, 2, 1] {
        publish(&mut peer, 2, qos, "x");
    }
    assert_eq!(peer.session.cancel(2), Cancel::Done);
    assert_eq!(live(&mut peer, seconds(1)).len(), 0);
    let why = [(1, GivenUp::Dropped), (2, GivenUp::Cancelled)];
    let ended = why.map(|(mid, why)| Outcome::GivenUp { mid, why });
    assert_eq!(peer.outcomes(), ended);
    assert_eq!(live(&mut peer, seconds(1)), expired([3, 4]));
    assert_eq!(peer.session.cancel(3), Cancel::NotFound);
    publish(&mut peer, 1, 1, "x");
    peer.session.clear_queue();
    assert_eq!(peer.outcomes().len(), 1);
    assert_eq!(peer.session.expiry_due(), None);
    assert!(live(&mut peer, seconds(9)).is_empty());
    assert_eq!(peer.session.queued_bytes(), 0);
}

#[test]
fn a_newer_message_of_the_topic_has_its_own_limit() {
    let mut peer = Peer::new(|_| {});
    peer.session.set_queue_options(QueueOptions {
        newest_only: true,
        ..KEEP
    });
    publish(&mut peer, 1, 1, "a");
    publish(&mut peer, 3, 1, "b");
    peer.outcomes();
    assert!(live(&mut peer, seconds(2)).is_empty());
    assert_eq!(live(&mut peer, seconds(1)), expired([2]));
    // The table of topics has no message of the topic any more.
    publish(&mut peer, 3, 1, "c");
    assert!(peer.outcomes().is_empty());
    assert_eq!(peer.connect(false), ["PUBLISH q1 #3 c"]);
}

#[test]
fn a_session_that_begins_anew_knows_of_none() {
    let mut peer = Peer::new(|_| {});
    publish(&mut peer, 1, 1, "a");
    peer.session = peer.session.successor(support::options());
    assert!(live(&mut peer, seconds(9)).is_empty());
    assert_eq!(peer.session.expired(), 0);
}

/// A program without time limits is never woken for them. With time limits, it is woken only when
/// one
/// may be over.
#[test]
fn nobody_is_woken_without_need() {
    let mut peer = Peer::new(|_| {});
    peer.publish(1, "a");
    assert_eq!(peer.session.expiry_due(), None);
    let begin = peer.now;
    publish(&mut peer, 3600, 1, "b");
    publish(&mut peer, 60, 1, "c");
    publish(&mut peer, 3600, 1, "d");
    assert_eq!(peer.session.expiry_due(), Some(begin + seconds(60)));
    assert_eq!(live(&mut peer, seconds(100)), expired([3]));
    assert_eq!(peer.session.expiry_due(), Some(begin + seconds(3600)));
    // A cancelled message does not wake the program.
    assert_eq!(peer.session.cancel(2), Cancel::Done);
    assert_eq!(peer.session.cancel(4), Cancel::Done);
    assert_eq!(peer.session.expiry_due(), None);
}

/// Random limits, among messages without one. Each expired message is reported in time, the others
/// arrive, and the memory is given back. No call of `expire` takes long.
#[test]
fn a_hundred_thousand_expire_in_time_and_the_others_arrive() {
    const ALL: u64 = 100_000;
    /// A call of `expire` checks 4,096 messages.
    const PARTS: usize = ALL as usize / 4096 + 1;
    let mut peer = Peer::new(|options| options.max_inflight = 0);
    let limit = |mid: u64| mid.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 10;
    let begin = peer.now;
    for mid in 1..=ALL {
        let answer = match limit(mid) {
            0 => peer.try_publish(1, "").map(drop),
            limit => {
                let payload = vec![0; limit as usize * 10];
                peer.try_publish_for(seconds(limit), 1, &payload).map(drop)
            }
        };
        assert_eq!(answer, Err(PublishError::NotConnected { mid }));
    }
    let full = peer.session.queued_bytes();
    let (mut outcomes, mut looks) = (Vec::new(), 0);
    while let Some(at) = peer.session.expiry_due() {
        peer.now = peer.now.max(at);
        peer.session.expire(peer.now);
        looks += 1;
        assert!(looks <= 9 * 2 * PARTS);
        for outcome in peer.outcomes() {
            let Outcome::GivenUp { mid, why } = outcome else {
                panic!("{outcome:?}");
            };
            assert_eq!(why, GivenUp::Expired);
            let late = peer.now.since(begin + seconds(limit(mid)));
            assert!(peer.now >= begin + seconds(limit(mid)) && late <= LATE);
            outcomes.push(mid);
        }
    }
    outcomes.sort_unstable();
    let with_limit = (1..=ALL).filter(|&mid| limit(mid) > 0);
    assert!(outcomes.into_iter().eq(with_limit));
    let left = (1..=ALL).filter(|&mid| limit(mid) == 0).count();
    assert_eq!(peer.session.unsettled(), left);
    let kept = peer.session.queued_bytes();
    assert!(kept < full / 4, "{kept} of {full}");
    let sent = peer.connect(false);
    assert_eq!(sent.len(), left);
    assert_eq!(peer.session.expiry_due(), None);
}

/// CONNACK may come before a program that was busy has looked at what is over.
#[test]
fn many_that_are_over_are_no_work_of_one_call() {
    const MOST: usize = 2 * 4096;
    for is_first in [true, false] {
        let mut peer = Peer::connected(|options| options.max_inflight = 2);
        if !is_first {
            peer.publish(1, "a");
            peer.sent();
        }
        peer.session.close();
        for _ in 0..50_000 {
            publish(&mut peer, 1, 1, "x");
        }
        let last = peer.publish(1, "z");
        peer.wait(seconds(1));
        let mut sent = peer.connect(false);
        let mut count = 0;
        loop {
            let outcomes = peer.outcomes().len();
            assert!((1..=MOST).contains(&outcomes), "{outcomes}");
            count += outcomes;
            let Some(at) = peer.session.expiry_due() else {
                break;
            };
            assert!(at <= peer.now);
            peer.session.expire(peer.now);
            sent.extend(peer.sent());
        }
        assert_eq!(count, 50_000);
        assert_eq!(sent.last(), Some(&format!("PUBLISH q1 #{last} z")));
        assert_eq!(sent.len(), 1 + usize::from(!is_first));
    }
}

#[test]
fn disconnect_comes_behind_what_waited_behind_many_that_are_over() {
    let mut peer = Peer::connected(|options| options.max_inflight = 1);
    peer.publish(1, "a");
    for _ in 0..20_000 {
        publish(&mut peer, 1, 1, "x");
    }
    let last = peer.publish(1, "z");
    assert_eq!(peer.sent(), ["PUBLISH q1 #1 a"]);
    peer.wait(seconds(1));
    peer.hears(ack(PubAck, 1));
    peer.session.disconnect(peer.now);
    assert_eq!(
        peer.sent(),
        [&format!("PUBLISH q1 #{last} z"), "DISCONNECT"]
    );
    assert_eq!(peer.outcomes(), expired(2..last));
}

/// Messages are added and cancelled between two parts of a round, and holes are closed.
#[test]
fn a_round_misses_none_while_the_queue_changes() {
    const ALL: u64 = 60_000;
    let mut peer = Peer::new(|_| {});
    let begin = peer.now;
    let limit = |mid: u64| 1 + mid % 3;
    for mid in 1..=ALL {
        assert_eq!(publish(&mut peer, limit(mid), 1, "x"), mid);
    }
    let (mut last, mut next, mut count) = (ALL, 1, 0);
    while let Some(at) = peer.session.expiry_due() {
        peer.now = peer.now.max(at);
        peer.session.expire(peer.now);
        for mid in next..next + 1000 {
            peer.session.cancel(mid * 2 % ALL);
        }
        next += 1000;
        assert!(next < 1_000_000, "it would spin");
        if last < 2 * ALL {
            last = peer.publish(1, "y");
        }
        for outcome in peer.outcomes() {
            if let Outcome::GivenUp {
                mid,
                why: GivenUp::Expired,
            } = outcome
            {
                assert!(peer.now.since(begin + seconds(limit(mid))) <= LATE, "{mid}");
                count += 1;
            }
        }
    }
    assert_eq!(count, peer.session.expired());
    assert_eq!(
        count + peer.session.cancelled() + peer.session.unsettled() as u64,
        last
    );
    assert!(peer.now.since(begin) <= seconds(3) + LATE);
}
