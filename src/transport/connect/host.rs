//! One host is tried: its addresses, TCP, TLS.

use super::progress::{Progress, list};
use super::race::Race;
use super::retired::Retired;
use super::zone::socket_address;
use crate::sys::Watch;
use crate::time::Moment;
use crate::transport::address::Host;
use crate::transport::dns::{AddressQuery, Resolver};
use crate::transport::endpoint::Endpoint;
use crate::transport::error::{Error, Stage};
use crate::transport::stream::tls::{Handshake, Prepared};
use crate::transport::stream::{Link, Tcp};
use std::net::SocketAddr;
use std::time::Duration;

/// An attempt to connect to one host.
pub struct HostAttempt {
    host: Host,
    expires: Moment,
    /// The whole time limit, which ends at `expires`; for the error.
    timeout: Duration,
    step: Step,
}

enum Step {
    Resolving(AddressQuery),
    Racing(Race),
    /// TCP is connected to this address.
    Securing(Handshake, SocketAddr),
}

impl HostAttempt {
    /// Begins: on return, a name is being looked up or an address is about to be tried.
    pub fn new(
        host: &Host,
        endpoint: &Endpoint,
        resolver: &Resolver,
        now: Moment,
        timeout: Duration,
    ) -> Result<HostAttempt, Error> {
        let bind = endpoint.bind.as_ref();
        let step = match host.literal() {
            Some(ip) => {
                let address = socket_address(&ip, host.port);
                let address = address.map_err(|error| Error::dns(&host.name, &error))?;
                Step::Racing(Race::new(&[address], &host.name, bind)?)
            }
            None => {
                let query = resolver.addresses(host);
                Step::Resolving(query.map_err(|error| Error::dns(&host.name, &error))?)
            }
        };
        Ok(HostAttempt {
            host: host.clone(),
            expires: now + timeout,
            timeout,
            step,
        })
    }

    /// Continues as far as it can without waiting. What it gives up goes to `retired`. After an error
    /// it keeps the present step, because a loop may still watch its descriptors.
    pub fn advance(
        &mut self,
        endpoint: &Endpoint,
        now: Moment,
        retired: &mut Retired,
        progress: &mut Progress,
    ) -> Result<Option<Link>, Error> {
        let expired = now >= self.expires;
        if let Step::Resolving(query) = &self.step {
            let name = &self.host.name;
            match query.answer() {
                Some(Err(error)) => return Err(Error::dns(name, error)),
                Some(Ok(addresses)) if !expired => {
                    let outcome = format!("{name} is {}", list(addresses));
                    progress.pass(Stage::Dns, outcome, now);
                    let race = Race::new(addresses, name, endpoint.bind.as_ref())?;
                    let before = std::mem::replace(&mut self.step, Step::Racing(race));
                    retired.push(before);
                }
                _ => {}
            }
        }
        if let Step::Racing(race) = &mut self.step
            && let Some(winner) = race.advance(now, retired)?
        {
            let peer = winner.address();
            progress.pass(Stage::Tcp, race.won(peer), now);
            let Some(tls) = &endpoint.tls else {
                return Ok(Some(Link::Plain(Tcp::new(winner.into_socket()))));
            };
            match Prepared::new(tls, &self.host.name) {
                Ok(prepared) => {
                    let handshake = prepared.start(Tcp::new(winner.into_socket()))?;
                    self.step = Step::Securing(handshake, peer);
                }
                Err(error) => {
                    retired.push(winner);
                    return Err(error);
                }
            }
        }
        if let Step::Securing(handshake, _) = &mut self.step
            && let Some((stream, how)) = handshake.advance()?
        {
            progress.pass(Stage::Tls, how, now);
            return Ok(Some(Link::Secured(Box::new(stream))));
        }
        match expired {
            true => Err(self.timed_out()),
            false => Ok(None),
        }
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    pub fn stage(&self) -> Stage {
        match self.step {
            Step::Resolving(_) => Stage::Dns,
            Step::Racing(_) => Stage::Tcp,
            Step::Securing(..) => Stage::Tls,
        }
    }

    pub fn watches(&self, out: &mut Vec<Watch>) {
        match &self.step {
            Step::Resolving(query) => out.push(query.watch()),
            Step::Racing(race) => out.extend(race.watches()),
            Step::Securing(handshake, _) => out.extend(handshake.watch()),
        }
    }

    /// The watch for a loop that can have only one.
    pub fn primary(&self) -> Option<Watch> {
        match &self.step {
            Step::Resolving(query) => Some(query.watch()),
            Step::Racing(race) => race.watches().next(),
            Step::Securing(handshake, _) => handshake.watch(),
        }
    }

    /// When `advance` has to be called even if nothing is ready.
    pub fn deadline(&self) -> Moment {
        match &self.step {
            Step::Racing(race) => race
                .next_step()
                .map_or(self.expires, |at| at.min(self.expires)),
            Step::Resolving(_) | Step::Securing(..) => self.expires,
        }
    }

    fn timed_out(&self) -> Error {
        let what = match &self.step {
            Step::Resolving(_) => self.host.name.to_string(),
            Step::Racing(race) => race.silence(),
            Step::Securing(_, peer) => peer.to_string(),
        };
        Error::timed_out(self.stage(), &what, self.timeout)
    }
}
