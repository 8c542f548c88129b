//! Threads in which the host program's signal handlers never run.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::thread::Builder;

pub use std::thread::JoinHandle;

/// Starts a thread that takes no signals: those of the process go to the program's own threads.
/// `name` is at most 15 bytes on Linux; `stack` is in bytes.
pub fn spawn(
    name: &str,
    stack: usize,
    body: Box<dyn FnOnce() + Send>,
) -> io::Result<JoinHandle<()>> {
    // A thread inherits its signal mask. Blocking inside the new thread would leave it a moment
    // in which a handler could run, on a stack that is small.
    let _blocked = SignalsBlocked::new();
    Builder::new()
        .name(name.to_owned())
        .stack_size(stack)
        .spawn(body)
}

/// Signals that a fault of the thread itself raises. Blocked, they would kill the process before a
/// crash reporter sees them.
const FAULTS: [libc::c_int; 5] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
];

/// Blocks the calling thread's signals until it is dropped.
struct SignalsBlocked {
    before: libc::sigset_t,
}

impl SignalsBlocked {
    fn new() -> Option<SignalsBlocked> {
        let mut blocked = MaybeUninit::uninit();
        let mut before = MaybeUninit::uninit();
        // SAFETY: sigfillset initialises `blocked` before any other call reads it (it cannot fail on
        // a valid pointer). `before` is read only where pthread_sigmask has said that it wrote it.
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
        // SAFETY: `before` is the mask that pthread_sigmask gave, and a null third argument is
        // allowed: the mask that ends here is not asked for.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, ptr::null_mut()) };
    }
}
