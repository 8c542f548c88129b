//! The double of src/sys.

mod poll;
pub mod sync;
mod thread;

pub use crate::world::files::{EventSet, Waker, Watch};
pub use crate::world::now;
pub use poll::PollSet;
pub use thread::{JoinHandle, spawn};
