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
    static MEMORY: Cell<Box<[u8]>> = Cell::default();
}

/// What there is of a packet that is not whole yet.
type LeftOver = Vec<u8>;

#[derive(Default)]
pub struct ReadBuffer {
    /// Empty between turns, but for a large packet.
    buffer: Box<[u8]>,
    start: u32,
    end: u32,
    left_over: Option<Box<LeftOver>>,
    /// Whether more may be waiting.
    more: bool,
}

impl ReadBuffer {
    /// Reads once. 0 is the end of the stream.
    pub fn read(&mut self, transport: &mut Transport) -> io::Result<usize> {
        self.make_room();
        let room = &mut self.buffer[self.end as usize..];
        let size = room.len();
        let count = transport.read(room)?;
        self.end += count as u32;
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
        let pending = &mut self.buffer[self.start as usize..self.end as usize];
        match header(pending, Role::Client, version)? {
            Some(header) if header.end <= pending.len() => {
                self.start += header.end as u32;
                Ok(Some((&mut pending[..header.end], header)))
            }
            _ => Ok(None),
        }
    }

    /// What has been read and not handed out.
    #[inline(always)]
    fn pending(&self) -> &[u8] {
        &self.buffer[self.start as usize..self.end as usize]
    }

    /// Whether a message of QoS 0 or 1 comes next, or the beginning of one.
    #[inline(always)]
    pub fn has_message(&self) -> bool {
        let first = self.pending().first();
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
        let ack = plain_ack(self.pending())?;
        self.start += 4;
        Some(ack)
    }

    /// The turn is over: hands back the thread's memory. What large packets need stays while they come.
    pub fn release(&mut self) {
        let left = &self.buffer[self.start as usize..self.end as usize];
        let is_large = self.buffer.len() > SHARED && self.end as usize > SHARED;
        if left.len() <= LEFT_OVER && !is_large {
            if !left.is_empty() {
                let left_over = self.left_over.get_or_insert_default();
                left_over.extend_from_slice(left);
            }
            self.hand_back();
        }
    }

    /// A turn begins in which what is left over is dealt with: takes the thread's memory for it.
    pub fn resume(&mut self) {
        if !self.buffer.is_empty() {
            return;
        }
        self.buffer = MEMORY.try_with(Cell::take).unwrap_or_default();
        if self.buffer.is_empty() {
            self.grow(SHARED);
        }
        if let Some(left_over) = &mut self.left_over {
            self.end = left_over.len() as u32;
            self.buffer[..left_over.len()].copy_from_slice(left_over);
            left_over.clear();
        }
    }

    /// Forgets what was read.
    pub fn clear(&mut self) {
        self.left_over = None;
        self.hand_back();
    }

    /// Gives back the memory while nothing waits in it.
    pub fn trim(&mut self) {
        let left_over = self.left_over.as_ref();
        if self.start == self.end && left_over.is_none_or(|bytes| bytes.is_empty()) {
            *self = ReadBuffer::default();
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
            self.resume();
        } else if self.start > 0 {
            let pending = self.start as usize..self.end as usize;
            self.buffer.copy_within(pending, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end as usize == self.buffer.len() {
            self.grow((2 * self.buffer.len()).max(LARGE));
        }
    }

    fn grow(&mut self, size: usize) {
        let mut bytes = std::mem::take(&mut self.buffer).into_vec();
        bytes.reserve_exact(size - bytes.len());
        bytes.resize(size, 0);
        self.buffer = bytes.into_boxed_slice();
    }
}
