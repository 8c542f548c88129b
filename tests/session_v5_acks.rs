//! Reasons in acknowledgements of MQTT 5, and acknowledgements for nothing.

mod support;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec, PubRel};
use pmqtt::codec::{property, reason};
use support::extended::{self, ack, ack_with, connected, reason_of};
use support::peer;

const REFUSAL: u8 = 0x87;

#[test]
fn a_reason_reaches_the_program() {
    let mut peer = connected(|_| {}, &[]);
    for qos in [1, 1, 1, 2] {
        peer.publish(qos, "a");
    }
    peer.sent();
    assert_eq!(peer.hears(ack(PubAck, 1, 0)), "published 1");
    let none = ack(PubAck, 2, reason::NO_SUBSCRIBERS);
    assert_eq!(peer.hears(none), "published 2 with 0x10");
    let why = extended::text(property::REASON_STRING, "no");
    let refusal = ack_with(PubAck, 3, REFUSAL, why.get());
    assert_eq!(peer.hears(refusal), "published 3 with 0x87");
    assert_eq!(
        peer.hears(ack(PubRec, 4, reason::NO_SUBSCRIBERS)),
        "nothing"
    );
    assert_eq!(peer.sent(), ["PUBREL #4"]);
    let done = ack_with(PubComp, 4, 0, why.get());
    assert_eq!(peer.hears(done), "published 4 with 0x00");
    assert!(peer.session.is_idle());
}

#[test]
fn pubrec_of_0x80_or_more_ends_the_handshake_and_frees_the_identifier() {
    let mut peer = connected(|options| options.max_inflight = 1, &[]);
    peer.publish(2, "a");
    peer.publish(1, "b");
    assert_eq!(peer.sent(), ["PUBLISH q2 #1 a"]);
    assert_eq!(peer.hears(ack(PubRec, 1, REFUSAL)), "published 1 with 0x87");
    assert_eq!(peer.sent(), ["PUBLISH q1 #2 b"]);
    // Neither PUBREL nor PUBLISH goes out for it any more [MQTT5-4.4.0-2].
    assert_eq!(peer.reconnect(true), ["PUBLISH q1 #2 dup b"]);
    assert_eq!(peer.hears(peer::ack(PubRec, 1)), "unexpected");
    assert_eq!(peer.sent(), ["PUBREL #1 0x92"]);
    peer.hears(peer::ack(PubAck, 2));
    assert!(peer.session.is_idle());
}

#[test]
fn a_refusal_for_nothing_is_not_answered() {
    let mut peer = connected(|_| {}, &[]);
    assert_eq!(peer.hears(ack(PubRec, 7, REFUSAL)), "unexpected");
    peer.publish(2, "a");
    peer.hears(peer::ack(PubRec, 1));
    peer.sent();
    // The broker has taken the message already, so PUBCOMP decides.
    assert_eq!(peer.hears(ack(PubRec, 1, REFUSAL)), "unexpected");
    assert!(peer.sent().is_empty());
    assert_eq!(peer.hears(peer::ack(PubComp, 1)), "published 1");
}

#[test]
fn pubrec_for_qos_1_is_a_violation_whatever_its_reason() {
    for code in [0, REFUSAL] {
        let mut peer = connected(|_| {}, &[]);
        peer.publish(1, "a");
        peer.sent();
        let failure = peer.try_hears(ack(PubRec, 1, code)).expect_err("a failure");
        assert_eq!(reason_of(failure), reason::PROTOCOL_ERROR);
    }
}

/// RabbitMQ 3 answers QoS 2 like that.
#[test]
fn puback_for_qos_2_is_no_success_if_it_refuses() {
    let mut peer = connected(|_| {}, &[]);
    peer.publish(2, "a");
    peer.publish(2, "b");
    peer.sent();
    assert_eq!(peer.hears(ack(PubAck, 1, REFUSAL)), "published 1 with 0x87");
    assert_eq!(
        peer.hears(ack(PubAck, 2, 0)),
        "first published 2 with PUBACK"
    );
}

#[test]
fn an_unknown_identifier_is_answered_with_0x92() {
    let mut peer = connected(|_| {}, &[]);
    assert_eq!(peer.hears(peer::ack(PubRec, 7)), "unexpected");
    assert_eq!(peer.hears(peer::ack(PubRel, 8)), "nothing");
    assert_eq!(peer.hears(peer::ack(PubComp, 9)), "unexpected");
    assert_eq!(peer.hears(peer::ack(PubAck, 9)), "unexpected");
    let bytes = peer.take();
    // There is no room for properties in them.
    assert_eq!(bytes, [0x62, 3, 0, 7, 0x92, 0x70, 3, 0, 8, 0x92]);
    peer.written(bytes.len());
    // The broker answers PUBREL, although it knows the identifier no better.
    assert_eq!(
        peer.hears(ack(PubComp, 7, reason::ID_NOT_FOUND)),
        "unexpected"
    );
    assert_eq!(peer.hears(ack(PubRel, 8, reason::ID_NOT_FOUND)), "nothing");
    assert_eq!(peer.sent(), ["PUBCOMP #8 0x92"]);
}

#[test]
fn each_message_of_the_broker_has_its_acknowledgement() {
    let mut peer = connected(|_| {}, &[]);
    for (qos, number) in [(0, 0), (1, 1), (2, 2), (1, 1), (2, 2)] {
        peer.hears(extended::message(qos, number, "in"));
    }
    assert_eq!(
        peer.sent(),
        ["PUBACK #1", "PUBREC #2", "PUBACK #1", "PUBREC #2"]
    );
    peer.hears(peer::ack(PubRel, 2));
    assert_eq!(peer.sent(), ["PUBCOMP #2"]);
    // The identifiers are free for new messages, and each may be of the other QoS.
    for (qos, number, payload) in [(2, 2, "w"), (1, 1, "x"), (2, 1, "y")] {
        let text = format!("message q{qos} #{number} {payload}");
        assert_eq!(peer.hears(extended::message(qos, number, payload)), text);
    }
    assert_eq!(peer.hears(extended::message(2, 2, "w")), "nothing");
}

/// The time of a message is up to the broker, until it has sent the message.
#[test]
fn a_received_message_does_not_expire() {
    let mut peer = connected(|_| {}, &[]);
    let expiry = extended::numbers(&[(property::MESSAGE_EXPIRY, 1)]);
    let packet = extended::message_with(2, 7, "in", expiry.get());
    assert_eq!(peer.hears(packet), "message q2 #7 in");
    peer.wait(support::seconds(100));
    peer.hears(peer::ack(PubRel, 7));
    assert_eq!(peer.sent(), ["PUBREC #7", "PUBCOMP #7"]);
}

#[test]
fn pubrels_leave_in_the_order_of_the_pubrecs() {
    let mut peer = connected(|_| {}, &[]);
    for payload in ["a", "b", "c"] {
        peer.publish(2, payload);
    }
    peer.sent();
    for number in [2, 3, 1] {
        peer.hears(peer::ack(PubRec, number));
    }
    assert_eq!(peer.sent(), ["PUBREL #2", "PUBREL #3", "PUBREL #1"]);
}

#[test]
fn suback_and_unsuback_need_a_code_for_each_filter() {
    let mut peer = connected(|_| {}, &[]);
    let filters = [("a", extended::wish(0)), ("b", extended::wish(2))];
    assert_eq!(peer.session.subscribe(&filters, extended::NONE), Ok(1));
    assert_eq!(peer.session.unsubscribe(&["a", "b"], extended::NONE), Ok(2));
    peer.sent();
    let granted = extended::suback(1, &[0x00, 0x87]);
    assert_eq!(peer.hears(granted), "subscribed 1 [0, 135]");
    let failure = peer.try_hears(extended::unsuback(2, &[0x00]));
    assert_eq!(
        reason_of(failure.expect_err("a code is missing")),
        reason::PROTOCOL_ERROR
    );
    let done = extended::unsuback(2, &[0x00, 0x11]);
    assert_eq!(peer.hears(done), "unsubscribed 2 [0, 17]");
    assert_eq!(peer.hears(extended::suback(1, &[0, 0])), "unexpected");
}
