//! A non-blocking byte stream to a broker: resolve, connect, open. It knows no MQTT.
//!
//! | file                 | idea                                                   |
//! |----------------------|--------------------------------------------------------|
//! | `mod`                | one connection, while it is made and while it is open  |
//! | `endpoint`           | where to connect to, and how                           |
//! | `address`            | the address of a broker, as the program states it      |
//! | `error`              | what went wrong, and in which stage                    |
//! | `dns/resolver`       | which look-up service a client asks                    |
//! | `dns/service`        | the look-up service, one for the process               |
//! | `dns/lookup`         | one question is asked once for all who wait            |
//! | `dns/threads`        | a few threads for all calls that block                 |
//! | `dns/srv`            | which hosts serve a domain, in what order (RFC 2782)   |
//! | `connect/mod`        | making a connection, by the hosts that may serve it    |
//! | `connect/host`       | one host is tried: addresses, TCP, TLS                 |
//! | `connect/race`       | several addresses are tried side by side (RFC 8305)    |
//! | `connect/attempt`    | one address is tried                                   |
//! | `connect/candidates` | which addresses are tried, and in what order           |
//! | `connect/zone`       | which interface an address belongs to                  |
//! | `connect/progress`   | which stages are over, for a log                       |
//! | `connect/retired`    | what is given up, but must not be closed yet           |
//! | `stream/mod`         | what an open connection can do, whatever it is made of |
//! | `stream/link`        | an open connection, plain or secured                   |
//! | `stream/tcp`         | a stream made of a TCP socket                          |
//! | `stream/tls`         | a stream over another, secured by OpenSSL              |
//! | `stream/no_tls`      | what stands in for `tls` where that is not built       |
//!
//! `stream`, `dns`, `address` and `error` do not know `connect`, and `connect` does not know this
//! file. No two files use each other.

mod address;
mod connect;
mod dns;
mod endpoint;
mod error;
mod stream;
#[cfg(test)]
mod tests;

pub use address::{Address, Host, ScopedIp};
pub use connect::{Milliseconds, PassedStage};
pub use dns::Resolver;
pub use dns::service::forget_after_fork;
pub use endpoint::Endpoint;
pub use error::{Error, Stage};
#[cfg(feature = "tls")]
pub use stream::tls;
pub use stream::tls::Tls;

use crate::sys::Watch;
use crate::time::Moment;
use connect::Connecting;
use std::io::{self, IoSlice};
use stream::{Link, Stream};

/// One connection, from the look-up of its name to its end. No call ever blocks.
///
/// The owner's round has three steps:
/// 1. Call [`advance`](Transport::advance).
/// 2. Register [`watches`](Transport::watches) and [`deadline`](Transport::deadline) with its loop.
/// 3. Call [`close_retired`](Transport::close_retired).
///
/// Before the owner drops a transport, it removes the watches from its loop. A loop that keeps
/// registrations must not hold closed descriptors.
///
/// An open transport is little more than its socket: what was needed to connect has been freed.
pub struct Transport {
    link: Option<Link>,
    /// The connection while it is being made; once it is open, its remains until `close_retired`.
    connecting: Option<Box<Connecting>>,
}

impl Transport {
    /// Begins to connect: on return, a name is being looked up or an address is being tried.
    pub fn connect(
        endpoint: &Endpoint,
        resolver: &Resolver,
        now: Moment,
    ) -> Result<Transport, Error> {
        let mut transport = Transport {
            link: None,
            connecting: Some(Box::new(Connecting::new(endpoint, resolver, now)?)),
        };
        transport.advance(now)?;
        Ok(transport)
    }

    /// Continues as far as it can without waiting, and returns whether the connection is open. It may
    /// be called at any time. It has to be called when a watch is ready, and at the deadline. After an
    /// error the owner can only drop the transport.
    pub fn advance(&mut self, now: Moment) -> Result<bool, Error> {
        if let (None, Some(connecting)) = (&self.link, &mut self.connecting) {
            self.link = connecting.advance(now)?;
        }
        Ok(self.is_open())
    }

    pub fn is_open(&self) -> bool {
        self.link.is_some()
    }

    /// The stages that have ended since the last call.
    pub fn take_passed_stages(&mut self) -> Vec<PassedStage> {
        match &mut self.connecting {
            Some(connecting) => connecting.progress.take(),
            None => Vec::new(),
        }
    }

    /// Appends what this waits for now. `want_write` matters only for an open connection: it says that
    /// the last write did not take all bytes.
    pub fn watches(&self, want_write: bool, out: &mut Vec<Watch>) {
        match (&self.link, &self.connecting) {
            (Some(link), _) => out.push(link.watch(want_write)),
            (None, Some(connecting)) => connecting.watches(out),
            (None, None) => {}
        }
    }

    /// The watch for a foreign loop that can have only one. While several sockets race it is that of
    /// the oldest one, so the descriptor changes only when the previous one is retired. `deadline` is
    /// then at most 50 ms away, so that such a loop notices the newer sockets too.
    pub fn primary(&self, want_write: bool) -> Option<Watch> {
        match &self.link {
            Some(link) => Some(link.watch(want_write)),
            None => self.connecting.as_ref()?.primary(),
        }
    }

    /// When `advance` has to be called even if nothing is ready; None: never, as the connection is
    /// open.
    pub fn deadline(&self) -> Option<Moment> {
        match &self.link {
            Some(_) => None,
            None => Some(self.connecting.as_ref()?.deadline()),
        }
    }

    /// Closes the descriptors that `advance` has given up. They stay open after that call: an event
    /// loop may still watch them, and the system reuses a closed number at once.
    pub fn close_retired(&mut self) {
        match &mut self.connecting {
            Some(connecting) if self.link.is_none() => connecting.retired.close(),
            over => *over = None,
        }
    }

    /// Reads what is there. 0 is the end of the stream; `WouldBlock` means that nothing has arrived
    /// yet.
    pub fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.link()?.read(buf)
    }

    /// Whether a read would find bytes that no watch reports.
    pub fn has_pending(&self) -> bool {
        self.link.as_ref().is_some_and(Link::has_pending)
    }

    /// Whether a read may go on as soon as the socket is writable.
    pub fn read_waits_to_write(&self) -> bool {
        self.link.as_ref().is_some_and(Link::read_waits_to_write)
    }

    /// Writes as much as fits. `WouldBlock` means that nothing fits. No SIGPIPE is ever raised.
    pub fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.link()?.write(buf)
    }

    /// The same for several pieces.
    pub fn write_vectored(&mut self, pieces: &[IoSlice]) -> io::Result<usize> {
        self.link()?.write_vectored(pieces)
    }

    /// How many bytes the socket has taken so far. None without TLS: then `write` counts them.
    pub fn written(&self) -> Option<u64> {
        self.link.as_ref()?.written()
    }

    /// How many bytes of the socket the peer's TCP has not acknowledged; 0 if the system does not tell.
    /// Makes a system call.
    pub fn unacked(&self) -> u64 {
        self.link.as_ref().map_or(0, Link::unacked)
    }

    /// Ends our side after what has been written, and discards what has arrived. A socket that is
    /// closed with unread bytes in it sends a reset, which may overtake what was written.
    ///
    /// True if the peer has ended its side: dropping the transport then loses nothing.
    pub fn finish(&mut self) -> bool {
        if let Some(link) = &mut self.link {
            link.finish();
        }
        self.discard()
    }

    /// Discards what has arrived since; true as for `finish`. It takes a bounded time, however much the
    /// peer sends.
    pub fn discard(&mut self) -> bool {
        self.link.as_mut().is_none_or(Link::discard)
    }

    fn link(&mut self) -> io::Result<&mut Link> {
        let link = self.link.as_mut();
        link.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}
