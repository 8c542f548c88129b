//! Makes a connection: to a host, or to the hosts that may serve a domain, one after the other.
//!
//! | file         | idea                                                    |
//! |--------------|---------------------------------------------------------|
//! | `mod`        | one host after the other                                |
//! | `host`       | one host is tried: addresses, TCP, TLS                  |
//! | `race`       | several addresses are tried side by side (RFC 8305)     |
//! | `attempt`    | one address is tried                                    |
//! | `candidates` | which addresses are tried, and in what order            |
//! | `zone`       | which interface an address belongs to                   |
//! | `progress`   | which stages are over, for a log                        |
//! | `retired`    | what is given up, but must not be closed yet            |

mod attempt;
mod candidates;
mod host;
mod progress;
mod race;
mod retired;
mod zone;

#[cfg(test)]
pub use attempt::Attempt;
pub use progress::{Milliseconds, PassedStage};

use crate::sys::Watch;
use crate::time::Moment;
use crate::transport::address::{Address, Host};
use crate::transport::dns::{Resolver, Service, ServiceQuery};
use crate::transport::endpoint::Endpoint;
use crate::transport::error::{Error, Stage};
use crate::transport::stream::Link;
use host::HostAttempt;
use progress::{Progress, list};
use retired::Retired;
use std::collections::VecDeque;

/// A connection that is being made.
pub struct Connecting {
    endpoint: Endpoint,
    resolver: Resolver,
    expires: Moment,
    step: Step,
    /// The hosts of the domain that are still to be tried, the next choice first.
    hosts: VecDeque<Host>,
    failures: Vec<Failure>,
    pub progress: Progress,
    pub retired: Retired,
}

enum Step {
    /// The look-up of the hosts that serve the domain.
    Searching(ServiceQuery),
    Trying(Box<HostAttempt>),
}

/// A host of a domain that cannot be connected to, and why.
struct Failure {
    host: Host,
    error: Error,
}

impl Connecting {
    /// Begins: on return, a name is being looked up or an address is about to be tried.
    pub fn new(endpoint: &Endpoint, resolver: &Resolver, now: Moment) -> Result<Connecting, Error> {
        let step = match &endpoint.address {
            Address::Host(host) => {
                let attempt = HostAttempt::new(host, endpoint, resolver, now, endpoint.timeout)?;
                Step::Trying(Box::new(attempt))
            }
            Address::Domain(domain) => Step::Searching(search(domain, endpoint, resolver)?),
        };
        Ok(Connecting {
            endpoint: endpoint.clone(),
            resolver: resolver.clone(),
            expires: now + endpoint.timeout,
            step,
            hosts: VecDeque::new(),
            failures: Vec::new(),
            progress: Progress::new(now),
            retired: Retired::default(),
        })
    }

    /// Continues as far as it can without waiting. What it gives up is in `retired`. After an error it
    /// keeps the present step, because a loop may still watch its descriptors.
    pub fn advance(&mut self, now: Moment) -> Result<Option<Link>, Error> {
        self.search(now)?;
        while let Step::Trying(attempt) = &mut self.step {
            match attempt.advance(&self.endpoint, now, &mut self.retired, &mut self.progress) {
                Ok(link) => return Ok(link),
                Err(error) => self.fail_over(error, now)?,
            }
        }
        Ok(None)
    }

    #[cfg(test)]
    pub fn stage(&self) -> Stage {
        match &self.step {
            Step::Searching(_) => Stage::Dns,
            Step::Trying(attempt) => attempt.stage(),
        }
    }

    pub fn watches(&self, out: &mut Vec<Watch>) {
        match &self.step {
            Step::Searching(query) => out.push(query.watch()),
            Step::Trying(attempt) => attempt.watches(out),
        }
    }

    /// The watch for a loop that can have only one.
    pub fn primary(&self) -> Option<Watch> {
        match &self.step {
            Step::Searching(query) => Some(query.watch()),
            Step::Trying(attempt) => attempt.primary(),
        }
    }

    /// When `advance` has to be called even if nothing is ready.
    pub fn deadline(&self) -> Moment {
        match &self.step {
            Step::Searching(_) => self.expires,
            Step::Trying(attempt) => attempt.deadline(),
        }
    }

    /// Tries the first host, once the hosts that serve the domain are known.
    fn search(&mut self, now: Moment) -> Result<(), Error> {
        let Step::Searching(query) = &self.step else {
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
                self.progress.pass(Stage::Dns, outcome, now);
                self.try_next(now)
            }
        }
    }

    /// Tries the next host of the domain. Without a domain the failure is final.
    fn fail_over(&mut self, error: Error, now: Moment) -> Result<(), Error> {
        let (Step::Trying(attempt), Address::Domain(_)) = (&self.step, &self.endpoint.address)
        else {
            return Err(error);
        };
        let host = attempt.host().clone();
        let outcome = format!("{host}: {}", error.message);
        self.progress.pass(error.stage, outcome, now);
        self.failures.push(Failure { host, error });
        self.try_next(now)
    }

    /// Each host gets an equal share of the time that is left, so that a silent host leaves time for
    /// those after it.
    fn try_next(&mut self, now: Moment) -> Result<(), Error> {
        let left = self.expires.since(now);
        while !left.is_zero() {
            let share = left / u32::try_from(self.hosts.len().max(1)).unwrap_or(u32::MAX);
            let Some(host) = self.hosts.pop_front() else {
                break;
            };
            match HostAttempt::new(&host, &self.endpoint, &self.resolver, now, share) {
                Ok(attempt) => {
                    let next = Step::Trying(Box::new(attempt));
                    let before = std::mem::replace(&mut self.step, next);
                    self.retired.push(before);
                    return Ok(());
                }
                Err(error) => self.failures.push(Failure { host, error }),
            }
        }
        Err(self.all_failed())
    }

    /// Names each host's failure. Number and stage are those of the last host.
    fn all_failed(&self) -> Error {
        let reasons = self.failures.iter().map(|failure| {
            let Failure { host, error } = failure;
            format!("{host}: {error}")
        });
        let message = format!(
            "none of {} can be connected to: {}",
            self.endpoint.address,
            reasons.collect::<Vec<_>>().join("; ")
        );
        let last = self.failures.last().map(|failure| failure.error.clone());
        Error {
            message,
            ..last.unwrap_or_else(|| Error::new(Stage::Dns, String::new()))
        }
    }
}

/// Asks which hosts serve a domain.
fn search(
    domain: &Option<Box<str>>,
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
