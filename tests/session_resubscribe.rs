//! Subscribing again after the broker has lost the session.

mod support;

use pmqtt::codec::{Packet, QoS, RetainHandling, Version, Wish, property};
use pmqtt::session::Outcome;
use support::extended::{self, NONE, decoded, wish};
use support::peer::{Peer, connack, connack_with, suback, unsuback};

/// A session of MQTT 3.1.1 that subscribes again, connected.
fn peer() -> Peer {
    let mut peer = Peer::connected(|_| {});
    peer.session.set_resubscribe(true);
    peer
}

/// Subscribes with QoS 1, and the broker answers with these codes.
fn subscribe(peer: &mut Peer, filters: &[(&str, u8)]) {
    let wishes: Vec<(&str, Wish)> = filters
        .iter()
        .map(|(filter, _)| (*filter, QoS::AtLeastOnce.into()))
        .collect();
    let codes: Vec<u8> = filters.iter().map(|(_, code)| *code).collect();
    let mid = peer.session.subscribe(&wishes, NONE).expect("a mid");
    peer.sent();
    let id = mid as u16;
    let answer = match peer.session.negotiated() {
        Some(_) => extended::suback(id, &codes),
        None => suback(id, &codes),
    };
    assert_eq!(peer.hears(answer), format!("subscribed {mid} {codes:?}"));
}

fn refused(peer: &mut Peer) -> Vec<(String, u8)> {
    let refused = peer.session.take_refused();
    let texts = refused
        .into_iter()
        .map(|(filter, code)| (filter.into_string(), code));
    texts.collect()
}

#[test]
fn granted_filters_are_asked_for_again_before_the_queue() {
    let mut peer = peer();
    subscribe(&mut peer, &[("b", 1), ("refused", 0x80), ("a/+", 0)]);
    subscribe(&mut peer, &[("left", 1)]);
    peer.session.unsubscribe(&["left"], NONE).unwrap();
    peer.sent();
    peer.session.close();
    let mid = peer.publish(1, "queued");
    let sent = peer.connect(false);
    let expected = ["SUBSCRIBE #65535 a/+:1 b:1", "PUBLISH q1 #4 queued"];
    assert_eq!((mid, &sent[..]), (4, &expected.map(String::from)[..]));
    assert_eq!(peer.hears(suback(65535, &[1, 0])), "nothing");
    // It was granted again, and stays.
    assert_eq!(peer.reconnect(false)[0], expected[0]);
    assert_eq!(peer.outcomes(), [Outcome::UnsubscribeLost { mid: 3 }]);
}

#[test]
fn a_session_that_the_broker_has_needs_nothing() {
    let mut peer = Peer::new(|options| options.clean_session = false);
    peer.session.set_resubscribe(true);
    peer.connect(false);
    subscribe(&mut peer, &[("a", 1)]);
    assert!(peer.reconnect(true).is_empty());
    assert_eq!(peer.reconnect(false), ["SUBSCRIBE #65535 a:1"]);
}

#[test]
fn what_the_application_asks_for_is_not_doubled() {
    let mut peer = peer();
    subscribe(&mut peer, &[("a", 1), ("b", 1), ("c", 1)]);
    peer.session.close();
    peer.open();
    // Before CONNACK, and while it is told of the connection.
    let qos = QoS::AtMostOnce.into();
    peer.session.subscribe(&[("a", qos)], NONE).unwrap();
    peer.hears_without_return(connack(0, false));
    peer.session
        .subscribe(&[("c", qos), ("d", qos)], NONE)
        .unwrap();
    peer.session.announced(peer.now);
    let expected = [
        "SUBSCRIBE #2 a:0",
        "SUBSCRIBE #3 c:0 d:0",
        "SUBSCRIBE #65535 b:1",
    ];
    assert_eq!(peer.sent(), expected);
    peer.hears(suback(2, &[0x80]));
    peer.hears(suback(3, &[0, 0]));
    peer.hears(suback(65535, &[1]));
    // A refusal of a later request leaves the subscription as it was.
    assert_eq!(peer.reconnect(false), ["SUBSCRIBE #65535 a:1 b:1 c:0 d:0"]);
}

#[test]
fn a_packet_has_at_most_8_filters() {
    let mut peer = peer();
    let names: Vec<String> = (0..20).map(|number| format!("f{number:02}")).collect();
    let filters: Vec<(&str, u8)> = names.iter().map(|name| (&**name, 1)).collect();
    subscribe(&mut peer, &filters);
    let sent = peer.reconnect(false);
    let counts: Vec<usize> = sent.iter().map(|text| text.matches(":1").count()).collect();
    assert_eq!(counts, [8, 8, 4]);
    let ids: Vec<&str> = sent
        .iter()
        .filter_map(|text| text.split(' ').nth(1))
        .collect();
    assert_eq!(ids, ["#65535", "#65534", "#65533"]);
    let all = sent.concat();
    assert!(names.iter().all(|name| all.contains(&format!(" {name}:1"))));
}

#[test]
fn a_packet_is_as_large_as_the_broker_takes_at_most() {
    let mut peer = extended::connected(|_| {}, &[]);
    peer.session.set_resubscribe(true);
    let (long, longer) = ("l".repeat(20), "m".repeat(25));
    subscribe(&mut peer, &[("a", 0), ("b", 0), (&long, 0), (&longer, 0)]);
    // 5 bytes, and for each filter 3 and its length.
    let stated = [(property::MAXIMUM_PACKET_SIZE, 5 + 3 + 20 + 3 + 1)];
    let sent = extended::reconnect(&mut peer, false, &stated);
    let expected = [
        "SUBSCRIBE #65535 a:1 b:1",
        &format!("SUBSCRIBE #65534 {long}:1"),
    ];
    assert_eq!(sent, expected);
    assert_eq!(refused(&mut peer), [(longer, 0x95)]);
}

#[test]
fn a_refusal_is_told_and_not_asked_for_again() {
    let mut peer = peer();
    subscribe(&mut peer, &[("a", 1), ("b", 1), ("c", 1)]);
    assert_eq!(peer.reconnect(false), ["SUBSCRIBE #65535 a:1 b:1 c:1"]);
    assert_eq!(peer.hears(suback(65535, &[0x80, 1, 0x80])), "nothing");
    assert_eq!(peer.outcomes(), [Outcome::NotResubscribed]);
    assert_eq!(refused(&mut peer), [("a".into(), 0x80), ("c".into(), 0x80)]);
    assert_eq!(refused(&mut peer), []);
    assert_eq!(peer.reconnect(false), ["SUBSCRIBE #65535 b:1"]);
}

#[test]
fn what_the_next_broker_does_not_take_is_refused_without_a_packet() {
    let mut peer = extended::connected(|_| {}, &[]);
    peer.session.set_resubscribe(true);
    let long = "x".repeat(30);
    subscribe(
        &mut peer,
        &[("$share/g/a", 1), ("a/#", 1), ("b", 1), (&long, 1)],
    );
    let limits = [
        (property::SHARED_AVAILABLE, 0),
        (property::WILDCARD_AVAILABLE, 0),
        (property::MAXIMUM_PACKET_SIZE, 32),
    ];
    let sent = extended::reconnect(&mut peer, false, &limits);
    assert_eq!(sent, ["SUBSCRIBE #65535 b:1"]);
    assert_eq!(peer.outcomes(), [Outcome::NotResubscribed]);
    let expected = [
        ("$share/g/a".into(), 0x9e),
        ("a/#".into(), 0xa2),
        (long, 0x95),
    ];
    assert_eq!(refused(&mut peer), expected);
}

#[test]
fn options_stay_but_retained_messages_come_for_new_subscriptions_only() {
    let mut peer = extended::connected(|_| {}, &[]);
    peer.session.set_resubscribe(true);
    let asked = [
        RetainHandling::Always,
        RetainHandling::IfNew,
        RetainHandling::Never,
    ];
    let options = |retain_handling| Wish {
        no_local: true,
        retain_as_published: true,
        retain_handling,
        ..wish(2)
    };
    let filters = ["a", "b", "c"];
    let wishes: Vec<_> = filters.into_iter().zip(asked.map(options)).collect();
    peer.session.subscribe(&wishes, NONE).unwrap();
    peer.sent();
    peer.hears(extended::suback(1, &[0, 1, 2]));
    peer.session.close();
    peer.open();
    peer.hears(connack_with(0, false, NONE, Version::V5));
    let mut bytes = peer.take();
    decoded(&mut bytes, |packet| {
        let Packet::Subscribe(subscribe) = packet else {
            panic!("{packet}");
        };
        let again = [
            RetainHandling::IfNew,
            RetainHandling::IfNew,
            RetainHandling::Never,
        ];
        let expected: Vec<_> = filters.into_iter().zip(again.map(options)).collect();
        assert_eq!(subscribe.filters.collect::<Vec<_>>(), expected);
        assert!(subscribe.properties.is_empty());
    });
}

#[test]
fn it_is_tried_again_when_the_answer_is_lost() {
    let mut peer = peer();
    subscribe(&mut peer, &[("a", 1)]);
    for _ in 0..3 {
        assert_eq!(peer.reconnect(false), ["SUBSCRIBE #65535 a:1"]);
        assert_eq!(peer.session.unsettled(), 1);
    }
    assert!(peer.outcomes().is_empty());
}

#[test]
fn what_is_unsubscribed_meanwhile_is_not_told_as_refused() {
    let mut peer = peer();
    subscribe(&mut peer, &[("a", 1), ("b", 1)]);
    peer.reconnect(false);
    peer.session.unsubscribe(&["a"], NONE).unwrap();
    assert_eq!(peer.hears(suback(65535, &[0x80, 1])), "nothing");
    assert!(peer.outcomes().is_empty());
    assert_eq!(peer.hears(unsuback(2)), "unsubscribed 2");
    assert_eq!(peer.reconnect(false), ["SUBSCRIBE #65535 b:1"]);
    // An answer to what was asked before UNSUBSCRIBE grants nothing.
    let mid = peer.session.subscribe(&[("c", wish(1))], NONE).unwrap();
    peer.session.unsubscribe(&["c"], NONE).unwrap();
    peer.hears(suback(mid as u16, &[1]));
    assert_eq!(peer.reconnect(false), ["SUBSCRIBE #65535 b:1"]);
}

#[test]
fn nothing_is_kept_unless_it_is_set() {
    let mut peer = Peer::connected(|_| {});
    subscribe(&mut peer, &[("before", 1)]);
    peer.session.set_resubscribe(true);
    subscribe(&mut peer, &[("a", 1)]);
    peer.session.set_resubscribe(true);
    assert_eq!(peer.reconnect(false), ["SUBSCRIBE #65535 a:1"]);
    peer.session.set_resubscribe(false);
    assert_eq!(peer.hears(suback(65535, &[0x80])), "nothing");
    assert!(peer.outcomes().is_empty() && refused(&mut peer).is_empty());
    assert!(peer.reconnect(false).is_empty());
    peer.session.set_resubscribe(true);
    assert!(peer.reconnect(false).is_empty());
}

#[test]
fn a_connection_that_the_application_ends_at_once_has_no_subscriptions() {
    let mut peer = peer();
    subscribe(&mut peer, &[("a", 1)]);
    peer.session.close();
    peer.publish(1, "queued");
    peer.open();
    peer.hears_without_return(connack(0, false));
    assert!(peer.session.disconnect(peer.now));
    peer.session.announced(peer.now);
    assert_eq!(peer.sent(), ["PUBLISH q1 #2 queued", "DISCONNECT"]);
}

#[test]
fn without_a_packet_identifier_it_is_refused() {
    let mut peer = Peer::connected(|options| options.max_inflight = 0);
    peer.session.set_resubscribe(true);
    subscribe(&mut peer, &[("a", 1)]);
    for _ in 0..65_535 {
        peer.publish(1, "");
    }
    peer.sent();
    let sent = peer.reconnect(false);
    assert!(sent.iter().all(|text| text.starts_with("PUBLISH")));
    assert_eq!(peer.outcomes(), [Outcome::NotResubscribed]);
    assert_eq!(refused(&mut peer), [("a".into(), 0x80)]);
}
