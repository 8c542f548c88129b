//! Handlers for some topics alone.

use crate::client::error::{Code, Error, Result};
use crate::client::handle::Client;
use crate::client::state::handlers::Handler;
use crate::client::turn::Frame;
use crate::codec::topic;
use crate::sys::sync::MutexGuard;

impl Client {
    /// Gives a filter a handler, which is made only where the filter is well-formed, and releases the one that it
    /// had. A freed client takes none, also where the call began before that.
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

    /// Releases it.
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

    /// For what may release userdata: `free` waits for its end.
    pub(super) fn with_frame<T>(&self, body: impl FnOnce() -> T) -> T {
        let mut frame = Frame::new(self, self.lock());
        MutexGuard::unlocked(&mut frame, body)
    }
}
