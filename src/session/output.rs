//! The bytes on their way to the socket, and which QoS 0 messages are among them.

use super::at_most_once::AtMostOnce;
use crate::codec::{Ack, Buffer, PacketId, Version, encode};

/// A buffer that grew past this is kept only while there is about as much to write.
const KEPT: usize = 512 * 1024;

#[derive(Default)]
pub struct Output {
    /// May be written now.
    ready: Buffer,
    /// Waits behind CONNECT until CONNACK has come.
    held: Buffer,
    holding: bool,
    /// Bytes of this connection that were taken out for the socket, and that it took of them.
    taken: u64,
    written: u64,
    /// The QoS 0 messages among them.
    at_most_once: AtMostOnce,
}

impl Output {
    /// Where the next packet is encoded to, behind those that are there.
    #[inline(always)]
    pub fn buffer(&mut self) -> &mut Buffer {
        match self.holding {
            true => &mut self.held,
            false => &mut self.ready,
        }
    }

    #[inline(always)]
    pub fn put_ack(&mut self, kind: Ack, id: PacketId, again: bool, version: Version) {
        encode::ack(self.buffer(), kind, id, again, version);
    }

    /// The packet encoded last is the QoS 0 message `mid`.
    #[inline(always)]
    pub fn mark_at_most_once(&mut self, mid: u64) {
        self.at_most_once.push(self.position(), mid);
    }

    /// From here on packets wait until `release`.
    pub fn hold(&mut self) {
        self.holding = true;
    }

    pub fn release(&mut self) {
        self.holding = false;
        self.ready.append(&self.held);
        self.held = Buffer::default();
    }

    /// What waits for `release` is given up, and all QoS 0 messages with it: their mids.
    pub fn forgo(&mut self) -> impl Iterator<Item = u64> + use<> {
        self.holding = false;
        self.held = Buffer::default();
        std::mem::take(&mut self.at_most_once).into_mids()
    }

    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Hands over what may be written, in exchange for an empty buffer.
    pub fn take(&mut self, empty: &mut Buffer) {
        debug_assert!(empty.is_empty());
        if empty.capacity() > KEPT.max(4 * self.ready.len()) {
            *empty = Buffer::default();
        }
        self.taken += self.ready.len() as u64;
        std::mem::swap(&mut self.ready, empty);
    }

    /// The socket took `count` bytes more.
    pub fn written(&mut self, count: usize) {
        self.written += count as u64;
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

    /// QoS 0 messages that the socket did not take yet.
    pub fn at_most_once(&self) -> usize {
        self.at_most_once.len()
    }

    /// Where the packet encoded last ends, to ask `is_written` of it.
    #[inline(always)]
    pub fn position(&self) -> u64 {
        self.taken + (self.ready.len() + self.held.len()) as u64
    }

    pub fn is_written(&self, position: u64) -> bool {
        self.written >= position
    }
}
