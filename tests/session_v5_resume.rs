//! What continues on the next connection of MQTT 5: with the session of the broker, and without it.

mod support;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec, PubRel};
use pmqtt::codec::reason;
use pmqtt::session::{Cancel, GivenUp, Outcome, QueueOptions, WhenFull};
use support::extended::{self, ack, connected};
use support::peer::{self, Peer};
use support::seconds;

/// Messages of all stages: #1 and #3 wait for PUBACK and PUBREC, #2 and #5 for PUBCOMP, #4 is done.
fn under_way() -> Peer {
    let mut peer = connected(|_| {}, &[]);
    for (qos, payload) in [(1, "a"), (2, "b"), (2, "c"), (1, "d"), (2, "e")] {
        peer.publish(qos, payload);
    }
    for (kind, number) in [(PubRec, 2), (PubAck, 4), (PubRec, 5)] {
        peer.hears(peer::ack(kind, number));
    }
    peer.sent();
    peer
}

fn in_doubt(mid: u64) -> Outcome {
    given_up(mid, GivenUp::InDoubt)
}

fn given_up(mid: u64, why: GivenUp) -> Outcome {
    Outcome::GivenUp { mid, why }
}

#[test]
fn with_the_session_pubrels_go_first_and_publishes_again_in_order() {
    let mut peer = under_way();
    let expected = [
        "PUBREL #2",
        "PUBREL #5",
        "PUBLISH q1 #1 dup a",
        "PUBLISH q2 #3 dup c",
    ];
    for _ in 0..3 {
        assert_eq!(peer.reconnect(true), expected);
    }
    assert_eq!(peer.hears(peer::ack(PubComp, 5)), "published 5");
    assert_eq!(peer.hears(peer::ack(PubAck, 1)), "published 1");
    assert_eq!(peer.reconnect(true), ["PUBREL #2", "PUBLISH q2 #3 dup c"]);
    assert_eq!(peer.hears(peer::ack(PubRec, 3)), "nothing");
    assert_eq!(peer.hears(peer::ack(PubComp, 2)), "published 2");
    assert_eq!(peer.hears(peer::ack(PubComp, 3)), "published 3");
    assert_eq!(peer.sent(), ["PUBREL #3"]);
    assert!(peer.session.is_idle());
}

#[test]
fn without_it_messages_are_new_and_what_the_broker_had_is_in_doubt() {
    let mut peer = under_way();
    // The identifiers are free: with a window of one, all messages get another one.
    peer.configure(|options| options.max_inflight = 1);
    peer.publish(1, "f");
    assert_eq!(peer.reconnect(false), ["PUBLISH q1 #1 a"]);
    assert_eq!(peer.outcomes(), [in_doubt(2), in_doubt(5)]);
    peer.configure(|options| options.max_inflight = 9);
    assert_eq!(peer.sent(), ["PUBLISH q2 #3 c", "PUBLISH q1 #6 f"]);
    assert_eq!(peer.hears(peer::ack(PubRec, 2)), "unexpected");
    assert_eq!(peer.sent(), ["PUBREL #2 0x92"]);
    for (kind, number, event) in [
        (PubAck, 1, "published 1"),
        (PubRec, 3, "nothing"),
        (PubComp, 3, "published 3"),
        (PubAck, 6, "published 6"),
    ] {
        assert_eq!(peer.hears(peer::ack(kind, number)), event);
    }
    peer.sent();
    assert_eq!(peer.outcomes(), []);
    assert!(peer.session.is_idle());
}

/// Stages change at the end of a connection, and must survive several of them.
#[test]
fn a_session_that_is_lost_later_is_lost_all_the_same() {
    let mut peer = under_way();
    peer.reconnect(true);
    assert_eq!(
        peer.reconnect(false),
        ["PUBLISH q1 #1 a", "PUBLISH q2 #3 c"]
    );
    assert_eq!(peer.outcomes(), [in_doubt(2), in_doubt(5)]);
    // They were sent in this session: with it, they have DUP again.
    let again = ["PUBLISH q1 #1 dup a", "PUBLISH q2 #3 dup c"];
    assert_eq!(peer.reconnect(true), again);
    assert_eq!(
        peer.reconnect(false),
        ["PUBLISH q1 #1 a", "PUBLISH q2 #3 c"]
    );
    assert_eq!(peer.outcomes(), []);
}

#[test]
fn a_renewed_message_that_was_not_sent_is_still_new_on_the_next_connection() {
    let mut peer = under_way();
    peer.configure(|options| options.max_inflight = 1);
    assert_eq!(peer.reconnect(false), ["PUBLISH q1 #1 a"]);
    // The broker has the session of that connection, in which #3 was never sent.
    peer.session.close();
    peer.configure(|options| options.max_inflight = 2);
    assert_eq!(
        peer.reconnect(true),
        ["PUBLISH q1 #1 dup a", "PUBLISH q2 #3 c"]
    );
}

/// The identifiers of renewed messages are not in use until they are sent.
#[test]
fn a_request_may_have_the_identifier_of_a_renewed_message() {
    let mut peer = connected(|_| {}, &[]);
    peer.publish(2, "a");
    peer.sent();
    peer.session.close();
    peer.open();
    // The request is #2; only the broker decides about #1.
    assert_eq!(
        peer.session
            .subscribe(&[("f", extended::wish(1))], extended::NONE),
        Ok(2)
    );
    assert_eq!(
        extended::accept(&mut peer, false, &[]),
        ["SUBSCRIBE #2 f:1", "PUBLISH q2 #1 a"]
    );
}

/// A broker may repeat PUBREC before the client has repeated PUBLISH. [MQTT5-3.3.4-8]
#[test]
fn pubrec_for_a_publish_that_waits_for_the_quota_is_answered_at_once() {
    let mut peer = connected(|_| {}, &[]);
    for payload in ["a", "b"] {
        peer.publish(2, payload);
    }
    peer.sent();
    peer.configure(|options| options.max_inflight = 1);
    assert_eq!(peer.reconnect(true), ["PUBLISH q2 #1 dup a"]);
    assert_eq!(peer.hears(peer::ack(PubRec, 2)), "nothing");
    assert_eq!(peer.sent(), ["PUBREL #2"]);
    assert_eq!(peer.session.in_flight(), 1);
    assert_eq!(peer.hears(peer::ack(PubComp, 2)), "published 2");
    assert_eq!(peer.session.in_flight(), 1);
    peer.publish(1, "c");
    assert!(peer.sent().is_empty());
    peer.hears(peer::ack(PubRec, 1));
    assert_eq!(peer.sent(), ["PUBREL #1"]);
    assert_eq!(peer.hears(peer::ack(PubComp, 1)), "published 1");
    assert_eq!(peer.sent(), ["PUBLISH q1 #3 c"]);
}

#[test]
fn a_refusal_of_a_publish_that_was_not_sent_again_says_nothing() {
    let mut peer = connected(|_| {}, &[]);
    for payload in ["a", "b"] {
        peer.publish(2, payload);
    }
    peer.sent();
    peer.configure(|options| options.max_inflight = 1);
    peer.reconnect(true);
    let refusal = ack(PubRec, 2, reason::UNSPECIFIED);
    assert_eq!(peer.hears(refusal), "unexpected");
    assert!(peer.sent().is_empty());
    peer.configure(|options| options.max_inflight = 2);
    assert_eq!(peer.sent(), ["PUBLISH q2 #2 dup b"]);
}

/// PUBREL was sent on an earlier connection, and the broker has completed the message then.
#[test]
fn pubcomp_0x92_for_a_repeated_pubrel_is_success_and_for_a_first_one_is_doubt() {
    let mut peer = under_way();
    peer.reconnect(true);
    let unknown = |number| ack(PubComp, number, reason::ID_NOT_FOUND);
    assert_eq!(peer.hears(unknown(2)), "published 2");
    peer.hears(peer::ack(PubRec, 3));
    assert_eq!(peer.sent(), ["PUBREL #3"]);
    assert_eq!(peer.hears(unknown(3)), "in doubt 3");
}

#[test]
fn nothing_is_sent_again_on_a_live_connection() {
    let mut peer = connected(|options| options.retry_ms = 1000, &[]);
    peer.publish(1, "a");
    peer.publish(2, "b");
    peer.publish(2, "c");
    peer.hears(peer::ack(PubRec, 3));
    peer.hears(extended::message(2, 9, "in"));
    let sent = peer.sent();
    assert_eq!(sent.len(), 5, "{sent:?}");
    assert_eq!(peer.session.poll_timeout(), None);
    peer.configure(|options| options.retry_ms = 10);
    peer.hears(peer::pingresp());
    assert_eq!(peer.live(seconds(100)), Ok(vec![]));
    assert_eq!(peer.session.poll_timeout(), None);
}

#[test]
fn what_was_sent_is_not_dropped_replaced_or_expired_as_a_new_message() {
    let mut peer = connected(|_| {}, &[]);
    peer.session.set_queue_options(QueueOptions {
        when_full: WhenFull::DropOldest,
        newest_only: true,
        keep_qos0: true,
    });
    for (qos, payload) in [(1, "a"), (2, "b")] {
        let limit = seconds(1);
        peer.try_publish_for(limit, qos, payload.as_bytes())
            .expect("it is sent");
    }
    assert_eq!(peer.sent().len(), 2);
    peer.configure(|options| {
        options.max_inflight = 1;
        options.max_queued_messages = 3;
    });
    assert_eq!(peer.reconnect(false), ["PUBLISH q1 #1 a"]);
    peer.wait(seconds(9));
    peer.session.expire(peer.now);
    // Each of them replaces the one before it, and none replaces the renewed ones.
    for payload in ["c", "d"] {
        peer.publish(1, payload);
    }
    assert_eq!(peer.outcomes(), [given_up(3, GivenUp::Dropped)]);
    peer.session.clear_queue();
    assert_eq!(peer.outcomes(), [given_up(4, GivenUp::Cancelled)]);
    peer.configure(|options| options.max_inflight = 9);
    assert_eq!(peer.sent(), ["PUBLISH q2 #2 b"]);
}

#[test]
fn a_renewed_message_can_be_cancelled_as_one_that_was_sent() {
    let mut peer = connected(|_| {}, &[]);
    for (qos, payload) in [(1, "a"), (1, "b"), (2, "c"), (1, "d")] {
        peer.publish(qos, payload);
    }
    peer.sent();
    peer.configure(|options| options.max_inflight = 1);
    assert_eq!(peer.reconnect(false), ["PUBLISH q1 #1 a"]);
    assert_eq!(peer.session.cancel(2), Cancel::Done);
    assert_eq!(peer.session.cancel(2), Cancel::NotFound);
    assert_eq!(peer.session.cancel(3), Cancel::Busy);
    assert_eq!(peer.outcomes(), [given_up(2, GivenUp::Cancelled)]);
    peer.configure(|options| options.max_inflight = 9);
    assert_eq!(peer.sent(), ["PUBLISH q2 #3 c", "PUBLISH q1 #4 d"]);
    // A cancelled message that is in flight keeps its identifier until the answer.
    assert_eq!(peer.session.cancel(4), Cancel::Done);
    assert_eq!(peer.hears(peer::ack(PubAck, 4)), "nothing");
    assert_eq!(peer.outcomes(), [given_up(4, GivenUp::Cancelled)]);
}

#[test]
fn a_cancelled_message_ends_with_the_session_of_the_broker() {
    let mut peer = connected(|_| {}, &[]);
    peer.publish(1, "a");
    peer.sent();
    assert_eq!(peer.session.cancel(1), Cancel::Done);
    assert_eq!(peer.reconnect(true), ["PUBLISH q1 #1 dup a"]);
    assert_eq!(peer.reconnect(false), [""; 0]);
    assert_eq!(peer.outcomes(), [given_up(1, GivenUp::Cancelled)]);
    assert!(peer.session.is_idle() && peer.session.is_settled());
}

#[test]
fn messages_of_the_broker_are_forgotten_with_its_session_only() {
    for present in [true, false] {
        let mut peer = connected(|_| {}, &[]);
        peer.hears(extended::message(2, 7, "in"));
        peer.reconnect(present);
        let (event, answer) = match present {
            true => ("nothing", "PUBCOMP #7"),
            false => ("message q2 #7 in", "PUBCOMP #7"),
        };
        assert_eq!(peer.hears(extended::message(2, 7, "in")), event);
        assert_eq!(peer.sent(), ["PUBREC #7"]);
        peer.hears(peer::ack(PubRel, 7));
        assert_eq!(peer.sent(), [answer]);
        peer.hears(peer::ack(PubRel, 7));
        assert_eq!(peer.sent(), ["PUBCOMP #7 0x92"]);
    }
}
