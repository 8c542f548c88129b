//! What only tests do to the process.

use super::NO_SIGNAL;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::ptr;

/// Makes SIGPIPE kill, as it does in a C program; Rust's runtime had it ignored.
pub fn let_sigpipe_kill() {
    // SAFETY: SIG_DFL is a valid disposition, and no handler is installed.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

/// Whether the calling thread takes `signal`.
pub fn takes_signal(signal: libc::c_int) -> bool {
    let mut mask = MaybeUninit::uninit();
    // SAFETY: a null second argument only asks; `mask` is read after pthread_sigmask has written it,
    // which cannot fail with valid arguments.
    unsafe {
        assert_eq!(
            libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr()),
            0
        );
        libc::sigismember(mask.as_ptr(), signal) == 0
    }
}

/// Closes `old` and gives its number to `new`, as close and a later socket may.
pub fn take_over(new: UnixStream, old: UnixStream) -> UnixStream {
    // SAFETY: both are open. `old` goes on owning its number, and `new` is closed at the end.
    let result = unsafe { libc::dup2(new.as_raw_fd(), old.as_raw_fd()) };
    assert_eq!(result, old.as_raw_fd());
    old
}

/// Writes to a socket that does not block until it takes no more. How many bytes it took.
pub fn fill(fd: RawFd) -> usize {
    let bytes = [0u8; 4096];
    let mut all = 0;
    loop {
        // SAFETY: the bytes live through the call, and are as many as it is told.
        match unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), NO_SIGNAL) } {
            -1 => return all,
            count => all += count as usize,
        }
    }
}

/// Has a server ask its client for a new handshake.
#[cfg(feature = "tls")]
pub fn ask_to_renegotiate<S>(stream: &mut openssl::ssl::SslStream<S>) {
    use foreign_types::ForeignTypeRef;
    unsafe extern "C" {
        fn SSL_renegotiate(ssl: *mut std::ffi::c_void) -> libc::c_int;
        fn SSL_do_handshake(ssl: *mut std::ffi::c_void) -> libc::c_int;
    }
    let ssl = stream.ssl().as_ptr().cast();
    // SAFETY: the pointer is to a live SSL, and nobody else has its stream.
    unsafe {
        assert_eq!(SSL_renegotiate(ssl), 1);
        assert_eq!(SSL_do_handshake(ssl), 1);
    }
}
