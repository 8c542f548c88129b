//! SUBSCRIBE and UNSUBSCRIBE, and the numbers that they share with publishing.

mod support;

use pmqtt::codec::{Ack, Properties, QoS, TooLong};
use pmqtt::session::{Failure, RequestError};
use support::peer::{Peer, ack, suback, unsuback};

fn subscribe(peer: &mut Peer, filter: &str) -> Result<u64, RequestError> {
    peer.session
        .subscribe(&[(filter, QoS::AtMostOnce.into())], Properties::NONE)
}

#[test]
fn answers_name_the_request() {
    let mut peer = Peer::connected(|_| {});
    let filters = [
        ("a", QoS::AtMostOnce.into()),
        ("b/+", QoS::ExactlyOnce.into()),
    ];
    assert_eq!(peer.session.subscribe(&filters, Properties::NONE), Ok(1));
    assert_eq!(
        peer.session.unsubscribe(&["a", "b/+"], Properties::NONE),
        Ok(2)
    );
    assert_eq!(
        peer.sent(),
        ["SUBSCRIBE #1 a:0 b/+:2", "UNSUBSCRIBE #2 a b/+"]
    );
    assert_eq!(peer.session.unsettled(), 2);
    assert_eq!(peer.hears(unsuback(2)), "unsubscribed 2");
    assert_eq!(peer.session.unsettled(), 1);
    assert_eq!(peer.hears(suback(1, &[0x80, 2])), "subscribed 1 [128, 2]");
    assert_eq!(peer.session.unsettled(), 0);
    assert_eq!(peer.hears(suback(1, &[0, 2])), "unexpected");
    assert_eq!(peer.hears(unsuback(2)), "unexpected");
}

#[test]
fn an_answer_of_another_kind_is_never_taken() {
    let mut peer = Peer::connected(|_| {});
    subscribe(&mut peer, "a").unwrap();
    peer.session.unsubscribe(&["a"], Properties::NONE).unwrap();
    peer.publish(1, "p");
    assert_eq!(peer.hears(unsuback(1)), "unexpected");
    assert_eq!(peer.hears(suback(2, &[0])), "unexpected");
    assert_eq!(peer.hears(suback(3, &[0])), "unexpected");
    assert_eq!(peer.hears(ack(Ack::PubAck, 1)), "unexpected");
    assert_eq!(peer.hears(ack(Ack::PubRec, 2)), "unexpected");
    let answer = peer.try_hears(suback(1, &[0, 0]));
    assert!(matches!(answer, Err(Failure::Violation(..))));
}

#[test]
fn mids_count_everything_and_name_the_packet() {
    let mut peer = Peer::new(|_| {});
    assert_eq!(peer.publish(0, "dropped"), 1);
    assert_eq!(subscribe(&mut peer, "a"), Err(RequestError::NotConnected));
    assert_eq!(peer.publish(1, "queued"), 2);
    assert_eq!(peer.connect(false), ["PUBLISH q1 #2 queued"]);
    assert_eq!(peer.publish(0, "zero"), 3);
    assert_eq!(subscribe(&mut peer, "a"), Ok(4));
    assert_eq!(peer.publish(2, "two"), 5);
    let expected = ["PUBLISH q0 zero", "SUBSCRIBE #4 a:0", "PUBLISH q2 #5 two"];
    assert_eq!(peer.sent(), expected);
}

#[test]
fn a_request_that_does_not_fit_takes_no_mid() {
    let mut peer = Peer::connected(|_| {});
    let long = "x".repeat(65_536);
    let error = RequestError::TooLong(TooLong("topic filter"));
    assert_eq!(subscribe(&mut peer, &long), Err(error));
    assert!(!peer.session.has_output());
    assert_eq!(subscribe(&mut peer, "a"), Ok(1));
    assert_eq!(peer.sent(), ["SUBSCRIBE #1 a:0"]);
}

#[test]
fn identifiers_run_out_and_come_back() {
    let mut peer = Peer::connected(|options| options.max_inflight = 0);
    for _ in 0..65_535 {
        subscribe(&mut peer, "a").unwrap();
    }
    assert_eq!(subscribe(&mut peer, "a"), Err(RequestError::NoPacketId));
    assert_eq!(peer.publish(1, "p"), 65_536);
    peer.sent();
    assert_eq!(peer.hears(suback(40_000, &[0])), "subscribed 40000 [0]");
    assert_eq!(peer.sent(), ["PUBLISH q1 #40000 p"]);
    assert_eq!(peer.hears(ack(Ack::PubAck, 40_000)), "published 65536");
}
