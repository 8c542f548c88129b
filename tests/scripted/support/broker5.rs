//! The broker's packets of MQTT 5, and those of the client as text.

use std::io::Read;

use pmqtt::codec::{
    self, Ack, Buffer, ConnAck, Packet, PacketId, Properties, PropertyList, Role, Version, encode,
    property,
};

use super::Peer;

pub fn connack(return_code: u8, method: Option<&str>, data: &[u8]) -> Vec<u8> {
    let mut out = Buffer::default();
    let list = list(method, data);
    let connack = ConnAck {
        session_present: false,
        return_code,
        properties: list.get(),
    };
    encode::connack(&mut out, &connack, Version::V5).expect("CONNACK fits");
    out.to_vec()
}

pub fn auth(reason: u8, method: Option<&str>, data: &[u8]) -> Vec<u8> {
    let mut out = Buffer::default();
    encode::auth(&mut out, reason, list(method, data).get()).expect("AUTH fits");
    out.to_vec()
}

pub fn puback(id: PacketId) -> Vec<u8> {
    let mut out = Buffer::default();
    encode::ack(&mut out, Ack::PubAck, id, false, Version::V5);
    out.to_vec()
}

fn list(method: Option<&str>, data: &[u8]) -> PropertyList {
    let mut list = PropertyList::default();
    if let Some(method) = method {
        let method = list.bytes(property::AUTH_METHOD, method.as_bytes());
        method.expect("a method fits");
    }
    if !data.is_empty() {
        list.bytes(property::AUTH_DATA, data).expect("data fits");
    }
    list
}

impl Peer {
    /// The bytes of the next packet of the client; empty: it has closed.
    pub fn next_bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            match codec::header(&bytes, Role::Broker, Version::V5).expect("a well-formed header") {
                Some(header) if bytes.len() >= header.end => return bytes,
                _ => {}
            }
            let mut byte = [0];
            match self.stream.read(&mut byte).expect("a packet") {
                0 => return bytes,
                _ => bytes.push(byte[0]),
            }
        }
    }

    /// The next packet as text: `CONNECT M data`, `AUTH 0x18 M data`, `PUBLISH #1`, `DISCONNECT 0x82`, `end`.
    pub fn next_packet(&mut self) -> String {
        let mut bytes = self.next_bytes();
        if bytes.is_empty() {
            return "end".to_owned();
        }
        let header = codec::header(&bytes, Role::Broker, Version::V5);
        let header = header.expect("a header").expect("a whole packet");
        let packet = codec::decode(&mut bytes, &header, Version::V5).expect("a well-formed packet");
        match packet {
            Packet::Connect(connect) => format!("CONNECT{}", method_and_data(connect.properties)),
            Packet::Auth(auth) => {
                format!(
                    "AUTH {:#04x}{}",
                    auth.reason,
                    method_and_data(auth.properties)
                )
            }
            Packet::Disconnect(disconnect) => format!("DISCONNECT {:#04x}", disconnect.reason),
            Packet::Publish(publish) => {
                format!("PUBLISH #{}", publish.packet_id.map_or(0, PacketId::get))
            }
            other => other.to_string(),
        }
    }
}

fn method_and_data(properties: Properties) -> String {
    let bytes = [property::AUTH_METHOD, property::AUTH_DATA].map(|id| properties.bytes(id));
    let texts = bytes.into_iter().flatten();
    texts
        .map(|bytes| format!(" {}", String::from_utf8_lossy(bytes)))
        .collect()
}
