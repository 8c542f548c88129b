//! A connection from CONNECT to its end.

mod support;

use pmqtt::codec::{
    self, Connect, Message, Packet, Properties, PropertyList, QoS, Role, TooLong, Version,
};
use pmqtt::session::{Credentials, Failure, Gather, Options, Outcome, Phase, Session, Will};
use pmqtt::time::Moment;
use support::peer::{Peer, ack, connack, message, message_again, pingresp, suback};
use support::{options, seconds};

use pmqtt::codec::Ack::{PubAck, PubRel};

fn with_everything(options: &mut Options) {
    options.client_id = c"sensor".into();
    options.clean_session = false;
    options.keep_alive = 60;
    options.credentials = Some(Box::new(Credentials {
        username: "user".into(),
        password: Some(b"\0secret".to_vec().into()),
    }));
    options.will = Some(Box::new(Will {
        topic: "gone".into(),
        payload: b"bye".to_vec(),
        qos: QoS::ExactlyOnce,
        retain: true,
        properties: PropertyList::default(),
    }));
}

#[test]
fn connect_says_what_the_options_say() {
    for version in [Version::V31, Version::V311] {
        let mut peer = Peer::new(with_everything);
        peer.configure(|options| options.version = version);
        peer.session.open(peer.now).unwrap();
        let mut bytes = peer.take();
        let header = codec::header(&bytes, Role::Broker, version);
        let packet = codec::decode(&mut bytes, &header.unwrap().unwrap(), version);
        let expected = Connect {
            version,
            client_id: "sensor",
            clean_session: false,
            keep_alive: 60,
            will: Some(Message {
                topic: b"gone",
                payload: b"bye",
                qos: QoS::ExactlyOnce,
                retain: true,
                properties: None,
            }),
            username: Some("user"),
            password: Some(b"\0secret"),
            properties: Properties::NONE,
        };
        assert_eq!(packet, Ok(Packet::Connect(expected.into())));
    }
}

#[test]
fn a_connect_that_does_not_fit_opens_nothing() {
    let mut options = options();
    options.credentials = Some(Box::new(Credentials {
        username: "u".repeat(65_536),
        password: None,
    }));
    let mut session = Session::new(options);
    assert_eq!(session.open(Moment::origin()), Err(TooLong("user name")));
    assert_eq!(session.phase(), Phase::Closed);
    assert!(!session.has_output());
}

#[test]
fn all_waits_for_connack_and_follows_it_at_once() {
    let mut peer = Peer::new(|_| {});
    peer.publish(1, "offline");
    peer.open();
    peer.publish(0, "once");
    peer.publish(1, "twice");
    peer.session
        .subscribe(
            &[
                ("a/#", QoS::AtLeastOnce.into()),
                ("b", QoS::AtMostOnce.into()),
            ],
            Properties::NONE,
        )
        .unwrap();
    peer.session.unsubscribe(&["c"], Properties::NONE).unwrap();
    assert!(!peer.session.has_output());
    assert!(peer.outcomes().is_empty());
    peer.hears(connack(0, false));
    let expected = [
        "PUBLISH q0 once",
        "SUBSCRIBE #4 a/#:1 b:0",
        "UNSUBSCRIBE #5 c",
        "PUBLISH q1 #1 offline",
        "PUBLISH q1 #3 twice",
    ];
    assert_eq!(peer.sent(), expected);
    assert_eq!(peer.outcomes(), [Outcome::Written { mid: 2 }]);
}

#[test]
fn nothing_but_connack_may_come_first() {
    for packet in [message(0, 0, "early"), pingresp(), ack(PubAck, 1)] {
        let mut peer = Peer::new(|_| {});
        peer.open();
        assert!(matches!(
            peer.try_hears(packet),
            Err(Failure::Violation(..))
        ));
    }
}

#[test]
fn a_connack_that_cannot_be_is_a_violation() {
    let mut peer = Peer::connected(|_| {});
    let second = peer.try_hears(connack(0, false));
    assert!(matches!(second, Err(Failure::Violation(..))));

    let mut peer = Peer::new(|options| options.clean_session = true);
    peer.open();
    let present = peer.try_hears(connack(0, true));
    assert!(matches!(present, Err(Failure::Violation(..))));
}

#[test]
fn a_refused_connection_sends_nothing_and_keeps_the_queue() {
    for code in 1..=5 {
        let mut peer = Peer::new(|_| {});
        peer.open();
        peer.publish(0, "once");
        peer.publish(1, "kept");
        assert_eq!(peer.hears(connack(code, false)), format!("connack {code}"));
        assert!(!peer.session.has_output());
        peer.session.close();
        assert_eq!(peer.outcomes(), [Outcome::Lost { mid: 1 }]);
        assert_eq!(peer.connect(false), ["PUBLISH q1 #2 kept"]);
    }
}

#[test]
fn connack_has_to_come_in_time() {
    let mut peer = Peer::new(|options| options.handshake_timeout_ms = 7_000);
    peer.open();
    let start = peer.now;
    assert_eq!(peer.live(seconds(60)), Err(Failure::NoConnAck));
    assert_eq!(peer.now, start + seconds(7));
}

#[test]
fn disconnect_without_a_connection_is_refused() {
    let mut peer = Peer::new(|_| {});
    assert!(!peer.session.disconnect(peer.now));
    assert!(!peer.session.is_finished());
}

#[test]
fn disconnect_before_connack_lets_out_what_was_held() {
    let mut peer = Peer::new(|_| {});
    peer.open();
    peer.publish(1, "held");
    assert!(peer.session.disconnect(peer.now));
    assert!(peer.session.disconnect(peer.now));
    assert!(!peer.session.is_finished());
    peer.hears(connack(0, false));
    assert_eq!(peer.sent(), ["PUBLISH q1 #1 held", "DISCONNECT"]);
    assert!(peer.session.is_finished());
}

#[test]
fn disconnect_before_connack_ends_in_time() {
    let mut peer = Peer::new(|_| {});
    peer.open();
    peer.session.disconnect(peer.now);
    assert_eq!(peer.live(seconds(60)), Err(Failure::NoConnAck));
}

#[test]
fn disconnect_is_the_last_packet_and_only_once() {
    let mut peer = Peer::connected(|options| options.clean_session = false);
    peer.hears_without_return(message(2, 9, "in"));
    peer.publish(0, "a");
    assert!(peer.session.disconnect(peer.now));
    assert!(peer.session.disconnect(peer.now));
    assert!(!peer.session.is_finished());
    peer.publish(0, "dropped");
    peer.publish(2, "later");
    assert!(
        peer.session
            .subscribe(&[("a", QoS::AtMostOnce.into())], Properties::NONE)
            .is_err()
    );
    assert_eq!(peer.hears(message(1, 8, "late")), "nothing");
    assert_eq!(peer.hears(ack(PubRel, 8)), "nothing");
    peer.session
        .delivered(support::id(9), QoS::ExactlyOnce, peer.now);
    assert_eq!(peer.sent(), ["PUBLISH q0 a", "PUBREC #9", "DISCONNECT"]);
    assert!(peer.session.is_finished());

    assert_eq!(peer.reconnect(true), ["PUBLISH q2 #3 later"]);
    assert_eq!(peer.hears(message_again(2, 9, "in")), "nothing");
    assert_eq!(peer.sent(), ["PUBREC #9"]);
}

#[test]
fn disconnect_waits_for_the_message_that_is_being_delivered() {
    let mut peer = Peer::connected(|_| {});
    peer.hears_without_return(message(1, 9, "in"));
    assert!(peer.session.disconnect(peer.now));
    assert!(peer.sent().is_empty());
    assert!(!peer.session.is_finished());
    peer.session
        .delivered(support::id(9), QoS::AtLeastOnce, peer.now);
    assert_eq!(peer.sent(), ["PUBACK #9", "DISCONNECT"]);
    assert!(peer.session.is_finished());
}

#[test]
fn disconnect_waits_for_no_acknowledgement_of_the_application() {
    let mut peer = Peer::connected(|options| options.manual_ack = true);
    peer.hears(message(1, 9, "in"));
    assert!(peer.session.disconnect(peer.now));
    assert_eq!(peer.sent(), ["DISCONNECT"]);
    assert!(peer.session.is_finished());
}

#[test]
fn a_delivery_that_the_end_of_its_connection_cut_short_holds_nothing_up() {
    let mut peer = Peer::connected(|_| {});
    peer.hears_without_return(message(1, 9, "in"));
    peer.reconnect(false);
    assert!(peer.session.disconnect(peer.now));
    assert_eq!(peer.sent(), ["DISCONNECT"]);
}

#[test]
fn disconnect_has_to_be_taken_in_time() {
    let mut peer = Peer::connected(|options| options.handshake_timeout_ms = 7_000);
    peer.session.disconnect(peer.now);
    peer.take();
    peer.written(1);
    assert!(!peer.session.is_finished());
    peer.wait(seconds(6));
    assert_eq!(peer.time_out(), Ok(()));
    peer.wait(seconds(1));
    assert_eq!(peer.time_out(), Err(Failure::NotWritten));
}

#[test]
fn what_ends_with_a_connection_is_told_in_order() {
    let mut peer = Peer::connected(|_| {});
    peer.publish(0, "written");
    let written = peer.take().len();
    peer.publish(0, "lost");
    peer.session
        .subscribe(&[("a", QoS::AtMostOnce.into())], Properties::NONE)
        .unwrap();
    peer.session.unsubscribe(&["a"], Properties::NONE).unwrap();
    peer.session
        .subscribe(&[("b", QoS::AtMostOnce.into())], Properties::NONE)
        .unwrap();
    peer.take();
    peer.hears(suback(5, &[0]));
    peer.written(written);
    // The connection ends before the outcomes were read.
    peer.session.close();
    let expected = [
        Outcome::Written { mid: 1 },
        Outcome::Lost { mid: 2 },
        Outcome::SubscribeLost { mid: 3 },
        Outcome::UnsubscribeLost { mid: 4 },
    ];
    assert_eq!(peer.outcomes(), expected);
    peer.session.close();
    assert!(peer.outcomes().is_empty());
    assert_eq!(peer.session.poll_timeout(), None);
}

/// The packets that a connection still has to send when it is replaced.
fn final_packets(peer: &mut Peer) -> Option<Vec<String>> {
    peer.session.supersede();
    let mut bytes = Gather::default();
    peer.session.take_final(&mut bytes)?;
    Some(peer.texts(bytes.to_row().to_vec()))
}

#[test]
fn a_connection_that_was_not_asked_to_end_has_nothing_more_to_say() {
    for open in [
        |_: &mut Peer| {},
        |peer: &mut Peer| {
            peer.open();
        },
        |peer: &mut Peer| {
            peer.connect(false);
        },
    ] {
        let mut peer = Peer::new(|_| {});
        open(&mut peer);
        assert_eq!(final_packets(&mut peer), None);
        assert_eq!(peer.session.phase(), Phase::Closed);
    }
}

#[test]
fn one_that_was_says_it_beside_its_successor() {
    let mut peer = Peer::connected(|_| {});
    peer.publish(0, "once");
    peer.publish(1, "twice");
    peer.session.disconnect(peer.now);
    let expected = ["PUBLISH q0 once", "PUBLISH q1 #2 twice", "DISCONNECT"];
    assert_eq!(final_packets(&mut peer).unwrap(), expected);
    assert!(peer.outcomes().is_empty());
    assert_eq!(peer.session.unsettled(), 2);
    assert_eq!(peer.connect(false), ["PUBLISH q1 #2 dup twice"]);
    // A report about the successor's bytes changes nothing.
    let first = peer.session.final_connection().unwrap();
    peer.session.set_final_unwritten(first + 1, 0);
    peer.session.drop_final(first + 1);
    assert!(peer.outcomes().is_empty());
    peer.session.set_final_unwritten(first, 0);
    assert_eq!(peer.outcomes(), [Outcome::Written { mid: 1 }]);
    peer.session.drop_final(first);
    assert!(peer.outcomes().is_empty());
    assert_eq!(peer.session.unsettled(), 1);
}

#[test]
fn what_is_not_written_of_it_is_lost_once() {
    for replaced_again in [false, true] {
        let mut peer = Peer::connected(|_| {});
        peer.publish(0, "first");
        peer.publish(0, "second");
        peer.session.disconnect(peer.now);
        let length = peer.session.queued_bytes();
        peer.session.supersede();
        let first = peer.session.final_connection().unwrap();
        let mut bytes = Gather::default();
        peer.session.take_final(&mut bytes);
        // All but the last byte of the second message, and DISCONNECT.
        peer.session.set_final_unwritten(first, 2 + 1);
        assert!(length > 0);
        match replaced_again {
            true => {
                peer.connect(false);
                peer.publish(0, "third");
                peer.session.disconnect(peer.now);
                peer.session.supersede();
            }
            false => peer.session.drop_final(first),
        }
        let expected = [Outcome::Written { mid: 1 }, Outcome::Lost { mid: 2 }];
        assert_eq!(peer.outcomes(), expected);
        assert_eq!(peer.session.unsettled(), replaced_again as usize);
    }
}

#[test]
fn what_is_being_delivered_is_acknowledged_in_the_final_bytes() {
    let levels = [
        (QoS::AtMostOnce, &["DISCONNECT"][..]),
        (QoS::AtLeastOnce, &["PUBACK #9", "DISCONNECT"]),
        (QoS::ExactlyOnce, &["PUBREC #9", "DISCONNECT"]),
    ];
    for (qos, expected) in levels {
        let mut peer = Peer::connected(|options| options.clean_session = false);
        peer.hears_without_return(message(qos as u8, 9, "in"));
        peer.session.disconnect(peer.now);
        peer.session.supersede();
        peer.session.delivered_late(support::id(9), qos);
        assert_eq!(final_packets(&mut peer).unwrap(), expected);
        peer.connect(true);
        let heard = peer.hears(message_again(2, 9, "in"));
        let is_known = qos == QoS::ExactlyOnce;
        assert_eq!(heard == "nothing", is_known, "it is handed over once");
    }
}

#[test]
fn what_is_delivered_late_adds_nothing_to_final_bytes_that_were_taken() {
    let mut peer = Peer::connected(|_| {});
    peer.publish(0, "unwritten");
    peer.session.disconnect(peer.now);
    final_packets(&mut peer).unwrap();
    let first = peer.session.final_connection().unwrap();
    // The next connection has a delivery, is replaced, and was not asked to end.
    peer.connect(false);
    peer.hears_without_return(message(1, 9, "in"));
    peer.session.supersede();
    peer.session
        .delivered_late(support::id(9), QoS::AtLeastOnce);
    // DISCONNECT, and the last byte of the message.
    peer.session.set_final_unwritten(first, 2 + 1);
    assert!(peer.outcomes().is_empty());
    peer.session.drop_final(first);
    assert_eq!(peer.outcomes(), [Outcome::Lost { mid: 1 }]);
}

#[test]
fn before_connack_the_final_bytes_are_disconnect_alone() {
    let mut peer = Peer::new(|_| {});
    peer.open();
    peer.publish(0, "held");
    peer.session.disconnect(peer.now);
    assert_eq!(final_packets(&mut peer).unwrap(), ["DISCONNECT"]);
    assert_eq!(peer.outcomes(), [Outcome::Lost { mid: 1 }]);
}
