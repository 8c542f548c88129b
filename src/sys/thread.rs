//! Threads in which the host program's signal handlers never run.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::thread::Builder;

pub use std::thread::JoinHandle;

/// Starts a thread that receives no signals: the process's signals go to the program's own threads.
/// `name` has at most 15 bytes on Linux; `stack` is in bytes.
pub fn spawn(
    name: &str,
    stack: usize,
    body: Box<dyn FnOnce() + Send>,
) -> io::Result<JoinHandle<()>> {
    // A thread inherits its signal mask. If the new thread blocked them itself, a handler could run on
    // its small stack before that.
    let _blocked = SignalsBlocked::new();
    Builder::new()
        .name(name.to_owned())
        .stack_size(stack)
        .spawn(body)
}

/// Signals that the thread's own faults raise. If they were blocked, they would kill the process before
/// a crash reporter sees them.
const FAULTS: [libc::c_int; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
];

/// Blocks the calling thread's signals until this is dropped.
struct SignalsBlocked {
    before: libc::sigset_t,
}

impl SignalsBlocked {
    fn new() -> Option<SignalsBlocked> {
        let mut blocked = MaybeUninit::uninit();
        let mut before = MaybeUninit::uninit();
        // SAFETY: sigfillset initialises `blocked` before any other call reads it (it cannot fail on a
        // valid pointer). `before` is read only if pthread_sigmask has said that it wrote it.
        unsafe {
            libc::sigfillset(blocked.as_mut_ptr());
            for signal in FAULTS {
                libc::sigdelset(blocked.as_mut_ptr(), signal);
            }
            let result =
                libc::pthread_sigmask(libc::SIG_BLOCK, blocked.as_ptr(), before.as_mut_ptr());
            (result == 0).then(|| SignalsBlocked {
                before: before.assume_init(),
            })
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: `before` is the mask that pthread_sigmask returned. A null third argument is allowed:
        // the mask that ends here is not returned.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, ptr::null_mut()) };
    }
}
