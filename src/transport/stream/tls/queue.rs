//! The program's errors in OpenSSL's queue. Each thread has one queue, which all code on it shares.
//! SSL_get_error cannot tell whose errors are in it, so each call into OpenSSL starts with an empty
//! queue. Afterwards the program's errors are in the queue again.

use crate::sys::tls_gate::{self, Inside};
use crate::sys::{self, TakenErrors};

/// Lets its owner call OpenSSL: meanwhile the process does not end, and the queue is ours. The queue
/// is given back before the gate is left.
pub struct Visit {
    _queue: OwnQueue,
    _inside: Inside,
}

impl Visit {
    /// None: the process is ending.
    pub fn enter() -> Option<Visit> {
        tls_gate::enter().map(Visit::new)
    }

    /// For a thread that may be the first.
    pub fn enter_first() -> Option<Visit> {
        tls_gate::enter_first().map(Visit::new)
    }

    fn new(inside: Inside) -> Visit {
        Visit {
            _queue: OwnQueue::new(),
            _inside: inside,
        }
    }
}

/// While this lives, the queue is ours. On drop it discards our errors and restores the program's.
pub struct OwnQueue {
    /// None if the program had no errors: then this costs one look at the queue now and one at the end.
    programs: Option<TakenErrors>,
}

impl OwnQueue {
    pub fn new() -> OwnQueue {
        OwnQueue {
            programs: sys::has_errors().then(sys::take_errors),
        }
    }

    /// Runs a callback of the program with the program's own errors in the queue.
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
