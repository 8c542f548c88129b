//! Sends again, on the same connection, what has no answer although the broker has read it.

mod support;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec, PubRel};
use pmqtt::codec::QoS::{AtLeastOnce, ExactlyOnce};
use pmqtt::codec::Version;
use support::peer::{Peer, ack, message, pingresp};
use support::seconds;

const TIME: u64 = 5;

fn retrying() -> Peer {
    Peer::connected(|options| options.retry_ms = 1000 * TIME as u32)
}

/// An answer is overdue, and the broker answers PINGREQ at once; returns what is sent after that.
fn sent_again(peer: &mut Peer) -> Vec<String> {
    assert_eq!(peer.live(seconds(TIME)).unwrap(), ["PINGREQ"]);
    peer.hears(pingresp());
    assert_eq!(peer.live(seconds(TIME - 1)).unwrap(), [""; 0]);
    peer.live(seconds(1)).unwrap()
}

#[test]
fn publish_and_pubrel_are_sent_again_once() {
    for (version, pubrel) in [
        (Version::V31, "PUBREL #2 dup"),
        (Version::V311, "PUBREL #2"),
    ] {
        let mut peer = Peer::connected(|options| {
            options.version = version;
            options.retry_ms = 1000 * TIME as u32;
        });
        peer.publish(1, "a");
        peer.publish(2, "b");
        peer.sent();
        peer.hears(ack(PubRec, 2));
        assert_eq!(peer.sent(), ["PUBREL #2"]);
        assert_eq!(sent_again(&mut peer), ["PUBLISH q1 #1 dup a", pubrel]);
        assert_eq!(peer.session.poll_timeout(), None);
        peer.hears(ack(PubAck, 1));
        peer.hears(ack(PubComp, 2));
        assert_eq!(peer.session.poll_timeout(), None);
    }
}

#[test]
fn each_packet_of_a_message_is_sent_again() {
    let mut peer = retrying();
    peer.publish(2, "a");
    peer.sent();
    assert_eq!(sent_again(&mut peer), ["PUBLISH q2 #1 dup a"]);
    peer.hears(ack(PubRec, 1));
    assert_eq!(peer.sent(), ["PUBREL #1"]);
    assert_eq!(sent_again(&mut peer), ["PUBREL #1"]);
    assert_eq!(peer.session.poll_timeout(), None);
}

#[test]
fn pubrec_is_sent_again_once() {
    let mut peer = retrying();
    peer.hears(message(2, 1, "a"));
    assert_eq!(peer.sent(), ["PUBREC #1"]);
    assert_eq!(sent_again(&mut peer), ["PUBREC #1"]);
    assert_eq!(peer.session.poll_timeout(), None);
    peer.hears(ack(PubRel, 1));
    assert_eq!(peer.live(seconds(60)).unwrap(), ["PUBCOMP #1"]);
}

#[test]
fn an_answer_in_time_ends_it() {
    let mut peer = retrying();
    peer.publish(1, "a");
    peer.sent();
    assert_eq!(peer.live(seconds(TIME)).unwrap(), ["PINGREQ"]);
    peer.hears(pingresp());
    peer.live(seconds(TIME - 1)).unwrap();
    peer.hears(ack(PubAck, 1));
    assert_eq!(peer.session.poll_timeout(), None);
    assert_eq!(peer.live(seconds(60)).unwrap(), [""; 0]);
    // The next message needs its own PINGREQ.
    peer.publish(1, "b");
    peer.sent();
    peer.live(seconds(TIME)).unwrap();
    assert_eq!(sent_again_after_pong(&mut peer), ["PUBLISH q1 #2 dup b"]);
}

fn sent_again_after_pong(peer: &mut Peer) -> Vec<String> {
    peer.hears(pingresp());
    peer.live(seconds(TIME)).unwrap()
}

#[test]
fn a_broker_that_does_not_read_is_sent_nothing_again() {
    let mut peer = retrying();
    for payload in ["a", "b", "c"] {
        peer.publish(2, payload);
    }
    peer.sent();
    // Other incoming packets change nothing.
    let mut sent = Vec::new();
    for _ in 0..600 {
        sent.extend(peer.live(seconds(1)).unwrap());
        peer.hears(message(0, 0, "in"));
    }
    assert_eq!(sent, ["PINGREQ"]);
}

#[test]
fn a_broker_that_stopped_for_a_while_sees_nothing_twice() {
    let mut peer = retrying();
    for payload in ["a", "b", "c"] {
        peer.publish(2, payload);
    }
    peer.sent();
    assert_eq!(peer.live(seconds(17)).unwrap(), ["PINGREQ"]);
    for number in 1..=3 {
        peer.hears(ack(PubRec, number));
    }
    peer.hears(pingresp());
    assert_eq!(
        peer.live(seconds(1)).unwrap(),
        ["PUBREL #1", "PUBREL #2", "PUBREL #3"]
    );
    for number in 1..=3 {
        peer.hears(ack(PubComp, number));
    }
    assert_eq!(peer.session.poll_timeout(), None);
}

#[test]
fn one_question_is_for_all_that_is_overdue() {
    let mut peer = retrying();
    peer.publish(1, "a");
    peer.live(seconds(1)).unwrap();
    peer.publish(1, "b");
    assert_eq!(
        peer.live(seconds(TIME - 1)).unwrap(),
        ["PUBLISH q1 #2 b", "PINGREQ"]
    );
    // The second one was not overdue then: it waits for the next PINGREQ.
    assert_eq!(
        sent_again_after_pong(&mut peer),
        ["PUBLISH q1 #1 dup a", "PINGREQ"]
    );
    peer.publish(1, "c");
    peer.sent();
    assert_eq!(
        sent_again_after_pong(&mut peer),
        ["PUBLISH q1 #2 dup b", "PINGREQ"]
    );
    assert_eq!(sent_again_after_pong(&mut peer), ["PUBLISH q1 #3 dup c"]);
    assert_eq!(peer.session.poll_timeout(), None);
}

#[test]
fn the_answer_to_an_earlier_ping_is_no_evidence() {
    let mut peer = Peer::connected(|options| {
        options.retry_ms = 1000 * TIME as u32;
        options.keep_alive = 8;
    });
    peer.live(seconds(4)).unwrap();
    peer.publish(1, "a");
    peer.sent();
    assert_eq!(peer.live(seconds(4)).unwrap(), ["PINGREQ"]);
    assert_eq!(peer.live(seconds(1)).unwrap(), ["PINGREQ"]);
    peer.hears(pingresp());
    assert_eq!(peer.live(seconds(TIME)).unwrap(), [""; 0]);
    assert_eq!(
        sent_again_after_pong(&mut peer),
        ["PINGREQ", "PUBLISH q1 #1 dup a"]
    );
}

#[test]
fn the_question_is_a_ping_of_the_keep_alive() {
    let mut peer = Peer::connected(|options| {
        options.retry_ms = 1000 * TIME as u32;
        options.keep_alive = 60;
    });
    peer.publish(1, "a");
    peer.sent();
    assert_eq!(peer.live(seconds(TIME)).unwrap(), ["PINGREQ"]);
    assert_eq!(peer.live(seconds(59)).unwrap(), [""; 0]);
    assert!(peer.live(seconds(1)).is_err());
}

#[test]
fn nothing_is_sent_again_while_bytes_are_on_their_way() {
    let mut peer = retrying();
    peer.is_slow = true;
    peer.publish(1, "a");
    peer.sent();
    assert_eq!(peer.live(seconds(TIME)).unwrap(), ["PINGREQ"]);
    peer.publish(1, "b");
    peer.sent();
    peer.hears(pingresp());
    assert_eq!(peer.live(seconds(10 * TIME)).unwrap(), [""; 0]);
    peer.acknowledges(1_000);
    assert_eq!(
        peer.live(seconds(TIME)).unwrap(),
        ["PUBLISH q1 #1 dup a", "PINGREQ"]
    );
}

#[test]
fn nothing_is_sent_again_while_the_socket_is_blocked() {
    let mut peer = retrying();
    peer.publish(1, "a");
    peer.live(seconds(TIME)).unwrap();
    peer.hears(pingresp());
    peer.publish(0, "b");
    let bytes = peer.take().len();
    peer.written(1);
    for _ in 0..4 {
        peer.wait(seconds(TIME));
        peer.time_out().unwrap();
        assert!(!peer.session.has_output());
        assert!(peer.session.poll_timeout() > Some(peer.now));
    }
    peer.written(bytes - 1);
    assert_eq!(peer.live(seconds(TIME)).unwrap(), ["PUBLISH q1 #1 dup a"]);
}

#[test]
fn what_the_application_owes_is_not_sent() {
    let mut peer = retrying();
    peer.configure(|options| options.manual_ack = true);
    peer.hears(message(2, 1, "a"));
    assert!(peer.live(seconds(60)).unwrap().is_empty());
    assert_eq!(peer.session.poll_timeout(), None);
    peer.acknowledge(1, ExactlyOnce);
    assert_eq!(peer.sent(), ["PUBREC #1"]);
    assert_eq!(sent_again(&mut peer), ["PUBREC #1"]);
}

#[test]
fn an_application_that_acknowledges_last_leaves_nothing_to_wake_for() {
    let mut peer = retrying();
    peer.configure(|options| options.manual_ack = true);
    peer.publish(1, "a");
    peer.hears(message(1, 1, "in"));
    peer.hears(ack(PubAck, 1));
    peer.acknowledge(1, AtLeastOnce);
    assert_eq!(peer.session.poll_timeout(), None);
}

#[test]
fn zero_turns_it_off() {
    let mut peer = Peer::connected(|options| options.retry_ms = 0);
    peer.publish(1, "a");
    peer.hears(message(2, 1, "in"));
    assert_eq!(peer.session.poll_timeout(), None);
    assert_eq!(
        peer.live(seconds(600)).unwrap(),
        ["PUBLISH q1 #1 a", "PUBREC #1"]
    );
}

#[test]
fn options_changed_in_flight_apply_to_what_is_in_flight() {
    let mut peer = retrying();
    peer.publish(1, "a");
    peer.live(seconds(TIME - 1)).unwrap();
    // An unrelated option must not delay it.
    peer.configure(|options| options.keep_alive = 30);
    assert_eq!(peer.live(seconds(1)).unwrap(), ["PINGREQ"]);
    peer.hears(pingresp());
    peer.configure(|options| options.retry_ms = 2_000);
    assert_eq!(peer.live(seconds(2)).unwrap(), ["PUBLISH q1 #1 dup a"]);
    peer.publish(1, "b");
    peer.live(seconds(2)).unwrap();
    peer.hears(pingresp());
    peer.configure(|options| options.retry_ms = 0);
    assert!(peer.live(seconds(60)).unwrap().is_empty());
}

#[test]
fn a_new_connection_starts_the_time_anew() {
    let mut peer = Peer::connected(|options| {
        options.retry_ms = 1000 * TIME as u32;
        options.clean_session = false;
    });
    peer.publish(1, "a");
    peer.hears(message(2, 1, "in"));
    peer.live(seconds(TIME)).unwrap();
    assert_eq!(peer.reconnect(true), ["PUBLISH q1 #1 dup a"]);
    // PUBREC was sent on the last connection: the broker asks for it again, if it has to.
    assert_eq!(sent_again(&mut peer), ["PUBLISH q1 #1 dup a"]);
    peer.session.close();
    assert_eq!(peer.session.poll_timeout(), None);
}
