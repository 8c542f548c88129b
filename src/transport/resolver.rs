//! A name becomes addresses. The system's look-up blocks and cannot be cancelled, so it runs on a
//! thread of its own that nobody ever waits for.

use super::Error;
use crate::sys::{self, Waker, Watch};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::sync::{Arc, OnceLock};

/// What getaddrinfo and the modules behind it need; they were written for main threads.
const STACK: usize = 256 * 1024;

/// A client's look-ups. There is at most one thread for each host: while DNS is silent, attempt
/// after attempt joins the same look-up.
///
/// It serves one transport at a time, and keeps one descriptor for its whole life, so that an event
/// loop never meets a new look-up under an old number.
pub struct Resolver {
    system: Arc<System>,
    waker: Option<Arc<Waker>>,
    under_way: Vec<Arc<Lookup>>,
}

/// The function that blocks; tests have their own.
type System = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// What becomes of a host.
pub enum Resolution {
    /// It is an address already.
    Known(SocketAddr),
    Asked(Query),
}

/// One transport's wait for an answer.
pub struct Query {
    lookup: Arc<Lookup>,
    waker: Arc<Waker>,
}

struct Lookup {
    host: String,
    port: u16,
    answer: OnceLock<io::Result<Vec<SocketAddr>>>,
}

impl Default for Resolver {
    fn default() -> Resolver {
        Resolver::with(|host, port| Ok((host, port).to_socket_addrs()?.collect()))
    }
}

impl Resolver {
    pub(super) fn with(
        system: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Resolver {
        Resolver {
            system: Arc::new(system),
            waker: None,
            under_way: Vec::new(),
        }
    }

    pub(super) fn resolve(&mut self, host: &str, port: u16) -> Result<Resolution, Error> {
        if let Some(address) = literal(host, port) {
            return Ok(Resolution::Known(address));
        }
        let query = self.ask(host, port);
        let query = query.map_err(|error| Error::dns(host, &error))?;
        Ok(Resolution::Asked(query))
    }

    fn ask(&mut self, host: &str, port: u16) -> io::Result<Query> {
        let waker = self.waker()?;
        // An answer is used by the attempt that waits for it, and is old for the next one.
        self.under_way
            .retain(|lookup| lookup.answer.get().is_none());
        let same = |lookup: &&Arc<Lookup>| lookup.host == host && lookup.port == port;
        let lookup = match self.under_way.iter().find(same) {
            Some(lookup) => Arc::clone(lookup),
            None => self.start(host, port, &waker)?,
        };
        Ok(Query { lookup, waker })
    }

    fn waker(&mut self) -> io::Result<Arc<Waker>> {
        let waker = match &self.waker {
            Some(waker) => Arc::clone(waker),
            None => Arc::new(Waker::new()?),
        };
        self.waker = Some(Arc::clone(&waker));
        Ok(waker)
    }

    fn start(&mut self, host: &str, port: u16, waker: &Arc<Waker>) -> io::Result<Arc<Lookup>> {
        let lookup = Arc::new(Lookup {
            host: host.to_owned(),
            port,
            answer: OnceLock::new(),
        });
        // The thread owns all that it needs: it may come back after the client is gone.
        sys::spawn("pmqtt-dns", STACK, {
            let (system, lookup) = (Arc::clone(&self.system), Arc::clone(&lookup));
            let waker = Arc::clone(waker);
            move || {
                lookup.run(&*system);
                waker.wake();
            }
        })?;
        self.under_way.push(Arc::clone(&lookup));
        Ok(lookup)
    }
}

impl Query {
    /// The addresses, once they are known.
    pub fn answer(&self) -> Result<Option<&[SocketAddr]>, Error> {
        self.waker.drain();
        match self.lookup.answer.get() {
            None => Ok(None),
            Some(Ok(addresses)) => Ok(Some(addresses)),
            Some(Err(error)) => Err(Error::dns(&self.lookup.host, error)),
        }
    }

    pub fn watch(&self) -> Watch {
        Watch {
            fd: self.waker.as_raw_fd(),
            read: true,
            write: false,
        }
    }
}

impl Lookup {
    fn run(&self, system: &System) {
        self.answer.get_or_init(|| system(&self.host, self.port));
    }
}

/// `host` as an address that is written out, with brackets or without, with a numeric scope or without.
fn literal(host: &str, port: u16) -> Option<SocketAddr> {
    let plain = format!("{host}:{port}").parse();
    plain.or_else(|_| format!("[{host}]:{port}").parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::PollSet;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    fn asked(resolution: Result<Resolution, Error>) -> Query {
        match resolution {
            Ok(Resolution::Asked(query)) => query,
            _ => panic!("no question was asked"),
        }
    }

    fn wait(query: &Query) {
        let limit = Some(Duration::from_secs(5));
        let ready = PollSet::default().wait(&[query.watch()], limit);
        assert_eq!(ready.unwrap(), 1);
    }

    /// A resolver whose look-ups each hang until one message is sent.
    fn hanging() -> (Resolver, mpsc::Sender<()>, Arc<AtomicUsize>) {
        let (sender, receiver) = mpsc::channel::<()>();
        let receiver = Mutex::new(receiver);
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let resolver = Resolver::with(move |_, port| {
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = receiver.lock().unwrap().recv();
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
        });
        (resolver, sender, count)
    }

    #[test]
    fn addresses_are_not_looked_up() {
        let written = |host| literal(host, 1883).map(|address| address.to_string());
        assert_eq!(written("10.0.0.1").unwrap(), "10.0.0.1:1883");
        assert_eq!(written("::1").unwrap(), "[::1]:1883");
        assert_eq!(written("[::1]").unwrap(), "[::1]:1883");
        assert_eq!(written("fe80::1%2").unwrap(), "[fe80::1%2]:1883");
        assert_eq!(written("localhost"), None);
        assert_eq!(written("10.0.0.1:5"), None);
        assert_eq!(written(""), None);
        assert!(matches!(
            Resolver::default().resolve("::1", 1),
            Ok(Resolution::Known(_))
        ));
    }

    #[test]
    fn a_second_attempt_joins_the_look_up_and_a_third_begins_anew() {
        let (mut resolver, sender, count) = hanging();
        let first = asked(resolver.resolve("broker.example", 1883));
        assert!(first.answer().unwrap().is_none());
        drop(first);
        let second = asked(resolver.resolve("broker.example", 1883));
        sender.send(()).unwrap();
        wait(&second);
        assert_eq!(second.answer().unwrap().unwrap().len(), 1);
        assert_eq!(count.load(Ordering::SeqCst), 1);
        sender.send(()).unwrap();
        let third = asked(resolver.resolve("broker.example", 1883));
        wait(&third);
        assert!(third.answer().unwrap().is_some());
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn another_host_does_not_wait_for_a_silent_one() {
        let (mut resolver, sender, count) = hanging();
        for host in ["silent.example", "other.example"] {
            asked(resolver.resolve(host, 1883));
        }
        assert_eq!(resolver.under_way.len(), 2);
        for _ in 0..500 {
            if count.load(Ordering::SeqCst) == 2 {
                return drop(sender);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the second look-up has not begun");
    }

    #[test]
    fn a_thread_that_hangs_holds_nothing_up_and_leaks_nothing() {
        let (mut resolver, sender, _count) = hanging();
        let query = asked(resolver.resolve("silent.example", 1883));
        let lookup = Arc::downgrade(&query.lookup);
        let waker = Arc::downgrade(&query.waker);
        drop((query, resolver));
        assert!(lookup.upgrade().is_some());
        sender.send(()).unwrap();
        for _ in 0..500 {
            if lookup.upgrade().is_none() && waker.upgrade().is_none() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the thread has left something behind");
    }

    #[test]
    fn an_error_names_the_host_and_the_reason() {
        let text = "failed to lookup address information: Name or service not known";
        let mut resolver = Resolver::with(move |_, _| Err(io::Error::other(text)));
        let query = asked(resolver.resolve("broker.example", 1883));
        wait(&query);
        assert_eq!(
            query.answer().unwrap_err().to_string(),
            "dns: broker.example: Name or service not known"
        );
    }
}
