//! Sending again on the same connection what was not answered.

mod support;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec, PubRel};
use pmqtt::codec::QoS::{AtLeastOnce, ExactlyOnce};
use pmqtt::codec::Version;
use support::peer::{Peer, ack, message};
use support::seconds;

fn retrying() -> Peer {
    Peer::connected(|options| options.retry_ms = 5_000)
}

#[test]
fn publish_and_pubrel_are_sent_again() {
    for (version, pubrel) in [
        (Version::V31, "PUBREL #2 dup"),
        (Version::V311, "PUBREL #2"),
    ] {
        let mut peer = Peer::connected(|options| {
            options.version = version;
            options.retry_ms = 5_000;
        });
        peer.publish(1, "a");
        peer.publish(2, "b");
        peer.sent();
        peer.hears(ack(PubRec, 2));
        assert_eq!(peer.live(seconds(4)).unwrap(), ["PUBREL #2"]);
        for _ in 0..2 {
            let again = peer.live(seconds(5)).unwrap();
            assert_eq!(again, ["PUBLISH q1 #1 dup a", pubrel]);
        }
        peer.hears(ack(PubAck, 1));
        peer.hears(ack(PubComp, 2));
        assert_eq!(peer.session.poll_timeout(), None);
    }
}

#[test]
fn pubrec_is_sent_again_until_pubrel() {
    let mut peer = retrying();
    peer.hears(message(2, 1, "a"));
    assert_eq!(peer.sent(), ["PUBREC #1"]);
    assert_eq!(peer.live(seconds(11)).unwrap(), ["PUBREC #1", "PUBREC #1"]);
    peer.hears(ack(PubRel, 1));
    assert_eq!(peer.live(seconds(60)).unwrap(), ["PUBCOMP #1"]);
    assert_eq!(peer.session.poll_timeout(), None);
}

#[test]
fn each_packet_has_its_own_time() {
    let mut peer = retrying();
    peer.publish(1, "a");
    assert_eq!(peer.live(seconds(2)).unwrap(), ["PUBLISH q1 #1 a"]);
    peer.publish(2, "b");
    assert_eq!(peer.live(seconds(2)).unwrap(), ["PUBLISH q2 #2 b"]);
    peer.hears(ack(PubRec, 2));
    assert_eq!(
        peer.live(seconds(2)).unwrap(),
        ["PUBREL #2", "PUBLISH q1 #1 dup a"]
    );
    assert_eq!(peer.live(seconds(2)).unwrap(), [""; 0]);
    assert_eq!(peer.live(seconds(1)).unwrap(), ["PUBREL #2"]);
}

#[test]
fn what_the_application_owes_is_not_sent() {
    let mut peer = retrying();
    peer.configure(|options| options.manual_ack = true);
    peer.hears(message(2, 1, "a"));
    assert!(peer.live(seconds(60)).unwrap().is_empty());
    assert_eq!(peer.session.poll_timeout(), None);
    peer.acknowledge(1, ExactlyOnce);
    assert_eq!(peer.live(seconds(6)).unwrap(), ["PUBREC #1", "PUBREC #1"]);
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
    peer.live(seconds(4)).unwrap();
    // An option that has nothing to do with it must not put it off.
    peer.configure(|options| options.keep_alive = 30);
    assert_eq!(peer.live(seconds(1)).unwrap(), ["PUBLISH q1 #1 dup a"]);
    peer.configure(|options| options.retry_ms = 2_000);
    assert_eq!(peer.live(seconds(2)).unwrap(), ["PUBLISH q1 #1 dup a"]);
    peer.configure(|options| options.retry_ms = 0);
    assert!(peer.live(seconds(60)).unwrap().is_empty());
}

#[test]
fn nothing_is_sent_again_while_the_socket_is_blocked() {
    let mut peer = retrying();
    peer.publish(1, "a");
    let bytes = peer.take();
    peer.written(1, true);
    for _ in 0..4 {
        peer.wait(seconds(3));
        peer.session.handle_timeout(peer.now).unwrap();
        assert!(!peer.session.has_output());
        assert!(peer.session.poll_timeout() > Some(peer.now));
    }
    // The retry time runs from when the socket took the packet.
    peer.written(bytes.len() - 1, false);
    assert!(peer.live(seconds(4)).unwrap().is_empty());
    assert_eq!(peer.live(seconds(1)).unwrap(), ["PUBLISH q1 #1 dup a"]);
}

#[test]
fn a_new_connection_starts_the_time_anew() {
    let mut peer = retrying();
    peer.publish(1, "a");
    peer.live(seconds(4)).unwrap();
    peer.take();
    peer.written(0, true);
    assert_eq!(peer.reconnect(false), ["PUBLISH q1 #1 dup a"]);
    assert_eq!(peer.session.poll_timeout(), Some(peer.now + seconds(5)));
    assert!(peer.live(seconds(4)).unwrap().is_empty());
    assert_eq!(peer.live(seconds(1)).unwrap(), ["PUBLISH q1 #1 dup a"]);
    peer.session.close();
    assert_eq!(peer.session.poll_timeout(), None);
}
