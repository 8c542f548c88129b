//! The look-up service, one for the process.

use super::lookup::{Lookups, Query};
use super::srv::{self, Service};
use super::threads::Threads;
use crate::transport::address::Host;
use once_cell::race::OnceBox;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub type AddressQuery = Query<Host, Vec<SocketAddr>>;
pub type ServiceQuery = Query<Service, Vec<Host>>;

/// Equal questions that are asked at the same time share one look-up, and all look-ups share a few
/// threads.
pub struct LookupService {
    threads: Arc<Threads>,
    addresses: Lookups<Host, Vec<SocketAddr>>,
    services: Lookups<Service, Vec<Host>>,
}

impl LookupService {
    /// The one that all clients ask.
    pub fn of_process() -> &'static LookupService {
        PROCESS.service()
    }

    /// A service that asks these functions, which may block.
    pub fn new(
        addresses: impl Fn(&Host) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
        services: impl Fn(&Service) -> io::Result<Vec<Host>> + Send + Sync + 'static,
    ) -> LookupService {
        LookupService {
            threads: Arc::default(),
            addresses: Lookups::new(addresses),
            services: Lookups::new(services),
        }
    }

    /// The addresses of a host.
    pub fn addresses(&self, host: Host) -> io::Result<AddressQuery> {
        self.addresses.ask(host, &self.threads)
    }

    /// The hosts that serve a domain, the first choice first.
    pub fn hosts(&self, service: Service) -> io::Result<ServiceQuery> {
        self.services.ask(service, &self.threads)
    }
}

/// Call this in the child of a fork, where the service's threads do not exist, and its locks may be
/// held for ever. The next question makes a new service, and nothing touches the old one again. A query
/// from before the fork is never answered, and may be dropped. This only stores a number.
pub fn forget_after_fork() {
    PROCESS.forget();
}

static PROCESS: Process = Process::new();

struct Process {
    /// How many forks lie between this process and the first one.
    forks: AtomicUsize,
    services: OnceBox<Generation>,
}

/// The service of one process. The generations form a list, as the service of a parent is never freed.
/// Its links need no lock, which a fork could leave held.
struct Generation {
    forks: usize,
    service: LookupService,
    next: OnceBox<Generation>,
}

impl Process {
    const fn new() -> Process {
        Process {
            forks: AtomicUsize::new(0),
            services: OnceBox::new(),
        }
    }

    fn service(&self) -> &LookupService {
        let forks = self.forks.load(Ordering::Relaxed);
        let mut place = &self.services;
        loop {
            let generation = place.get_or_init(|| Box::new(Generation::new(forks)));
            if generation.forks == forks {
                return &generation.service;
            }
            place = &generation.next;
        }
    }

    fn forget(&self) {
        self.forks.fetch_add(1, Ordering::Relaxed);
    }
}

impl Generation {
    fn new(forks: usize) -> Generation {
        Generation {
            forks,
            service: LookupService::new(
                |host: &Host| Ok((&*host.name, host.port).to_socket_addrs()?.collect()),
                srv::find,
            ),
            next: OnceBox::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;
    use std::sync::Barrier;

    fn localhost() -> Host {
        Host {
            name: "127.0.0.1".into(),
            port: 1,
        }
    }

    #[test]
    fn threads_that_are_the_first_to_ask_share_one_service() {
        let (process, together) = (Process::new(), Barrier::new(8));
        let service = || {
            together.wait();
            ptr::from_ref(process.service()).addr()
        };
        std::thread::scope(|scope| {
            let threads = [(); 8].map(|()| scope.spawn(service));
            let services = threads.map(|thread| thread.join().unwrap());
            assert!(services.iter().all(|at| *at == services[0]));
        });
    }

    #[test]
    fn after_a_fork_a_new_service_answers_though_the_old_ones_are_locked() {
        let process = Process::new();
        let mut former = Vec::new();
        for _ in 0..3 {
            let service = process.service();
            assert!(!former.contains(&ptr::from_ref(service)));
            let query = service.addresses(localhost()).unwrap();
            while query.answer().is_none() {
                std::thread::yield_now();
            }
            let left = service.addresses(localhost()).unwrap();
            service.addresses.lock_for_ever();
            former.push(ptr::from_ref(service));
            process.forget();
            drop((query, left));
        }
    }

    #[test]
    fn the_process_s_own_is_forgotten_too() {
        let before = LookupService::of_process();
        forget_after_fork();
        assert!(!ptr::eq(before, LookupService::of_process()));
    }
}
