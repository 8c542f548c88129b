//! What a client asks DNS: a host's addresses, and the hosts that serve a domain. Each question has a
//! thread that nobody waits for.

use super::lookup::{Lookups, Query};
use super::srv::{self, Service};
use crate::transport::address::Host;
use parking_lot::{Mutex, MutexGuard};
use std::cell::OnceCell;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

/// A client's look-ups. They are made with its first question, and later clones share them.
#[derive(Clone, Default)]
pub struct Resolver(OnceCell<Arc<Mutex<Queries>>>);

pub type AddressQuery = Query<Host, Vec<SocketAddr>>;
pub type ServiceQuery = Query<Service, Vec<Host>>;

struct Queries {
    addresses: Lookups<Host, Vec<SocketAddr>>,
    services: Lookups<Service, Vec<Host>>,
}

impl Resolver {
    /// Asks these functions instead of the system.
    #[cfg(test)]
    pub(in crate::transport) fn with(
        addresses: impl Fn(&Host) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
        services: impl Fn(&Service) -> io::Result<Vec<Host>> + Send + Sync + 'static,
    ) -> Resolver {
        Resolver(OnceCell::from(Arc::new(Mutex::new(Queries {
            addresses: Lookups::new(addresses),
            services: Lookups::new(services),
        }))))
    }

    /// Where a host is.
    pub(in crate::transport) fn addresses(&self, host: &Host) -> io::Result<AddressQuery> {
        self.queries().addresses.ask(host.clone())
    }

    /// Who serves a domain, the first choice first.
    pub(in crate::transport) fn hosts(&self, service: Service) -> io::Result<ServiceQuery> {
        self.queries().services.ask(service)
    }

    fn queries(&self) -> MutexGuard<'_, Queries> {
        self.0.get_or_init(Arc::default).lock()
    }
}

impl Default for Queries {
    fn default() -> Queries {
        Queries {
            addresses: Lookups::new(|host: &Host| {
                Ok((&*host.name, host.port).to_socket_addrs()?.collect())
            }),
            services: Lookups::new(srv::find),
        }
    }
}
