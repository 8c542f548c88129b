//! What a connection that was asked to end is still to say, while its successor is made already.

use super::gather::Gather;
use super::output::Output;
use crate::codec::{Ack, PacketId, QoS, Version, encode};
use crate::time::Moment;

pub struct FinalBytes {
    /// Whose they are: connections are counted by `open`.
    pub connection: u32,
    /// How long writing them may take.
    pub deadline: Moment,
    output: Output,
    /// DISCONNECT waits for the acknowledgement of what is being delivered.
    delivering: bool,
}

impl FinalBytes {
    pub fn new(
        connection: u32,
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

    /// Hands over the bytes, DISCONNECT at the last, in exchange for an empty buffer.
    pub fn take(&mut self, empty: &mut Gather) {
        if std::mem::take(&mut self.delivering) {
            encode::disconnect(self.output.buffer());
        }
        self.output.take(empty);
    }

    /// The socket has all but `count` of them.
    pub fn set_unwritten(&mut self, count: usize) {
        self.output.set_unwritten(count);
    }

    /// The next QoS 0 message that is wholly with the socket.
    pub fn pop_written(&mut self) -> Option<u64> {
        self.output.pop_written()
    }

    /// QoS 0 messages that the socket did not take yet.
    pub fn at_most_once(&self) -> usize {
        self.output.at_most_once()
    }

    /// They never will be written: the QoS 0 messages among them.
    pub fn into_lost(mut self) -> impl Iterator<Item = u64> {
        self.output.reset()
    }
}
