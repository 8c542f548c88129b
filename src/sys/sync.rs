//! The locks that clients are made of: one that can be given back for the length of a callback, and
//! taken again in place, and that a panic does not poison.

pub use parking_lot::{Condvar, Mutex, MutexGuard};
