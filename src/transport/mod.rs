//! A non-blocking byte stream to a broker: resolve, connect, open. It knows no MQTT.
//!
//! | file         | idea                                                          |
//! |--------------|---------------------------------------------------------------|
//! | `mod`        | one connection, on its way and open                           |
//! | `way`        | how it is made, by the hosts that may serve it                |
//! | `place`      | what a program names as its broker                            |
//! | `dial`       | the way to one host: addresses, TCP, TLS                      |
//! | `resolver`   | what DNS is asked                                             |
//! | `lookup`     | asking on a thread that nobody waits for                      |
//! | `services`   | which hosts serve a domain, in what order (RFC 2782)          |
//! | `candidates` | which addresses are tried, and in what order                  |
//! | `race`       | several addresses are tried side by side (RFC 8305)           |
//! | `attempt`    | one address is tried                                          |
//! | `link`       | an open connection, plain or secured                          |
//! | `stream`     | what it can do, whatever it is made of                        |
//! | `tcp`        | a stream made of a TCP socket                                 |
//! | `tls`        | a stream over another, secured by OpenSSL                     |
//! | `milestones` | which stages are over, for a log                              |
//! | `error`      | what went wrong, and in which stage                           |

mod attempt;
mod candidates;
mod dial;
mod error;
mod link;
mod lookup;
mod milestones;
mod place;
mod race;
mod resolver;
mod services;
mod stream;
mod tcp;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;
mod way;

pub use error::{Error, Stage};
pub use milestones::{Milestone, Milliseconds};
pub use place::{Host, Place};
pub use resolver::Resolver;
pub use tls::Tls;

use crate::sys::Watch;
use crate::time::Moment;
use link::Link;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use stream::Stream;
use way::Way;

/// Where to connect to, and how long to try.
#[derive(Clone)]
pub struct Endpoint {
    pub place: Place,
    /// The local address to connect from.
    pub bind: Option<IpAddr>,
    /// The time for all stages together.
    pub timeout: Duration,
    /// How to secure the connection; None: not at all.
    pub tls: Option<Tls>,
}

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
            Some(way) if self.link.is_none() => way.retired.clear(),
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

/// As words.
fn list<T: ToString>(items: &[T]) -> String {
    items
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
