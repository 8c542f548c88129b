//! Final bytes: what a closing connection still has to write while its successor exists.

use super::gather::Gather;
use super::output::Output;
use crate::codec::{Ack, PacketId, QoS, Version};
use crate::time::Moment;

pub struct FinalBytes {
    /// The connection that they belong to; `open` counts connections.
    pub connection: u16,
    /// When the time to write them ends.
    pub deadline: Moment,
    output: Output,
    /// DISCONNECT waits for the acknowledgement of what is being delivered.
    delivering: bool,
}

impl FinalBytes {
    pub fn new(
        connection: u16,
        deadline: Moment,
        output: Output,
        delivering: bool,
    ) -> Box<FinalBytes> {
        Box::new(FinalBytes {
            connection,
            deadline,
            output,
            delivering,
        })
    }

    /// The application has taken a message that was being delivered.
    pub fn acknowledge(&mut self, id: PacketId, qos: QoS, version: Version) {
        let ack = match qos {
            QoS::AtMostOnce => return,
            QoS::AtLeastOnce => Ack::PubAck,
            QoS::ExactlyOnce => Ack::PubRec,
        };
        if self.delivering {
            self.output.put_ack(ack, id, false, version);
        }
    }

    /// Exchanges the bytes for an empty buffer. DISCONNECT is the last packet.
    pub fn take(&mut self, empty: &mut Gather) {
        if std::mem::take(&mut self.delivering) {
            self.output.put_disconnect();
        }
        self.output.take(empty);
    }

    /// The socket has taken all but `count` of the bytes.
    pub fn set_unwritten(&mut self, count: usize) {
        self.output.set_unwritten(count);
    }

    /// The next QoS 0 message that is wholly with the socket.
    pub fn pop_written(&mut self) -> Option<u64> {
        self.output.pop_written()
    }

    /// QoS 0 messages that the socket has not taken.
    pub fn at_most_once(&self) -> usize {
        self.output.at_most_once()
    }

    /// The bytes will never be written. Returns the QoS 0 messages among them.
    pub fn into_lost(mut self) -> impl Iterator<Item = u64> {
        self.output.reset()
    }
}
