//! The client as it is, on doubles of `sys` and `transport` that make no system calls: each lock, wait
//! and callback is a point where shuttle may let another thread go on.
//!
//! | file        | idea                                                                     |
//! |-------------|--------------------------------------------------------------------------|
//! | `sys`       | locks, wakers, polling, threads and chance, made of `world` and shuttle  |
//! | `transport` | a connection, made of `world`                                            |
//! | `world`     | what stands in for the system: descriptors, sleeping threads, the clock  |
//! | `program`   | a program that uses a client: its callbacks, and what it was told        |
//! | `run`       | plays a scenario with thousands of schedules                             |

/// Shuttle's threads share one of the system's: each of them is to have values of its own.
macro_rules! thread_local {
    ($($all:tt)*) => { shuttle::thread_local! { $($all)* } };
}

#[path = "../../../src/client/mod.rs"]
pub mod client;
#[path = "../../../src/codec/mod.rs"]
pub mod codec;
pub mod program;
pub mod run;
#[path = "../../../src/session/mod.rs"]
pub mod session;
pub mod sys;
#[path = "../../../src/time/mod.rs"]
pub mod time;
pub mod transport;
pub mod world;
