//! Several addresses are tried side by side: RFC 8305, "Happy Eyeballs". An address that does not
//! answer delays the next one by a quarter of a second, not by the whole timeout.

use super::attempt::Attempt;
use super::candidates::candidates;
use super::retired::Retired;
use crate::sys::Watch;
use crate::time::Moment;
use crate::transport::address::ScopedIp;
use crate::transport::error::{Error, Stage};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// The "Connection Attempt Delay" of RFC 8305, section 5.
const DELAY: Duration = Duration::from_millis(250);

/// How often a loop that watches only the oldest socket has to look at the race.
const LOOK: Duration = Duration::from_millis(50);

pub struct Race {
    bind: Option<ScopedIp>,
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
    pub fn new(
        addresses: &[SocketAddr],
        host: &str,
        bind: Option<&ScopedIp>,
    ) -> Result<Race, Error> {
        Ok(Race {
            bind: bind.cloned(),
            waiting: candidates(addresses, host, bind)?.into(),
            running: Vec::new(),
            failures: Vec::new(),
            next_start: Moment::origin(),
            next_look: Moment::origin(),
        })
    }

    /// Returns the attempt that has won, as soon as there is one. The sockets of all others go to
    /// `retired`. It is an error if all have failed.
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

    /// The watches of all sockets, the oldest socket's first.
    pub fn watches(&self) -> impl Iterator<Item = Watch> {
        self.running.iter().map(Attempt::watch)
    }

    /// When `advance` has something to do that no watch reports.
    pub fn next_step(&self) -> Option<Moment> {
        let start = (!self.waiting.is_empty()).then_some(self.next_start);
        let look = (self.running.len() > 1).then_some(self.next_look);
        start.into_iter().chain(look).min()
    }

    /// Names the winner, and the failures before it.
    pub fn won(&self, address: SocketAddr) -> String {
        if self.failures.is_empty() {
            return format!("connected to {address}");
        }
        format!("connected to {address} (and {})", self.reasons())
    }

    /// Names the addresses that have not answered so far, and the failures of the others.
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
            match Attempt::start(address, self.bind.as_ref()) {
                Ok(attempt) => {
                    self.running.push(attempt);
                    self.next_start = now + DELAY;
                }
                Err(error) => self.failed(address, error, now),
            }
        }
    }

    /// The next address is tried at once.
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
            match &self.bind {
                None => format!("{address}: {error}"),
                Some(ip) => format!("{address} from {ip}: {error}"),
            }
        });
        reasons.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn race(running: &[SocketAddr], waiting: &[SocketAddr], bind: Option<ScopedIp>) -> Race {
        Race {
            bind,
            waiting: waiting.iter().copied().collect(),
            running: running.iter().copied().map(Attempt::failing).collect(),
            failures: Vec::new(),
            next_start: Moment::origin(),
            next_look: Moment::origin(),
        }
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn sockets_whose_calls_fail_are_retired_and_the_race_goes_on() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        let broken = [address("10.0.0.1:1"), address("10.0.0.2:1")];
        let (mut race, mut retired) = (race(&broken, &[good], None), Retired::default());
        let now = Moment::origin();
        assert!(race.advance(now, &mut retired).unwrap().is_none());
        assert_eq!(retired.count(), 2);
        assert_eq!(race.watches().count(), 1);
        let said = race.silence();
        assert!(said.starts_with(&format!("{good} (and 10.0.0.1:1: ")));
        assert!(said.contains("; 10.0.0.2:1: "), "{said}");
    }

    #[test]
    fn a_race_of_sockets_whose_calls_fail_is_lost_with_the_last_one_s_number() {
        let broken = [address("10.0.0.1:1"), address("10.0.0.2:1")];
        let (mut race, mut retired) = (race(&broken, &[], None), Retired::default());
        let error = race.advance(Moment::origin(), &mut retired);
        let error = error.err().expect("an error");
        assert_eq!(error.os_error, Some(libc::ENOTSOCK));
        assert_eq!(retired.count(), 2);
        assert_eq!(race.watches().count(), 0);
        assert_eq!(race.next_step(), None);
    }

    #[test]
    fn addresses_that_cannot_be_begun_with_are_each_named() {
        // TEST-NET-1 is never a local address, so each bind fails.
        let bind = Some("192.0.2.1".parse().unwrap());
        let waiting = [address("127.0.0.1:1"), address("127.0.0.1:2")];
        let (mut race, mut retired) = (race(&[], &waiting, bind), Retired::default());
        let error = race.advance(Moment::origin(), &mut retired);
        let error = error.err().expect("an error");
        assert_eq!(error.os_error, Some(libc::EADDRNOTAVAIL));
        assert!(error.message.contains("127.0.0.1:1 from 192.0.2.1: "));
        assert!(error.message.contains("127.0.0.1:2 from 192.0.2.1: "));
    }
}
