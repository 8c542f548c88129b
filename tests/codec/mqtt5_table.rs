//! Table 2-4 of MQTT 5, and the packets that it names, as the standard writes them.

use pmqtt::codec::{Place, Role};

use super::{hex, oracle::remaining_length};

/// Identifier, name, a value as bytes, and the packets.
pub struct Property {
    pub id: u8,
    pub name: &'static str,
    pub value: &'static str,
    packets: &'static str,
}

const fn row(id: u8, name: &'static str, value: &'static str, packets: &'static str) -> Property {
    Property {
        id,
        name,
        value,
        packets,
    }
}

#[rustfmt::skip]
pub const PROPERTIES: &[Property] = &[
    row(1, "payload format indicator", "01", "PUBLISH, Will Properties"),
    row(2, "message expiry interval", "00 00 00 3c", "PUBLISH, Will Properties"),
    row(3, "content type", "00 02 c3 a9", "PUBLISH, Will Properties"),
    row(8, "response topic", "00 03 61 2f 62", "PUBLISH, Will Properties"),
    row(9, "correlation data", "00 02 00 ff", "PUBLISH, Will Properties"),
    row(11, "subscription identifier", "80 01", "PUBLISH, SUBSCRIBE"),
    row(17, "session expiry interval", "ff ff ff ff", "CONNECT, CONNACK, DISCONNECT"),
    row(18, "assigned client identifier", "00 02 69 64", "CONNACK"),
    row(19, "server keep alive", "00 3c", "CONNACK"),
    row(21, "authentication method", "00 01 6d", "CONNECT, CONNACK, AUTH"),
    row(22, "authentication data", "00 02 00 ff", "CONNECT, CONNACK, AUTH"),
    row(23, "request problem information", "00", "CONNECT"),
    row(24, "will delay interval", "00 00 00 05", "Will Properties"),
    row(25, "request response information", "01", "CONNECT"),
    row(26, "response information", "00 02 72 2f", "CONNACK"),
    row(28, "server reference", "00 02 62 32", "CONNACK, DISCONNECT"),
    row(31, "reason string", "00 01 72", "CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, \
                                          UNSUBACK, DISCONNECT, AUTH"),
    row(33, "receive maximum", "ff ff", "CONNECT, CONNACK"),
    row(34, "topic alias maximum", "00 0a", "CONNECT, CONNACK"),
    row(35, "topic alias", "00 01", "PUBLISH"),
    row(36, "maximum QoS", "01", "CONNACK"),
    row(37, "retain available", "00", "CONNACK"),
    row(38, "user property", "00 01 6e 00 02 76 76", "CONNECT, CONNACK, PUBLISH, Will Properties, \
         PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, DISCONNECT, \
         AUTH"),
    row(39, "maximum packet size", "00 00 00 01", "CONNECT, CONNACK"),
    row(40, "wildcard subscription available", "00", "CONNACK"),
    row(41, "subscription identifiers available", "01", "CONNACK"),
    row(42, "shared subscription available", "00", "CONNACK"),
];

/// A packet with a place for properties: the bytes before their length and those behind them.
pub struct Packet {
    pub name: &'static str,
    pub reader: Role,
    pub place: Place,
    first: u8,
    before: &'static str,
    behind: &'static str,
}

const fn packet(
    name: &'static str,
    reader: Role,
    place: Place,
    first: u8,
    [before, behind]: [&'static str; 2],
) -> Packet {
    Packet {
        name,
        reader,
        place,
        first,
        before,
        behind,
    }
}

#[rustfmt::skip]
pub const PACKETS: &[Packet] = {
    use Role::{Broker, Client};
    const TO_CONNECT: [&str; 2] = ["00 04 4d 51 54 54 05 02 00 3c", "00 01 63"];
    const TO_WILL: [&str; 2] = ["00 04 4d 51 54 54 05 06 00 3c 00 00 01 63", "00 01 77 00 00"];
    const TO_ANSWER: [&str; 2] = ["00 0a 00", ""];
    &[
        packet("CONNECT", Broker, Place::Connect, 0x10, TO_CONNECT),
        packet("Will Properties", Broker, Place::Will, 0x10, TO_WILL),
        packet("CONNACK", Client, Place::ConnAck, 0x20, ["00 00", ""]),
        packet("PUBLISH", Broker, Place::Publish, 0x30, ["00 01 74", "70"]),
        packet("PUBLISH", Client, Place::Delivery, 0x30, ["00 01 74", "70"]),
        packet("PUBLISH", Client, Place::Delivery, 0x34, ["00 01 74 00 0a", "70"]),
        packet("PUBACK", Client, Place::Ack, 0x40, TO_ANSWER),
        packet("PUBACK", Broker, Place::Ack, 0x40, TO_ANSWER),
        packet("PUBREC", Client, Place::Ack, 0x50, TO_ANSWER),
        packet("PUBREC", Broker, Place::Ack, 0x50, TO_ANSWER),
        packet("PUBREL", Client, Place::Ack, 0x62, TO_ANSWER),
        packet("PUBREL", Broker, Place::Ack, 0x62, TO_ANSWER),
        packet("PUBCOMP", Client, Place::Ack, 0x70, TO_ANSWER),
        packet("PUBCOMP", Broker, Place::Ack, 0x70, TO_ANSWER),
        packet("SUBSCRIBE", Broker, Place::Subscribe, 0x82, ["00 0a", "00 01 61 00"]),
        packet("SUBACK", Client, Place::SubAck, 0x90, ["00 0a", "00"]),
        packet("UNSUBSCRIBE", Broker, Place::Unsubscribe, 0xa2, ["00 0a", "00 01 61"]),
        packet("UNSUBACK", Client, Place::UnsubAck, 0xb0, ["00 0a", "00"]),
        packet("DISCONNECT", Broker, Place::Disconnect, 0xe0, ["00", ""]),
        packet("DISCONNECT", Client, Place::Dismissal, 0xe0, ["00", ""]),
        packet("AUTH", Broker, Place::Auth, 0xf0, ["18", ""]),
        packet("AUTH", Client, Place::Auth, 0xf0, ["18", ""]),
    ]
};

impl Property {
    /// Identifier and value.
    pub fn bytes(&self) -> Vec<u8> {
        [vec![self.id], hex(self.value)].concat()
    }

    /// Whether the standard allows it. Three sentences outside of the table depend on the direction.
    pub fn belongs_in(&self, packet: &Packet) -> bool {
        let is_for_direction = match (self.id, packet.name, packet.reader) {
            // [MQTT5-3.3.4-6]
            (11, "PUBLISH", reader) => reader == Role::Client,
            // [MQTT5-3.14.2-2]
            (17, "DISCONNECT", reader) => reader == Role::Broker,
            // 3.14.2.2.5: the server sends it.
            (28, "DISCONNECT", reader) => reader == Role::Client,
            _ => true,
        };
        is_for_direction && self.packets.split(", ").any(|name| name == packet.name)
    }

    /// Whether it may be there twice: 3.3.2.3.8, and each section about user properties.
    pub fn repeats_in(&self, packet: &Packet) -> bool {
        self.id == 38 || (self.id, packet.name) == (11, "PUBLISH")
    }

    /// What must be there with it: no data without an authentication method (3.1.2.11.10).
    pub fn needs(&self) -> Vec<u8> {
        match self.id {
            22 => hex("15 00 01 6d"),
            _ => Vec::new(),
        }
    }
}

impl Packet {
    /// The packet with these properties.
    pub fn with(&self, list: &[u8]) -> Vec<u8> {
        self.with_length(&remaining_length(list.len()), list)
    }

    /// The same with another length of the properties.
    pub fn with_length(&self, length: &[u8], list: &[u8]) -> Vec<u8> {
        let body = [&hex(self.before), length, list, &hex(self.behind)].concat();
        [&[self.first], &remaining_length(body.len())[..], &body].concat()
    }
}
