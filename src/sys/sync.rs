//! The locks that clients are made of. A guard can unlock for the length of a callback and lock again
//! in place, and a panic does not poison the lock.

pub use parking_lot::{Condvar, Mutex, MutexGuard};
