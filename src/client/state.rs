//! All that the lock guards.

use std::ffi::{CString, c_char};
use std::net::IpAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::MutexGuard;

use super::Client;
use super::backoff::Backoff;
use super::callbacks::Callbacks;
use super::error::Error;
use super::interest::{self, Reported};
use super::log::{self, Level};
use super::marks::Marks;
use super::oneshot::Inbox;
use super::stats::Counters;
use super::tls::Security;
use super::wakes::Wakes;
use crate::codec::{PacketId, QoS};
use crate::session::{Farewell, Options, Phase, Session};
use crate::sys::Waker;
use crate::time::Moment;
use crate::transport::{Address, Endpoint, Host, Resolver, Transport};

/// The ports that IANA has assigned to MQTT, and to MQTT over TLS.
const PORT: u16 = 1883;
const SECURE_PORT: u16 = 8883;

pub type Guard<'a> = MutexGuard<'a, State>;

pub struct State {
    pub session: Session,
    former_ids: Option<Box<FormerIds>>,
    pub callbacks: Callbacks,
    pub log_lines: Option<Box<log::Lines>>,
    pub last_error: Option<Error>,
    /// Why there is no connection, as far as that is no wish of the program.
    pub why_none: Option<Error>,
    pub counters: Counters,

    pub route: Option<Route>,
    /// Made when the program first sets anything of TLS.
    pub security: Option<Box<Security>>,
    /// Whether `reconnect` waits for the connection, as the last connect did.
    pub connect_blocks: bool,
    pub resolver: Resolver,
    pub backoff: Backoff,
    /// The program wants a connection: it asked for one, and not for its end.
    pub wanted: bool,
    pub plan: Plan,
    /// Counts up whenever the program replaces or gives up a connection, so that whoever is at
    /// work on the old one without the lock notices.
    pub epoch: u64,
    /// The program has to be told when the present connection ends.
    pub owes_disconnect: bool,
    /// How many `on_disconnect` are due for connections that the program itself replaced.
    pub replaced: u32,
    /// What a connection that was replaced is still to say, until the driver looks.
    pub farewell: Option<Box<Farewell>>,
    /// The driver is still leaving a connection. Whoever resets this has it closed at once.
    pub leaving: bool,

    /// Where a one-shot call looks for what the broker has sent.
    pub inbox: Option<Box<Inbox>>,

    /// Whose turn it is.
    pub holder: Option<Holder>,
    pub wakes: Option<Box<Wakes>>,
    pub watching: interest::Watching,
    pub reported: Reported,

    /// While there is one that was not told to stop.
    pub loop_thread: Option<Box<LoopThread>>,
    pub loop_threads_started: u32,
    /// A mark of its thread for each call that may run callbacks or wait.
    pub frames: Marks,
    /// Threads that wait in `drain` for another thread's loop.
    pub drainers: u32,
    pub freed: bool,
    handle: usize,
}

/// Client ids of before `reinitialise`, which stay, since C may still have their address.
type FormerIds = Vec<CString>;

/// Where the program wants to be connected to.
pub struct Route {
    /// A host's port 0 is the default one.
    pub place: Address,
    /// The local address to connect from.
    pub bind: Option<Box<IpAddr>>,
}

/// What is to become of the connection.
pub enum Plan {
    /// Nothing: none is there, and none is being made.
    Rest,
    /// The driver begins one at that time.
    Connect { at: Moment },
    /// A thread that waits in `connect` is making one; this wakes it.
    Elsewhere(Arc<Waker>),
    /// It made one, for the driver to take over.
    Adopt(Box<Transport>),
    /// The driver has it.
    Underway,
}

pub struct LoopThread {
    /// Threads of a client are counted, so that one knows when it has a successor.
    pub number: u32,
    /// Its mark, once it runs.
    pub mark: Option<usize>,
    pub handle: Option<JoinHandle<()>>,
}

/// Who has the driver.
pub struct Holder {
    pub kind: HolderKind,
    pub thread: usize,
    /// It waits, and has to be woken when there is anything to do.
    pub sleeping: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum HolderKind {
    /// A loop call, which may wait and run callbacks.
    Loop,
    /// A request that writes its bytes itself, which takes no longer than a system call.
    Request,
}

impl State {
    pub fn new(options: Options, callbacks: Callbacks) -> State {
        State {
            former_ids: None,
            session: Session::new(options),
            callbacks,
            log_lines: None,
            last_error: None,
            why_none: None,
            counters: Counters::default(),
            route: None,
            security: None,
            connect_blocks: false,
            resolver: Resolver::default(),
            backoff: Backoff::default(),
            wanted: false,
            plan: Plan::Rest,
            epoch: 0,
            owes_disconnect: false,
            replaced: 0,
            farewell: None,
            leaving: false,
            inbox: None,
            holder: None,
            wakes: None,
            watching: interest::Watching::default(),
            reported: Reported::default(),
            loop_thread: None,
            loop_threads_started: 0,
            frames: Marks::default(),
            drainers: 0,
            freed: false,
            handle: 0,
        }
    }

    /// Back to the beginning, but for what belongs to whoever runs the client.
    pub fn reset(&mut self, options: Options, callbacks: Callbacks) {
        let former = std::mem::replace(&mut self.session, Session::new(options));
        let former_ids = self.former_ids.get_or_insert_default();
        former_ids.push(former.into_client_id());
        self.callbacks = callbacks;
        self.counters = Counters::default();
        self.why_none = None;
        self.route = None;
        self.security = None;
        self.connect_blocks = false;
        self.backoff = Backoff::default();
        self.wanted = false;
        self.replaced = 0;
    }

    /// Valid as long as the client.
    pub fn client_id(&self) -> *const c_char {
        self.session.options().client_id.as_ptr()
    }

    pub fn handle(&self) -> *mut Client {
        std::ptr::with_exposed_provenance_mut(self.handle)
    }

    pub fn set_handle(&mut self, handle: *const Client) {
        self.handle = handle.expose_provenance();
    }

    /// Where to connect to now, and how: with the settings of this moment.
    pub fn next_endpoint(&self) -> Option<Endpoint> {
        let route = self.route.as_ref()?;
        let mut endpoint = Endpoint {
            address: route.place.clone(),
            bind: route.bind.as_deref().copied(),
            timeout: self.session.options().handshake_timeout(),
            tls: self.security.as_ref().and_then(|security| security.tls()),
        };
        if let Address::Host(Host { port: port @ 0, .. }) = &mut endpoint.address {
            *port = match endpoint.tls {
                None => PORT,
                Some(_) => SECURE_PORT,
            };
        }
        Some(endpoint)
    }

    /// A connection, or an attempt at one, has failed.
    pub fn failed(&mut self, error: &Error) {
        self.log(Level::Err, format_args!("{}", error.text));
        self.why_none = Some(error.clone());
    }

    pub fn is_connected(&self) -> bool {
        self.session.phase() == Phase::Connected
    }

    /// `supersede` by a new connection. One that was asked to end still does, beside it.
    pub fn replace(&mut self, plan: Plan) {
        if matches!(self.plan, Plan::Underway) {
            self.farewell = self.session.leave().map(Box::new);
        }
        self.supersede(plan);
    }

    /// The application has taken a message of a connection that was replaced meanwhile.
    #[cold]
    pub fn delivered_late(&mut self, id: PacketId, qos: QoS) {
        let version = self.session.options().version;
        if let Some(farewell) = &mut self.farewell {
            farewell.acknowledge(id, qos, version);
        }
    }

    /// `supersede` by nothing at all: connections end without a word.
    pub fn abandon(&mut self) {
        self.farewell = None;
        self.leaving = false;
        self.supersede(Plan::Rest);
    }

    /// Gives up the present connection, or the attempt at one, for something else that the
    /// program wants. The driver lets go of it at its next step.
    pub fn supersede(&mut self, plan: Plan) {
        self.epoch += 1;
        if let Plan::Elsewhere(thread) = std::mem::replace(&mut self.plan, plan) {
            thread.wake();
        }
        if std::mem::take(&mut self.owes_disconnect) {
            self.replaced += 1;
        }
        self.session.close();
        self.watching.ready = true;
        self.wake();
    }

    /// Whether a callback is due that needs no word from the broker.
    pub fn has_news(&self) -> bool {
        self.replaced > 0 || self.session.has_outcomes()
    }
}
