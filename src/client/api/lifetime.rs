//! How a client begins, is reinitialised, and ends.

use std::ffi::c_void;
use std::mem;
use std::ptr;
use std::sync::Arc;

use super::fork;
use crate::client::driver::deliver;
use crate::client::error::Result;
use crate::client::handle::Client;
use crate::client::state::callbacks::Callbacks;
use crate::client::state::defaults::Versions;
use crate::client::state::tenancy::{Runner, Who};
use crate::client::state::{Guard, State, defaults};
use crate::client::turn::{Frame, Turn};

impl Client {
    pub fn new(
        id: Option<&str>,
        clean_session: bool,
        userdata: *mut c_void,
        versions: impl Into<Versions>,
    ) -> Result<Arc<Client>> {
        fork::watch();
        let id = defaults::client_id(id, clean_session)?;
        let versions = versions.into();
        let options = defaults::options(id, clean_session, versions);
        let state = State::new(options, Callbacks::new(userdata));
        let client = Arc::new(Client::with_state(state));
        if versions.newest.rules().is_extended {
            client.unlocked.set_extended();
        }
        client.lock().set_handle(Arc::as_ptr(&client).cast());
        Ok(client)
    }

    /// Resets the client as if it was just created: closes the connection without DISCONNECT, and
    /// forgets queues, callbacks, will and credentials. The loop thread continues, with nothing to
    /// do.
    pub fn reinitialise(
        &self,
        id: Option<&str>,
        clean_session: bool,
        userdata: *mut c_void,
    ) -> Result {
        self.with_frame(|| self.begin_anew(id, clean_session, userdata).map(drop))
    }

    /// The callbacks that it had, whose userdata is still to be released.
    fn begin_anew(
        &self,
        id: Option<&str>,
        clean_session: bool,
        userdata: *mut c_void,
    ) -> Result<Callbacks> {
        let id = defaults::client_id(id, clean_session)?;
        let reset = |state: &mut Guard| {
            retire_interest(state);
            let options = defaults::options(id, clean_session, state.versions());
            let callbacks = state.reset(options, Callbacks::new(userdata));
            self.unlocked.reset();
            callbacks
        };
        let state = self.lock();
        match state.tenancy.is_held() {
            false => {
                let mut turn = Turn::begin(self, state, Who::Request)?;
                let callbacks = reset(&mut turn.state);
                turn.end(false);
                Ok(callbacks)
            }
            // The call that has the driver closes what is open.
            true => {
                let mut state = Frame::new(self, state);
                let callbacks = reset(&mut state);
                state.wake();
                Ok(callbacks)
            }
        }
    }

    /// Ends the client: nothing that was queued is written, and no callback is called. Waits until
    /// no callback runs. Inside a callback, the client ends when the call that runs that callback ends.
    pub fn free(&self) {
        drop(self.end());
    }

    /// The callbacks that it had, whose userdata is still to be released.
    fn end(&self) -> Callbacks {
        let mut state = self.lock();
        retire_interest(&mut state);
        state.abandon();
        let callbacks = mem::replace(&mut state.callbacks, Callbacks::new(ptr::null_mut()));
        state.security = None;
        state.drop_requester();
        state.tenancy.set_freed();
        self.changed.notify_all();
        let thread = state.tenancy.stop_loop_thread().flatten();
        if state.tenancy.runner() == Runner::Nobody {
            // The end of any turn closes what is open.
            drop(Turn::begin(self, state, Who::Request));
            state = self.lock();
        }
        if state.tenancy.is_framed() {
            return callbacks;
        }
        while state.tenancy.has_frames() {
            self.changed.wait(&mut state);
        }
        drop(state);
        if let Some(handle) = thread {
            let _ = handle.join();
        }
        callbacks
    }

    pub fn is_freed(&self) -> bool {
        self.lock().tenancy.is_freed()
    }
}

/// From now on, `on_interest` is only told that the descriptors which it knows are closed. If this
/// thread has the driver, it is told at once, because the program may free its user data next.
/// Otherwise the call that has the driver tells it, before it closes the descriptors.
fn retire_interest(state: &mut Guard) {
    let callback = state.callbacks.interest.take();
    let userdata = state.callbacks.userdata();
    state.reported.retire(callback, userdata);
    if state.tenancy.runner() == Runner::Myself {
        deliver::closing_to_retired(state);
    }
}
