//! The model has no TLS.

pub mod tls;
