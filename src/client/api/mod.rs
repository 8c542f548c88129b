//! The operations of the API: only `impl Client`.

mod auth;
mod connect;
mod fork;
mod handlers;
mod lifetime;
mod loops;
mod negotiate;
mod oneshot;
mod request;
mod settings;
mod stats;
#[cfg(feature = "tls")]
mod tls;

pub use connect::Target;
pub use oneshot::Wanted;
pub use request::Timed;
pub use stats::Figures;
#[cfg(feature = "tls")]
pub use tls::{Source, TlsOptions};
