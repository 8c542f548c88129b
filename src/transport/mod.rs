//! A non-blocking byte stream to a broker: resolve, connect, open. It knows no MQTT.
//!
//! | file                 | idea                                                   |
//! |----------------------|--------------------------------------------------------|
//! | `mod`                | one connection, while it is made and while it is open  |
//! | `endpoint`           | where to connect to, and how                           |
//! | `address`            | what a program names as its broker                     |
//! | `error`              | what went wrong, and in which stage                    |
//! | `dns/resolver`       | what DNS is asked                                      |
//! | `dns/lookup`         | asking on a thread that nobody waits for               |
//! | `dns/srv`            | which hosts serve a domain, in what order (RFC 2782)   |
//! | `connect/mod`        | making a connection, by the hosts that may serve it    |
//! | `connect/host`       | one host is tried: addresses, TCP, TLS                 |
//! | `connect/race`       | several addresses are tried side by side (RFC 8305)    |
//! | `connect/attempt`    | one address is tried                                   |
//! | `connect/candidates` | which addresses are tried, and in what order           |
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

pub use address::{Host, Place};
pub use connect::{Milestone, Milliseconds};
pub use dns::Resolver;
pub use endpoint::Endpoint;
pub use error::{Error, Stage};
#[cfg(feature = "tls")]
pub use stream::tls;
pub use stream::tls::Tls;

use crate::sys::Watch;
use crate::time::Moment;
use connect::Way;
use std::io;
use stream::{Link, Stream};

/// One connection, from the look-up of its name to its end. No call ever blocks.
///
/// The owner's round: [`advance`](Transport::advance), then take [`watches`](Transport::watches) and
/// [`deadline`](Transport::deadline) to whatever it waits with, then
/// [`close_retired`](Transport::close_retired). Before it drops a transport it takes the watches out
/// of there: a loop that keeps registrations must not hold descriptors that are closed.
///
/// An open one is little more than its socket: all that it took to make it is given back.
pub struct Transport {
    link: Option<Link>,
    /// How it is made, and, until `close_retired`, how it was.
    way: Option<Box<Way>>,
}

impl Transport {
    /// Begins to connect: a name is being looked up when this returns, an address is being tried.
    pub fn connect(
        endpoint: &Endpoint,
        resolver: &Resolver,
        now: Moment,
    ) -> Result<Transport, Error> {
        let mut transport = Transport {
            link: None,
            way: Some(Box::new(Way::new(endpoint, resolver, now)?)),
        };
        transport.advance(now)?;
        Ok(transport)
    }

    /// Goes on as far as it can without waiting, and says whether the connection is open. It may be
    /// called at any time; it has to be when a watch is ready, and at the deadline. After an error
    /// there is nothing left to do but to drop it.
    pub fn advance(&mut self, now: Moment) -> Result<bool, Error> {
        if let (None, Some(way)) = (&self.link, &mut self.way) {
            self.link = way.advance(now)?;
        }
        Ok(self.is_open())
    }

    pub fn is_open(&self) -> bool {
        self.link.is_some()
    }

    /// The stages that are over and that this has not told yet.
    pub fn milestones(&mut self) -> Vec<Milestone> {
        let way = self.way.as_mut();
        way.map(|way| way.milestones.take()).unwrap_or_default()
    }

    /// Appends what this waits for now. `want_write` matters only once open: there are bytes that
    /// the last write did not take.
    pub fn watches(&self, want_write: bool, out: &mut Vec<Watch>) {
        match (&self.link, &self.way) {
            (Some(link), _) => out.push(link.watch(want_write)),
            (None, Some(way)) => way.watches(out),
            (None, None) => {}
        }
    }

    /// The watch for a foreign loop that can have only one. While several sockets race it is the
    /// newest one's; `deadline` is then never more than 50 ms away, so that such a loop sees an
    /// older one finish too.
    pub fn primary(&self, want_write: bool) -> Option<Watch> {
        match &self.link {
            Some(link) => Some(link.watch(want_write)),
            None => self.way.as_ref()?.primary(),
        }
    }

    /// When `advance` has to be called even if nothing is ready; never, once open.
    pub fn deadline(&self) -> Option<Moment> {
        match &self.link {
            Some(_) => None,
            None => Some(self.way.as_ref()?.deadline()),
        }
    }

    /// Closes the sockets that have lost or failed. They outlive the `advance` that gave them up, so
    /// that their numbers are not given out again while an event loop still watches them.
    pub fn close_retired(&mut self) {
        match &mut self.way {
            Some(way) if self.link.is_none() => way.retired.close(),
            way => *way = None,
        }
    }

    /// Reads what is there. 0 is the end of the stream; `WouldBlock` says that nothing is there yet.
    pub fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.link()?.read(buf)
    }

    /// Whether a read would find bytes that no watch tells of.
    pub fn has_pending(&self) -> bool {
        self.link.as_ref().is_some_and(Link::has_pending)
    }

    /// Writes as much as fits. `WouldBlock` says that nothing does; no SIGPIPE is ever raised.
    pub fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.link()?.write(buf)
    }

    /// Ends our side after what has been written. Closing a socket with unread bytes in it sends a
    /// reset, which may overtake that: hence what has arrived is thrown away. True when the peer has
    /// ended its side, so that dropping this loses nothing whatever comes.
    pub fn finish(&mut self) -> bool {
        if let Some(link) = &mut self.link {
            link.finish();
        }
        self.discard()
    }

    /// Throws away what has arrived since; true as for `finish`.
    pub fn discard(&mut self) -> bool {
        self.link.as_mut().is_none_or(Link::discard)
    }

    fn link(&mut self) -> io::Result<&mut Link> {
        self.link
            .as_mut()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}
