//! A non-blocking byte stream to a broker: resolve, connect, open. It knows no MQTT.
//!
//! | file         | idea                                                          |
//! |--------------|---------------------------------------------------------------|
//! | `mod`        | the way of one connection, by the hosts that may serve it     |
//! | `place`      | what a program names as its broker                            |
//! | `dial`       | the way to one host: addresses, TCP, TLS                      |
//! | `resolver`   | what DNS is asked                                             |
//! | `lookup`     | asking on a thread that nobody waits for                      |
//! | `services`   | which hosts serve a domain, in what order (RFC 2782)          |
//! | `candidates` | which addresses are tried, and in what order                  |
//! | `race`       | several addresses are tried side by side (RFC 8305)           |
//! | `attempt`    | one address is tried                                          |
//! | `stream`     | what an open connection can do, whatever it is made of        |
//! | `tcp`        | a stream made of a TCP socket                                 |
//! | `tls`        | a stream over another, secured by OpenSSL                     |
//! | `milestones` | which stages are over, for a log                              |
//! | `error`      | what went wrong, and in which stage                           |

mod attempt;
mod candidates;
mod dial;
mod error;
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

pub use error::{Error, Stage};
pub use milestones::Milestone;
pub use place::{Host, Place};
pub use resolver::Resolver;
pub use tls::Tls;

use crate::sys::Watch;
use crate::time::Moment;
use dial::Dial;
use milestones::Milestones;
use resolver::ServiceQuery;
use services::Service;
use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use stream::Stream;

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
pub struct Transport {
    endpoint: Endpoint,
    resolver: Resolver,
    expires: Moment,
    state: State,
    /// Who else serves the domain, the next choice first.
    hosts: VecDeque<Host>,
    failures: Vec<Failure>,
    milestones: Milestones,
    retired: Retired,
}

/// What is over, but not closed yet.
type Retired = Vec<Box<dyn Send>>;

enum State {
    Searching(ServiceQuery),
    /// Elsewhere, since it is over when the connection is open, and large.
    Dialling(Box<Dial>),
    Open(Box<dyn Stream>),
}

/// A host of a domain that cannot be connected to, and why.
struct Failure {
    host: Host,
    error: Error,
}

impl Transport {
    /// Begins to connect: a name is being looked up when this returns, an address is being tried.
    pub fn connect(
        endpoint: &Endpoint,
        resolver: &Resolver,
        now: Moment,
    ) -> Result<Transport, Error> {
        let state = match &endpoint.place {
            Place::Host(host) => {
                let dial = Dial::new(host, endpoint, resolver, now, endpoint.timeout)?;
                State::Dialling(Box::new(dial))
            }
            Place::Domain(domain) => State::Searching(search(domain, endpoint, resolver)?),
        };
        let mut transport = Transport {
            endpoint: endpoint.clone(),
            resolver: resolver.clone(),
            expires: now + endpoint.timeout,
            state,
            hosts: VecDeque::new(),
            failures: Vec::new(),
            milestones: Milestones::new(now),
            retired: Vec::new(),
        };
        transport.advance(now)?;
        Ok(transport)
    }

    /// Goes on as far as it can without waiting, and says whether the connection is open. It may be
    /// called at any time; it has to be when a watch is ready, and at the deadline. After an error
    /// there is nothing left to do but to drop it.
    pub fn advance(&mut self, now: Moment) -> Result<bool, Error> {
        self.search(now)?;
        while let State::Dialling(dial) = &mut self.state {
            match dial.advance(&self.endpoint, now, &mut self.retired, &mut self.milestones) {
                Ok(None) => return Ok(false),
                Ok(Some(stream)) => self.state = State::Open(stream),
                Err(error) => self.fail_over(error, now)?,
            }
        }
        Ok(self.is_open())
    }

    pub fn is_open(&self) -> bool {
        self.stage() == Stage::Open
    }

    pub fn stage(&self) -> Stage {
        match &self.state {
            State::Searching(_) => Stage::Dns,
            State::Dialling(dial) => dial.stage(),
            State::Open(..) => Stage::Open,
        }
    }

    /// The stages that are over and that this has not told yet.
    pub fn milestones(&mut self) -> Vec<Milestone> {
        self.milestones.take()
    }

    /// Appends what this waits for now. `want_write` matters only once open: there are bytes that
    /// the last write did not take.
    pub fn watches(&self, want_write: bool, out: &mut Vec<Watch>) {
        match &self.state {
            State::Searching(query) => out.push(query.watch()),
            State::Dialling(dial) => dial.watches(out),
            State::Open(stream) => out.push(stream.watch(want_write)),
        }
    }

    /// The watch for a foreign loop that can have only one. While several sockets race it is the
    /// newest one's; `deadline` is then never more than 50 ms away, so that such a loop sees an
    /// older one finish too.
    pub fn primary(&self, want_write: bool) -> Option<Watch> {
        match &self.state {
            State::Searching(query) => Some(query.watch()),
            State::Dialling(dial) => dial.primary(),
            State::Open(stream) => Some(stream.watch(want_write)),
        }
    }

    /// When `advance` has to be called even if nothing is ready; never, once open.
    pub fn deadline(&self) -> Option<Moment> {
        match &self.state {
            State::Searching(_) => Some(self.expires),
            State::Dialling(dial) => Some(dial.deadline()),
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
        matches!(&self.state, State::Open(stream) if stream.has_pending())
    }

    /// Writes as much as fits. `WouldBlock` says that nothing does; no SIGPIPE is ever raised.
    pub fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream()?.write(buf)
    }

    /// Ends our side after what has been written. Closing a socket with unread bytes in it sends a
    /// reset, which may overtake that: hence what has arrived is thrown away. True when the peer has
    /// ended its side, so that dropping this loses nothing whatever comes.
    pub fn finish(&mut self) -> bool {
        if let State::Open(stream) = &mut self.state {
            stream.finish();
        }
        self.discard()
    }

    /// Throws away what has arrived since; true as for `finish`.
    pub fn discard(&mut self) -> bool {
        match &mut self.state {
            State::Open(stream) => stream.discard(),
            _ => true,
        }
    }

    /// Turns to the first host, once it is known who serves the domain.
    fn search(&mut self, now: Moment) -> Result<(), Error> {
        let State::Searching(query) = &self.state else {
            return Ok(());
        };
        let service = query.question();
        if now >= self.expires {
            let what = service.to_string();
            return Err(Error::timed_out(Stage::Dns, &what, self.endpoint.timeout));
        }
        match query.answer() {
            None => Ok(()),
            Some(Err(error)) => Err(Error::dns(service, error)),
            Some(Ok(hosts)) => {
                self.hosts = hosts.iter().cloned().collect();
                let outcome = format!("{service} is served by {}", list(hosts));
                self.milestones.pass(Stage::Dns, outcome, now);
                self.dial_next(now)
            }
        }
    }

    /// The present host is given up for the next one, where a domain was asked for.
    fn fail_over(&mut self, error: Error, now: Moment) -> Result<(), Error> {
        let (State::Dialling(dial), Place::Domain(_)) = (&self.state, &self.endpoint.place) else {
            return Err(error);
        };
        let host = dial.host().clone();
        let outcome = format!("{host}: {}", error.message);
        self.milestones.pass(error.stage, outcome, now);
        self.failures.push(Failure { host, error });
        self.dial_next(now)
    }

    /// Each host has its share of the time that is left, so that one that is silent leaves some to
    /// those after it.
    fn dial_next(&mut self, now: Moment) -> Result<(), Error> {
        let left = self.expires.since(now);
        while !left.is_zero() {
            let share = left / u32::try_from(self.hosts.len().max(1)).unwrap_or(u32::MAX);
            let Some(host) = self.hosts.pop_front() else {
                break;
            };
            match Dial::new(&host, &self.endpoint, &self.resolver, now, share) {
                Ok(dial) => {
                    let before =
                        std::mem::replace(&mut self.state, State::Dialling(Box::new(dial)));
                    self.retired.push(Box::new(before));
                    return Ok(());
                }
                Err(error) => self.failures.push(Failure { host, error }),
            }
        }
        Err(self.all_failed())
    }

    /// What each host has failed by; in number and stage, the last one's failure.
    fn all_failed(&self) -> Error {
        let reasons = self.failures.iter().map(|failure| {
            let Failure { host, error } = failure;
            format!("{host}: {error}")
        });
        let message = format!(
            "none of {} can be connected to: {}",
            self.endpoint.place,
            reasons.collect::<Vec<_>>().join("; ")
        );
        let last = self.failures.last().map(|failure| failure.error.clone());
        Error {
            message,
            ..last.unwrap_or_else(|| Error::new(Stage::Dns, String::new()))
        }
    }

    fn stream(&mut self) -> io::Result<&mut dyn Stream> {
        match &mut self.state {
            State::Open(stream) => Ok(stream.as_mut()),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
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

/// Asks who serves a domain.
fn search(
    domain: &Option<String>,
    endpoint: &Endpoint,
    resolver: &Resolver,
) -> Result<ServiceQuery, Error> {
    let service = Service {
        secure: endpoint.tls.is_some(),
        domain: domain.clone(),
    };
    let query = resolver.hosts(service.clone());
    query.map_err(|error| Error::dns(&service, &error))
}
