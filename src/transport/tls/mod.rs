//! TLS over a connected socket: OpenSSL does it, this drives it without blocking.
//!
//! | file        | idea                                                       |
//! |-------------|------------------------------------------------------------|
//! | `mod`       | what all connections of a client share                     |
//! | `settings`  | what a program asks for becomes a context, or an error     |
//! | `handshake` | from a connected socket to a secured one, or to the reason |
//! | `session`   | the last session, and whose it is                          |
//! | `stream`    | reading and writing                                        |

mod handshake;
mod session;
mod settings;
mod stream;

pub use handshake::Handshake;
pub use settings::{Authorities, Identity, KeyPassword, Protocol, Psk, Settings};

use openssl::ssl::SslContext;
use session::LastSession;
use std::sync::Arc;

/// What each connection of a client is secured with.
#[derive(Clone)]
pub struct Tls {
    context: SslContext,
    /// Whether the broker's certificate has to be good, and whether its name has to be right.
    verify: bool,
    verify_name: bool,
    /// In place of the host's name, for SNI and for the check of the certificate.
    server_name: Option<String>,
    /// As it goes over the wire: each name behind its length.
    alpn: Vec<u8>,
    /// The last session, so that the next connection can resume it.
    session: Arc<LastSession>,
}
