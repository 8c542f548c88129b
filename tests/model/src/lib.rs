//! The real client, on doubles of `sys` and `transport` that make no system calls: at each lock, wait
//! and callback, shuttle may switch to another thread.
//!
//! | file        | idea                                                                     |
//! |-------------|--------------------------------------------------------------------------|
//! | `sys`       | locks, wakers, polling, threads and chance, on `world` and shuttle       |
//! | `transport` | a connection, on `world`                                                 |
//! | `world`     | replaces the system: descriptors, sleeping threads, the clock            |
//! | `program`   | a program that uses a client: its callbacks, and a record of them        |
//! | `run`       | plays a scenario with thousands of schedules                             |

/// Shuttle's threads share one system thread; each of them needs its own values.
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
