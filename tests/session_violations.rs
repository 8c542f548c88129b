//! Checks docs/protocol-errors.md: what happens upon each packet that a broker must not send.

mod support;

use pmqtt::codec::{self, Ack, Properties, QoS, Role, Version};
use pmqtt::session::Failure;
use support::peer::{Peer, ack};
use support::text;

/// What is under way, with packet identifier 1.
#[derive(Clone, Copy)]
enum While {
    /// CONNECT was sent.
    Asked,
    Connected,
    Subscribing,
    Unsubscribing,
    /// PUBLISH of this QoS was sent.
    AtLeastOnce,
    ExactlyOnce,
    /// PUBREC came, and PUBREL was sent.
    Released,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Ends,
    GoesOn,
}

use Verdict::{Ends, GoesOn};
use While::{Asked, AtLeastOnce, Connected, ExactlyOnce, Released, Subscribing, Unsubscribing};

/// The first two columns of the page, the state, the packet, what happens to the connection, and how
/// that is reported.
type Row = (
    &'static str,
    &'static str,
    While,
    &'static str,
    Verdict,
    &'static str,
);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("a packet other than CONNACK", "CONNECT was sent", Asked, "d0 00", Ends, "before CONNACK"),
    ("CONNACK with a session present", "a clean session was requested", Asked, "20 02 01 00", Ends, "a session present"),
    ("CONNACK that refuses and has a session present", "CONNECT was sent", Asked, "20 02 01 05", Ends, "refuses and has a session"),
    ("CONNACK with reserved flags", "CONNECT was sent", Asked, "20 02 02 00", Ends, "reserved flags set"),
    ("CONNACK with a code above 5", "CONNECT was sent", Asked, "20 02 00 06", Ends, "reserved return code"),
    ("a second CONNACK", "connected", Connected, "20 02 00 00", Ends, "a second CONNACK"),
    ("CONNECT", "connected", Connected, "10 0d 00 04 4d 51 54 54 04 02 00 3c 00 01 63", Ends, "CONNECT, which only"),
    ("SUBSCRIBE", "connected", Connected, "82 06 00 01 00 01 74 00", Ends, "SUBSCRIBE, which only"),
    ("UNSUBSCRIBE", "connected", Connected, "a2 05 00 01 00 01 74", Ends, "UNSUBSCRIBE, which only"),
    ("PINGREQ", "connected", Connected, "c0 00", Ends, "PINGREQ, which only"),
    ("DISCONNECT", "connected", Connected, "e0 00", Ends, "DISCONNECT, which only"),
    ("a reserved packet type", "connected", Connected, "f0 00", Ends, "reserved packet type"),
    ("reserved header flags", "connected", Connected, "41 02 00 01", Ends, "reserved header flags"),
    ("a remaining length of more than 4 bytes", "connected", Connected, "30 ff ff ff ff", Ends, "more than 4 bytes"),
    ("a remaining length too short for its packet", "connected", Connected, "90 02 00 01", Ends, "too short"),
    ("a remaining length too long for its packet", "connected", Connected, "d0 01 00", Ends, "too long"),
    ("packet identifier 0", "connected", Connected, "40 02 00 00", Ends, "packet identifier 0"),
    ("PUBLISH with QoS 3", "connected", Connected, "36 05 00 01 74 00 01", Ends, "PUBLISH with QoS 3"),
    ("PUBLISH with DUP at QoS 0", "connected", Connected, "38 03 00 01 74", Ends, "DUP at QoS 0"),
    ("PUBLISH with an empty topic", "connected", Connected, "30 03 00 00 74", Ends, "empty topic"),
    ("PUBLISH whose topic is longer than the packet", "connected", Connected, "30 03 00 02 74", Ends, "longer than the packet"),
    ("PUBLISH with a wildcard in its topic", "connected", Connected, "30 03 00 01 23", Ends, "MQTT311-3.3.2-2"),
    ("PUBLISH with U+0000 in its topic", "connected", Connected, "30 03 00 01 00", Ends, "U+0000"),
    ("PUBLISH whose topic is not UTF-8", "connected", Connected, "30 04 00 02 c3 28", Ends, "well-formed UTF-8"),
    ("SUBACK with a reserved code", "a SUBSCRIBE is pending", Subscribing, "90 03 00 01 03", Ends, "reserved code"),
    ("SUBACK with another number of codes", "a SUBSCRIBE is pending", Subscribing, "90 04 00 01 00 00", Ends, "another number of codes"),
    ("PUBREC for a QoS 1 message", "PUBLISH was sent", AtLeastOnce, "50 02 00 01", Ends, "PUBREC for a QoS 1 message"),
    ("PUBACK for a QoS 2 message", "PUBLISH was sent", ExactlyOnce, "40 02 00 01", GoesOn, "with PUBACK"),
    ("PUBACK for a QoS 2 message", "PUBREC came", Released, "40 02 00 01", Ends, "has its PUBREC"),
    ("PUBCOMP for a QoS 2 message", "PUBLISH was sent", ExactlyOnce, "70 02 00 01", GoesOn, "unexpected"),
    ("PUBCOMP for a QoS 1 message", "PUBLISH was sent", AtLeastOnce, "70 02 00 01", GoesOn, "unexpected"),
    ("PUBACK or PUBCOMP with the identifier of a SUBSCRIBE or UNSUBSCRIBE", "the request is pending", Subscribing, "40 02 00 01", GoesOn, "unexpected"),
    ("PUBREC with the identifier of a SUBSCRIBE or UNSUBSCRIBE", "the request is pending", Subscribing, "50 02 00 01", GoesOn, "unexpected"),
    ("PUBACK or PUBCOMP with an unused identifier", "connected", Connected, "40 02 00 07", GoesOn, "unexpected"),
    ("PUBREC with an unused identifier", "connected", Connected, "50 02 00 07", GoesOn, "unexpected"),
    ("PUBREL with an unknown identifier", "connected", Connected, "62 02 00 07", GoesOn, "nothing"),
    ("SUBACK or UNSUBACK for no pending request", "connected", Connected, "b0 02 00 07", GoesOn, "unexpected"),
    ("PINGRESP without a PINGREQ", "connected", Connected, "d0 00", GoesOn, "nothing"),
];

/// The same for MQTT 5: the first two columns, the state, the packet, the third column, and how it is reported.
type Row5 = (
    &'static str,
    &'static str,
    While,
    &'static str,
    &'static str,
    &'static str,
);

#[rustfmt::skip]
const TABLE_5: &[Row5] = &[
    ("a packet other than CONNACK", "CONNECT was sent", Asked, "d0 00", "ends, without DISCONNECT", "before CONNACK"),
    ("CONNACK with a session present", "clean start was requested", Asked, "20 03 01 00 00", "ends, without DISCONNECT", "MQTT5-3.2.2-4"),
    ("CONNACK that refuses and has a session present", "CONNECT was sent", Asked, "20 03 01 87 00", "ends, without DISCONNECT", "MQTT5-3.2.2-6"),
    ("CONNACK with a reason code that it must not have", "CONNECT was sent", Asked, "20 03 00 01 00", "ends, without DISCONNECT", "MQTT5-3.2.2-8"),
    ("a second CONNACK", "connected", Connected, "20 03 00 00 00", "ends, 0x82", "a second CONNACK"),
    ("CONNECT, SUBSCRIBE, UNSUBSCRIBE or PINGREQ", "connected", Connected, "c0 00", "ends, 0x81", "PINGREQ, which only"),
    ("reserved header flags", "connected", Connected, "41 02 00 01", "ends, 0x81", "MQTT5-2.1.3-1"),
    ("a length in more bytes than it needs", "connected", Connected, "d0 80 00", "ends, 0x81", "MQTT5-1.5.5-1"),
    ("packet identifier 0", "connected", Connected, "40 02 00 00", "ends, 0x81", "MQTT5-2.2.1-3"),
    ("a property that does not belong in its packet", "connected", Connected, "30 07 00 01 74 03 21 00 01", "ends, 0x81", "does not belong"),
    ("a property twice", "connected", Connected, "30 0a 00 01 74 06 03 00 00 03 00 00", "ends, 0x82", "more than once"),
    ("a property with a forbidden value", "connected", Connected, "30 06 00 01 74 02 01 02", "ends, 0x82", "forbidden value"),
    ("a text that is not UTF-8", "connected", Connected, "30 08 00 01 74 04 03 00 01 ff", "ends, 0x81", "MQTT5-1.5.4-1"),
    ("PUBLISH with a wildcard in its topic", "connected", Connected, "30 04 00 01 23 00", "ends, 0x90", "MQTT5-4.7.0-1"),
    ("PUBLISH with no topic and no topic alias", "connected", Connected, "30 03 00 00 00", "ends, 0x82", "topic alias"),
    ("topic alias 0", "connected", Connected, "30 07 00 01 74 03 23 00 00", "ends, 0x94", "MQTT5-3.3.2-8"),
    ("an acknowledgement with a reason code that it must not have", "PUBLISH was sent", AtLeastOnce, "40 03 00 01 05", "ends, 0x82", "MQTT5-3.4.2-1"),
    ("PUBREC for a QoS 1 message", "PUBLISH was sent", AtLeastOnce, "50 02 00 01", "ends, 0x82", "PUBREC for a QoS 1 message"),
    ("PUBACK for a QoS 2 message", "PUBLISH was sent", ExactlyOnce, "40 02 00 01", "goes on", "with PUBACK"),
    ("PUBACK for a QoS 2 message", "PUBREC came", Released, "40 02 00 01", "ends, 0x82", "has its PUBREC"),
    ("SUBACK with a reserved code", "a SUBSCRIBE is pending", Subscribing, "90 04 00 01 00 03", "ends, 0x82", "reserved code"),
    ("SUBACK with another number of codes", "a SUBSCRIBE is pending", Subscribing, "90 05 00 01 00 00 00", "ends, 0x82", "another number of codes"),
    ("UNSUBACK with another number of codes", "an UNSUBSCRIBE is pending", Unsubscribing, "b0 05 00 01 00 00 00", "ends, 0x82", "MQTT5-3.11.3-1"),
    ("DISCONNECT with a reason code that only a client may send", "connected", Connected, "e0 01 04", "ends, 0x82", "MQTT5-3.14.2-1"),
    ("AUTH", "CONNECT had no authentication method", Connected, "f0 00", "ends, 0x82", "AUTH"),
    ("PUBREC with an unused identifier", "connected", Connected, "50 02 00 07", "goes on, and sends PUBREL 0x92", "unexpected"),
    ("PUBREL with an unknown identifier", "connected", Connected, "62 02 00 07", "goes on, and sends PUBCOMP 0x92", "nothing"),
    ("PUBACK or PUBCOMP with an unused identifier", "connected", Connected, "40 02 00 07", "goes on", "unexpected"),
    ("SUBACK or UNSUBACK for no pending request", "connected", Connected, "b0 04 00 07 00 00", "goes on", "unexpected"),
];

#[test]
fn each_packet_has_its_verdict() {
    for &(what, state, under_way, packet, expected, words) in TABLE {
        let mut peer = peer(Version::V311, under_way);
        let (verdict, told) = match hear(&mut peer, packet) {
            Ok(told) => (GoesOn, told),
            Err((told, _)) => (Ends, told),
        };
        assert_eq!(verdict, expected, "{what}, {state}: {told}");
        assert!(told.contains(words), "{what}, {state}: {told}");
    }
}

#[test]
fn each_packet_of_mqtt_5_has_its_verdict() {
    for &(what, state, under_way, packet, expected, words) in TABLE_5 {
        let mut peer = peer(Version::V5, under_way);
        peer.sent();
        let (verdict, told) = match hear(&mut peer, packet) {
            Ok(told) => match peer.sent().first() {
                Some(answer) => (
                    format!("goes on, and sends {}", answer.replace(" #7", "")),
                    told,
                ),
                None => ("goes on".into(), told),
            },
            Err((told, reason)) => match peer.session.parting(reason) {
                Some(_) => (format!("ends, {reason:#04x}"), told),
                None => ("ends, without DISCONNECT".into(), told),
            },
        };
        assert_eq!(verdict, expected, "{what}, {state}: {told}");
        assert!(told.contains(words), "{what}, {state}: {told}");
    }
}

#[test]
fn the_page_has_each_verdict_and_no_other() {
    let page = include_str!("../docs/protocol-errors.md");
    let (page, page_5) = page.split_once("## MQTT 5").expect("two parts");
    let rows = rows(page);
    assert_eq!(rows.len(), TABLE.len());
    for (row, &(what, state, _, _, verdict, _)) in rows.iter().zip(TABLE) {
        assert_eq!(row[..2], [what, state]);
        let says = match verdict {
            Ends => "ends",
            GoesOn => "goes on",
        };
        assert!(row[2].starts_with(says), "{what}, {state}: {}", row[2]);
    }
    let rows: Vec<[&str; 3]> = self::rows(page_5)
        .iter()
        .map(|row| [row[0], row[1], row[2]])
        .collect();
    let expected: Vec<[&str; 3]> = TABLE_5.iter().map(|row| [row.0, row.1, row.4]).collect();
    assert_eq!(rows, expected);
}

/// The rows of the table in a part of the page.
fn rows(part: &str) -> Vec<Vec<&str>> {
    part.lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| the broker sends"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

fn peer(version: Version, under_way: While) -> Peer {
    let mut peer = match under_way {
        Asked => {
            let mut peer = Peer::new(|options| options.version = version);
            peer.open();
            peer
        }
        _ => Peer::connected(|options| options.version = version),
    };
    match under_way {
        Asked | Connected => {}
        Unsubscribing => drop(peer.session.unsubscribe(&["f"], Properties::NONE)),
        Subscribing => drop(
            peer.session
                .subscribe(&[("f", QoS::AtMostOnce.into())], Properties::NONE),
        ),
        AtLeastOnce => drop(peer.publish(1, "")),
        ExactlyOnce | Released => drop(peer.publish(2, "")),
    }
    if matches!(under_way, Released) {
        peer.hears(ack(Ack::PubRec, 1));
    }
    peer
}

/// What the client makes of a packet, or why it ends the connection and with which reason of MQTT 5.
fn hear(peer: &mut Peer, packet: &str) -> Result<String, (String, u8)> {
    let byte = |text| u8::from_str_radix(text, 16).expect("two digits");
    let mut bytes: Vec<u8> = packet.split(' ').map(byte).collect();
    let version = peer.session.options().version;
    let header = match codec::header(&bytes, Role::Client, version) {
        Ok(header) => header.expect("a whole packet"),
        Err(error) => return Err((error.to_string(), error.reason)),
    };
    let decoded = match codec::decode(&mut bytes, &header, version) {
        Ok(decoded) => decoded,
        Err(error) => return Err((error.to_string(), error.reason)),
    };
    match peer.session.handle(&decoded, peer.now) {
        Ok(event) => Ok(text::event(&event)),
        Err(Failure::Violation(what, reason)) => Err((what.into(), reason)),
        Err(other) => panic!("{other:?}"),
    }
}
