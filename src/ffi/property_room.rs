//! Room to encode properties in, without an allocation for most.

use std::mem::MaybeUninit;

use crate::client::{Code, Error, Result};
use crate::codec::{MAX_REMAINING_LENGTH, Value, property_len, write_property};

/// Where the properties of a publication are encoded: on the stack, and on the heap if they are long.
///
/// The order of the fields matters: if the zero of `len` is next to `small`, the compiler sets both to zero.
#[repr(C)]
pub(super) struct Room {
    len: usize,
    /// All of it, if `small` was too small.
    large: Vec<u8>,
    small: [MaybeUninit<u8>; SMALL],
}

pub(super) const SMALL: usize = 1024;

impl Room {
    #[inline(always)]
    pub fn new() -> Room {
        Room {
            // Without `const`, the compiler fills it with zeros.
            small: [const { MaybeUninit::uninit() }; SMALL],
            len: 0,
            large: Vec::new(),
        }
    }

    #[inline(always)]
    pub fn clear(&mut self) {
        self.len = 0;
        self.large.clear();
    }

    #[inline(always)]
    pub fn add(&mut self, id: u8, value: Value) -> Result {
        let needed = property_len(id, value);
        match self.rest(needed) {
            Some(mut rest) => {
                write_property(id, value, |piece| append(&mut rest, piece));
                self.len = SMALL - rest.len();
            }
            None => {
                let large = self.enlarge(needed)?;
                write_property(id, value, |piece| large.extend_from_slice(piece));
            }
        }
        Ok(())
    }

    /// What is free of the small room, if that is enough.
    #[inline(always)]
    fn rest(&mut self, needed: usize) -> Option<&mut [MaybeUninit<u8>]> {
        match self.large.is_empty() {
            true => Some(&mut self.small[self.len..]).filter(|rest| needed <= rest.len()),
            false => None,
        }
    }

    /// The large room, with place for more.
    #[cold]
    fn enlarge(&mut self, more: usize) -> Result<&mut Vec<u8>> {
        let written = self.bytes().len();
        if written.saturating_add(more) > MAX_REMAINING_LENGTH {
            let text = "the properties are too long for a packet";
            return Err(Error::new(Code::PayloadSize, text));
        }
        let reserved = self.large.try_reserve(written + more);
        reserved.map_err(|_| no_memory())?;
        if self.large.is_empty() {
            self.large.extend_from_slice(small(&self.small, self.len));
        }
        Ok(&mut self.large)
    }

    #[inline(always)]
    pub fn bytes(&self) -> &[u8] {
        match self.large.is_empty() {
            true => small(&self.small, self.len),
            false => &self.large,
        }
    }
}

#[cold]
pub(super) fn no_memory() -> Error {
    Error::new(Code::NoMem, "there is no memory for the properties")
}

/// The first bytes of the small room, which are written.
#[inline(always)]
fn small(room: &[MaybeUninit<u8>; SMALL], len: usize) -> &[u8] {
    let written = &room[..len];
    // SAFETY: `len` counts only bytes that `append` has written.
    unsafe { std::slice::from_raw_parts(written.as_ptr().cast(), written.len()) }
}

/// Copies bytes to the front of a room, which then is what follows them.
#[inline(always)]
pub(super) fn append(room: &mut &mut [MaybeUninit<u8>], piece: &[u8]) {
    let (front, behind) = std::mem::take(room).split_at_mut(piece.len());
    for (to, from) in front.iter_mut().zip(piece) {
        to.write(*from);
    }
    *room = behind;
}
