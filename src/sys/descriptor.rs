//! A descriptor of this process. A child that inherits it by a fork may only close it: to read, write
//! or set anything would take it from the parent, or change it for the parent.

use super::process;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, RawFd};

/// Owns a descriptor, and closes it once: when it is dropped, or, in a child, by `close_inherited`.
pub struct Descriptor<F: AsRawFd> {
    inner: ManuallyDrop<F>,
    generation: u32,
}

impl<F: AsRawFd> Descriptor<F> {
    /// Takes over what has just been opened.
    pub fn new(inner: F) -> Descriptor<F> {
        process::opened(inner.as_raw_fd());
        Descriptor {
            inner: ManuallyDrop::new(inner),
            generation: process::generation(),
        }
    }

    /// The value, for the process that opened it; an error in its children.
    #[inline(always)]
    pub fn get(&self) -> io::Result<&F> {
        match self.generation == process::generation() {
            true => Ok(&self.inner),
            false => Err(not_ours()),
        }
    }
}

impl<F: AsRawFd> AsRawFd for Descriptor<F> {
    #[inline(always)]
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}

impl<F: AsRawFd> Drop for Descriptor<F> {
    fn drop(&mut self) {
        if process::closes(self.as_raw_fd(), self.generation) {
            // SAFETY: the value that contains it ends here, so it is not used again.
            unsafe { ManuallyDrop::drop(&mut self.inner) };
        }
    }
}

#[cold]
fn not_ours() -> io::Error {
    io::Error::other("it is the parent's, of the process that has forked")
}
