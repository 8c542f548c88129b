//! The double of src/sys.

mod memory;
mod poll;
mod process;
mod random;
pub mod sync;
mod thread;

pub use crate::world::files::{EventSet, Waker, Watch};
pub use crate::world::now;
pub use memory::return_freed;
pub use poll::PollSet;
pub use process::{begin_child, close_inherited, generation, watch_forks};
pub use random::Random;
pub use thread::{JoinHandle, spawn};
