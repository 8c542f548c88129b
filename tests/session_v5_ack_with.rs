//! The program acknowledges with a reason, and may refuse a message.

mod support;

use pmqtt::codec::Ack::PubRel;
use pmqtt::codec::QoS::{AtLeastOnce, ExactlyOnce};
use pmqtt::codec::{Acknowledgement, Packet, Place, Properties, property};
use support::extended::{self, connected, decoded, message};
use support::peer::{self, Peer};

const NONE: Properties = Properties::NONE;
const ACCEPTED: u8 = 0;
const REFUSAL: u8 = 0x99;

fn manual(stated: &[(u8, u32)]) -> Peer {
    connected(|options| options.manual_ack = true, stated)
}

/// The program acknowledges the latest message with this identifier.
fn acknowledge(peer: &mut Peer, number: u16, qos: u8, reason: u8) -> bool {
    let qos = pmqtt::codec::QoS::from_bits(qos).expect("a QoS");
    peer.acknowledge_with(peer.mid(number), qos, reason, NONE)
}

#[test]
fn the_reason_is_in_puback_and_pubrec() {
    let mut peer = manual(&[]);
    for (qos, number) in [(1, 1), (1, 2), (2, 3), (2, 4)] {
        peer.hears(message(qos, number, "a"));
    }
    assert!(acknowledge(&mut peer, 1, 1, ACCEPTED));
    assert!(acknowledge(&mut peer, 2, 1, REFUSAL));
    assert!(acknowledge(&mut peer, 3, 2, ACCEPTED));
    assert!(acknowledge(&mut peer, 4, 2, REFUSAL));
    let expected = ["PUBACK #1", "PUBACK #2 0x99", "PUBREC #3", "PUBREC #4 0x99"];
    assert_eq!(peer.sent(), expected);
    assert!(!acknowledge(&mut peer, 2, 1, REFUSAL), "it is done");
    assert!(!acknowledge(&mut peer, 4, 2, REFUSAL), "it is done");
    // Only the accepted one waits for PUBREL.
    for (number, answer) in [(3, "PUBCOMP #3"), (4, "PUBCOMP #4 0x92")] {
        peer.hears(peer::ack(PubRel, number));
        assert_eq!(peer.sent(), [answer]);
    }
    assert!(peer.session.is_idle());
}

/// [MQTT5-4.3.3-9]
#[test]
fn after_a_refusal_the_identifier_is_free() {
    let mut peer = manual(&[]);
    peer.hears(message(2, 1, "a"));
    assert!(acknowledge(&mut peer, 1, 2, REFUSAL));
    assert_eq!(peer.sent(), ["PUBREC #1 0x99"]);
    assert!(peer.session.is_idle());
    assert_eq!(peer.hears(message(2, 1, "b")), "message q2 #1 b");
    assert!(acknowledge(&mut peer, 1, 2, 0));
    assert_eq!(peer.sent(), ["PUBREC #1"]);
    assert_eq!(peer.hears(message(2, 1, "b")), "nothing");
}

#[test]
fn held_acknowledgements_keep_their_reasons() {
    let mut peer = manual(&[]);
    for (qos, number) in [(1, 1), (1, 2), (1, 3), (2, 4), (2, 5)] {
        peer.hears(message(qos, number, "a"));
    }
    assert!(acknowledge(&mut peer, 3, 1, ACCEPTED));
    assert!(acknowledge(&mut peer, 2, 1, REFUSAL));
    assert!(acknowledge(&mut peer, 5, 2, REFUSAL));
    assert!(!acknowledge(&mut peer, 5, 2, 0), "it is refused");
    assert_eq!((peer.sent(), peer.session.acks_held()), (vec![], 3));
    assert!(acknowledge(&mut peer, 1, 1, 0));
    let expected = ["PUBACK #1", "PUBACK #2 0x99", "PUBACK #3"];
    assert_eq!(peer.sent(), expected);
    assert!(acknowledge(&mut peer, 4, 2, 0));
    assert_eq!(peer.sent(), ["PUBREC #4", "PUBREC #5 0x99"]);
    assert_eq!(peer.session.acks_held(), 0);
}

#[test]
fn at_once_does_not_wait_for_the_order() {
    let mut peer = manual(&[]);
    peer.configure(|options| options.ack_at_once = true);
    for (qos, number) in [(1, 1), (1, 2), (2, 3), (2, 4)] {
        peer.hears(message(qos, number, "a"));
    }
    assert!(acknowledge(&mut peer, 4, 2, REFUSAL));
    assert!(acknowledge(&mut peer, 2, 1, REFUSAL));
    assert_eq!(peer.sent(), ["PUBREC #4 0x99", "PUBACK #2 0x99"]);
}

/// What is said before the broker repeats the PUBLISH is said when it does.
#[test]
fn a_refusal_without_a_connection_goes_out_when_the_message_comes_again() {
    for (at_once, manual_ack) in [(false, true), (true, true), (false, false), (true, false)] {
        let mut peer = manual(&[]);
        peer.configure(|options| options.ack_at_once = at_once);
        peer.hears(message(2, 1, "a"));
        peer.hears(message(2, 2, "b"));
        peer.session.close();
        let why = extended::text(property::REASON_STRING, "no");
        let mid = peer.mid(2);
        assert!(peer.acknowledge_with(mid, ExactlyOnce, REFUSAL, why.get()));
        assert!(
            !peer.acknowledge_with(mid, ExactlyOnce, 0, NONE),
            "it is refused"
        );
        peer.configure(|options| options.manual_ack = manual_ack);
        assert!(peer.connect(true).is_empty());
        assert_eq!(peer.hears(message(2, 2, "b")), "nothing");
        only_ack(&mut peer, |ack| {
            assert_eq!((ack.reason, ack.properties), (REFUSAL, why.get()));
        });
        assert_eq!(peer.hears(message(2, 2, "c")), "message q2 #2 c");
    }
}

/// DISCONNECT is the last packet, so what is said after it waits, too.
#[test]
fn a_refusal_after_disconnect_is_not_lost() {
    for at_once in [false, true] {
        let mut peer = manual(&[]);
        peer.configure(|options| options.ack_at_once = at_once);
        peer.hears(message(2, 1, "a"));
        peer.session.disconnect(peer.now);
        assert!(acknowledge(&mut peer, 1, 2, REFUSAL));
        assert_eq!(peer.sent(), ["DISCONNECT"]);
        assert!(peer.reconnect(true).is_empty());
        assert_eq!(peer.hears(message(2, 1, "a")), "nothing");
        assert_eq!(peer.sent(), ["PUBREC #1 0x99"]);
    }
}

#[test]
fn a_refusal_ends_with_the_session_of_the_broker() {
    let mut peer = manual(&[]);
    peer.hears(message(2, 1, "a"));
    peer.session.close();
    assert!(acknowledge(&mut peer, 1, 2, REFUSAL));
    peer.connect(false);
    assert_eq!(peer.hears(message(2, 1, "new")), "message q2 #1 new");
    assert!(peer.sent().is_empty());
    assert!(acknowledge(&mut peer, 1, 2, 0));
    assert_eq!(peer.sent(), ["PUBREC #1"]);
}

/// Checks the acknowledgement that is all of the output.
fn only_ack(peer: &mut Peer, check: impl FnOnce(&Acknowledgement)) {
    let mut bytes = peer.take();
    decoded(&mut bytes, |packet| match packet {
        Packet::Ack(ack) => check(ack),
        other => panic!("an acknowledgement was to come: {other:?}"),
    });
    peer.written(bytes.len());
}

/// [MQTT5-3.4.2-2] [MQTT5-3.4.2-3] [MQTT5-3.5.2-2] [MQTT5-3.5.2-3]
#[test]
fn properties_that_are_too_large_for_the_broker_are_left_out() {
    let reason_string = extended::text(property::REASON_STRING, "no");
    let user_property = Properties::check(b"\x26\0\x01a\0\x01b", Place::Ack);
    for list in [reason_string.get(), user_property.expect("well-formed")] {
        // One byte of type, one of length, two of identifier, one of reason, one of their length.
        let whole = 6 + list.len() as u32;
        for (size, expected) in [(whole, list), (whole - 1, NONE)] {
            for (qos, of) in [(1, AtLeastOnce), (2, ExactlyOnce)] {
                for reason in [ACCEPTED, REFUSAL] {
                    let mut peer = manual(&[(property::MAXIMUM_PACKET_SIZE, size)]);
                    peer.hears(message(qos, 1, "a"));
                    assert!(peer.acknowledge_with(peer.mid(1), of, reason, list));
                    only_ack(&mut peer, |ack| {
                        assert_eq!((ack.reason, ack.properties), (reason, expected));
                    });
                }
            }
        }
    }
}

#[test]
fn a_refusal_makes_room_in_the_receive_maximum() {
    let mut peer = extended::peer(|options| options.manual_ack = true);
    extended::set_connect_options(&mut peer, |options| options.receive_maximum = 1);
    peer.connect(false);
    for (number, qos) in [(1, 2), (2, 1), (3, 2)] {
        peer.hears(message(qos, number, "a"));
        assert!(acknowledge(&mut peer, number, qos, REFUSAL));
        assert_eq!(peer.sent().len(), 1);
    }
}
