//! What an open connection can do, with or without TLS.
//!
//! | file     | idea                                             |
//! |----------|--------------------------------------------------|
//! | `mod`    | what every stream can do                         |
//! | `link`   | an open connection, plain or secured             |
//! | `tcp`    | a stream made of a TCP socket                    |
//! | `tls`    | a stream over another, secured by OpenSSL        |
//! | `no_tls` | replaces `tls` where that is not built           |

mod link;
mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
pub mod tls;

pub use link::Link;
pub use tcp::Tcp;

use crate::sys::Watch;
use std::io::{self, IoSlice};

/// A byte stream that never blocks. TLS, for example, is a stream over another one.
pub trait Stream: Send {
    /// 0 is the end of the stream; `WouldBlock` means that nothing has arrived yet.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>;

    /// `WouldBlock` means that nothing fits now.
    fn write(&mut self, buf: &[u8]) -> io::Result<usize>;

    /// The same for several pieces.
    fn write_vectored(&mut self, pieces: &[IoSlice]) -> io::Result<usize>;

    /// Whether bytes that `read` has not returned yet have left the socket. A watch on the socket does
    /// not report them.
    fn has_pending(&self) -> bool;

    /// How many bytes the socket has taken so far; None if these are the bytes that `write` took.
    fn written(&self) -> Option<u64>;

    /// How many bytes of the socket the peer's TCP has not acknowledged; 0 if the system does not tell.
    fn unacked(&self) -> u64;

    /// Whether a read may go on as soon as the socket is writable.
    fn read_waits_to_write(&self) -> bool;

    /// Ends our side of the stream after what has been written.
    fn finish(&mut self);

    /// Discards what arrives after our side has ended. True if the peer's side has ended, too. One call
    /// takes a bounded number of bytes, as a peer may send without end.
    fn discard(&mut self) -> bool;

    /// What to wait for before reading, and before writing if `want_write` is set. TLS may have to
    /// write before it can read, and to read before it can write.
    fn watch(&self, want_write: bool) -> Watch;
}
