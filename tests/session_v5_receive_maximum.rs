//! The receive maximum that the client states: the broker may not send more messages without an answer.
//! [MQTT5-3.3.4-9]

mod support;

use pmqtt::codec::Ack::PubRel;
use pmqtt::codec::QoS::AtLeastOnce;
use pmqtt::codec::{Properties, reason};
use support::extended::{self, message, reason_of, set_connect_options};
use support::peer::{self, Peer};

/// The broker may send this many.
fn allowing(maximum: u16) -> Peer {
    let mut peer = extended::peer(|_| {});
    set_connect_options(&mut peer, |options| options.receive_maximum = maximum);
    peer.connect(false);
    peer
}

fn is_too_much(peer: &mut Peer, packet: Vec<u8>) -> bool {
    match peer.try_hears(packet) {
        Ok(_) => false,
        Err(failure) => {
            assert_eq!(reason_of(failure), reason::RECEIVE_MAXIMUM);
            true
        }
    }
}

#[test]
fn one_message_too_many_is_a_failure() {
    for qos in [1, 2] {
        let mut peer = allowing(2);
        peer.configure(|options| options.manual_ack = true);
        for number in [1, 2] {
            assert!(!is_too_much(&mut peer, message(qos, number, "a")));
        }
        // QoS 0 needs no answer.
        assert!(!is_too_much(&mut peer, message(0, 0, "a")));
        assert!(is_too_much(&mut peer, message(qos, 3, "a")));
    }
}

#[test]
fn an_answer_counts_once_the_socket_has_it() {
    let mut peer = allowing(2);
    for number in [1, 2] {
        peer.hears(message(1, number, "a"));
    }
    let answers = peer.take();
    assert_eq!(answers.len(), 8);
    peer.written(4);
    assert!(!is_too_much(&mut peer, message(1, 3, "a")));
    assert!(is_too_much(&mut peer, message(1, 4, "a")));
    let mut peer = allowing(2);
    for number in 1..100 {
        assert!(!is_too_much(&mut peer, message(1, number, "a")));
        assert_eq!(peer.sent(), [format!("PUBACK #{number}")]);
    }
}

#[test]
fn a_message_of_qos_2_is_answered_with_pubcomp() {
    let mut peer = allowing(1);
    peer.hears(message(2, 1, "a"));
    assert_eq!(peer.sent(), ["PUBREC #1"]);
    peer.hears(peer::ack(PubRel, 1));
    assert_eq!(peer.sent(), ["PUBCOMP #1"]);
    peer.hears(message(2, 2, "b"));
    assert_eq!(peer.sent(), ["PUBREC #2"]);
    assert!(is_too_much(&mut peer, message(2, 3, "c")));
}

/// The quota of the broker starts again with each connection. Its PUBREL for an earlier message does not
/// use it, and PUBCOMP may increase it (section 4.9).
#[test]
fn each_connection_starts_again_and_pubrels_of_the_last_one_are_free() {
    let mut peer = allowing(1);
    peer.hears(message(2, 1, "a"));
    peer.reconnect(true);
    peer.hears(peer::ack(PubRel, 1));
    peer.hears(message(1, 2, "b"));
    assert_eq!(peer.sent(), ["PUBCOMP #1", "PUBACK #2"]);
    let mut peer = allowing(1);
    peer.hears(message(2, 1, "a"));
    peer.reconnect(true);
    assert_eq!(peer.hears(message(2, 1, "a")), "nothing");
    peer.sent();
    assert!(is_too_much(&mut peer, message(1, 2, "b")));
}

#[test]
fn messages_are_counted_one_by_one() {
    let mut peer = allowing(1);
    assert!(!peer.session.begin_batch());
    assert_eq!(peer.hears(message(1, 1, "a")), "message q1 #1 a");
    assert_eq!(peer.sent(), ["PUBACK #1"]);
}

#[test]
fn without_a_maximum_nothing_counts() {
    let mut peer = extended::connected(|options| options.manual_ack = true, &[]);
    for number in 1..=1000 {
        peer.hears(message(1, number, "a"));
    }
    peer.configure(|options| options.manual_ack = false);
    assert!(peer.session.begin_batch());
    peer.session.end_batch(&[]);
}

/// What the program sets after CONNECT is for the next connection.
#[test]
fn the_maximum_is_the_one_that_connect_stated() {
    let mut peer = extended::peer(|options| options.manual_ack = true);
    set_connect_options(&mut peer, |options| options.receive_maximum = 2);
    peer.open();
    set_connect_options(&mut peer, |options| options.receive_maximum = 1);
    peer.accept(false, Properties::NONE);
    for number in [1, 2] {
        assert!(!is_too_much(&mut peer, message(1, number, "a")));
    }
    peer.reconnect(true);
    assert!(!is_too_much(&mut peer, message(1, 1, "a")));
    assert!(is_too_much(&mut peer, message(1, 2, "a")));
}

#[test]
fn the_program_makes_room_by_acknowledging() {
    let mut peer = allowing(1);
    peer.configure(|options| options.manual_ack = true);
    peer.hears(message(1, 1, "a"));
    assert!(peer.acknowledge(1, AtLeastOnce));
    peer.sent();
    assert!(!is_too_much(&mut peer, message(1, 1, "b")));
    assert!(is_too_much(&mut peer, message(1, 2, "c")));
}
