//! Where to connect to, and how.

use super::address::{Address, ScopedIp};
use super::stream::tls::Tls;
use std::time::Duration;

/// Where to connect to, and how long to try.
#[derive(Clone)]
pub struct Endpoint {
    pub address: Address,
    /// The local address to connect from.
    pub bind: Option<ScopedIp>,
    /// The time limit for all stages together.
    pub timeout: Duration,
    /// How to secure the connection; None: without TLS.
    pub tls: Option<Tls>,
}
