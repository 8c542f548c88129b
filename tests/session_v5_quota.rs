//! The broker's receive maximum is a send quota (section 4.9 of MQTT 5): PUBLISH waits for it, and nothing else does.

mod support;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec, PubRel};
use pmqtt::codec::property::RECEIVE_MAXIMUM;
use support::extended::{self, ack, connected, reconnect};
use support::peer::{self, Peer};

fn publish(peer: &mut Peer, qos: u8, count: usize) -> Vec<String> {
    for _ in 0..count {
        peer.publish(qos, "a");
    }
    peer.sent()
}

#[test]
fn the_smaller_of_window_and_receive_maximum_counts() {
    for (window, maximum, expected) in [(0, 3, 3), (2, 3, 2), (9, 3, 3), (3, 3, 3), (4, 0, 4)] {
        let stated = [(RECEIVE_MAXIMUM, maximum)];
        let stated = if maximum == 0 { &[] } else { &stated[..] };
        let mut peer = connected(|options| options.max_inflight = window, stated);
        assert_eq!(
            publish(&mut peer, 1, 9).len(),
            expected,
            "{window} {maximum}"
        );
    }
}

#[test]
fn a_window_that_grows_stays_below_the_receive_maximum() {
    let mut peer = connected(|options| options.max_inflight = 1, &[(RECEIVE_MAXIMUM, 3)]);
    assert_eq!(publish(&mut peer, 1, 9).len(), 1);
    peer.configure(|options| options.max_inflight = 2);
    assert_eq!(peer.sent().len(), 1);
    peer.configure(|options| options.max_inflight = 0);
    assert_eq!(peer.sent().len(), 1);
    // With a narrower one, answers do not make room until enough have come.
    peer.configure(|options| options.max_inflight = 2);
    peer.hears(peer::ack(PubAck, 1));
    assert!(peer.sent().is_empty());
    peer.hears(peer::ack(PubAck, 2));
    assert_eq!(peer.sent().len(), 1);
}

#[test]
fn puback_pubcomp_and_a_failing_pubrec_make_room_and_nothing_else_does() {
    let mut peer = connected(|_| {}, &[(RECEIVE_MAXIMUM, 1)]);
    assert_eq!(publish(&mut peer, 2, 1), ["PUBLISH q2 #1 a"]);
    assert_eq!(publish(&mut peer, 1, 3), [""; 0]);
    peer.hears(peer::ack(PubRec, 1));
    assert_eq!(peer.sent(), ["PUBREL #1"]);
    peer.hears(peer::ack(PubAck, 7));
    peer.hears(peer::ack(PubComp, 7));
    peer.hears(ack(PubRec, 7, 0x80));
    assert_eq!(peer.sent(), [""; 0]);
    peer.hears(peer::ack(PubComp, 1));
    assert_eq!(peer.sent(), ["PUBLISH q1 #2 a"]);
    peer.hears(ack(PubAck, 2, 0x80));
    assert_eq!(peer.sent(), ["PUBLISH q1 #3 a"]);
    peer.hears(peer::ack(PubAck, 3));
    assert_eq!(peer.sent(), ["PUBLISH q1 #4 a"]);
    peer.hears(peer::ack(PubAck, 4));
    assert_eq!(publish(&mut peer, 2, 2), ["PUBLISH q2 #5 a"]);
    peer.hears(ack(PubRec, 5, 0x80));
    assert_eq!(peer.sent(), ["PUBLISH q2 #6 a"]);
}

#[test]
fn without_quota_all_else_goes_on() {
    let mut peer = connected(|options| options.keep_alive = 5, &[(RECEIVE_MAXIMUM, 1)]);
    publish(&mut peer, 2, 2);
    peer.publish(0, "b");
    peer.session
        .subscribe(&[("f", extended::wish(1))], extended::NONE)
        .expect("it fits");
    peer.hears(extended::message(1, 8, "in"));
    peer.hears(extended::message(2, 9, "in"));
    peer.hears(peer::ack(PubRel, 9));
    peer.hears(peer::ack(PubRec, 1));
    let expected = [
        "PUBLISH q0 b",
        "SUBSCRIBE #4 f:1",
        "PUBACK #8",
        "PUBREC #9",
        "PUBCOMP #9",
        "PUBREL #1",
    ];
    assert_eq!(peer.sent(), expected);
    let ping = peer.live(support::seconds(5));
    assert_eq!(ping, Ok(vec!["PINGREQ".into()]));
    assert!(peer.session.disconnect(peer.now));
    assert_eq!(peer.sent(), ["DISCONNECT"]);
}

#[test]
fn publishes_that_are_sent_again_count_and_pubrels_do_not() {
    let mut peer = connected(|_| {}, &[]);
    publish(&mut peer, 2, 5);
    for number in [1, 2] {
        peer.hears(peer::ack(PubRec, number));
    }
    peer.sent();
    let expected = ["PUBREL #1", "PUBREL #2", "PUBLISH q2 #3 dup a"];
    assert_eq!(
        reconnect(&mut peer, true, &[(RECEIVE_MAXIMUM, 1)]),
        expected
    );
    assert_eq!(peer.session.in_flight(), 1);
    // PUBCOMP for a PUBREL of an earlier connection never makes room above the maximum.
    for number in [1, 2] {
        let done = peer.hears(peer::ack(PubComp, number));
        assert_eq!(done, format!("published {number}"));
        assert!(peer.sent().is_empty());
    }
    peer.hears(peer::ack(PubRec, 3));
    peer.hears(peer::ack(PubComp, 3));
    assert_eq!(peer.sent(), ["PUBREL #3", "PUBLISH q2 #4 dup a"]);
}

#[test]
fn pubrels_of_an_earlier_connection_go_out_before_the_program_knows() {
    let mut peer = connected(|_| {}, &[]);
    publish(&mut peer, 2, 2);
    peer.hears(peer::ack(PubRec, 1));
    peer.sent();
    peer.session.close();
    peer.open();
    let packet = peer::connack_with(0, true, extended::NONE, peer.version());
    peer.hears_without_return(packet);
    assert_eq!(peer.sent(), ["PUBREL #1"]);
    // Even its answer may come before.
    assert_eq!(peer.hears(peer::ack(PubComp, 1)), "published 1");
    peer.session.announced(peer.now);
    assert_eq!(peer.sent(), ["PUBLISH q2 #2 dup a"]);
}

#[test]
fn each_connection_has_a_quota_of_its_own() {
    let mut peer = connected(|options| options.max_inflight = 0, &[(RECEIVE_MAXIMUM, 4)]);
    assert_eq!(publish(&mut peer, 1, 6).len(), 4);
    assert_eq!(reconnect(&mut peer, true, &[(RECEIVE_MAXIMUM, 2)]).len(), 2);
    assert_eq!(
        reconnect(&mut peer, false, &[(RECEIVE_MAXIMUM, 5)]).len(),
        5
    );
    assert_eq!(reconnect(&mut peer, true, &[]).len(), 6);
}

/// Cancelling does not take a PUBLISH back from the broker.
#[test]
fn a_cancelled_message_in_flight_counts_until_its_answer() {
    let mut peer = connected(|_| {}, &[(RECEIVE_MAXIMUM, 1)]);
    publish(&mut peer, 1, 2);
    peer.session.cancel(1);
    assert!(peer.sent().is_empty());
    assert_eq!(
        reconnect(&mut peer, true, &[(RECEIVE_MAXIMUM, 1)]),
        ["PUBLISH q1 #1 dup a"]
    );
    peer.hears(peer::ack(PubAck, 1));
    assert_eq!(peer.sent(), ["PUBLISH q1 #2 a"]);
}
