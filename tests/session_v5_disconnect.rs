//! DISCONNECT of MQTT 5, from either side.

mod support;

use pmqtt::codec::Ack::PubAck;
use pmqtt::codec::{Disconnect, Packet, Place, Properties, property, reason};
use pmqtt::session::{Outcome, Phase};
use support::extended::{self, connected, decoded};
use support::peer::{self, Peer};

const WITH_WILL: u8 = 0x04;

/// Checks the DISCONNECT that is all of the output.
fn only_disconnect(peer: &mut Peer, check: impl FnOnce(&Disconnect)) {
    let mut bytes = peer.take();
    decoded(&mut bytes, |packet| match packet {
        Packet::Disconnect(disconnect) => check(disconnect),
        other => panic!("DISCONNECT was to come: {other:?}"),
    });
    peer.written(bytes.len());
}

#[test]
fn a_plain_one_is_two_bytes_and_nothing_follows() {
    let mut peer = connected(|_| {}, &[]);
    assert!(peer.session.disconnect(peer.now));
    assert_eq!(peer.take(), [0xe0, 0]);
    peer.written(2);
    assert!(peer.session.is_finished());
    peer.hears(extended::message(1, 1, "late"));
    peer.publish(1, "a");
    assert!(peer.sent().is_empty());
}

#[test]
fn it_carries_the_reason_and_the_properties_of_the_program() {
    let mut peer = connected(|_| {}, &[]);
    let why = extended::text(property::REASON_STRING, "moving");
    let left = peer.session.disconnect_with(WITH_WILL, why.get(), peer.now);
    assert!(left);
    // A second one changes nothing.
    assert!(peer.session.disconnect_with(0, Properties::NONE, peer.now));
    only_disconnect(&mut peer, |said| {
        assert_eq!((said.reason, said.properties), (WITH_WILL, why.get()));
    });
    assert!(peer.session.is_finished());
}

#[test]
fn it_waits_for_connack_and_for_what_fits_into_the_window() {
    let mut peer = extended::peer(|options| options.max_inflight = 1);
    peer.publish(1, "a");
    peer.publish(1, "b");
    peer.open();
    let none = Properties::NONE;
    assert!(peer.session.disconnect_with(WITH_WILL, none, peer.now));
    assert!(peer.sent().is_empty());
    let sent = peer.accept(false, none);
    assert_eq!(sent, ["PUBLISH q1 #1 a", "DISCONNECT 0x04"]);
    assert_eq!(peer.reconnect(true), ["PUBLISH q1 #1 dup a"]);
    // The reason was for that connection.
    peer.session.disconnect(peer.now);
    assert_eq!(peer.sent(), ["DISCONNECT"]);
}

#[test]
fn it_follows_the_acknowledgement_of_what_is_being_delivered() {
    let mut peer = connected(|_| {}, &[]);
    peer.hears_without_return(extended::message(1, 7, "in"));
    let none = Properties::NONE;
    peer.session.disconnect_with(WITH_WILL, none, peer.now);
    assert!(peer.sent().is_empty());
    let id = support::id(7);
    let qos = pmqtt::codec::QoS::AtLeastOnce;
    peer.session.delivered(id, qos, peer.now);
    assert_eq!(peer.sent(), ["PUBACK #7", "DISCONNECT 0x04"]);
}

/// [MQTT5-3.14.2-3] [MQTT5-3.14.2-4]
#[test]
fn properties_that_are_too_large_for_the_broker_are_left_out() {
    let none = Properties::NONE;
    let reason_string = extended::text(property::REASON_STRING, "moving");
    let user_property = Properties::check(b"\x26\0\x01a\0\x01b", Place::Disconnect);
    for list in [reason_string.get(), user_property.expect("well-formed")] {
        // One byte of type, one of length, one of reason, one of their length.
        let whole = 4 + list.len() as u32;
        for (size, expected) in [(whole, list), (whole - 1, none)] {
            let stated = [(property::MAXIMUM_PACKET_SIZE, size)];
            let mut peer = connected(|_| {}, &stated);
            peer.session.disconnect_with(WITH_WILL, list, peer.now);
            only_disconnect(&mut peer, |said| {
                assert_eq!((said.reason, said.properties), (WITH_WILL, expected));
            });
        }
    }
}

#[test]
fn that_of_the_broker_is_told_with_its_reason() {
    let mut peer = connected(|_| {}, &[]);
    peer.publish(1, "a");
    peer.publish(0, "b");
    peer.take();
    let packet = extended::disconnect(0x8b, Properties::NONE);
    assert_eq!(peer.hears(packet), "dismissed 0x8b");
    peer.session.close();
    assert_eq!(peer.session.phase(), Phase::Closed);
    assert_eq!(peer.outcomes(), [Outcome::Lost { mid: 2 }]);
    assert_eq!(peer.reconnect(true), ["PUBLISH q1 #1 dup a"]);
    peer.hears(peer::ack(PubAck, 1));
    assert!(peer.session.is_idle());
}

#[test]
fn a_broker_that_breaks_the_protocol_hears_the_reason_once_connected() {
    let mut peer = extended::peer(|_| {});
    let parting = |peer: &Peer| {
        let packet = peer.session.parting(reason::PROTOCOL_ERROR);
        packet.map(|packet| packet.to_row().to_vec())
    };
    assert_eq!(parting(&peer), None);
    peer.open();
    assert_eq!(parting(&peer), None);
    peer.accept(false, Properties::NONE);
    assert_eq!(parting(&peer), Some(vec![0xe0, 1, reason::PROTOCOL_ERROR]));
    // DISCONNECT is the last packet [MQTT5-3.14.4-1].
    peer.session.disconnect(peer.now);
    assert_eq!(parting(&peer), None);
    let older = Peer::connected(|_| {});
    assert_eq!(parting(&older), None);
}

#[test]
fn before_mqtt_5_it_says_only_whether_the_will_is_published() {
    let why = extended::text(property::REASON_STRING, "moving");
    for (reason, packet) in [
        (reason::SUCCESS, b"\xe0\0" as &[u8]),
        (WITH_WILL, b""),
        (reason::UNSPECIFIED, b""),
    ] {
        let mut peer = Peer::connected(|_| {});
        peer.session.disconnect_with(reason, why.get(), peer.now);
        assert_eq!(peer.take(), packet);
        assert!(matches!(peer.session.phase(), Phase::Disconnecting { .. }));
    }
}
