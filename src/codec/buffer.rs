//! Where packets are encoded to.

use std::ops::{Deref, DerefMut};

/// Bytes that grow at their end. The memory behind the end is initialised once, when it is allocated,
/// so that a packet is written into a slice of its size, with one look at the room for all its fields.
#[derive(Debug, Default)]
pub struct Buffer {
    memory: Box<[u8]>,
    len: usize,
}

impl Buffer {
    /// As many bytes more, for the caller to fill: what is in them is left from before.
    #[inline(always)]
    pub fn extend(&mut self, count: usize) -> &mut [u8] {
        let start = self.len;
        let end = start + count;
        if end > self.memory.len() {
            self.grow(end);
        }
        self.len = end;
        &mut self.memory[start..end]
    }

    #[inline(always)]
    pub fn append(&mut self, bytes: &[u8]) {
        self.extend(bytes.len()).copy_from_slice(bytes);
    }

    /// As the slice has it, but for the price of a load.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// How many bytes it has memory for.
    pub fn capacity(&self) -> usize {
        self.memory.len()
    }

    /// Gives back the memory that nothing is in.
    pub fn shrink(&mut self) {
        self.memory = self[..].into();
    }

    #[cold]
    fn grow(&mut self, least: usize) {
        let size = least.max(2 * self.memory.len());
        let mut memory = std::mem::take(&mut self.memory).into_vec();
        memory.reserve_exact(size - memory.len());
        memory.resize(size, 0);
        self.memory = memory.into_boxed_slice();
    }
}

impl Deref for Buffer {
    type Target = [u8];

    #[inline(always)]
    fn deref(&self) -> &[u8] {
        &self.memory[..self.len]
    }
}

impl DerefMut for Buffer {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.memory[..self.len]
    }
}
