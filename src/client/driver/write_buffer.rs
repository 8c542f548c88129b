//! Bytes that the session has handed over, until the socket has them.
//!
//! Their memory is the thread's while there are none, as that of the read buffer is: a client that has
//! nothing to write holds none.

use std::cell::Cell;
use std::io::{IoSlice, Result};

use crate::codec::Buffer;
use crate::session::{Gather, Session};
use crate::transport::Transport;

/// How many pieces one write has at most.
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
    /// There are none, and the session has some.
    pub fn take(&mut self, session: &mut Session) {
        let memory = MEMORY.try_with(Cell::take).ok().flatten();
        let bytes = self.bytes.insert(memory.unwrap_or_default());
        session.take_output(&mut bytes.all);
        bytes.len = bytes.all.len();
    }

    /// Adds the last ones, with which the session ends.
    pub fn append(&mut self, last: &mut Gather) {
        if !last.is_empty() {
            let bytes = self.bytes.get_or_insert_default();
            bytes.len += last.len();
            bytes.all.append(last);
        }
    }

    /// Writes once: how many bytes the socket took, and whether those are all that it was offered.
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

    /// How many bytes the socket has not taken yet.
    pub fn unwritten(&self) -> usize {
        self.bytes
            .as_ref()
            .map_or(0, |bytes| bytes.len - bytes.written)
    }

    /// All of them, for a log.
    pub fn to_row(&self) -> Buffer {
        let bytes = self.bytes.as_ref();
        bytes.map_or(Buffer::default(), |bytes| bytes.all.to_row())
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_none()
    }

    /// The socket has taken `count` more.
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
            // A thread that ends has no memory any more: then this one is not kept.
            let _ = MEMORY.try_with(|memory| memory.set(Some(bytes)));
        }
    }
}
