//! What the TLS of a connection is made from.

use super::attached::Psk;
use super::peer::Peer;
use super::session::LastSession;
use crate::sys::tls_gate::Kept;
use openssl::ssl::SslContext;
use std::sync::Arc;

/// What the TLS of a connection is made from.
#[derive(Clone)]
pub struct Tls {
    pub context: Context,
    pub peer: Peer,
}

/// What the connections of a client share.
#[derive(Clone)]
pub struct Context {
    pub(super) ssl: Kept<SslContext>,
    /// The program made `ssl`, so its callbacks are not replaced.
    pub(super) is_programs_own: bool,
    /// The last session, which the next connection can resume.
    pub(super) session: Arc<LastSession>,
    pub(super) psk: Option<Arc<Psk>>,
}
