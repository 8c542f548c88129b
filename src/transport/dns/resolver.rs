//! Which look-up service a client asks: the one of the process or, in tests, its own.

use super::service::{AddressQuery, LookupService, ServiceQuery};
use super::srv::Service;
use crate::transport::address::Host;
use std::io;
use std::sync::Arc;

/// Clones ask the same service.
#[derive(Clone, Default)]
pub struct Resolver {
    /// None: the one of the process.
    own: Option<Arc<LookupService>>,
}

impl Resolver {
    /// Asks these functions instead of the system.
    #[cfg(test)]
    pub(in crate::transport) fn with(
        addresses: impl Fn(&Host) -> io::Result<Vec<std::net::SocketAddr>> + Send + Sync + 'static,
        services: impl Fn(&Service) -> io::Result<Vec<Host>> + Send + Sync + 'static,
    ) -> Resolver {
        Resolver {
            own: Some(Arc::new(LookupService::new(addresses, services))),
        }
    }

    /// The addresses of a host.
    pub(in crate::transport) fn addresses(&self, host: &Host) -> io::Result<AddressQuery> {
        self.service().addresses(host.clone())
    }

    /// The hosts that serve a domain, the first choice first.
    pub(in crate::transport) fn hosts(&self, service: Service) -> io::Result<ServiceQuery> {
        self.service().hosts(service)
    }

    fn service(&self) -> &LookupService {
        match &self.own {
            Some(own) => own,
            None => LookupService::of_process(),
        }
    }
}
