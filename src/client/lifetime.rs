//! How a client begins, begins anew, and ends.

use parking_lot::{Condvar, Mutex};
use std::ffi::c_void;
use std::sync::Arc;

use super::callbacks::Callbacks;
use super::driver::Driver;
use super::error::Result;
use super::options::{client_id, defaults};
use super::run::Flow;
use super::state::State;
use super::turn::Frame;
use super::{Client, Version, interest, thread_mark};

impl Client {
    pub fn new(
        id: Option<&str>,
        clean_session: bool,
        userdata: *mut c_void,
        version: Version,
    ) -> Result<Arc<Client>> {
        let options = defaults(client_id(id, clean_session)?, clean_session, version);
        let client = Arc::new(Client {
            state: Mutex::new(State::new(options, Callbacks::new(userdata))),
            flow: Flow::default(),
            driver: Mutex::new(Driver::default()),
            changed: Condvar::new(),
        });
        client.lock().set_handle(Arc::as_ptr(&client));
        Ok(client)
    }

    /// As if just created: closes the connection without a word, and forgets queues, callbacks,
    /// will and credentials. The loop thread goes on, without anything to do.
    pub fn reinitialise(
        &self,
        id: Option<&str>,
        clean_session: bool,
        userdata: *mut c_void,
    ) -> Result {
        let id = client_id(id, clean_session)?;
        let mut state = Frame::new(self, self.lock());
        interest::retire(&mut state);
        let version = state.session.options().version;
        state.abandon();
        state.reset(
            defaults(id, clean_session, version),
            Callbacks::new(userdata),
        );
        self.flow.reset();
        drop(state);
        self.settle(self.lock());
        Ok(())
    }

    /// Ends the client: nothing that was queued is written, no callback is called any more. Waits
    /// until none runs; inside of one the end comes when the call that runs it unwinds.
    pub fn free(&self) {
        let mut state = self.lock();
        interest::retire(&mut state);
        state.abandon();
        state.wanted = false;
        state.freed = true;
        state.callbacks = Callbacks::new(std::ptr::null_mut());
        state.security = None;
        self.changed.notify_all();
        let thread = state.loop_thread.take();
        if state.frames.contains(thread_mark()) {
            return;
        }
        while !state.frames.is_empty() {
            self.changed.wait(&mut state);
        }
        drop(state);
        if let Some(handle) = thread.and_then(|thread| thread.handle) {
            let _ = handle.join();
        }
    }

    pub fn is_freed(&self) -> bool {
        self.lock().freed
    }
}
