//! Messages that the broker of MQTT 5 does not take: one outcome each, and the connection stands.

mod support;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec};
use pmqtt::codec::{Message, QoS, property, reason};
use pmqtt::session::{Cancel, GivenUp, Outcome, Phase, PublishError, QueueOptions, RequestError};
use support::extended::{self, accept, connected, reconnect};
use support::peer::{self, Peer};
use support::seconds;

const SIZE: (u8, u32) = (property::MAXIMUM_PACKET_SIZE, 20);
const QOS: fn(u32) -> (u8, u32) = |most| (property::MAXIMUM_QOS, most);
const NO_RETAIN: (u8, u32) = (property::RETAIN_AVAILABLE, 0);

/// Its packet has 27 bytes or more.
const LONG: &str = "twenty bytes or more";

fn unfit(mid: u64, reason: u8) -> Outcome {
    given_up(mid, GivenUp::Unfit(reason))
}

fn given_up(mid: u64, why: GivenUp) -> Outcome {
    Outcome::GivenUp { mid, why }
}

fn retained(peer: &mut Peer, qos: QoS) -> Result<u64, PublishError> {
    let message = Message {
        topic: b"t",
        payload: b"r",
        qos,
        retain: true,
        properties: Some(extended::NONE),
    };
    let message = message.check().expect("PUBLISH fits");
    peer.session.publish(&message, || peer.now)
}

#[test]
fn a_new_message_is_refused_and_nothing_is_done() {
    let mut peer = connected(|_| {}, &[SIZE, QOS(1), NO_RETAIN]);
    let refused = |reason| Err(PublishError::Unfit(reason));
    for qos in 0..=2 {
        assert_eq!(peer.try_publish(qos, LONG), refused(reason::TOO_LARGE));
    }
    let limited = peer.try_publish_for(seconds(9), 1, LONG.as_bytes());
    assert_eq!(limited, refused(reason::TOO_LARGE));
    assert_eq!(peer.try_publish(2, "a"), refused(reason::QOS_NOT_SUPPORTED));
    let retain = retained(&mut peer, QoS::AtMostOnce);
    assert_eq!(retain, refused(reason::RETAIN_NOT_SUPPORTED));
    assert!(peer.sent().is_empty() && peer.session.is_idle());
    assert_eq!(peer.try_publish(1, "a"), Ok(1));
    assert_eq!(peer.outcomes(), []);
}

#[test]
fn the_limit_is_the_size_of_the_whole_packet() {
    let mut peer = connected(|_| {}, &[SIZE]);
    // Two bytes of header, three of topic, two of identifier, one of properties.
    let payload = |len| "x".repeat(len);
    assert_eq!(peer.try_publish(1, &payload(12)), Ok(1));
    let bytes = peer.take();
    assert_eq!(bytes.len(), 20);
    peer.written(20);
    let larger = peer.try_publish(1, &payload(13));
    assert_eq!(larger, Err(PublishError::Unfit(reason::TOO_LARGE)));
}

#[test]
fn waiting_messages_have_their_outcome_with_connack() {
    let mut peer = extended::peer(|_| {});
    for (qos, payload) in [(1, "a"), (1, LONG), (2, "c"), (2, LONG), (1, "e")] {
        peer.publish(qos, payload);
    }
    retained(&mut peer, QoS::AtLeastOnce).expect_err("there is no connection");
    peer.open();
    let sent = accept(&mut peer, false, &[SIZE, QOS(1), NO_RETAIN]);
    assert_eq!(sent, ["PUBLISH q1 #1 a", "PUBLISH q1 #5 e"]);
    let expected = [
        unfit(2, reason::TOO_LARGE),
        unfit(3, reason::QOS_NOT_SUPPORTED),
        unfit(4, reason::TOO_LARGE),
        unfit(6, reason::RETAIN_NOT_SUPPORTED),
    ];
    assert_eq!(peer.outcomes(), expected);
    assert_eq!(peer.session.phase(), Phase::Connected);
    for number in [1, 5] {
        peer.hears(peer::ack(PubAck, number));
    }
    assert!(peer.session.is_idle());
    assert_eq!(peer.session.queued_bytes(), 0);
}

#[test]
fn qos_0_before_connack_waits_for_the_limits() {
    let mut peer = extended::peer(|_| {});
    peer.open();
    assert_eq!(peer.try_publish(0, "a"), Ok(1));
    assert_eq!(peer.try_publish(0, LONG), Ok(2));
    assert_eq!(peer.try_publish(1, "c"), Ok(3));
    assert!(peer.sent().is_empty());
    let sent = accept(&mut peer, false, &[SIZE]);
    assert_eq!(sent, ["PUBLISH q0 a", "PUBLISH q1 #3 c"]);
    let written = Outcome::Written { mid: 1 };
    assert_eq!(peer.outcomes(), [written, unfit(2, reason::TOO_LARGE)]);
}

#[test]
fn qos_0_before_connack_goes_out_before_all_that_waits() {
    let mut peer = extended::peer(|options| options.max_inflight = 1);
    for payload in ["a", "b"] {
        peer.publish(1, payload);
    }
    peer.open();
    for payload in ["c", "d"] {
        peer.publish(0, payload);
    }
    let wishes = [("f", extended::wish(1))];
    assert_eq!(peer.session.subscribe(&wishes, extended::NONE), Ok(5));
    let late = peer.try_publish_for(seconds(1), 0, b"late");
    assert_eq!(late, Ok(6));
    peer.wait(seconds(1));
    let expected = [
        "SUBSCRIBE #5 f:1",
        "PUBLISH q0 c",
        "PUBLISH q0 d",
        "PUBLISH q1 #1 a",
    ];
    assert_eq!(accept(&mut peer, false, &[]), expected);
    peer.session.expire(peer.now);
    let written = |mid| Outcome::Written { mid };
    let expected = [written(3), written(4), given_up(6, GivenUp::Expired)];
    assert_eq!(peer.outcomes(), expected);
    // Later QoS 0 does not wait for the window.
    peer.publish(0, "e");
    assert_eq!(peer.sent(), ["PUBLISH q0 e"]);
}

/// As in every version, QoS 0 ends with the connection that it was published for.
#[test]
fn qos_0_before_connack_is_lost_with_the_connection() {
    let mut peer = extended::peer(|_| {});
    peer.open();
    assert_eq!(peer.try_publish(0, "a"), Ok(1));
    peer.publish(1, "b");
    peer.session.close();
    assert_eq!(peer.outcomes(), [Outcome::Lost { mid: 1 }]);
    assert_eq!(peer.connect(false), ["PUBLISH q1 #2 b"]);
}

#[test]
fn qos_0_before_connack_waits_for_another_connection_if_the_program_wants_that() {
    let mut peer = extended::peer(|_| {});
    peer.session.set_queue_options(QueueOptions {
        keep_qos0: true,
        ..QueueOptions::default()
    });
    peer.open();
    assert_eq!(peer.try_publish(0, "a"), Ok(1));
    peer.session.close();
    assert_eq!(peer.outcomes(), []);
    assert_eq!(peer.connect(false), ["PUBLISH q0 a"]);
}

#[test]
fn what_was_sent_to_an_earlier_broker_has_its_outcome_too() {
    for present in [true, false] {
        let mut peer = connected(|_| {}, &[]);
        for (qos, payload) in [(1, LONG), (2, "b"), (1, "c"), (2, LONG)] {
            peer.publish(qos, payload);
        }
        peer.sent();
        let sent = reconnect(&mut peer, present, &[SIZE]);
        // The broker may have #4, and would take another message with this identifier for the same.
        let expected = match present {
            true => vec!["PUBREL #4", "PUBLISH q2 #2 dup b", "PUBLISH q1 #3 dup c"],
            false => vec!["PUBLISH q2 #2 b", "PUBLISH q1 #3 c"],
        };
        assert_eq!(sent, expected);
        let expected = [unfit(1, reason::TOO_LARGE), unfit(4, reason::TOO_LARGE)];
        assert_eq!(peer.outcomes(), expected);
        peer.hears(peer::ack(PubAck, 3));
        peer.hears(peer::ack(PubRec, 2));
        peer.hears(peer::ack(PubComp, 2));
        assert_eq!(peer.sent(), ["PUBREL #2"]);
        assert!(peer.session.is_idle());
    }
}

/// Its outcome is told, but its PUBLISH would go out again with the session.
#[test]
fn a_cancelled_message_is_not_sent_to_a_broker_that_does_not_take_it() {
    let mut peer = connected(|_| {}, &[]);
    peer.publish(1, LONG);
    peer.sent();
    assert_eq!(peer.session.cancel(1), Cancel::Done);
    assert_eq!(peer.outcomes(), [given_up(1, GivenUp::Cancelled)]);
    assert_eq!(reconnect(&mut peer, true, &[SIZE]), [""; 0]);
    assert_eq!(peer.outcomes(), []);
    assert!(peer.session.is_idle() && peer.session.is_settled());
    // Its identifier is free.
    for payload in ["a", "b"] {
        peer.publish(1, payload);
    }
    assert_eq!(peer.sent(), ["PUBLISH q1 #2 a", "PUBLISH q1 #3 b"]);
}

#[test]
fn what_the_broker_has_with_pubrec_is_released_whatever_it_takes() {
    let mut peer = connected(|_| {}, &[]);
    peer.publish(2, LONG);
    peer.hears(peer::ack(PubRec, 1));
    peer.sent();
    assert_eq!(reconnect(&mut peer, true, &[SIZE, QOS(0)]), ["PUBREL #1"]);
    assert_eq!(peer.hears(peer::ack(PubComp, 1)), "published 1");
}

#[test]
fn a_request_that_is_too_large_is_refused_and_takes_no_mid() {
    let mut peer = connected(|_| {}, &[(property::MAXIMUM_PACKET_SIZE, 10)]);
    let subscribe = |peer: &mut Peer, filter: &str| {
        let wishes = [(filter, extended::wish(0))];
        peer.session.subscribe(&wishes, extended::NONE)
    };
    assert_eq!(subscribe(&mut peer, "ab"), Ok(1));
    let too_large = Err(RequestError::TooLarge);
    assert_eq!(subscribe(&mut peer, "abc"), too_large);
    let unsubscribe = |peer: &mut Peer, filter| {
        let filters = [filter];
        peer.session.unsubscribe(&filters, extended::NONE)
    };
    assert_eq!(unsubscribe(&mut peer, "abcd"), too_large);
    assert_eq!(unsubscribe(&mut peer, "abc"), Ok(2));
    assert_eq!(peer.sent(), ["SUBSCRIBE #1 ab:0", "UNSUBSCRIBE #2 abc"]);
    assert_eq!(peer.session.unsettled(), 2);
}

/// Limits are those of one connection.
#[test]
fn a_broker_without_limits_takes_all_again() {
    let mut peer = connected(|_| {}, &[SIZE, QOS(0), NO_RETAIN]);
    assert!(reconnect(&mut peer, true, &[]).is_empty());
    assert_eq!(peer.try_publish(2, LONG), Ok(1));
    assert_eq!(retained(&mut peer, QoS::ExactlyOnce), Ok(2));
}

/// The ring shrinks while messages are given up, and holes stand before the remaining ones.
#[test]
fn many_unfit_messages_with_holes_between_them_have_one_outcome_each() {
    let mut peer = extended::peer(|_| {});
    let large = "x".repeat(8000);
    for mid in 1..=836 {
        match mid {
            1..=300 => peer.publish(1, &large),
            836 => peer.publish(1, "a"),
            _ => peer.publish(2, "a"),
        };
    }
    for mid in 301..=740 {
        assert_eq!(peer.session.cancel(mid), Cancel::Done);
    }
    peer.outcomes();
    peer.open();
    let sent = accept(&mut peer, false, &[SIZE, QOS(1)]);
    assert_eq!(sent, ["PUBLISH q1 #836 a"]);
    let large = (1..=300).map(|mid| unfit(mid, reason::TOO_LARGE));
    let small = (741..836).map(|mid| unfit(mid, reason::QOS_NOT_SUPPORTED));
    let expected: Vec<_> = large.chain(small).collect();
    assert_eq!(peer.outcomes(), expected);
    assert_eq!(peer.hears(peer::ack(PubAck, 836)), "published 836");
    assert!(peer.session.is_settled());
    assert_eq!(peer.session.queued_bytes(), 0);
}
