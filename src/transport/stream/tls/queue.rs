//! The program's errors in OpenSSL's queue, which each thread has one of and all its code shares.
//! Each call into OpenSSL is made with an empty queue, as SSL_get_error cannot tell whose errors are
//! in it. The program finds its queue as it left it.

use crate::sys::tls_gate::{self, Inside};
use crate::sys::{self, TakenErrors};

/// Calls of OpenSSL on a connection's behalf: the process does not end meanwhile, and the queue is ours.
/// The queue is given back inside of the gate.
pub struct Visit {
    _queue: OwnQueue,
    _inside: Inside,
}

impl Visit {
    /// None: the process ends.
    pub fn enter() -> Option<Visit> {
        let inside = tls_gate::enter()?;
        Some(Visit {
            _queue: OwnQueue::new(),
            _inside: inside,
        })
    }
}

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
