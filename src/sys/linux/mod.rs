//! Linux: the kernel itself keeps the set of events.

mod event_set;
mod timer;
mod waker;

pub use event_set::EventSet;
pub use waker::Waker;

use super::clock;
use crate::time::Moment;

/// The time since the clock's own origin. It never goes back, and it continues while the machine is
/// suspended.
pub fn now() -> Moment {
    clock::read(libc::CLOCK_BOOTTIME)
        .or_else(|| clock::read(libc::CLOCK_MONOTONIC))
        .unwrap_or_default()
}
