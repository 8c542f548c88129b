//! Enhanced authentication (section 4.12 of MQTT 5).

mod support;

use std::sync::Arc;
use std::time::Duration;

use pmqtt::codec::{
    self, Buffer, ConnAck, Message, Packet, Place, Properties, PropertyList, QoS, Role, Version,
    Wish, encode, property, reason,
};
use pmqtt::session::{AuthError, Failure, Gather, Phase};
use pmqtt::time::Moment;
use support::peer::Peer;
use support::seconds;

const CONTINUE: u8 = reason::CONTINUE_AUTHENTICATION;

/// A session of MQTT 5 with the method "M", whose time for each word is 10 s.
fn peer() -> Peer {
    let mut peer = Peer::new(|options| {
        options.version = Version::V5;
        options.handshake_timeout_ms = 10_000;
    });
    assert!(peer.session.set_auth_method(Some(Arc::from(c"M"))));
    peer
}

/// A connection whose START waits for the answer.
fn started() -> Peer {
    let mut peer = peer();
    peer.session.open(peer.now).unwrap();
    assert!(peer.session.start_auth());
    peer
}

/// A connection whose CONNECT was sent.
fn sent() -> Peer {
    let mut peer = started();
    answer(&mut peer, b"first").unwrap();
    assert_eq!(peer.sent(), ["CONNECT"]);
    peer
}

/// A connection that the broker has accepted after one exchange.
fn connected() -> Peer {
    let mut peer = sent();
    accept(&mut peer, connack(0, Some("M"), b""));
    assert!(peer.sent().is_empty());
    peer
}

fn answer(peer: &mut Peer, data: &[u8]) -> Result<(), AuthError> {
    peer.session.answer_auth(data, Properties::NONE, peer.now)
}

/// The broker accepts, and the application does not refuse.
fn accept(peer: &mut Peer, packet: Vec<u8>) {
    assert!(peer.hears(packet).starts_with("authenticated"));
    assert!(matches!(peer.session.phase(), Phase::Connecting { .. }));
    let accepted = ConnAck {
        session_present: false,
        return_code: 0,
        properties: Properties::NONE,
    };
    peer.session.authenticated(&accepted, peer.now);
    peer.session.announced(peer.now);
    assert_eq!(peer.session.phase(), Phase::Connected);
}

fn list(method: Option<&str>, data: &[u8]) -> PropertyList {
    let mut list = PropertyList::default();
    if let Some(method) = method {
        list.bytes(property::AUTH_METHOD, method.as_bytes())
            .unwrap();
    }
    if !data.is_empty() {
        list.bytes(property::AUTH_DATA, data).unwrap();
    }
    list
}

fn connack(return_code: u8, method: Option<&str>, data: &[u8]) -> Vec<u8> {
    let mut out = Buffer::default();
    let list = list(method, data);
    let connack = ConnAck {
        session_present: false,
        return_code,
        properties: list.get(),
    };
    encode::connack(&mut out, &connack, Version::V5).unwrap();
    out.to_vec()
}

fn auth(reason: u8, method: Option<&str>, data: &[u8]) -> Vec<u8> {
    let mut out = Buffer::default();
    encode::auth(&mut out, reason, list(method, data).get()).unwrap();
    out.to_vec()
}

/// The reason with which the session leaves the broker after a violation.
fn violation(peer: &mut Peer, packet: Vec<u8>) -> Option<u8> {
    match peer.try_hears(packet) {
        Err(Failure::Violation(text, reason)) => {
            assert!(text.contains("AUTH") || text.contains("CONNACK"), "{text}");
            let parting: Gather = peer.session.parting(reason)?;
            let mut bytes = parting.to_row();
            let header = codec::header(&bytes, Role::Broker, Version::V5);
            let header = header.unwrap().unwrap();
            match codec::decode(&mut bytes, &header, Version::V5) {
                Ok(Packet::Disconnect(disconnect)) => Some(disconnect.reason),
                other => panic!("{other:?}"),
            }
        }
        other => panic!("{other:?}"),
    }
}

fn publish(peer: &mut Peer, qos: QoS, payload: &str) {
    let message = Message {
        topic: b"t",
        payload: payload.as_bytes(),
        qos,
        retain: false,
        properties: Some(Properties::NONE),
    };
    let message = message.check().unwrap();
    peer.session.publish(&message, || peer.now).unwrap();
}

#[test]
fn connect_waits_for_the_application_and_has_its_data() {
    let mut peer = peer();
    peer.session.open(peer.now).unwrap();
    assert_eq!(peer.session.poll_timeout(), Some(Moment::origin()));
    assert!(!peer.session.has_output());
    assert_eq!(answer(&mut peer, b"early"), Err(AuthError::NotAsked));
    assert!(peer.session.start_auth());
    assert!(!peer.session.start_auth());
    assert!(peer.sent().is_empty());

    let mut more = PropertyList::default();
    let pair = b"\x26\0\x01k\0\x01v";
    more.append(Properties::check(pair, Place::Auth).unwrap());
    peer.session
        .answer_auth(b"\0first", more.get(), peer.now)
        .unwrap();
    let mut bytes = peer.take();
    let header = codec::header(&bytes, Role::Broker, Version::V5);
    let header = header.unwrap().unwrap();
    let Ok(Packet::Connect(connect)) = codec::decode(&mut bytes, &header, Version::V5) else {
        panic!("it is no CONNECT");
    };
    let properties = connect.properties;
    assert_eq!(properties.text(property::AUTH_METHOD), Some("M"));
    assert_eq!(properties.bytes(property::AUTH_DATA), Some(&b"\0first"[..]));
    assert!(properties.find(property::USER_PROPERTY).is_some());
    assert_eq!(answer(&mut peer, b"twice"), Err(AuthError::NotAsked));
}

#[test]
fn challenges_are_answered_until_connack() {
    let mut peer = sent();
    for round in 0..3 {
        assert_eq!(peer.hears(auth(CONTINUE, Some("M"), b"?")), "challenged ?");
        assert!(peer.sent().is_empty());
        assert_eq!(answer(&mut peer, &[b'0' + round]), Ok(()));
        assert_eq!(peer.sent(), [format!("AUTH 0x18 {round}")]);
    }
    accept(&mut peer, connack(0, Some("M"), b"proof"));
    assert_eq!(peer.session.auth_method().as_deref(), Some(c"M"));
}

#[test]
fn only_auth_overtakes_connack() {
    let mut peer = started();
    publish(&mut peer, QoS::AtMostOnce, "once");
    publish(&mut peer, QoS::AtLeastOnce, "more");
    peer.session
        .subscribe(&[("a", Wish::from(QoS::AtMostOnce))], Properties::NONE)
        .unwrap();
    peer.wait(seconds(9));
    answer(&mut peer, b"first").unwrap();
    assert_eq!(peer.sent(), ["CONNECT"]);
    peer.hears(auth(CONTINUE, Some("M"), b""));
    answer(&mut peer, b"second").unwrap();
    assert_eq!(peer.sent(), ["AUTH 0x18 second"]);
    peer.hears(auth(CONTINUE, Some("M"), b""));
    // CONNACK finds an answer that the socket has not taken.
    answer(&mut peer, b"third").unwrap();
    accept(&mut peer, connack(0, Some("M"), b""));
    let sent = peer.sent();
    assert_eq!(sent[0], "AUTH 0x18 third");
    assert_eq!(sent[1], "SUBSCRIBE #3 a:0");
    assert_eq!(sent[2..], ["PUBLISH q0 once", "PUBLISH q1 #2 more"]);
}

#[test]
fn application_and_broker_have_the_same_time_for_each_word() {
    let over = |peer: &mut Peer, failure| {
        assert_eq!(peer.live(Duration::from_millis(9_999)), Ok(vec![]));
        assert_eq!(peer.live(seconds(1)), Err(failure));
    };
    over(&mut started(), Failure::NotAnswered);
    let late = |mut peer: Peer| {
        peer.wait(seconds(9));
        peer
    };
    let mut peer = late(started());
    answer(&mut peer, b"").unwrap();
    assert_eq!(peer.sent(), ["CONNECT"]);
    over(&mut peer, Failure::NoConnAck);
    let mut peer = late(sent());
    peer.hears(auth(CONTINUE, Some("M"), b""));
    over(&mut peer, Failure::NotAnswered);
    let mut peer = late(sent());
    peer.hears(auth(CONTINUE, Some("M"), b""));
    answer(&mut peer, b"").unwrap();
    peer.sent();
    over(&mut peer, Failure::NoConnAck);

    let again = || {
        let mut peer = connected();
        peer.session.reauthenticate(peer.now).unwrap();
        assert!(peer.session.start_auth());
        peer
    };
    over(&mut again(), Failure::NotAnswered);
    let mut peer = late(again());
    answer(&mut peer, b"").unwrap();
    peer.sent();
    over(&mut peer, Failure::NoAuth);
}

#[test]
fn what_breaks_the_rules_is_left_with_0x82() {
    const PROTOCOL: Option<u8> = Some(reason::PROTOCOL_ERROR);
    for method in [Some("N"), Some("MM"), None] {
        let data: &[u8] = if method.is_some() { b"?" } else { b"" };
        assert_eq!(
            violation(&mut sent(), auth(CONTINUE, method, data)),
            PROTOCOL
        );
        assert_eq!(violation(&mut sent(), connack(0, method, data)), PROTOCOL);
        let mut peer = connected();
        assert_eq!(violation(&mut peer, auth(CONTINUE, method, data)), PROTOCOL);
    }
    for reason in [CONTINUE, reason::SUCCESS] {
        // Nobody has asked.
        let mut peer = connected();
        assert_eq!(violation(&mut peer, auth(reason, Some("M"), b"")), PROTOCOL);
        // The client has the next word.
        let mut peer = sent();
        peer.hears(auth(CONTINUE, Some("M"), b""));
        assert_eq!(violation(&mut peer, auth(reason, Some("M"), b"")), PROTOCOL);
    }
    let mut peer = sent();
    peer.hears(auth(CONTINUE, Some("M"), b""));
    assert_eq!(violation(&mut peer, connack(0, Some("M"), b"")), PROTOCOL);
    // Success comes with CONNACK.
    let success = auth(reason::SUCCESS, Some("M"), b"");
    assert_eq!(violation(&mut sent(), success), PROTOCOL);
    // CONNECT is the first packet, also before DISCONNECT.
    for packet in [
        auth(CONTINUE, Some("M"), b""),
        connack(0, Some("M"), b""),
        connack(0x87, None, b""),
    ] {
        assert_eq!(violation(&mut started(), packet), None);
    }
}

#[test]
fn without_a_method_there_is_no_auth() {
    let mut peer = Peer::new(|options| options.version = Version::V5);
    peer.open();
    assert_eq!(answer(&mut peer, b""), Err(AuthError::NotAsked));
    assert_eq!(
        violation(&mut peer, auth(CONTINUE, Some("M"), b"")),
        Some(0x82)
    );
    peer.session.close();
    peer.open();
    assert_eq!(violation(&mut peer, connack(0, Some("M"), b"")), Some(0x82));
    peer.session.close();
    peer.open();
    assert_eq!(peer.hears(connack(0, None, b"")), "connack 0");
    assert_eq!(
        peer.session.reauthenticate(peer.now),
        Err(AuthError::NoMethod)
    );
    assert_eq!(
        violation(&mut peer, auth(CONTINUE, Some("M"), b"")),
        Some(0x82)
    );
    // Before MQTT 5.
    let mut peer = Peer::connected(|_| {});
    assert!(!peer.session.set_auth_method(Some(Arc::from(c"M"))));
    assert_eq!(
        peer.session.reauthenticate(peer.now),
        Err(AuthError::NoMethod)
    );
    assert_eq!(answer(&mut peer, b""), Err(AuthError::NotConnected));
}

#[test]
fn a_refusing_connack_is_heard_at_each_step() {
    let mut peer = sent();
    assert_eq!(peer.hears(connack(0x8c, None, b"")), "connack 140");
    let mut peer = sent();
    peer.hears(auth(CONTINUE, Some("M"), b""));
    assert_eq!(peer.hears(connack(0x87, Some("M"), b"")), "connack 135");
}

#[test]
fn messages_flow_while_the_client_authenticates_again() {
    let mut peer = connected();
    // The setting is for the next connection.
    assert!(peer.session.set_auth_method(Some(Arc::from(c"N"))));
    peer.session.reauthenticate(peer.now).unwrap();
    assert_eq!(peer.session.reauthenticate(peer.now), Err(AuthError::Busy));
    assert!(peer.session.start_auth());
    publish(&mut peer, QoS::AtLeastOnce, "a");
    assert_eq!(peer.sent(), ["PUBLISH q1 #1 a"]);
    answer(&mut peer, b"new").unwrap();
    assert_eq!(peer.sent(), ["AUTH 0x19 new"]);
    publish(&mut peer, QoS::AtLeastOnce, "b");
    assert_eq!(peer.sent(), ["PUBLISH q1 #2 b"]);
    assert_eq!(peer.hears(auth(CONTINUE, Some("M"), b"?")), "challenged ?");
    assert_eq!(peer.session.reauthenticate(peer.now), Err(AuthError::Busy));
    answer(&mut peer, b"!").unwrap();
    assert_eq!(peer.sent(), ["AUTH 0x18 !"]);
    assert_eq!(peer.hears(auth(0, Some("M"), b"ok")), "reauthenticated ok");
    peer.session.reauthenticated();
    assert_eq!(peer.live(seconds(30)).unwrap(), [] as [&str; 0]);
    assert_eq!(peer.session.reauthenticate(peer.now), Ok(()));
}

#[test]
fn the_application_may_refuse_until_it_knows_of_the_end() {
    let failure = Some(Failure::AuthFailed(0x83));
    let refuse = |mut peer: Peer, parting: bool| {
        assert_eq!(peer.session.auth_failure(), None);
        peer.session.fail_auth(0x83).unwrap();
        assert_eq!(peer.session.auth_failure(), failure);
        assert_eq!(peer.session.poll_timeout(), Some(Moment::origin()));
        assert_eq!(peer.session.parting(0x83).is_some(), parting);
        assert_eq!(peer.session.fail_auth(0x80), Err(AuthError::NotAsked));
        assert_eq!(answer(&mut peer, b""), Err(AuthError::NotAsked));
        let connack = peer.try_hears(connack(0, Some("M"), b""));
        assert!(connack.is_err(), "{connack:?}");
        peer.session.close();
        assert_eq!(peer.session.auth_failure(), None);
        assert_eq!(peer.session.poll_timeout(), None);
    };
    refuse(started(), false);
    refuse(sent(), false);
    let mut peer = sent();
    peer.hears(auth(CONTINUE, Some("M"), b""));
    refuse(peer, true);
    let mut peer = sent();
    peer.hears(connack(0, Some("M"), b""));
    refuse(peer, true);
    let mut peer = connected();
    assert_eq!(peer.session.fail_auth(0x80), Err(AuthError::NotAsked));
    peer.session.reauthenticate(peer.now).unwrap();
    assert!(peer.session.start_auth());
    answer(&mut peer, b"").unwrap();
    peer.sent();
    peer.hears(auth(0, Some("M"), b""));
    refuse(peer, true);
}

#[test]
fn disconnect_waits_for_the_exchange_before_connack_and_ends_it_after() {
    let mut peer = started();
    assert!(peer.session.disconnect(peer.now));
    assert!(peer.sent().is_empty());
    answer(&mut peer, b"").unwrap();
    assert_eq!(peer.sent(), ["CONNECT"]);
    peer.hears(connack(0, Some("M"), b""));
    let accepted = ConnAck {
        session_present: false,
        return_code: 0,
        properties: Properties::NONE,
    };
    peer.session.authenticated(&accepted, peer.now);
    assert_eq!(peer.sent(), ["DISCONNECT"]);

    for is_told in [false, true] {
        let mut peer = connected();
        peer.session.reauthenticate(peer.now).unwrap();
        assert_eq!(is_told && peer.session.start_auth(), is_told);
        assert!(peer.session.disconnect(peer.now));
        assert_eq!(peer.sent(), ["DISCONNECT"]);
        assert!(!peer.session.start_auth());
        assert_eq!(answer(&mut peer, b""), Err(AuthError::NotConnected));
        assert_eq!(peer.hears(auth(CONTINUE, Some("M"), b"")), "nothing");
        assert_eq!(peer.session.poll_timeout(), None);
    }
}

#[test]
fn a_replaced_connection_without_connect_says_nothing() {
    let mut peer = started();
    assert!(peer.session.disconnect(peer.now));
    peer.session.supersede();
    assert_eq!(peer.session.final_connection(), None);
    let mut peer = sent();
    assert!(peer.session.disconnect(peer.now));
    peer.session.supersede();
    let mut last = Gather::default();
    assert!(peer.session.take_final(&mut last).is_some());
    assert_eq!(peer.texts(last.to_row().to_vec()), ["DISCONNECT"]);
}

#[test]
fn each_connection_has_an_exchange_of_its_own() {
    let mut peer = sent();
    peer.hears(auth(CONTINUE, Some("M"), b""));
    peer.session.close();
    assert_eq!(answer(&mut peer, b"late"), Err(AuthError::NotConnected));
    assert_eq!(peer.session.fail_auth(0x80), Err(AuthError::NotConnected));
    assert_eq!(peer.session.auth_method(), None);
    assert!(peer.session.set_auth_method(None));
    peer.open();
    assert!(!peer.session.start_auth());
    assert_eq!(peer.hears(connack(0, None, b"")), "connack 0");
}

#[test]
fn an_answer_that_does_not_fit_changes_nothing() {
    let mut peer = started();
    let too_long = vec![0; 65_536];
    assert!(matches!(
        answer(&mut peer, &too_long),
        Err(AuthError::TooLong(_))
    ));
    let reason = b"\x1f\0\x01r";
    let reason = Properties::check(reason, Place::Auth).unwrap();
    let answered = peer.session.answer_auth(b"", reason, peer.now);
    assert_eq!(answered, Err(AuthError::ReasonString));
    answer(&mut peer, b"").unwrap();
    assert_eq!(peer.sent(), ["CONNECT"]);

    // The broker takes packets of 30 bytes.
    let mut packet = Buffer::default();
    let mut properties = list(Some("M"), b"");
    properties.number(property::MAXIMUM_PACKET_SIZE, 30);
    let small = ConnAck {
        session_present: false,
        return_code: 0,
        properties: properties.get(),
    };
    encode::connack(&mut packet, &small, Version::V5).unwrap();
    assert_eq!(peer.hears(packet.to_vec()), "authenticated");
    peer.session.authenticated(&small, peer.now);
    peer.session.announced(peer.now);
    peer.session.reauthenticate(peer.now).unwrap();
    assert!(peer.session.start_auth());
    assert_eq!(answer(&mut peer, &[b'x'; 20]), Err(AuthError::TooLarge));
    let reason_string = [b"\x1f\0\x12".as_slice(), &[b'r'; 18]].concat();
    let user_property = [b"\x26\0\x01k\0\x0f".as_slice(), &[b'v'; 15]].concat();
    for list in [reason_string, user_property] {
        let list = Properties::check(&list, Place::Auth).unwrap();
        let answered = peer.session.answer_auth(b"xx", list, peer.now);
        assert_eq!(answered, Err(AuthError::TooLarge));
    }
    let answered = peer.session.answer_auth(b"x", reason, peer.now);
    assert_eq!(answered, Ok(()));
    assert_eq!(peer.sent(), ["AUTH 0x19 x"]);
}

#[test]
fn an_auth_of_the_wire_has_fixed_flags_and_known_reasons() {
    let mut peer = connected();
    peer.session.reauthenticate(peer.now).unwrap();
    assert!(peer.session.start_auth());
    answer(&mut peer, b"d").unwrap();
    let sent = peer.take();
    // [MQTT5-3.15.1-1] [MQTT5-3.15.2-1]
    assert_eq!(sent, b"\xf0\x0a\x19\x08\x15\0\x01M\x16\0\x01d");
    for flags in 1..16 {
        let bytes = [0xf0 | flags, 0x0a];
        assert!(
            codec::header(&bytes, Role::Client, Version::V5).is_err(),
            "{flags}"
        );
    }
    for reason in 0..=255 {
        let mut bytes = auth(reason, Some("M"), b"");
        let header = codec::header(&bytes, Role::Client, Version::V5);
        let decoded = codec::decode(&mut bytes, &header.unwrap().unwrap(), Version::V5);
        // Only a client sends 0x19.
        let is_known = matches!(reason, 0 | 0x18);
        assert_eq!(decoded.is_ok(), is_known, "{reason:#04x}");
    }
}
