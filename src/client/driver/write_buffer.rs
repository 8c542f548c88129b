//! Bytes that the session has handed over, until the socket has them.
//!
//! Their memory is the thread's while there are none, as that of the read buffer is: a client that has
//! nothing to write holds none.

use std::cell::Cell;

use crate::codec::Buffer;
use crate::session::Session;

thread_local! {
    static MEMORY: Cell<Option<Box<Bytes>>> = const { Cell::new(None) };
}

#[derive(Default)]
pub struct WriteBuffer {
    bytes: Option<Box<Bytes>>,
}

#[derive(Default)]
struct Bytes {
    all: Buffer,
    written: usize,
}

impl WriteBuffer {
    /// There are none, and the session has some.
    pub fn take(&mut self, session: &mut Session) {
        let memory = MEMORY.try_with(Cell::take).ok().flatten();
        let bytes = self.bytes.insert(memory.unwrap_or_default());
        session.take_output(&mut bytes.all);
    }

    /// Adds the last ones, with which the session ends.
    pub fn append(&mut self, last: &[u8]) {
        if !last.is_empty() {
            self.bytes.get_or_insert_default().all.append(last);
        }
    }

    /// What the socket has not taken yet.
    pub fn remaining(&self) -> &[u8] {
        match &self.bytes {
            Some(bytes) => &bytes.all[bytes.written..],
            None => &[],
        }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_none()
    }

    /// The socket has taken `count` more.
    pub fn written(&mut self, count: usize) {
        if let Some(bytes) = &mut self.bytes {
            bytes.written += count;
            if bytes.written == bytes.all.len() {
                self.clear();
            }
        }
    }

    pub fn clear(&mut self) {
        if let Some(mut bytes) = self.bytes.take() {
            bytes.all.clear();
            bytes.written = 0;
            // A thread that ends has no memory any more: then this one is not kept.
            let _ = MEMORY.try_with(|memory| memory.set(Some(bytes)));
        }
    }
}
