//! The client's side of a connection: the buffers of the driver, and the network.

use pmqtt::codec::{self, Ack, Packet, PacketId, QoS, Role, Version};
use pmqtt::session::Sent;
use pmqtt::time::Moment;

use crate::support::broker;
use crate::support::pipe::Pipe;

#[derive(Default)]
pub struct Connection {
    /// Bytes that were taken from the session, and not written yet.
    pub unwritten: Vec<u8>,
    /// Bytes that were read, and not passed to the session yet.
    pub input: Input,
    pub to_broker: Pipe,
    pub to_client: Pipe,
    /// The bytes in the socket of a packet that is not complete there.
    partial: Vec<u8>,
    /// QoS 0 messages in the socket that the session does not know to be written.
    pub unnoticed: Vec<u64>,
}

impl Connection {
    /// The socket takes `count` bytes. Returns the messages that this completes.
    pub fn write(&mut self, count: usize, arrival: Moment, version: Version) -> Vec<(QoS, u64)> {
        let bytes: Vec<u8> = self.unwritten.drain(..count).collect();
        self.partial.extend_from_slice(&bytes);
        self.to_broker.send(arrival, bytes);
        let mut numbers = Vec::new();
        while let Some(header) =
            codec::header(&self.partial, Role::Broker, version).expect("a well-formed header")
            && header.end <= self.partial.len()
        {
            let mut packet: Vec<u8> = self.partial.drain(..header.end).collect();
            let packet = codec::decode(&mut packet, &header, version).expect("well-formed");
            if let Packet::Publish(publish) = packet {
                numbers.push((publish.qos, broker::number(&publish)));
            }
        }
        numbers
    }

    /// The progress according to the acknowledgements of the broker's TCP.
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
