//! A client in a child of the process that made it. In the child, its threads do not exist, and its
//! locks may be held for ever. Its descriptors are shared with the parent. So it can be freed, and
//! nothing else.

use std::ffi::CString;
use std::mem;
use std::ptr;
use std::sync::Arc;

use crate::client::handle::Client;
use crate::client::state::callbacks::Callbacks;
use crate::client::state::defaults;
#[cfg(feature = "tls")]
use crate::client::state::scram_login;
use crate::session::Session;
use crate::sys;
use crate::sys::sync::Mutex;
use crate::transport;

/// The clients that were left, in a place where a leak checker finds them.
static LEFT: Mutex<Vec<Arc<Client>>> = Mutex::new(Vec::new());

/// From now on, a child can recognise the clients of its parent.
pub fn watch() {
    sys::watch_forks(in_child);
}

/// Runs in each child before `fork` returns there. Other threads of the parent may have held any
/// lock, so this function only stores and loads.
extern "C" fn in_child() {
    sys::begin_child();
    transport::forget_after_fork();
    #[cfg(feature = "tls")]
    {
        sys::tls_gate::forget_after_fork();
        scram_login::forget_after_fork();
    }
}

impl Client {
    /// Whether a parent of this process made the client.
    pub fn is_inherited(&self) -> bool {
        self.unlocked.is_inherited()
    }

    /// Ends an inherited client: closes its descriptors and all others that belong to the parent,
    /// and frees its messages. The rest is at most a read buffer. It stays until the process ends,
    /// because a thread of the parent may have been changing it.
    pub fn leave(self: Arc<Self>) {
        sys::close_inherited();
        self.forget_messages();
        // Does not wait: this process may be a fork of a child in which another thread held the lock.
        match LEFT.try_lock() {
            Some(mut left) => left.push(self),
            None => mem::forget(self),
        }
    }

    /// Frees the large parts of the client, unless its lock was held at the fork.
    fn forget_messages(&self) {
        let Some(mut state) = self.try_lock() else {
            return;
        };
        // A callback has forked, and its call continues after this.
        if state.tenancy.is_framed() {
            return;
        }
        let options = defaults::options(CString::default(), true, state.versions());
        state.session = Session::new(options);
        state.callbacks = Callbacks::new(ptr::null_mut());
        // No other call comes here. Releasing the lock would wake threads that do not exist.
        mem::forget(state);
    }
}
