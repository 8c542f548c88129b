//! poll(2), as a program's event loop calls it.

use std::os::fd::RawFd;
use std::time::Duration;

/// Waits for at most `timeout_ms` (-1: no limit), and fills in what is ready.
pub fn poll(entries: &mut [libc::pollfd], timeout_ms: i32) -> usize {
    let count = entries.len() as libc::nfds_t;
    // SAFETY: the pointer and the count describe `entries`, which is borrowed for the call.
    let ready = unsafe { libc::poll(entries.as_mut_ptr(), count, timeout_ms) };
    usize::try_from(ready).unwrap_or(0)
}

/// Whether there is something to read within that time.
pub fn readable(fd: RawFd, within: Duration) -> bool {
    let mut entry = [libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    }];
    poll(&mut entry, within.as_millis() as i32) == 1
}
