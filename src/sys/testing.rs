//! What only tests do to their process.

use super::NO_SIGNAL;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::ptr;

/// Lets SIGPIPE kill, as in a C program; Rust's runtime ignores it.
pub fn let_sigpipe_kill() {
    // SAFETY: SIG_DFL is a valid disposition, and no handler is installed.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// Whether the calling thread receives `signal`.
pub fn takes_signal(signal: libc::c_int) -> bool {
    let mut mask = MaybeUninit::uninit();
    // SAFETY: a null second argument only queries. `mask` is read after pthread_sigmask has written it,
    // which cannot fail with valid arguments.
    unsafe {
        assert_eq!(
            libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr()),
            0
        );
        libc::sigismember(mask.as_ptr(), signal) == 0
    }
}

/// Closes `old` and gives its number to `new`, as close and a later socket can.
pub fn take_over(new: UnixStream, old: UnixStream) -> UnixStream {
    // SAFETY: both are open. `old` continues to own its number, and `new` is closed at the end.
    let result = unsafe { libc::dup2(new.as_raw_fd(), old.as_raw_fd()) };
    assert_eq!(result, old.as_raw_fd());
    old
}

/// Writes to a non-blocking socket until it takes no more, and returns how many bytes it took.
pub fn fill(fd: RawFd) -> usize {
    let bytes = [0u8; 4096];
    let mut all = 0;
    loop {
        // SAFETY: the bytes live through the call, and their number is the one that it is given.
        match unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), NO_SIGNAL) } {
            -1 => return all,
            count => all += count as usize,
        }
    }
}

/// Makes a server ask its client for a new handshake.
#[cfg(feature = "tls")]
pub fn ask_to_renegotiate<S>(stream: &mut openssl::ssl::SslStream<S>) {
    use foreign_types::ForeignTypeRef;
    unsafe extern "C" {
        fn SSL_renegotiate(ssl: *mut std::ffi::c_void) -> libc::c_int;
        fn SSL_do_handshake(ssl: *mut std::ffi::c_void) -> libc::c_int;
    }
    let ssl = stream.ssl().as_ptr().cast();
    // SAFETY: the pointer is to a live SSL, and nothing else has its stream.
    unsafe {
        assert_eq!(SSL_renegotiate(ssl), 1);
        assert_eq!(SSL_do_handshake(ssl), 1);
    }
}
