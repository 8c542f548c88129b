//! The client: one short lock guards its state, and nothing that can wait runs under it.
//!
//! The driver has a lock of its own, which is held for as long as a loop call lasts, and only ever tried.
//! So whoever runs the client never touches a socket under the state's lock.

use super::driver::Driver;
use super::error::{Code, Error};
use super::state::unlocked::Unlocked;
use super::state::{Guard, State};
use crate::sys::sync::{Condvar, Mutex};

pub struct Client {
    state: Mutex<State>,
    pub(super) unlocked: Unlocked,
    pub(super) driver: Mutex<Driver>,
    /// A turn or a frame ended, a thread is to stop, or all messages are settled.
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

    /// The lock, if nobody has it.
    pub(super) fn try_lock(&self) -> Option<Guard<'_>> {
        self.state.try_lock()
    }

    /// The lock for those who change nothing that a batch of messages goes by.
    #[inline(always)]
    pub(super) fn lock_for_publish(&self) -> Guard<'_> {
        self.state.lock()
    }

    /// Whether it takes calls.
    #[inline(always)]
    pub fn is_usable(&self) -> bool {
        self.unlocked.is_usable()
    }

    /// Whether it does, and messages that wait do nothing but that.
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.unlocked.is_plain()
    }

    /// Why it takes none.
    #[cold]
    pub fn refusal(&self) -> Error {
        match self.unlocked.is_inherited() {
            true => Error::inval(
                "fork: the client is of the process that has forked; free it, and make a new one",
            ),
            false => Error::new(
                Code::Panic,
                "panic: the library failed inside; this client refuses further work",
            ),
        }
    }

    /// A loop that watches the event descriptor is called no more, since no call would make it quiet.
    /// Where the lock is held, by the call that panics, its end comes here again.
    pub fn set_broken(&self) {
        self.unlocked.set_broken();
        if let Some(mut state) = self.try_lock() {
            state.wakes.silence();
        }
    }
}
