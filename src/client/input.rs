//! The read buffer: bytes from the transport until they are whole packets.
//!
//! A client reads into memory of its thread, and hands it back after each turn, so that one that is
//! idle has none, and that ten thousand in one loop read into memory that is in the cache. What is
//! left of a packet that is not whole yet it keeps itself.

use std::cell::Cell;
use std::io;

use crate::codec::{
    Ack, Header, Malformed, Packet, PacketId, Publish, Role, Version, decode, header, plain_ack,
};
use crate::transport::Transport;

/// The size of a thread's memory, and so of a read.
const SHARED: usize = 64 * 1024;

/// What a client has at least while packets come that do not fit that: room for more than one of
/// them, so that what is left over, and moves to the front, is little of what was read.
const LARGE: usize = 256 * 1024;

/// How much of a packet is kept in a place of its own. Of a larger one the memory is kept, until it
/// is whole.
const LEFT_OVER: usize = 4 * 1024;

thread_local! {
    static MEMORY: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

#[derive(Default)]
pub struct Input {
    /// Empty between turns, but for a large packet.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    left_over: Vec<u8>,
    /// Whether more may be waiting.
    more: bool,
}

impl Input {
    /// Reads once. 0 is the end of the stream.
    pub fn read(&mut self, transport: &mut Transport) -> io::Result<usize> {
        self.make_room();
        let room = &mut self.buffer[self.end..];
        let size = room.len();
        let count = transport.read(room)?;
        self.end += count;
        self.more = count == size || transport.has_pending();
        Ok(count)
    }

    /// Whether another read would find bytes, as far as one can know.
    pub fn may_have_more(&self) -> bool {
        self.more
    }

    /// The next whole packet: its bytes and its header.
    #[inline(always)]
    pub fn next_packet(
        &mut self,
        version: Version,
    ) -> Result<Option<(&mut [u8], Header)>, Malformed> {
        let pending = &mut self.buffer[self.start..self.end];
        match header(pending, Role::Client, version)? {
            Some(header) if header.end <= pending.len() => {
                self.start += header.end;
                Ok(Some((&mut pending[..header.end], header)))
            }
            _ => Ok(None),
        }
    }

    /// Whether a message of QoS 0 or 1 comes next, or the beginning of one.
    #[inline(always)]
    pub fn has_message(&self) -> bool {
        let first = self.buffer[self.start..self.end].first();
        first.is_some_and(|byte| byte & 0xf4 == 0x30)
    }

    /// The message of QoS 0 or 1 that comes next, if it does and is whole.
    #[inline(always)]
    pub fn next_message(&mut self, version: Version) -> Result<Option<Publish<'_>>, Malformed> {
        if !self.has_message() {
            return Ok(None);
        }
        let Some((bytes, header)) = self.next_packet(version)? else {
            return Ok(None);
        };
        match decode(bytes, &header, version)? {
            Packet::Publish(publish) => Ok(Some(publish)),
            _ => Ok(None),
        }
    }

    /// The acknowledgement that comes next, if one does, is whole, and needs no closer look.
    #[inline(always)]
    pub fn next_ack(&mut self) -> Option<(Ack, PacketId)> {
        let ack = plain_ack(&self.buffer[self.start..self.end])?;
        self.start += 4;
        Some(ack)
    }

    /// The turn is over: hands back the thread's memory. What large packets need stays while they come.
    pub fn settle(&mut self) {
        let left = self.start..self.end;
        let is_large = self.buffer.len() > SHARED && self.end > SHARED;
        if left.len() <= LEFT_OVER && !is_large {
            self.left_over.extend_from_slice(&self.buffer[left]);
            self.hand_back();
        }
    }

    /// Forgets what was read.
    pub fn clear(&mut self) {
        self.left_over.clear();
        self.hand_back();
    }

    /// Gives back the memory while nothing waits in it.
    pub fn rest(&mut self) {
        if self.start == self.end && self.left_over.is_empty() {
            *self = Input::default();
        }
    }

    fn hand_back(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.len() == SHARED {
            // A thread that ends has no memory any more: then this one is not kept.
            let _ = MEMORY.try_with(|memory| memory.set(buffer));
        }
        self.start = 0;
        self.end = 0;
    }

    /// The buffer grows with what has come, never with what a header promises.
    fn make_room(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = MEMORY.try_with(Cell::take).unwrap_or_default();
            self.buffer.resize(SHARED, 0);
            self.end = self.left_over.len();
            self.buffer[..self.end].copy_from_slice(&self.left_over);
            self.left_over.clear();
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize((2 * self.end).max(LARGE), 0);
        }
    }
}
