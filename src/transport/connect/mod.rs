//! The way to a connection: a host, or the hosts that may serve a domain, one after the other.

mod attempt;
mod candidates;
mod host;
mod progress;
mod race;
mod retired;

#[cfg(test)]
pub use attempt::Attempt;
pub use progress::{Milestone, Milliseconds};

use crate::sys::Watch;
use crate::time::Moment;
use crate::transport::address::{Host, Place};
use crate::transport::dns::{Resolver, Service, ServiceQuery};
use crate::transport::endpoint::Endpoint;
use crate::transport::error::{Error, Stage};
use crate::transport::stream::Link;
use host::Dial;
use progress::{Milestones, list};
use retired::Retired;
use std::collections::VecDeque;

/// A connection is being made.
pub struct Way {
    endpoint: Endpoint,
    resolver: Resolver,
    expires: Moment,
    step: Step,
    /// Who else serves the domain, the next choice first.
    hosts: VecDeque<Host>,
    failures: Vec<Failure>,
    pub milestones: Milestones,
    pub retired: Retired,
}

enum Step {
    Searching(ServiceQuery),
    Dialling(Box<Dial>),
}

/// A host of a domain that cannot be connected to, and why.
struct Failure {
    host: Host,
    error: Error,
}

impl Way {
    /// Begins: a name is being looked up when this returns, an address is about to be tried.
    pub fn new(endpoint: &Endpoint, resolver: &Resolver, now: Moment) -> Result<Way, Error> {
        let step = match &endpoint.place {
            Place::Host(host) => {
                let dial = Dial::new(host, endpoint, resolver, now, endpoint.timeout)?;
                Step::Dialling(Box::new(dial))
            }
            Place::Domain(domain) => Step::Searching(search(domain, endpoint, resolver)?),
        };
        Ok(Way {
            endpoint: endpoint.clone(),
            resolver: resolver.clone(),
            expires: now + endpoint.timeout,
            step,
            hosts: VecDeque::new(),
            failures: Vec::new(),
            milestones: Milestones::new(now),
            retired: Retired::default(),
        })
    }

    /// Goes on as far as it can without waiting. What it has given up is in `retired`.
    pub fn advance(&mut self, now: Moment) -> Result<Option<Link>, Error> {
        self.search(now)?;
        while let Step::Dialling(dial) = &mut self.step {
            match dial.advance(&self.endpoint, now, &mut self.retired, &mut self.milestones) {
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
            Step::Dialling(dial) => dial.stage(),
        }
    }

    pub fn watches(&self, out: &mut Vec<Watch>) {
        match &self.step {
            Step::Searching(query) => out.push(query.watch()),
            Step::Dialling(dial) => dial.watches(out),
        }
    }

    /// The watch for those who can have only one.
    pub fn primary(&self) -> Option<Watch> {
        match &self.step {
            Step::Searching(query) => Some(query.watch()),
            Step::Dialling(dial) => dial.primary(),
        }
    }

    /// When `advance` has to be called even if nothing is ready.
    pub fn deadline(&self) -> Moment {
        match &self.step {
            Step::Searching(_) => self.expires,
            Step::Dialling(dial) => dial.deadline(),
        }
    }

    /// Turns to the first host, once it is known who serves the domain.
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
                self.milestones.pass(Stage::Dns, outcome, now);
                self.dial_next(now)
            }
        }
    }

    /// The present host is given up for the next one, where a domain was asked for.
    fn fail_over(&mut self, error: Error, now: Moment) -> Result<(), Error> {
        let (Step::Dialling(dial), Place::Domain(_)) = (&self.step, &self.endpoint.place) else {
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
                    let before = std::mem::replace(&mut self.step, Step::Dialling(Box::new(dial)));
                    self.retired.push(before);
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
}

/// Asks who serves a domain.
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
