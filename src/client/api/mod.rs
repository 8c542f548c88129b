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
mod request_response;
mod settings;
mod stats;
mod subscribe;
#[cfg(feature = "tls")]
mod tls;

pub use connect::Target;
pub use oneshot::Wanted;
pub use request::Timed;
pub use request_response::{Request, not_supported};
pub use stats::Figures;
pub use subscribe::{MessageCallback, Subscription};
#[cfg(feature = "tls")]
pub use tls::{Source, TlsOptions};
