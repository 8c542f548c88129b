//! A non-blocking byte stream to a broker: resolve, connect, open. It knows no MQTT.
//!
//! | file         | idea                                                          |
//! |--------------|---------------------------------------------------------------|
//! | `mod`        | the way of one connection through its stages                  |
//! | `resolver`   | a name becomes addresses, on a thread that nobody waits for   |
//! | `candidates` | which addresses are tried, and in what order                  |
//! | `race`       | several addresses are tried side by side (RFC 8305)           |
//! | `attempt`    | one address is tried                                          |
//! | `stream`     | what an open connection can do, whatever it is made of        |
//! | `tcp`        | a stream made of a TCP socket                                 |
//! | `tls`        | a stream over another, secured by OpenSSL                     |
//! | `error`      | what went wrong, and in which stage                           |

mod attempt;
mod candidates;
mod error;
mod race;
mod resolver;
mod stream;
mod tcp;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;

pub use error::{Error, Stage};
pub use resolver::Resolver;
pub use tls::Tls;

use crate::sys::Watch;
use attempt::Attempt;
use race::Race;
use resolver::{Query, Resolution};
use socket2::Socket;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use stream::Stream;
use tcp::Tcp;
use tls::Handshake;

/// Where to connect to, and how long to try.
#[derive(Clone)]
pub struct Endpoint {
    /// A name or an address; an IPv6 address may stand in brackets or not.
    pub host: String,
    pub port: u16,
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
pub struct Transport {
    endpoint: Endpoint,
    expires: Duration,
    state: State,
    retired: Vec<Socket>,
}

enum State {
    Resolving(Query),
    Racing(Race),
    Securing(Handshake, SocketAddr),
    Open(Box<dyn Stream>, SocketAddr),
}

impl Transport {
    /// Begins to connect: a name is being looked up when this returns, an address is being tried.
    pub fn connect(
        endpoint: &Endpoint,
        resolver: &mut Resolver,
        now: Duration,
    ) -> Result<Transport, Error> {
        let state = match resolver.resolve(&endpoint.host, endpoint.port)? {
            Resolution::Known(address) => State::Racing(Race::new(&[address], endpoint)?),
            Resolution::Asked(query) => State::Resolving(query),
        };
        let mut transport = Transport {
            endpoint: endpoint.clone(),
            expires: now.saturating_add(endpoint.timeout),
            state,
            retired: Vec::new(),
        };
        transport.advance(now)?;
        Ok(transport)
    }

    /// Goes on as far as it can without waiting, and says whether the connection is open. It may be
    /// called at any time; it has to be when a watch is ready, and at the deadline. After an error
    /// there is nothing left to do but to drop it.
    pub fn advance(&mut self, now: Duration) -> Result<bool, Error> {
        if let State::Resolving(query) = &self.state {
            match query.answer()? {
                Some(addresses) if now < self.expires => {
                    self.state = State::Racing(Race::new(addresses, &self.endpoint)?);
                }
                _ => {}
            }
        }
        if let State::Racing(race) = &mut self.state
            && let Some(winner) = race.advance(now, &mut self.retired)?
        {
            self.state = self.connected(winner)?;
        }
        if let State::Securing(handshake, peer) = &mut self.state
            && let Some(stream) = handshake.advance()?
        {
            self.state = State::Open(Box::new(stream), *peer);
        }
        if !self.is_open() && now >= self.expires {
            return Err(self.timed_out());
        }
        Ok(self.is_open())
    }

    pub fn is_open(&self) -> bool {
        self.stage() == Stage::Open
    }

    pub fn stage(&self) -> Stage {
        match self.state {
            State::Resolving(_) => Stage::Dns,
            State::Racing(_) => Stage::Tcp,
            State::Securing(..) => Stage::Tls,
            State::Open(..) => Stage::Open,
        }
    }

    /// The broker's address, once open.
    pub fn peer(&self) -> Option<SocketAddr> {
        match self.state {
            State::Open(_, peer) => Some(peer),
            _ => None,
        }
    }

    /// Appends what this waits for now. `want_write` matters only once open: there are bytes that
    /// the last write did not take.
    pub fn watches(&self, want_write: bool, out: &mut Vec<Watch>) {
        match &self.state {
            State::Resolving(query) => out.push(query.watch()),
            State::Racing(race) => out.extend(race.watches()),
            State::Securing(handshake, _) => out.extend(handshake.watch()),
            State::Open(stream, _) => out.push(stream.watch(want_write)),
        }
    }

    /// The watch for a foreign loop that can have only one. While several sockets race it is the
    /// newest one's; `deadline` is then never more than 50 ms away, so that such a loop sees an
    /// older one finish too.
    pub fn primary(&self, want_write: bool) -> Option<Watch> {
        match &self.state {
            State::Resolving(query) => Some(query.watch()),
            State::Racing(race) => race.watches().last(),
            State::Securing(handshake, _) => handshake.watch(),
            State::Open(stream, _) => Some(stream.watch(want_write)),
        }
    }

    /// When `advance` has to be called even if nothing is ready; never, once open.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Resolving(_) => Some(self.expires),
            State::Securing(..) => Some(self.expires),
            State::Racing(race) => race.next_step().into_iter().chain([self.expires]).min(),
            State::Open(..) => None,
        }
    }

    /// Closes the sockets that have lost or failed. They outlive the `advance` that gave them up, so
    /// that their numbers are not given out again while an event loop still watches them.
    pub fn close_retired(&mut self) {
        self.retired.clear();
    }

    /// Reads what is there. 0 is the end of the stream; `WouldBlock` says that nothing is there yet.
    pub fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream()?.read(buf)
    }

    /// Whether a read would find bytes that no watch tells of.
    pub fn has_pending(&self) -> bool {
        matches!(&self.state, State::Open(stream, _) if stream.has_pending())
    }

    /// Writes as much as fits. `WouldBlock` says that nothing does; no SIGPIPE is ever raised.
    pub fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream()?.write(buf)
    }

    /// Ends the stream after what has been written, so that dropping it loses none of that.
    pub fn finish(&mut self) {
        if let State::Open(stream, _) = &mut self.state {
            stream.finish();
        }
    }

    /// TCP is there: TLS comes next, or nothing.
    fn connected(&self, winner: Attempt) -> Result<State, Error> {
        let peer = winner.address();
        let tcp = Tcp::new(winner.into_socket());
        if let Some(tls) = &self.endpoint.tls {
            let handshake = Handshake::new(tls, tcp, &self.endpoint.host)?;
            return Ok(State::Securing(handshake, peer));
        }
        Ok(State::Open(Box::new(tcp), peer))
    }

    fn stream(&mut self) -> io::Result<&mut dyn Stream> {
        match &mut self.state {
            State::Open(stream, _) => Ok(stream.as_mut()),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn timed_out(&self) -> Error {
        let what = match &self.state {
            State::Racing(race) => race.silence(),
            State::Securing(_, peer) => peer.to_string(),
            _ => self.endpoint.host.clone(),
        };
        Error::timed_out(self.stage(), &what, self.endpoint.timeout)
    }
}
