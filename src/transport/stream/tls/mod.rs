//! TLS over a connected socket: OpenSSL does it, this drives it without blocking.
//!
//! | file        | idea                                                       |
//! |-------------|------------------------------------------------------------|
//! | `context`   | what a connection is secured with                          |
//! | `settings`  | what a program asks for becomes a context, or an error     |
//! | `peer`      | whom a connection is to be with, and what it offers him    |
//! | `handshake` | from a connected socket to a secured one, or to the reason |
//! | `queue`     | the program's errors in OpenSSL's queue                   |
//! | `attached`  | what a connection carries for the callbacks of OpenSSL     |
//! | `session`   | the last session, and whose it is                          |
//! | `stream`    | reading and writing                                        |
//! | `words`     | what OpenSSL says, in words                                |

mod attached;
mod context;
mod handshake;
mod peer;
mod queue;
mod session;
mod settings;
mod stream;
mod words;

pub use attached::Psk;
pub use context::{Context, Tls};
pub use handshake::{Handshake, Prepared};
pub use peer::Peer;
pub use settings::{Authorities, Identity, KeyPassword, Protocol, Settings};
pub use stream::TlsStream as Secured;
