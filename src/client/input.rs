//! The read buffer: bytes from the transport until they are whole packets.

use std::io;

use crate::codec::{Header, Malformed, Role, Version, header};
use crate::transport::Transport;

const INITIAL: usize = 4 * 1024;
/// Reads are at least this large once a peer has filled smaller ones.
const FULL: usize = 64 * 1024;

#[derive(Default)]
pub struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Whether the last read filled the buffer.
    filled: bool,
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
        self.filled = count == size;
        self.more = self.filled || transport.has_pending();
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

    /// Forgets what was read, for the connection is another one.
    pub fn reset(&mut self) {
        *self = Input::default();
    }

    /// Gives the memory back while nothing waits in it.
    pub fn rest(&mut self) {
        if self.start == self.end {
            self.reset();
        }
    }

    /// The buffer grows with what has come, never with what a header promises. What a large packet
    /// needed is given back when small ones follow it.
    fn make_room(&mut self) {
        let kept = self.end - self.start;
        if kept == 0 {
            if self.buffer.len() > FULL && (1..FULL).contains(&self.end) {
                self.reset();
            }
            self.start = 0;
            self.end = 0;
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.start = 0;
            self.end = kept;
        }
        let size = self.buffer.len();
        if size == 0 {
            self.buffer.resize(INITIAL, 0);
        } else if kept == size {
            self.buffer.resize(size * 2, 0);
        } else if self.filled && size < FULL {
            self.buffer.resize(FULL, 0);
        }
    }
}
