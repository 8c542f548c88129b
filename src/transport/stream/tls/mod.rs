//! TLS over a connected socket: OpenSSL implements it, this drives OpenSSL without blocking.
//!
//! | file        | idea                                                       |
//! |-------------|------------------------------------------------------------|
//! | `context`   | what the TLS of a connection is made from                  |
//! | `settings`  | makes a context from the program's settings, or an error   |
//! | `peer`      | who the broker has to be, and what it is offered           |
//! | `handshake` | a connected socket becomes a secured one, or an error      |
//! | `queue`     | the program's errors in OpenSSL's queue                    |
//! | `attached`  | what OpenSSL's callbacks need to know of a connection      |
//! | `session`   | the last session, and which peer gave it                   |
//! | `stream`    | reading and writing                                        |
//! | `words`     | OpenSSL's errors as text                                   |

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
pub use queue::Visit;
pub use settings::{Authorities, Identity, KeyPassword, Protocol, Settings};
pub use stream::TlsStream as Secured;
pub use words::reason;
