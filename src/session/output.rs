//! The bytes on their way to the socket, and which QoS 0 messages are among them.

use super::answers::Answers;
use super::at_most_once::{self, AtMostOnce};
use super::chunks::Packet;
use super::gather::Gather;
use crate::codec::{Ack, Buffer, NoMemory, PacketId, Version, encode};

/// A buffer that grew past this is kept only while there is about as much to write.
const KEPT: usize = 512 * 1024;

/// What a message of QoS 0 counts for beside its packet.
pub const MARK: usize = at_most_once::MARK;

#[derive(Default)]
pub struct Output {
    /// What was encoded, and not taken out for the socket.
    ready: Gather,
    /// CONNECT, until CONNACK has come. All else waits that long.
    connect: Option<Box<Buffer>>,
    /// Where the row of `ready` begins among the bytes of this connection, its payloads counted.
    base: u64,
    /// How many of them the socket took.
    written: u64,
    /// The QoS 0 messages among them.
    at_most_once: AtMostOnce,
    /// The acknowledgements among them.
    pub answers: Answers,
}

impl Output {
    /// Where the next packet is encoded to, behind those that are there.
    #[inline(always)]
    pub fn buffer(&mut self) -> &mut Buffer {
        self.ready.row()
    }

    #[inline(always)]
    pub fn put_ack(&mut self, kind: Ack, id: PacketId, again: bool, version: Version) {
        encode::ack(self.buffer(), kind, id, again, version);
        self.answers.add();
    }

    /// Sends a PUBLISH of QoS 1 or 2, for none is sent before CONNACK. Returns the copy of its head at
    /// least, for what has changed since it was made.
    #[inline(always)]
    pub fn put_publish(&mut self, packet: Packet) -> Result<&mut [u8], NoMemory> {
        match packet {
            Packet::Small(bytes) => {
                let copy = self.ready.row().try_extend(bytes.len())?;
                copy.copy_from_slice(bytes);
                Ok(copy)
            }
            Packet::Large(packet) => {
                let start = encode::head_len(packet);
                let head = self.ready.put_packet(packet, start)?;
                self.base += (packet.len() - start) as u64;
                Ok(head)
            }
        }
    }

    /// Sends a PUBLISH of QoS 0 that was kept.
    pub fn put_kept(&mut self, packet: &[u8]) -> Result<(), NoMemory> {
        let copy = self.ready.row().try_extend(packet.len())?;
        copy.copy_from_slice(packet);
        Ok(())
    }

    /// The packet encoded last is the QoS 0 message `mid`.
    #[inline(always)]
    pub fn mark_at_most_once(&mut self, mid: u64) {
        self.at_most_once.push(self.position(), mid);
    }

    /// What is there is CONNECT: packets that come now wait until `release`.
    pub fn hold(&mut self) {
        let connect = std::mem::take(self.ready.row());
        self.base += connect.len() as u64;
        self.connect = Some(Box::new(connect));
    }

    /// The packets behind CONNECT wait no more. A broker may have answered before the socket took that.
    pub fn release(&mut self) {
        if let Some(mut connect) = self.connect.take() {
            self.base -= connect.len() as u64;
            connect.append(self.ready.row());
            *self.ready.row() = *connect;
        }
    }

    /// What waits for `release` is given up, and all QoS 0 messages with it: their mids.
    pub fn forgo(&mut self) -> impl Iterator<Item = u64> + use<> {
        self.ready.clear();
        self.release();
        std::mem::take(&mut self.at_most_once).into_mids()
    }

    pub fn has_ready(&self) -> bool {
        match &self.connect {
            Some(connect) => !connect.is_empty(),
            None => !self.ready.is_empty(),
        }
    }

    /// Hands over what may be written, in exchange for an empty buffer.
    pub fn take(&mut self, empty: &mut Gather) {
        debug_assert!(empty.is_empty());
        if let Some(connect) = &mut self.connect {
            return std::mem::swap(connect.as_mut(), empty.row());
        }
        let len = self.ready.row_len();
        if empty.capacity() > KEPT.max(4 * len) {
            *empty = Gather::default();
        }
        self.base += len as u64;
        std::mem::swap(&mut self.ready, empty);
    }

    /// The socket took `count` bytes more.
    pub fn written(&mut self, count: usize) {
        self.written += count as u64;
        self.answers.written(self.written, self.position());
    }

    /// The socket took all but `count` bytes, as far as it could not be said while that went on.
    pub fn set_unwritten(&mut self, count: usize) {
        self.written = self.position() - count as u64;
    }

    /// Whether a QoS 0 message is wholly with the socket, and was not taken note of.
    pub fn has_written(&self) -> bool {
        self.at_most_once.is_passed(self.written)
    }

    /// The next QoS 0 message that is wholly with the socket.
    #[inline(always)]
    pub fn pop_written(&mut self) -> Option<u64> {
        self.at_most_once.pop_passed(self.written)
    }

    /// The connection is gone, and with it each QoS 0 message that was not written: their mids.
    pub fn reset(&mut self) -> impl Iterator<Item = u64> + use<> {
        std::mem::take(self).at_most_once.into_mids()
    }

    pub fn trim(&mut self) {
        self.ready.shrink();
        self.at_most_once.shrink();
    }

    /// Bytes encoded that the socket did not take yet.
    pub fn unwritten(&self) -> usize {
        (self.position() - self.written) as usize
    }

    /// Whether the socket did not take all that was taken out for it.
    pub fn has_taken_out(&self) -> bool {
        let connect = self.connect.as_ref().map_or(0, |connect| connect.len());
        self.unwritten() > self.ready.len() + connect
    }

    /// QoS 0 messages that the socket did not take yet.
    pub fn at_most_once(&self) -> usize {
        self.at_most_once.len()
    }

    /// What is taken by bytes that the socket did not take yet, and by their marks.
    pub fn bytes(&self) -> usize {
        self.unwritten() + MARK * self.at_most_once.len()
    }

    /// Where the packet encoded last ends, to ask `is_written` of it.
    #[inline(always)]
    pub fn position(&self) -> u64 {
        self.base + self.ready.row_len() as u64
    }

    pub fn is_written(&self, position: u64) -> bool {
        self.written >= position
    }
}
