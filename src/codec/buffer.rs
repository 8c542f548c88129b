//! The buffer that packets are encoded into.

use std::alloc::{Layout, handle_alloc_error};
use std::collections::TryReserveError;
use std::ops::{Deref, DerefMut};
use zeroize::Zeroize;

/// The first byte of CONNECT. CONNECT is the first packet of its connection, and so of a buffer. It may
/// contain a password, so a buffer wipes its bytes before it discards them.
const CONNECT: u8 = 0x10;

/// The same for AUTH, which is alone in its buffer before CONNACK.
const AUTH: u8 = 0xf0;

/// From this size on a buffer grows by an eighth: here unused memory matters, and the system moves
/// pages instead of copying them.
const LARGE: usize = 1024 * 1024;

/// Bytes that grow at their end. The memory behind the end is initialised once, when it is allocated.
/// So a packet is written into a slice of its size, with one check of the room for all its fields.
#[derive(Debug, Default)]
pub struct Buffer {
    memory: Box<[u8]>,
    len: usize,
}

/// There is no memory for the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

impl Buffer {
    /// Appends `count` bytes for the caller to fill; until then they hold what was there before. Aborts
    /// if there is no memory, so no message may decide about `count`.
    #[inline(always)]
    pub fn extend(&mut self, count: usize) -> &mut [u8] {
        let start = self.len;
        let end = start + count;
        if end > self.memory.len() {
            self.grow(end).unwrap_or_else(|NoMemory| abort(end));
        }
        self.len = end;
        &mut self.memory[start..end]
    }

    /// The same, for a `count` that a message decides about.
    #[inline(always)]
    pub fn try_extend(&mut self, count: usize) -> Result<&mut [u8], NoMemory> {
        let start = self.len;
        let end = start + count;
        if end > self.memory.len() {
            self.grow(end)?;
        }
        self.len = end;
        Ok(&mut self.memory[start..end])
    }

    #[inline(always)]
    pub fn append(&mut self, bytes: &[u8]) {
        self.extend(bytes.len()).copy_from_slice(bytes);
    }

    /// The length of the slice, for the price of one load.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn clear(&mut self) {
        self.wipe_secret();
        self.len = 0;
    }

    /// How many bytes it has memory for.
    pub fn capacity(&self) -> usize {
        self.memory.len()
    }

    /// Gives back the unused memory.
    pub fn shrink(&mut self) {
        let memory = self[..].into();
        self.wipe_secret();
        self.memory = memory;
    }

    #[inline(always)]
    fn wipe_secret(&mut self) {
        if self.has_secret() {
            self.wipe();
        }
    }

    #[inline(always)]
    fn has_secret(&self) -> bool {
        matches!(self.memory.first(), Some(&(CONNECT | AUTH)))
    }

    #[cold]
    fn wipe(&mut self) {
        self.memory[..self.len].zeroize();
    }

    /// Makes room for `size` bytes in all; a buffer that has to grow gets exactly that.
    pub fn reserve_exact(&mut self, size: usize) -> Result<(), NoMemory> {
        if size <= self.memory.len() {
            return Ok(());
        }
        if self.has_secret() {
            // The allocator could leave a copy of the password behind.
            let mut memory = Vec::new();
            memory.try_reserve_exact(size)?;
            memory.extend_from_slice(self);
            memory.resize(size, 0);
            self.wipe();
            self.memory = memory.into_boxed_slice();
            return Ok(());
        }
        let mut memory = std::mem::take(&mut self.memory).into_vec();
        let reserved = memory.try_reserve_exact(size - memory.len());
        if reserved.is_ok() {
            memory.resize(size, 0);
        }
        self.memory = memory.into_boxed_slice();
        Ok(reserved?)
    }

    #[cold]
    fn grow(&mut self, least: usize) -> Result<(), NoMemory> {
        let size = self.memory.len();
        let more = if size < LARGE { size } else { size / 8 };
        self.reserve_exact(least.max(size + more))
            .or_else(|NoMemory| self.reserve_exact(least))
    }
}

#[cold]
fn abort(size: usize) -> ! {
    handle_alloc_error(Layout::array::<u8>(size).unwrap_or(Layout::new::<u8>()))
}

impl From<TryReserveError> for NoMemory {
    fn from(_: TryReserveError) -> NoMemory {
        NoMemory
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.wipe_secret();
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
