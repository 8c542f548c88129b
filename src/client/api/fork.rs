//! A client in a child of the process that has made it. Its threads do not exist there, and its locks may
//! be held for ever; what it has open is shared with the parent. So it can be freed, and no more.

use std::ffi::CString;
use std::mem;
use std::ptr;
use std::sync::Arc;

use crate::client::handle::Client;
use crate::client::state::callbacks::Callbacks;
use crate::client::state::defaults;
use crate::session::Session;
use crate::sys;
use crate::sys::sync::Mutex;
use crate::transport;

/// Clients that were left, where whoever looks for leaks finds them.
static LEFT: Mutex<Vec<Arc<Client>>> = Mutex::new(Vec::new());

/// From now on a child knows which clients are not its own.
pub fn watch() {
    sys::watch_forks(in_child);
}

/// Runs in each child before `fork` returns there. Other threads of the parent may have held any lock:
/// what is done here are stores and loads.
extern "C" fn in_child() {
    sys::begin_child();
    transport::forget_after_fork();
    #[cfg(feature = "tls")]
    sys::tls_gate::forget_after_fork();
}

impl Client {
    /// Whether a parent of this process has made it.
    pub fn is_inherited(&self) -> bool {
        self.unlocked.is_inherited()
    }

    /// The end of an inherited client: closes its descriptors, and with them those of all others that are
    /// the parent's, and frees its messages. The rest, a read buffer at the most, stays until the process
    /// ends: a thread of the parent may have been in the middle of changing it.
    pub fn leave(self: Arc<Self>) {
        sys::close_inherited();
        self.forget_messages();
        // Not waited for: this may be a fork of the child, in the middle of this in another thread.
        match LEFT.try_lock() {
            Some(mut left) => left.push(self),
            None => mem::forget(self),
        }
    }

    /// Frees what takes memory, unless the lock was held at the fork.
    fn forget_messages(&self) {
        let Some(mut state) = self.try_lock() else {
            return;
        };
        // Forked in a callback, whose call goes on after this.
        if state.tenancy.is_framed() {
            return;
        }
        let options = defaults::options(CString::default(), true, state.version());
        state.session = Session::new(options);
        state.callbacks = Callbacks::new(ptr::null_mut());
        // Nobody else comes here. To give the lock back would wake threads that do not exist.
        mem::forget(state);
    }
}
