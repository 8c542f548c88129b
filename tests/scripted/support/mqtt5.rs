//! MQTT 5: what the client sends, decoded, and what the broker answers.

use std::io::Read;

use pmqtt::codec::{self, Packet, Role, Version};
use pmqtt::ffi;

use super::{Broker, Client, Connection, Drive, Event, Handle, Peer};

/// CONNACK of a broker that states nothing.
pub const ACCEPTED: &[u8] = b"\x20\x03\0\0\0";

/// CONNACK without a session, with these properties.
pub fn accepted_with(properties: &[u8]) -> Vec<u8> {
    connack(false, 0, properties)
}

pub fn connack(session_present: bool, reason: u8, properties: &[u8]) -> Vec<u8> {
    let length = u8::try_from(properties.len()).expect("short properties");
    let head = [0x20, 3 + length, session_present.into(), reason, length];
    [&head, properties].concat()
}

impl Client {
    /// MQTT 5, with a clean session.
    pub fn mqtt5(id: &str) -> Client {
        Client::create(id, true, ffi::PMQTT_PROTOCOL_V5)
    }
}

impl Handle {
    /// The version of the connection.
    pub fn version(self) -> i32 {
        // SAFETY: a structure of numbers may be all zero.
        let mut with: ffi::Negotiated = unsafe { std::mem::zeroed() };
        with.struct_size = size_of::<ffi::Negotiated>();
        // SAFETY: the client lives.
        assert_eq!(unsafe { ffi::pmqtt_negotiated_get(self.0, &mut with) }, 0);
        with.version
    }
}

impl Peer {
    /// `expect_silence` with a client of MQTT 5.
    #[track_caller]
    pub fn expect_silence5(&mut self) {
        self.send(b"\x62\x02\xff\xff");
        self.expect(b"\x70\x03\xff\xff\x92");
    }

    /// The bytes of the next packet.
    #[track_caller]
    pub fn packet(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let header = codec::header(&bytes, Role::Broker, Version::V5).expect("a packet");
            match header {
                Some(header) if header.end == bytes.len() => return bytes,
                _ => {
                    let mut next = [0];
                    self.stream.read_exact(&mut next).expect("a whole packet");
                    bytes.extend(next);
                }
            }
        }
    }

    /// Reads the next packet, of MQTT 5.
    #[track_caller]
    pub fn read<T>(&mut self, look: impl FnOnce(Packet) -> T) -> T {
        let mut bytes = self.packet();
        let header = codec::header(&bytes, Role::Broker, Version::V5).expect("a packet");
        let header = header.expect("a whole packet");
        look(codec::decode(&mut bytes, &header, Version::V5).expect("well-formed"))
    }
}

impl Broker {
    /// The next connection, of any client; answers CONNECT with this.
    pub fn welcome_any(&self, connack: &[u8]) -> Peer {
        let mut peer = self.accept();
        assert_eq!(peer.packet()[0], 0x10);
        peer.send(connack);
        peer
    }
}

/// A client of MQTT 5 with the id "c", connected and run in this way. The broker answers CONNECT with
/// this.
pub fn connected5(drive: Drive, connack: &[u8]) -> Connection {
    let (client, broker) = (Client::mqtt5("c"), Broker::new());
    client.connect_async(&broker);
    client.run(drive);
    let peer = broker.welcome_any(connack);
    assert_eq!(client.next(), Event::CONNECTED);
    Connection {
        client,
        peer,
        broker,
    }
}
