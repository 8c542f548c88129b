//! Waits for descriptors with poll(2), which does not have select's limit of 1024.

use std::io;
use std::os::fd::RawFd;
use std::time::Duration;

use crate::time::milliseconds;

/// A descriptor, and what to wait for on it. A watch without read and write is left out, so not even a
/// hang-up wakes the wait: a client that has stopped reading must not be woken again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    pub fd: RawFd,
    pub read: bool,
    pub write: bool,
}

impl Watch {
    pub(super) fn is_idle(self) -> bool {
        !self.read && !self.write
    }
}

/// The array that poll(2) needs, kept between waits so that a wait allocates nothing.
#[derive(Default)]
pub struct PollSet {
    entries: Vec<libc::pollfd>,
}

impl PollSet {
    /// Waits until a watch is ready or the timeout has passed (`None`: no timeout), and returns how
    /// many are ready. An error or a hang-up counts as ready; a signal ends the wait early with 0.
    ///
    /// It does not say which watches are ready: the caller's reads and writes do not block, so it
    /// tries.
    pub fn wait(&mut self, watches: &[Watch], timeout: Option<Duration>) -> io::Result<usize> {
        let wanted = watches.iter().filter(|watch| !watch.is_idle());
        self.entries.clear();
        self.entries.extend(wanted.map(entry));
        match poll(&mut self.entries, milliseconds(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            result => result,
        }
    }
}

fn poll(entries: &mut [libc::pollfd], timeout: libc::c_int) -> io::Result<usize> {
    let count = libc::nfds_t::try_from(entries.len())
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // SAFETY: the pointer and `count` describe `entries`, which is borrowed for the whole call.
    let ready = unsafe { libc::poll(entries.as_mut_ptr(), count, timeout) };
    super::check(ready).map(|ready| usize::try_from(ready).unwrap_or(0))
}

fn entry(watch: &Watch) -> libc::pollfd {
    let read = if watch.read { libc::POLLIN } else { 0 };
    let write = if watch.write { libc::POLLOUT } else { 0 };
    libc::pollfd {
        fd: watch.fd,
        events: read | write,
        revents: 0,
    }
}
