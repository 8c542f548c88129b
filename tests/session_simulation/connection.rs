//! The client's side of a connection: what the driver has read and not written, and the network.

use pmqtt::codec::{self, Ack, Packet, PacketId, QoS, Role, Version};
use pmqtt::session::Sent;
use pmqtt::time::Moment;

use crate::support::broker;
use crate::support::pipe::Pipe;

#[derive(Default)]
pub struct Connection {
    /// Taken from the session, and not written yet.
    pub unwritten: Vec<u8>,
    /// Read, and not handed to the session yet.
    pub input: Input,
    pub to_broker: Pipe,
    pub to_client: Pipe,
    /// What the socket has of a packet that it does not have as a whole.
    partial: Vec<u8>,
    /// QoS 0 messages in the socket that the session was not told of.
    pub unnoticed: Vec<u64>,
}

impl Connection {
    /// The socket takes `count` bytes: which QoS 0 messages are wholly with it now.
    pub fn write(&mut self, count: usize, arrival: Moment, version: Version) -> Vec<u64> {
        let bytes: Vec<u8> = self.unwritten.drain(..count).collect();
        self.partial.extend_from_slice(&bytes);
        self.to_broker.send(arrival, bytes);
        let mut numbers = Vec::new();
        while let Some(header) =
            codec::header(&self.partial, Role::Broker, version).expect("a well-formed header")
            && header.end <= self.partial.len()
        {
            let mut packet: Vec<u8> = self.partial.drain(..header.end).collect();
            match codec::decode(&mut packet, &header, version).expect("well-formed") {
                Packet::Publish(publish) if publish.qos == QoS::AtMostOnce => {
                    numbers.push(broker::number(&publish));
                }
                _ => {}
            }
        }
        numbers
    }

    /// As the broker's TCP acknowledges it.
    pub fn sent(&self) -> Sent {
        Sent {
            written: None,
            unacked: self.to_broker.len() as u64,
        }
    }
}

/// The driver's read buffer.
#[derive(Default)]
pub struct Input(Vec<u8>);

impl Input {
    pub fn extend(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Whether a message of QoS 0 or 1 comes next.
    pub fn has_message(&self) -> bool {
        self.0.first().is_some_and(|byte| byte & 0xf4 == 0x30)
    }

    pub fn next_ack(&mut self) -> Option<(Ack, PacketId)> {
        let ack = codec::plain_ack(&self.0)?;
        self.0.drain(..4);
        Some(ack)
    }

    /// The next packet, if it is whole.
    pub fn next_packet(&mut self, version: Version) -> Option<(Vec<u8>, codec::Header)> {
        let header =
            codec::header(&self.0, Role::Client, version).expect("a well-formed header")?;
        (header.end <= self.0.len()).then(|| (self.0.drain(..header.end).collect(), header))
    }
}
