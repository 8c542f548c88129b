//! Every other Unix: poll, a pair of sockets, and a helper thread.

mod event_set;
mod waker;

pub use event_set::EventSet;
pub use waker::Waker;

use super::clock;
use crate::time::Moment;

/// The time since the clock's own origin. It never goes back. On Apple's systems it continues while the
/// machine is suspended.
pub fn now() -> Moment {
    clock::read(libc::CLOCK_MONOTONIC).unwrap_or_default()
}
