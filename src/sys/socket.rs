//! What systems name differently about sockets.

use std::io;
use std::os::fd::RawFd;

/// The flag for a send that must return EPIPE and raise no SIGPIPE. Apple's sockets have SO_NOSIGPIPE
/// instead, which socket2 sets on each socket that it makes.
pub const NO_SIGNAL: libc::c_int = if cfg!(target_vendor = "apple") {
    0
} else {
    libc::MSG_NOSIGNAL
};

/// How many bytes of a TCP socket the peer's TCP has not acknowledged; 0 if the system does not tell.
pub fn unacked(fd: RawFd) -> u64 {
    unacked_of(fd).unwrap_or(0).try_into().unwrap_or(0)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn unacked_of(fd: RawFd) -> io::Result<libc::c_int> {
    let mut count = 0;
    // SAFETY: this request, known as SIOCOUTQ too, writes one c_int, for which the pointer is valid.
    super::check(unsafe { libc::ioctl(fd, libc::TIOCOUTQ, &raw mut count) })?;
    Ok(count)
}

#[cfg(target_vendor = "apple")]
fn unacked_of(fd: RawFd) -> io::Result<libc::c_int> {
    let mut count: libc::c_int = 0;
    let mut size = size_of_val(&count) as libc::socklen_t;
    let value = (&raw mut count).cast();
    // SAFETY: both pointers are valid, and `size` is how much may be written to the first.
    super::check(unsafe {
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_NWRITE, value, &raw mut size)
    })?;
    Ok(count)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn unacked_of(_fd: RawFd) -> io::Result<libc::c_int> {
    Ok(0)
}
