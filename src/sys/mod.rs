//! All that the operating system does for pmqtt, and the only place that calls libc.
//!
//! | item          | Linux                      | elsewhere, and with feature `portable` |
//! |---------------|----------------------------|----------------------------------------|
//! | [`now`]       | CLOCK_BOOTTIME             | CLOCK_MONOTONIC                        |
//! | [`Waker`]     | eventfd                    | a pair of sockets                      |
//! | [`EventSet`]  | epoll, timerfd             | a thread in poll                       |
//! | [`PollSet`]   | poll                       | poll                                   |
//! | [`spawn`]     | a thread that takes no signals | the same                           |
//! | [`Descriptor`] | what a fork leaves to the parent | the same                      |
//! | [`tls_gate`]  | atexit                     | the same                               |
//! | [`return_freed`] | malloc_trim, with the GNU C library | nothing               |
//! | [`Random`]    | getrandom, /dev/urandom, or else a hash of time and process | the same |
//! | [`unacked`]   | SIOCOUTQ                   | SO_NWRITE, where there is one          |
//! | [`look_up_srv`], [`full_host_name`], [`interface_index`] | the C library | the same |

mod clock;
mod descriptor;
mod dns;
#[cfg(feature = "tls")]
mod error_queue;
mod host;
mod interface;
mod memory;
mod poll;
mod process;
mod random;
mod socket;
pub mod sync;
mod thread;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
pub mod tls_gate;

#[cfg(all(target_os = "linux", not(feature = "portable")))]
#[path = "linux/mod.rs"]
mod os;
#[cfg(not(all(target_os = "linux", not(feature = "portable"))))]
#[path = "posix/mod.rs"]
mod os;

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;

pub use descriptor::Descriptor;
pub use dns::look_up_srv;
#[cfg(feature = "tls")]
pub use error_queue::{TakenErrors, clear_errors, has_errors, put_errors, take_errors};
pub use host::full_host_name;
pub use interface::interface_index;
pub use memory::return_freed;
pub use os::{EventSet, Waker, now};
pub use poll::{PollSet, Watch};
pub use process::{begin_child, close_inherited, generation, watch_forks};
pub use random::Random;
pub use socket::{NO_SIGNAL, unacked};
pub use thread::{JoinHandle, spawn};
#[cfg(feature = "tls")]
pub use tls::{
    Listener, ask_for_psk, bytes_written, holds_bytes, read_ahead, resume, set_mode,
    tell_of_refusals, tell_of_sessions,
};

use std::io;

/// The result of a libc call that returns -1 and sets `errno` on failure.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
