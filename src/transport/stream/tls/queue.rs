//! The program's errors in OpenSSL's queue, which each thread has one of and all its code shares.
//! Each call into OpenSSL is made with an empty queue, as SSL_get_error cannot tell whose errors are
//! in it. The program finds its queue as it left it.

use crate::sys::{self, TakenErrors};

/// While this lives the queue is ours. Then what is ours goes, and what is the program's comes back.
pub struct OwnQueue {
    /// None where there were none: then this costs a look at the queue, and another one at the end.
    programs: Option<TakenErrors>,
}

impl OwnQueue {
    pub fn new() -> OwnQueue {
        OwnQueue {
            programs: sys::has_errors().then(sys::take_errors),
        }
    }

    /// Runs a callback of the program, which has its own queue in it.
    pub fn lend<T>(&mut self, callback: impl FnOnce() -> T) -> T {
        let ours = sys::take_errors();
        if let Some(programs) = self.programs.take() {
            sys::put_errors(programs);
        }
        let result = callback();
        *self = OwnQueue::new();
        sys::put_errors(ours);
        result
    }
}

impl Drop for OwnQueue {
    fn drop(&mut self) {
        if sys::has_errors() {
            sys::clear_errors();
        }
        if let Some(programs) = self.programs.take() {
            sys::put_errors(programs);
        }
    }
}
