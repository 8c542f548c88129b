//! No connection is secured here.

pub mod tls;
