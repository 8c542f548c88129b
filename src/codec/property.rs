//! The properties of MQTT 5: one table for decoder, writer and checks (table 2-4).

use std::ffi::CStr;

/// The type of a property's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Byte,
    U16,
    U32,
    VarInt,
    Text,
    Binary,
    Pair,
}

/// A packet in one direction. A will is a place of its own, inside CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Place {
    Connect,
    Will,
    ConnAck,
    /// PUBLISH from client to broker.
    Publish,
    /// PUBLISH from broker to client.
    Delivery,
    /// PUBACK, PUBREC, PUBREL and PUBCOMP, in both directions.
    Ack,
    Subscribe,
    SubAck,
    Unsubscribe,
    UnsubAck,
    /// DISCONNECT from client to broker.
    Disconnect,
    /// DISCONNECT from broker to client.
    Dismissal,
    Auth,
}

#[derive(Clone, Copy)]
pub struct Property {
    /// For C too.
    pub name: &'static CStr,
    pub kind: Kind,
    /// A bit for each `Place` that it may be in.
    places: u16,
    /// A bit for each `Place` that it may be in more than once.
    repeats: u16,
    least: u32,
    most: u32,
}

pub const PAYLOAD_FORMAT: u8 = 0x01;
pub const MESSAGE_EXPIRY: u8 = 0x02;
pub const CONTENT_TYPE: u8 = 0x03;
pub const RESPONSE_TOPIC: u8 = 0x08;
pub const CORRELATION_DATA: u8 = 0x09;
pub const SUBSCRIPTION_ID: u8 = 0x0b;
pub const SESSION_EXPIRY: u8 = 0x11;
pub const ASSIGNED_CLIENT_ID: u8 = 0x12;
pub const SERVER_KEEP_ALIVE: u8 = 0x13;
pub const AUTH_METHOD: u8 = 0x15;
pub const AUTH_DATA: u8 = 0x16;
pub const REQUEST_PROBLEM: u8 = 0x17;
pub const WILL_DELAY: u8 = 0x18;
pub const REQUEST_RESPONSE: u8 = 0x19;
pub const RESPONSE_INFO: u8 = 0x1a;
pub const SERVER_REFERENCE: u8 = 0x1c;
pub const REASON_STRING: u8 = 0x1f;
pub const RECEIVE_MAXIMUM: u8 = 0x21;
pub const TOPIC_ALIAS_MAXIMUM: u8 = 0x22;
pub const TOPIC_ALIAS: u8 = 0x23;
pub const MAXIMUM_QOS: u8 = 0x24;
pub const RETAIN_AVAILABLE: u8 = 0x25;
pub const USER_PROPERTY: u8 = 0x26;
pub const MAXIMUM_PACKET_SIZE: u8 = 0x27;
pub const WILDCARD_AVAILABLE: u8 = 0x28;
pub const SUBSCRIPTION_IDS_AVAILABLE: u8 = 0x29;
pub const SHARED_AVAILABLE: u8 = 0x2a;

/// The property with this identifier; None: MQTT 5 has none.
#[inline(always)]
pub fn property(id: u8) -> Option<&'static Property> {
    TABLE.get(usize::from(id))?.as_ref()
}

/// The type of a property's value. It is asked for each property that is read.
#[inline(always)]
pub fn kind(id: u8) -> Option<Kind> {
    KINDS[usize::from(id)]
}

impl Property {
    pub fn name(&self) -> &'static str {
        self.name.to_str().unwrap_or_default()
    }

    /// Whether it may be in a packet.
    #[inline(always)]
    pub fn is_allowed(&self, place: Place) -> bool {
        self.places & place.bit() != 0
    }

    /// Whether a number is among its values.
    #[inline(always)]
    pub fn takes(&self, number: u32) -> bool {
        (self.least..=self.most).contains(&number)
    }
}

impl Place {
    /// A bit for each property that may be in it.
    #[inline(always)]
    pub fn properties(self) -> u64 {
        PROPERTIES[self as usize]
    }

    /// A bit for each property that may not be in it more than once.
    #[inline(always)]
    pub fn once(self) -> u64 {
        ONCE[self as usize]
    }

    const fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// By place.
static PROPERTIES: [u64; PLACES] = bits_of(false);
static ONCE: [u64; PLACES] = bits_of(true);

const PLACES: usize = Place::Auth as usize + 1;

const fn bits_of(once: bool) -> [u64; PLACES] {
    let table = table();
    let mut bits = [0; PLACES];
    let mut place = 0;
    while place < PLACES {
        let mut id = 0;
        while id < SIZE {
            if let Some(row) = table[id] {
                let wanted = if once { !row.repeats } else { row.places };
                bits[place] |= (wanted as u64 >> place & 1) << id;
            }
            id += 1;
        }
        place += 1;
    }
    bits
}

const SIZE: usize = SHARED_AVAILABLE as usize + 1;

/// By identifier, so that it needs no check of the bounds.
static KINDS: [Option<Kind>; 256] = kinds();

const fn kinds() -> [Option<Kind>; 256] {
    let table = table();
    let mut kinds = [None; 256];
    let mut id = 0;
    while id < SIZE {
        if let Some(row) = table[id] {
            kinds[id] = Some(row.kind);
        }
        id += 1;
    }
    kinds
}

/// By identifier.
static TABLE: [Option<Property>; SIZE] = table();

const fn table() -> [Option<Property>; SIZE] {
    use Kind::*;
    use Place::*;
    const fn bits(places: &[Place]) -> u16 {
        let mut bits = 0;
        let mut index = 0;
        while index < places.len() {
            bits |= places[index].bit();
            index += 1;
        }
        bits
    }
    const fn row(name: &'static CStr, kind: Kind, values: (u32, u32), places: u16) -> Property {
        Property {
            name,
            kind,
            places,
            repeats: 0,
            least: values.0,
            most: values.1,
        }
    }
    const ANY: (u32, u32) = (0, u32::MAX);
    const NOT_0: (u32, u32) = (1, u32::MAX);
    const ANY_U16: (u32, u32) = (0, u16::MAX as u32);
    const NOT_0_U16: (u32, u32) = (1, u16::MAX as u32);
    const NOT_0_VAR: (u32, u32) = (1, 268_435_455);
    const FLAG: (u32, u32) = (0, 1);
    const MESSAGE: u16 = bits(&[Will, Publish, Delivery]);
    const CONNACK: u16 = bits(&[ConnAck]);
    const BOTH: u16 = bits(&[Connect, ConnAck]);
    const AUTHENTICATION: u16 = bits(&[Connect, ConnAck, Auth]);
    const REASON: u16 = bits(&[ConnAck, Ack, SubAck, UnsubAck, Disconnect, Dismissal, Auth]);
    const EVERY: u16 = (Auth.bit() << 1) - 1;

    let mut table = [None; SIZE];
    #[rustfmt::skip]
    let rows = [
        (PAYLOAD_FORMAT, row(c"payload format indicator", Byte, FLAG, MESSAGE)),
        (MESSAGE_EXPIRY, row(c"message expiry interval", U32, ANY, MESSAGE)),
        (CONTENT_TYPE, row(c"content type", Text, ANY, MESSAGE)),
        (RESPONSE_TOPIC, row(c"response topic", Text, ANY, MESSAGE)),
        (CORRELATION_DATA, row(c"correlation data", Binary, ANY, MESSAGE)),
        (SUBSCRIPTION_ID, Property {
            repeats: bits(&[Delivery]),
            ..row(c"subscription identifier", VarInt, NOT_0_VAR, bits(&[Delivery, Subscribe]))
        }),
        (SESSION_EXPIRY, row(c"session expiry interval", U32, ANY, bits(&[Connect, ConnAck, Disconnect]))),
        (ASSIGNED_CLIENT_ID, row(c"assigned client identifier", Text, ANY, CONNACK)),
        (SERVER_KEEP_ALIVE, row(c"server keep alive", U16, ANY_U16, CONNACK)),
        (AUTH_METHOD, row(c"authentication method", Text, ANY, AUTHENTICATION)),
        (AUTH_DATA, row(c"authentication data", Binary, ANY, AUTHENTICATION)),
        (REQUEST_PROBLEM, row(c"request problem information", Byte, FLAG, bits(&[Connect]))),
        (WILL_DELAY, row(c"will delay interval", U32, ANY, bits(&[Will]))),
        (REQUEST_RESPONSE, row(c"request response information", Byte, FLAG, bits(&[Connect]))),
        (RESPONSE_INFO, row(c"response information", Text, ANY, CONNACK)),
        (SERVER_REFERENCE, row(c"server reference", Text, ANY, bits(&[ConnAck, Dismissal]))),
        (REASON_STRING, row(c"reason string", Text, ANY, REASON)),
        (RECEIVE_MAXIMUM, row(c"receive maximum", U16, NOT_0_U16, BOTH)),
        (TOPIC_ALIAS_MAXIMUM, row(c"topic alias maximum", U16, ANY_U16, BOTH)),
        (TOPIC_ALIAS, row(c"topic alias", U16, ANY_U16, bits(&[Publish, Delivery]))),
        (MAXIMUM_QOS, row(c"maximum QoS", Byte, FLAG, CONNACK)),
        (RETAIN_AVAILABLE, row(c"retain available", Byte, FLAG, CONNACK)),
        (USER_PROPERTY, Property { repeats: EVERY, ..row(c"user property", Pair, ANY, EVERY) }),
        (MAXIMUM_PACKET_SIZE, row(c"maximum packet size", U32, NOT_0, BOTH)),
        (WILDCARD_AVAILABLE, row(c"wildcard subscription available", Byte, FLAG, CONNACK)),
        (SUBSCRIPTION_IDS_AVAILABLE, row(c"subscription identifiers available", Byte, FLAG, CONNACK)),
        (SHARED_AVAILABLE, row(c"shared subscription available", Byte, FLAG, CONNACK)),
    ];
    let mut index = 0;
    while index < rows.len() {
        let (id, row) = rows[index];
        table[id as usize] = Some(row);
        index += 1;
    }
    table
}
