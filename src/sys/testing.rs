//! What only tests do to the process.

use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
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
