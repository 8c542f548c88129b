//! TLS over a connected socket: OpenSSL does it, this drives it without blocking.
//!
//! | file        | idea                                                       |
//! |-------------|------------------------------------------------------------|
//! | `mod`       | what a connection is secured with                          |
//! | `settings`  | what a program asks for becomes a context, or an error     |
//! | `peer`      | whom a connection is to be with, and what it offers him    |
//! | `handshake` | from a connected socket to a secured one, or to the reason |
//! | `session`   | the last session, and whose it is                          |
//! | `stream`    | reading and writing                                        |

mod handshake;
mod peer;
mod session;
mod settings;
mod stream;

pub use handshake::Handshake;
pub use peer::Peer;
pub use settings::{Authorities, Identity, KeyPassword, Protocol, Psk, Settings};
pub use stream::TlsStream as Secured;

use openssl::ssl::SslContext;
use session::LastSession;
use std::sync::Arc;

/// What a connection is secured with.
#[derive(Clone)]
pub struct Tls {
    pub context: Context,
    pub peer: Peer,
}

/// What the connections of a client share.
#[derive(Clone)]
pub struct Context {
    ssl: SslContext,
    /// The program has made it, and its callbacks are left alone.
    is_programs_own: bool,
    /// The last session, so that the next connection can resume it.
    session: Arc<LastSession>,
}
