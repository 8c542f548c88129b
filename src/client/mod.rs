//! The handle: options, lock, callbacks, driver, loops, reconnecting.
//!
//! Each row uses only those above it:
//!
//! | what                | idea                                                         |
//! |---------------------|--------------------------------------------------------------|
//! | `error`, `events`   | the error numbers; what callbacks are given                  |
//! | `one_line`          | text from elsewhere, on one line                             |
//! | `reason`            | the broker's reasons, in the numbers of MQTT 5               |
//! | `scram`             | SCRAM-SHA-256, from the first message to the last            |
//! | `state`             | the values under the lock, one file for each concept         |
//! | `driver`            | the connection, and every call of a callback                 |
//! | `handle`, `turn`    | the client and its lock; which call may run it               |
//! | `api`               | the operations of the API                                    |

mod api;
mod driver;
pub mod error;
pub mod events;
mod handle;
mod one_line;
pub mod reason;
#[cfg(feature = "tls")]
mod scram;
mod state;
mod turn;

pub use api::{
    Figures, MessageCallback, Request, Subscription, Target, Timed, Wanted, not_supported,
};
#[cfg(feature = "tls")]
pub use api::{Source, TlsOptions};
pub use driver::deliver::address;
pub use error::{Code, Error, Result};
pub use events::Handle;
pub use handle::Client;
pub use state::defaults::Versions;
pub use state::handlers::Handler;
pub use state::inbox::Received;
pub use state::requests::Asker;
pub use state::unlocked::Way;

pub use crate::codec::Version;
pub use crate::session::{CleanStart, ConnectOptions, Negotiated, QueueOptions, WhenFull};
pub use crate::time::milliseconds;
#[cfg(feature = "tls")]
pub use crate::transport::tls::Protocol;
pub use crate::transport::{Address, Host};
