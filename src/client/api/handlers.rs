//! Handlers for the messages of a filter.

use crate::client::error::{Code, Error, Result};
use crate::client::handle::Client;
use crate::client::state::handlers::Handler;
use crate::client::turn::Frame;
use crate::codec::topic;
use crate::sys::sync::MutexGuard;

impl Client {
    /// Sets the handler of a filter, and releases the previous one. Calls `make` only if the filter
    /// is well-formed. A freed client takes no handler, even if this call began before the free.
    pub fn add_handler(&self, what: &str, filter: &str, make: impl FnOnce() -> Handler) -> Result {
        topic::check_filter(filter).map_err(|why| Error::inval(format!("{what}: {why}")))?;
        let handler = make();
        self.with_frame(|| {
            let mut state = self.lock();
            if state.tenancy.is_freed() {
                return;
            }
            let handlers = state.callbacks.handlers();
            let replaced = handlers.add(filter, handler);
            drop(state);
            drop(replaced);
        });
        Ok(())
    }

    /// Removes and releases the handler of a filter.
    pub fn remove_handler(&self, filter: &str) -> Result {
        let is_removed = self.with_frame(|| {
            let mut state = self.lock();
            let removed = state.callbacks.handlers().remove(filter);
            drop(state);
            removed.is_some()
        });
        match is_removed {
            true => Ok(()),
            false => Err(Error::new(
                Code::NotFound,
                format!("message_callback_remove: {filter} has no callback"),
            )),
        }
    }

    /// Runs code that may release userdata: `free` waits for its end.
    pub(super) fn with_frame<T>(&self, body: impl FnOnce() -> T) -> T {
        let mut frame = Frame::new(self, self.lock());
        MutexGuard::unlocked(&mut frame, body)
    }
}
