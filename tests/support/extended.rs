//! A peer of MQTT 5, and the packets of a broker that only MQTT 5 has.

use pmqtt::codec::{
    Ack, Acknowledgement, Connect, Message, Packet, Properties, PropertyList, QoS, Role, SubAck,
    UnsubAck, Version, Wish, decode, encode, header,
};
use pmqtt::session::{ConnectOptions, Failure, Options};

use super::id;
use super::peer::{Peer, encoded, encoded_message, message_of};

pub const NONE: Properties = Properties::NONE;

pub fn wish(qos: u8) -> Wish {
    QoS::from_bits(qos).expect("a QoS").into()
}

/// A session of MQTT 5 without a connection. The broker keeps its session, so a CONNACK may have session
/// present.
pub fn peer(change: impl FnOnce(&mut Options)) -> Peer {
    Peer::new(|options| {
        options.version = Version::V5;
        options.clean_session = false;
        change(options);
    })
}

/// The same, and the broker has accepted its first connection with these properties.
pub fn connected(change: impl FnOnce(&mut Options), stated: &[(u8, u32)]) -> Peer {
    let mut peer = peer(change);
    peer.open();
    assert!(accept(&mut peer, false, stated).is_empty());
    peer
}

/// The broker accepts the connection, and states these numbers; returns what the session then sends.
pub fn accept(peer: &mut Peer, session_present: bool, stated: &[(u8, u32)]) -> Vec<String> {
    peer.accept(session_present, numbers(stated).get())
}

/// Loses the connection and accepts another one; returns what the session then sends.
pub fn reconnect(peer: &mut Peer, session_present: bool, stated: &[(u8, u32)]) -> Vec<String> {
    peer.session.close();
    peer.open();
    accept(peer, session_present, stated)
}

pub fn set_connect_options(peer: &mut Peer, change: impl FnOnce(&mut ConnectOptions)) {
    let mut options = ConnectOptions::default();
    change(&mut options);
    assert!(peer.session.set_connect_options(options));
}

pub fn numbers(stated: &[(u8, u32)]) -> PropertyList {
    let mut list = PropertyList::default();
    for &(id, number) in stated {
        list.number(id, number);
    }
    list
}

pub fn text(id: u8, text: &str) -> PropertyList {
    let mut list = PropertyList::default();
    list.bytes(id, text.as_bytes()).expect("it fits");
    list
}

/// Opens a connection, and checks the CONNECT for it.
pub fn open_with(peer: &mut Peer, check: impl FnOnce(&Connect)) {
    peer.session.open(peer.now).expect("CONNECT fits");
    let mut bytes = peer.take();
    let end = bytes.len();
    decoded(&mut bytes, |packet| match packet {
        Packet::Connect(connect) => check(connect),
        other => panic!("CONNECT was to come: {other:?}"),
    });
    peer.written(end);
}

/// Reads a packet of the client, which is all of these bytes.
pub fn decoded(bytes: &mut [u8], check: impl FnOnce(&Packet)) {
    let header = header(bytes, Role::Broker, Version::V5)
        .expect("a well-formed header")
        .expect("a whole packet");
    assert_eq!(header.end, bytes.len());
    check(&decode(bytes, &header, Version::V5).expect("a well-formed packet"));
}

/// A message of the broker.
pub fn message(qos: u8, number: u16, payload: &str) -> Vec<u8> {
    message_of(Version::V5, qos, number, payload)
}

pub fn message_with(qos: u8, number: u16, payload: &str, properties: Properties) -> Vec<u8> {
    let message = Message {
        topic: b"t",
        payload: payload.as_bytes(),
        qos: QoS::from_bits(qos).expect("a QoS"),
        retain: false,
        properties: Some(properties),
    };
    encoded_message(message.check().expect("PUBLISH fits"), qos, number)
}

/// An acknowledgement with a reason.
pub fn ack(kind: Ack, number: u16, reason: u8) -> Vec<u8> {
    ack_with(kind, number, reason, Properties::NONE)
}

pub fn ack_with(ack: Ack, number: u16, reason: u8, properties: Properties) -> Vec<u8> {
    let ack = Acknowledgement {
        ack,
        id: id(number),
        reason,
        properties,
    };
    encoded(|out| encode::ack_with(out, &ack).expect("it fits"))
}

pub fn suback(number: u16, codes: &[u8]) -> Vec<u8> {
    let suback = SubAck {
        packet_id: id(number),
        properties: Properties::NONE,
        granted: codes,
    };
    encoded(|out| encode::suback(out, &suback, Version::V5).expect("it fits"))
}

pub fn unsuback(number: u16, codes: &[u8]) -> Vec<u8> {
    let unsuback = UnsubAck {
        packet_id: id(number),
        properties: Properties::NONE,
        codes,
    };
    encoded(|out| encode::unsuback(out, &unsuback, Version::V5).expect("it fits"))
}

pub fn disconnect(reason: u8, properties: Properties) -> Vec<u8> {
    encoded(|out| encode::disconnect_with(out, reason, properties).expect("it fits"))
}

/// The reason with which the client leaves.
pub fn reason_of(failure: Failure) -> u8 {
    match failure {
        Failure::Violation(_, reason) => reason,
        other => panic!("{other:?} has no reason"),
    }
}
