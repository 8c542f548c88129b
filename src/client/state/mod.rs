//! All that the lock guards.
//!
//! | file           | the value, and the questions that it answers                                 |
//! |----------------|------------------------------------------------------------------------------|
//! | `mod`          | `State`: all of them; is all told, written, closed?                          |
//! | `intent`       | what the program wants of the connection, and which callbacks that owes      |
//! | `backoff`      | how long to wait before connecting again                                     |
//! | `tenancy`      | who runs the client, and who has to be waited for                            |
//! | `thread_marks` | which threads are in its calls                                               |
//! | `callbacks`    | what is called, and for which topics                                         |
//! | `watch`        | what there is to wait for, and what was reported of it                       |
//! | `wakes`        | how those who wait are woken                                                 |
//! | `security`     | what a program wants of TLS                                                  |
//! | `log_lines`    | lines that wait for `on_log`                                                 |
//! | `inbox`        | what a one-shot waits for                                                    |
//! | `counters`     | figures                                                                      |
//! | `defaults`     | what holds while nothing is set                                              |
//! | `unlocked`     | what is known without the lock                                               |

pub mod backoff;
pub mod callbacks;
pub mod counters;
pub mod defaults;
pub mod inbox;
pub mod intent;
pub mod log_lines;
#[cfg(feature = "tls")]
pub mod security;
#[cfg(not(feature = "tls"))]
#[path = "no_security.rs"]
pub mod security;
pub mod tenancy;
pub mod thread_marks;
pub mod unlocked;
pub mod wakes;
pub mod watch;

use std::ffi::{CString, c_char};
use std::fmt;

use super::error::Error;
use super::events::Handle;
use crate::codec::Version;
use crate::session::{Options, Phase, Session};
use crate::sys::sync::MutexGuard;
use crate::time::Moment;
use crate::transport::{Address, Endpoint, Host, Resolver, Transport};
use callbacks::Callbacks;
use counters::Counters;
use inbox::Inbox;
use intent::{Intent, Route};
use log_lines::{Level, LogLines};
use security::Security;
use tenancy::Tenancy;
use wakes::Wakes;
use watch::{Reported, Watching};

/// The ports that IANA has assigned to MQTT, and to MQTT over TLS.
const PORT: u16 = 1883;
const SECURE_PORT: u16 = 8883;

pub type Guard<'a> = MutexGuard<'a, State>;

pub struct State {
    pub session: Session,
    pub intent: Intent<Box<Transport>>,
    pub tenancy: Tenancy,
    pub watching: Watching,
    pub reported: Reported,
    pub wakes: Wakes,
    pub callbacks: Callbacks,
    pub log_lines: LogLines,
    pub counters: Counters,
    /// Made when the program first sets anything of TLS.
    pub security: Option<Box<Security>>,
    pub resolver: Resolver,
    pub inbox: Option<Box<Inbox>>,
    pub last_error: Option<Error>,
    /// Why there is no connection, as far as that is no wish of the program.
    pub why_none: Option<Error>,
    /// The client id of before the last `reinitialise`: C may still have its address.
    former_id: Option<Box<CString>>,
    handle: usize,
}

impl State {
    pub fn new(options: Options, callbacks: Callbacks) -> State {
        State {
            session: Session::new(options),
            intent: Intent::default(),
            tenancy: Tenancy::default(),
            watching: Watching::default(),
            reported: Reported::default(),
            wakes: Wakes::default(),
            callbacks,
            log_lines: LogLines::default(),
            counters: Counters::default(),
            security: None,
            resolver: Resolver::default(),
            inbox: None,
            last_error: None,
            why_none: None,
            former_id: None,
            handle: 0,
        }
    }

    /// Back to the beginning, but for what belongs to whoever runs the client.
    pub fn reset(&mut self, mut options: Options, callbacks: Callbacks) {
        self.abandon();
        let former = self.session.take_client_id();
        match former == options.client_id {
            true => options.client_id = former,
            false => self.former_id = Some(Box::new(former)),
        }
        self.session = self.session.successor(options);
        self.callbacks = callbacks;
        self.counters = Counters::default();
        self.why_none = None;
        self.security = None;
    }

    /// Valid until the second `reset` from now on, and longer where the id stays the same.
    pub fn client_id(&self) -> *const c_char {
        self.session.options().client_id.as_ptr()
    }

    /// The client as callbacks get it.
    pub fn handle(&self) -> *mut Handle {
        std::ptr::with_exposed_provenance_mut(self.handle)
    }

    pub fn set_handle(&mut self, handle: *const Handle) {
        self.handle = handle.expose_provenance();
    }

    /// Where to connect to next, and how.
    pub fn next_endpoint(&self) -> Option<Endpoint> {
        self.intent.route.as_ref().map(|route| self.endpoint(route))
    }

    /// A way to connect, with the settings of this moment.
    pub fn endpoint(&self, route: &Route) -> Endpoint {
        let mut endpoint = Endpoint {
            address: route.address.clone(),
            bind: route.bind.as_deref().cloned(),
            timeout: self.session.options().handshake_timeout(),
            tls: self.security.as_ref().and_then(|security| security.tls()),
        };
        if let Address::Host(Host { port: port @ 0, .. }) = &mut endpoint.address {
            *port = match endpoint.tls {
                None => PORT,
                Some(_) => SECURE_PORT,
            };
        }
        endpoint
    }

    pub fn is_connected(&self) -> bool {
        self.session.phase() == Phase::Connected
    }

    pub fn version(&self) -> Version {
        self.session.options().version
    }
}

/// Is all told, written, closed? Whoever may stop when it is asks here.
impl State {
    /// Whether a callback is due that needs no word from the broker.
    pub fn is_untold(&self) -> bool {
        self.intent.is_owed() || self.session.has_outcomes()
    }

    /// Whether there is no connection, none being made or closed, and all is told.
    pub fn is_idle(&self) -> bool {
        self.intent.is_idle() && !self.tenancy.is_connecting() && !self.is_untold()
    }

    /// Whether it stays so, until the program connects: nothing is wanted either.
    pub fn is_over(&self) -> bool {
        self.is_idle() && !self.intent.is_wanted()
    }

    /// Whether each message that was taken has come to its end, and all is told, but for what a pass of
    /// another thread may be telling right now.
    pub fn is_settled(&self) -> bool {
        self.session.unsettled() == 0 && !self.is_untold()
    }

    /// Whether what was taken is written, DISCONNECT included, and all is told.
    pub fn is_said(&self) -> bool {
        !self.session.has_unwritten() && !self.intent.is_closing() && !self.is_untold()
    }

    /// When the client has to be looked at, though nothing is ready.
    pub fn deadline(&self) -> Option<Moment> {
        if self.is_untold() || !self.log_lines.is_empty() {
            return Some(Moment::origin());
        }
        let (plan, session) = (self.intent.deadline(), self.session.poll_timeout());
        let deadlines = [plan, self.watching.deadline, session];
        deadlines.into_iter().flatten().min()
    }
}

/// The end of connections that the program itself ends. The driver closes them at its next step.
impl State {
    /// A connection is made in place of the present one, which ends beside it if it was asked to end.
    pub fn connect(&mut self) {
        self.end_session();
        self.intent.connect();
        self.superseded();
    }

    /// `connect` with one that is made already.
    pub fn hand_over(&mut self, transport: Box<Transport>) {
        self.end_session();
        self.intent.hand_over(transport);
        self.superseded();
    }

    /// Gives up an attempt, where there is one.
    pub fn give_up(&mut self) {
        self.tenancy.give_up_connecting();
        if self.intent.give_up() {
            self.session.close();
            self.superseded();
        }
    }

    /// Connections end without a word, and nobody is told.
    pub fn abandon(&mut self) {
        self.session.close();
        self.session.settle_final();
        self.intent.abandon();
        self.superseded();
    }

    /// Only what the driver has taken over has anything to say.
    fn end_session(&mut self) {
        match self.intent.is_underway() {
            true => self.session.supersede(),
            false => self.session.close(),
        }
        if self.session.final_connection().is_some() {
            self.intent.set_closing(true);
        }
    }

    fn superseded(&mut self) {
        self.tenancy.give_up_connecting();
        self.watching.set_ready();
        self.wake();
    }
}

/// Waking, and words.
impl State {
    /// Wakes whoever waits for this client.
    #[inline(always)]
    pub fn wake(&mut self) {
        let waits = match self.tenancy.is_held() {
            true => self.tenancy.is_sleeping(),
            false => self.wakes.has_event_set(),
        };
        if waits {
            self.wakes.wake();
        }
    }

    /// There is something to do, which nobody has been told of. The loop thread looks when it begins.
    pub fn needs_attention(&self) -> bool {
        let output = self.session.has_output() && self.session.phase() != Phase::Closed;
        let due = output
            || self.watching.is_ready()
            || self.intent.is_handed_over()
            || self.callbacks.interest.is_some();
        due && !self.tenancy.has_loop_thread()
    }

    /// Whether a foreign loop has to wait until its descriptor is writable. What came since the last
    /// write may be written at once, unless that was held up.
    pub fn wants_write(&self) -> bool {
        let output = self.session.phase() != Phase::Closed
            && self.session.has_output()
            && !self.session.is_blocked();
        let primary = self.watching.primary.as_ref();
        primary.is_some_and(|watch| watch.write || output)
    }

    /// Whether each packet has a line: ask before anything is done for it.
    #[inline(always)]
    pub fn logs_packets(&self) -> bool {
        self.callbacks.logs(Level::Debug)
    }

    pub fn log(&mut self, level: Level, text: fmt::Arguments) {
        if self.callbacks.logs(level) {
            self.log_lines.push(level, text);
        }
    }

    /// A connection, or an attempt at one, has failed.
    pub fn failed(&mut self, error: &Error) {
        self.log(Level::Err, format_args!("{}", error.text));
        self.why_none = Some(error.clone());
    }

    /// Something failed that ends nothing: the client goes on.
    pub fn mishap(&mut self, error: Error) {
        self.log(Level::Warning, format_args!("{}; going on", error.text));
        self.last_error = Some(error);
    }
}
