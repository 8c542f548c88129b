//! The handle: options, lock, callbacks, driver, the four loops, reconnect.
//!
//! One short lock guards the state; nothing that can wait runs under it. The driver (transport
//! and buffers) has a lock of its own, held for as long as a loop call lasts and only ever
//! tried, so that whoever runs the client never touches a socket under the state's lock.

mod backoff;
mod callbacks;
mod connect;
mod driver;
pub mod error;
pub mod events;
mod input;
mod interest;
mod leaving;
mod lifetime;
mod log;
mod loops;
mod marks;
mod oneshot;
mod options;
mod receive;
mod request;
mod run;
mod state;
mod stats;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;
mod trace;
mod turn;
mod wakes;
mod writing;

use parking_lot::{Condvar, Mutex};

pub use callbacks::address;
pub use connect::Target;
use driver::Driver;
pub use error::{Code, Error, Result};
pub use interest::milliseconds;
pub use oneshot::{Received, Wanted};
pub use options::Version;
pub use request::check_message;
use run::Flow;
use state::{Guard, State};
pub use stats::Statistics;
#[cfg(feature = "tls")]
pub use tls::{Source, TlsOptions};

#[cfg(feature = "tls")]
pub use crate::transport::tls::Protocol;
pub use crate::transport::{Address, Host};

pub struct Client {
    state: Mutex<State>,
    flow: Flow,
    driver: Mutex<Driver>,
    /// A turn or a frame ended, a thread is to stop, or all messages are settled.
    changed: Condvar,
}

impl Client {
    fn lock(&self) -> Guard<'_> {
        let state = self.state.lock();
        self.flow.visit();
        state
    }

    /// The lock for those who change nothing that a run of messages goes by.
    #[inline(always)]
    fn lock_aside(&self) -> Guard<'_> {
        self.state.lock()
    }
}

/// Tells threads apart for as long as they live, without asking the system.
fn thread_mark() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}
