//! Bytes that the session has handed over, until the socket has them.
//!
//! While there are none, their memory belongs to the thread, as that of the read buffer does. So a
//! client with nothing to write holds no memory.

use std::cell::Cell;
use std::io::{IoSlice, Result};

use crate::codec::Buffer;
use crate::session::{Gather, Session};
use crate::transport::Transport;

/// The maximum number of pieces in one write.
const PIECES: usize = 32;

thread_local! {
    static MEMORY: Cell<Option<Box<Bytes>>> = const { Cell::new(None) };
}

#[derive(Default)]
pub struct WriteBuffer {
    bytes: Option<Box<Bytes>>,
}

#[derive(Default)]
struct Bytes {
    all: Gather,
    len: usize,
    written: usize,
}

impl WriteBuffer {
    /// Takes the output of the session; the buffer is empty before.
    pub fn take(&mut self, session: &mut Session) {
        let memory = MEMORY.try_with(Cell::take).ok().flatten();
        let bytes = self.bytes.insert(memory.unwrap_or_default());
        session.take_output(&mut bytes.all);
        bytes.len = bytes.all.len();
    }

    /// Appends the final bytes.
    pub fn append(&mut self, last: &mut Gather) {
        if !last.is_empty() {
            let bytes = self.bytes.get_or_insert_default();
            bytes.len += last.len();
            bytes.all.append(last);
        }
    }

    /// Writes once. Returns how many bytes the socket took, and whether these are all that it was
    /// offered.
    pub fn write_to(&self, transport: &mut Transport) -> Result<(usize, bool)> {
        let Some(bytes) = &self.bytes else {
            return Ok((0, true));
        };
        if let Some(row) = bytes.all.as_row() {
            let rest = &row[bytes.written..];
            let count = transport.write(rest)?;
            return Ok((count, count == rest.len()));
        }
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut offered = 0;
        let pieces = bytes.all.pieces(bytes.written);
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            *slice = IoSlice::new(piece);
            offered += piece.len();
        }
        let count = transport.write_vectored(&slices)?;
        Ok((count, count == offered))
    }

    /// How many bytes the socket has not taken.
    pub fn unwritten(&self) -> usize {
        self.bytes
            .as_ref()
            .map_or(0, |bytes| bytes.len - bytes.written)
    }

    /// All bytes, for a log.
    pub fn to_row(&self) -> Buffer {
        let bytes = self.bytes.as_ref();
        bytes.map_or(Buffer::default(), |bytes| bytes.all.to_row())
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_none()
    }

    /// The socket has taken `count` more bytes.
    pub fn written(&mut self, count: usize) {
        if let Some(bytes) = &mut self.bytes {
            bytes.written += count;
            if bytes.written == bytes.len {
                self.clear();
            }
        }
    }

    pub fn clear(&mut self) {
        if let Some(mut bytes) = self.bytes.take() {
            bytes.all.clear();
            bytes.len = 0;
            bytes.written = 0;
            // A thread that ends no longer has its memory. In this case, the buffer is freed.
            let _ = MEMORY.try_with(|memory| memory.set(Some(bytes)));
        }
    }
}
