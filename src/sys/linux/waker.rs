//! Wakes a thread that waits in poll or epoll: an eventfd.

use crate::sys::{Descriptor, check};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A descriptor that any thread can make readable.
pub struct Waker {
    counter: Descriptor<File>,
}

impl Waker {
    pub fn new() -> io::Result<Waker> {
        // SAFETY: eventfd takes no pointers.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: `fd` is open and new, and nothing else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Waker {
            counter: Descriptor::new(File::from(fd)),
        })
    }

    /// Makes the descriptor readable until [`drain`](Waker::drain). Never blocks; several wakes count
    /// as one.
    pub fn wake(&self) {
        // Not just `write`, which a signal may interrupt. The only other error means that the counter
        // is full: the descriptor is already readable.
        if let Ok(mut counter) = self.counter.get() {
            let _ = counter.write_all(&1_u64.to_ne_bytes());
        }
    }

    /// Forgets the wakes so far. Look for work only after this, or a wake may be lost.
    pub fn drain(&self) {
        // The only error means that there was no wake.
        if let Ok(mut counter) = self.counter.get() {
            let _ = counter.read_exact(&mut [0; 8]);
        }
    }
}

impl AsRawFd for Waker {
    fn as_raw_fd(&self) -> RawFd {
        self.counter.as_raw_fd()
    }
}
