//! Several addresses are tried side by side: RFC 8305, "Happy Eyeballs". An address that does not
//! answer holds up the next one for a quarter of a second, not for the whole timeout.

use super::attempt::Attempt;
use super::candidates::candidates;
use super::retired::Retired;
use crate::sys::Watch;
use crate::time::Moment;
use crate::transport::error::{Error, Stage};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The "Connection Attempt Delay" of RFC 8305, section 5.
const DELAY: Duration = Duration::from_millis(250);

/// How often a race is looked at for the sake of loops that watch only its oldest socket.
const LOOK: Duration = Duration::from_millis(50);

pub struct Race {
    bind: Option<IpAddr>,
    waiting: VecDeque<SocketAddr>,
    /// The oldest first.
    running: Vec<Attempt>,
    failures: Vec<Failure>,
    next_start: Moment,
    next_look: Moment,
}

/// An address that cannot be connected to, and why.
struct Failure {
    address: SocketAddr,
    error: io::Error,
}

impl Race {
    /// The `addresses` are those of `host`.
    pub fn new(addresses: &[SocketAddr], host: &str, bind: Option<IpAddr>) -> Result<Race, Error> {
        Ok(Race {
            bind,
            waiting: candidates(addresses, host, bind)?.into(),
            running: Vec::new(),
            failures: Vec::new(),
            next_start: Moment::origin(),
            next_look: Moment::origin(),
        })
    }

    /// The attempt that has won, as soon as there is one. Sockets of those that have failed or lost
    /// go to `retired`. It is an error when all have failed.
    pub fn advance(
        &mut self,
        now: Moment,
        retired: &mut Retired,
    ) -> Result<Option<Attempt>, Error> {
        self.next_look = now + LOOK;
        let winner = self.take_winner(now, retired);
        if winner.is_some() {
            for loser in self.running.drain(..) {
                retired.push(loser);
            }
            return Ok(winner);
        }
        self.start(now);
        if self.running.is_empty() {
            return Err(self.all_failed());
        }
        Ok(None)
    }

    /// The watches of all sockets, the oldest one's first.
    pub fn watches(&self) -> impl Iterator<Item = Watch> {
        self.running.iter().map(Attempt::watch)
    }

    /// When `advance` has something to do that no socket will tell of.
    pub fn next_step(&self) -> Option<Moment> {
        let start = (!self.waiting.is_empty()).then_some(self.next_start);
        let look = (self.running.len() > 1).then_some(self.next_look);
        start.into_iter().chain(look).min()
    }

    /// Who has won, and why those before it have not.
    pub fn won(&self, address: SocketAddr) -> String {
        if self.failures.is_empty() {
            return format!("connected to {address}");
        }
        format!("connected to {address} (and {})", self.reasons())
    }

    /// Who has not answered so far, and what the others have said.
    pub fn silence(&self) -> String {
        let silent = self.running.iter().map(|a| a.address().to_string());
        let silent = silent.collect::<Vec<_>>().join(", ");
        if self.failures.is_empty() {
            return silent;
        }
        format!("{silent} (and {})", self.reasons())
    }

    fn take_winner(&mut self, now: Moment, retired: &mut Retired) -> Option<Attempt> {
        let mut index = 0;
        while let Some(attempt) = self.running.get(index) {
            match attempt.is_connected() {
                Ok(true) => return Some(self.running.remove(index)),
                Ok(false) => index += 1,
                Err(error) => {
                    let loser = self.running.remove(index);
                    self.failed(loser.address(), error, now);
                    retired.push(loser);
                }
            }
        }
        None
    }

    fn start(&mut self, now: Moment) {
        while self.running.is_empty() || now >= self.next_start {
            let Some(address) = self.waiting.pop_front() else {
                return;
            };
            match Attempt::start(address, self.bind) {
                Ok(attempt) => {
                    self.running.push(attempt);
                    self.next_start = now + DELAY;
                }
                Err(error) => self.failed(address, error, now),
            }
        }
    }

    /// A failure makes room for the next address at once.
    fn failed(&mut self, address: SocketAddr, error: io::Error, now: Moment) {
        self.failures.push(Failure { address, error });
        self.next_start = now;
    }

    fn all_failed(&self) -> Error {
        let last = self.failures.last();
        Error {
            os_error: last.and_then(|failure| failure.error.raw_os_error()),
            ..Error::new(Stage::Tcp, self.reasons())
        }
    }

    fn reasons(&self) -> String {
        let reasons = self.failures.iter().map(|failure| {
            let Failure { address, error } = failure;
            match self.bind {
                None => format!("{address}: {error}"),
                Some(ip) => format!("{address} from {ip}: {error}"),
            }
        });
        reasons.collect::<Vec<_>>().join("; ")
    }
}
