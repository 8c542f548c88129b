//! The client. A short lock protects its state, and nothing that can wait runs under that lock.
//!
//! The driver has a lock of its own. It is held while a loop call lasts, and a call only tries to
//! take it. So the call that runs the client never uses a socket under the lock of the state.

use super::driver::Driver;
use super::error::{Code, Error};
use super::state::unlocked::{Unlocked, Way};
use super::state::{Guard, State};
use crate::sys::sync::{Condvar, Mutex};

pub struct Client {
    state: Mutex<State>,
    pub(super) unlocked: Unlocked,
    pub(super) driver: Mutex<Driver>,
    /// Notified when a turn or frame ends, a thread has to stop, or all messages are settled.
    pub(super) changed: Condvar,
}

impl Client {
    pub(super) fn with_state(state: State) -> Client {
        Client {
            state: Mutex::new(state),
            unlocked: Unlocked::default(),
            driver: Mutex::new(Driver::default()),
            changed: Condvar::new(),
        }
    }

    pub(super) fn lock(&self) -> Guard<'_> {
        let state = self.state.lock();
        self.unlocked.advance();
        state
    }

    /// The lock, if no call has it.
    pub(super) fn try_lock(&self) -> Option<Guard<'_>> {
        self.state.try_lock()
    }

    /// The lock for calls that change nothing on which a batch of messages depends.
    #[inline(always)]
    pub(super) fn lock_for_publish(&self) -> Guard<'_> {
        self.state.lock()
    }

    /// Whether the client accepts calls.
    #[inline(always)]
    pub fn is_usable(&self) -> bool {
        self.unlocked.is_usable()
    }

    /// How its messages go.
    #[inline(always)]
    pub fn way(&self) -> Way {
        self.unlocked.way()
    }

    /// Whether the client speaks MQTT 5, so that its messages have properties.
    #[inline(always)]
    pub fn is_extended(&self) -> bool {
        self.unlocked.is_extended()
    }

    /// Why the client accepts no calls.
    #[cold]
    pub fn refusal(&self) -> Error {
        match self.unlocked.is_inherited() {
            true => Error::inval(
                "fork: the client belongs to the parent process; free it, and make a new one",
            ),
            false => Error::new(
                Code::Panic,
                "panic: the library has failed; this client refuses all calls, and can only be freed",
            ),
        }
    }

    /// Marks the client as broken, and silences the event descriptor, since no later call could do
    /// that. If the call that panics holds the lock, its end calls this function again.
    pub fn set_broken(&self) {
        self.unlocked.set_broken();
        if let Some(mut state) = self.try_lock() {
            state.wakes.silence();
        }
    }
}
