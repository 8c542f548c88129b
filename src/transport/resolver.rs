//! What a client asks DNS, each on a thread that nobody waits for: a host's addresses, and the hosts
//! that serve a domain.

use super::Host;
use super::lookup::{Lookups, Query};
use super::services::{self, Service};
use crate::sys::Waker;
use parking_lot::Mutex;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

/// A client's look-ups; clones share them.
///
/// It serves one transport at a time, and keeps one descriptor for its whole life, so that an event
/// loop never meets a new look-up under an old number.
#[derive(Clone)]
pub struct Resolver(Arc<Mutex<Desk>>);

pub type AddressQuery = Query<Host, Vec<SocketAddr>>;
pub type ServiceQuery = Query<Service, Vec<Host>>;

struct Desk {
    waker: Option<Arc<Waker>>,
    addresses: Lookups<Host, Vec<SocketAddr>>,
    services: Lookups<Service, Vec<Host>>,
}

impl Default for Resolver {
    fn default() -> Resolver {
        Resolver::with(
            |host| Ok((host.name.as_str(), host.port).to_socket_addrs()?.collect()),
            services::find,
        )
    }
}

impl Resolver {
    /// Asks these in place of the system.
    pub(super) fn with(
        addresses: impl Fn(&Host) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
        services: impl Fn(&Service) -> io::Result<Vec<Host>> + Send + Sync + 'static,
    ) -> Resolver {
        Resolver(Arc::new(Mutex::new(Desk {
            waker: None,
            addresses: Lookups::new(addresses),
            services: Lookups::new(services),
        })))
    }

    /// Where a host is.
    pub(super) fn addresses(&self, host: &Host) -> io::Result<AddressQuery> {
        let mut desk = self.0.lock();
        let waker = desk.waker()?;
        desk.addresses.ask(host.clone(), waker)
    }

    /// Who serves a domain, the first choice first.
    pub(super) fn hosts(&self, service: Service) -> io::Result<ServiceQuery> {
        let mut desk = self.0.lock();
        let waker = desk.waker()?;
        desk.services.ask(service, waker)
    }
}

impl Desk {
    fn waker(&mut self) -> io::Result<Arc<Waker>> {
        let waker = match &self.waker {
            Some(waker) => Arc::clone(waker),
            None => Arc::new(Waker::new()?),
        };
        self.waker = Some(Arc::clone(&waker));
        Ok(waker)
    }
}
