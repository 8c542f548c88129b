//! All values that the lock protects.
//!
//! | file           | the value, and the questions that it answers                                 |
//! |----------------|------------------------------------------------------------------------------|
//! | `mod`          | `State`: all of them; is everything reported, written, closed?               |
//! | `intent`       | what the program wants of the connection, and which callbacks are due        |
//! | `authenticator`| who answers in enhanced authentication                                       |
//! | `scram_login`  | the library's own answers: SCRAM, with PBKDF2 in a thread                    |
//! | `backoff`      | how long to wait before connecting again                                     |
//! | `redirects`    | where brokers have sent the client                                           |
//! | `tenancy`      | which call runs the client, and for which calls its end waits                |
//! | `thread_marks` | which threads have a frame                                                   |
//! | `callbacks`    | the callbacks
//! |
//! | `handlers`     | the callbacks for messages that match a filter
//! |
//! | `watch`        | what to wait for, and what was reported of it                                |
//! | `wakes`        | how a waiting call is woken                                                  |
//! | `security`     | the TLS settings of the program                                              |
//! | `log_lines`    | lines that wait for `on_log`                                                 |
//! | `inbox`        | what a one-shot call waits for                                               |
//! | `tags`         | what messages belong to, until their outcomes come                           |
//! | `requests`     | the requests that wait for responses                                         |
//! | `reply_topic`  | where the responses go                                                       |
//! | `requester`    | both of them                                                                 |
//! | `counters`     | figures                                                                      |
//! | `defaults`     | the values that apply while the program has set none                         |
//! | `unlocked`     | what a call can read without the lock                                        |

pub mod authenticator;
pub mod backoff;
pub mod callbacks;
pub mod counters;
pub mod defaults;
pub mod handlers;
pub mod inbox;
pub mod intent;
pub mod log_lines;
pub mod redirects;
pub mod reply_topic;
pub mod requester;
pub mod requests;
#[cfg(feature = "tls")]
pub mod scram_login;
#[cfg(feature = "tls")]
pub mod security;
#[cfg(not(feature = "tls"))]
#[path = "no_security.rs"]
pub mod security;
pub mod tags;
pub mod tenancy;
pub mod thread_marks;
pub mod unlocked;
pub mod wakes;
pub mod watch;

use std::ffi::{CString, c_char};
use std::fmt;
use std::mem;

use super::error::{Code, Error};
use super::events::{Callback, Drained, Handle};
use super::reason::reason_words;
use crate::codec::{Properties, reason};
use crate::session::{Options, Phase, Session};
use crate::sys;
use crate::sys::sync::MutexGuard;
use crate::time::Moment;
use crate::transport::{Address, Endpoint, Host, Resolver, Transport};
use callbacks::Callbacks;
use counters::Counters;
use defaults::Versions;
use inbox::Inbox;
use intent::{Intent, Route};
use log_lines::{Level, LogLines};
use redirects::Redirects;
use requester::Requester;
use requests::Ended;
use security::Security;
use tags::{Tag, Tags};
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
    /// Made when the program first sets a TLS option.
    pub security: Option<Box<Security>>,
    pub resolver: Resolver,
    pub inbox: Option<Box<Inbox>>,
    pub last_error: Option<Error>,
    /// Why there is no connection, unless the program asked for that.
    pub why_none: Option<Error>,
    seldom: Option<Box<Seldom>>,
    handle: usize,
}

/// What few clients need.
#[derive(Default)]
struct Seldom {
    /// The client ids before the last `reinitialise`: C may still have their addresses.
    former_ids: [Option<CString>; 2],
    tags: Tags,
    requester: Option<Box<Requester>>,
    redirects: Redirects,
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
            seldom: None,
            handle: 0,
        }
    }

    /// Resets all values, except those of the calls that run the client. Returns the callbacks, which the
    /// caller drops without the lock.
    #[must_use]
    pub fn reset(&mut self, mut options: Options, mut callbacks: Callbacks) -> Callbacks {
        self.abandon();
        let (given, assigned) = self.session.take_client_ids();
        let replaced = match given == options.client_id {
            true => {
                options.client_id = given;
                None
            }
            false => Some(given),
        };
        if let Some(seldom) = &mut self.seldom {
            seldom.tags = Tags::default();
            seldom.requester = None;
            seldom.redirects.reset();
        }
        if replaced.is_some() || assigned.is_some() {
            self.seldom.get_or_insert_default().former_ids = [replaced, assigned];
        }
        self.session = self.session.successor(options);
        self.counters = Counters::default();
        self.why_none = None;
        self.security = None;
        callbacks.follow(&self.callbacks);
        mem::replace(&mut self.callbacks, callbacks)
    }

    /// Whether a message may have a tag. The outcome of each message asks first.
    #[inline(always)]
    pub fn has_tags(&self) -> bool {
        let seldom = self.seldom.as_ref();
        seldom.is_some_and(|seldom| seldom.tags.are_used())
    }

    pub fn tags(&mut self) -> &mut Tags {
        &mut self.seldom.get_or_insert_default().tags
    }

    /// The tag of a message that is done.
    pub fn take_tag(&mut self, mid: u64) -> Option<Tag> {
        self.seldom.as_mut()?.tags.take(mid)
    }

    /// Gives back unused memory of what few clients need.
    pub fn trim_seldom(&mut self) {
        if let Some(seldom) = &mut self.seldom {
            seldom.tags.trim();
            if let Some(requester) = &mut seldom.requester {
                requester.requests.trim();
            }
        }
    }

    /// None: the program has made no request. Each pass asks.
    #[inline(always)]
    pub fn requester(&self) -> Option<&Requester> {
        self.seldom.as_ref()?.requester.as_deref()
    }

    pub fn requester_mut(&mut self) -> Option<&mut Requester> {
        self.seldom.as_mut()?.requester.as_deref_mut()
    }

    pub fn set_requester(&mut self, requester: Requester) -> &mut Requester {
        let seldom = self.seldom.get_or_insert_default();
        seldom.requester.insert(Box::new(requester))
    }

    /// All requests end, and nobody is told.
    pub fn drop_requester(&mut self) {
        if let Some(seldom) = &mut self.seldom {
            seldom.requester = None;
        }
    }

    /// The next end of a request to report.
    pub fn next_ended_request(&mut self) -> Option<Ended> {
        self.requester_mut()?.requests.next_ended()
    }

    /// Valid until the second `reset` from now; longer while the id stays the same.
    pub fn client_id(&self) -> *const c_char {
        self.session.client_id().as_ptr()
    }

    /// The client in the form that callbacks get.
    pub fn handle(&self) -> *mut Handle {
        std::ptr::with_exposed_provenance_mut(self.handle)
    }

    pub fn set_handle(&mut self, handle: *const Handle) {
        self.handle = handle.expose_provenance();
    }

    /// Where to connect to next, and how.
    pub fn next_endpoint(&self) -> Option<Endpoint> {
        let route = self.intent.route.as_ref()?;
        let seldom = self.seldom.as_ref();
        let detour = seldom.and_then(|seldom| seldom.redirects.detour());
        let address = detour.map_or_else(|| route.address.clone(), |it| Address::Host(it.clone()));
        Some(self.endpoint(address, route))
    }

    /// The endpoint at an address, with the present settings.
    pub fn endpoint(&self, address: Address, route: &Route) -> Endpoint {
        let mut endpoint = Endpoint {
            address,
            bind: route.bind.as_deref().cloned(),
            timeout: self.session.options().handshake_timeout(),
            tls: self.security.as_ref().and_then(|security| security.tls()),
        };
        if let Address::Host(Host { port: port @ 0, .. }) = &mut endpoint.address {
            *port = self.default_port();
        }
        endpoint
    }

    pub fn default_port(&self) -> u16 {
        let security = self.security.as_ref();
        match security.is_some_and(|security| security.tls().is_some()) {
            false => PORT,
            true => SECURE_PORT,
        }
    }

    pub fn redirects(&mut self) -> &mut Redirects {
        &mut self.seldom.get_or_insert_default().redirects
    }

    /// The program has set another target.
    pub fn set_no_redirects(&mut self) {
        if let Some(seldom) = &mut self.seldom {
            seldom.redirects.reset();
        }
    }

    /// Whether the connection that is ending continues elsewhere. If so, that is where the next attempt goes.
    pub fn takes_redirect(&mut self) -> bool {
        let Some(seldom) = &mut self.seldom else {
            return false;
        };
        if !seldom.redirects.is_followed() || !self.intent.is_wanted() {
            seldom.redirects.superseded();
            return false;
        }
        if let (Some(target), Some(route)) = (seldom.redirects.go(), &mut self.intent.route) {
            route.address = Address::Host(target);
        }
        self.intent.backoff.changed();
        true
    }

    /// A connection or an attempt has ended, and the client follows no redirect.
    pub fn ended(&mut self, was_accepted: bool) {
        if let Some(seldom) = &mut self.seldom {
            seldom.redirects.ended(was_accepted);
        }
    }

    pub fn is_connected(&self) -> bool {
        self.session.phase() == Phase::Connected
    }

    pub fn versions(&self) -> Versions {
        let options = self.session.options();
        Versions {
            newest: options.version,
            falls_back: options.falls_back,
        }
    }

    /// The program has changed what the broker may have refused.
    pub fn changed(&mut self) {
        if self.intent.change(sys::now()) {
            self.wake();
        }
    }

    /// Whether an attempt that has just failed goes on with MQTT 3.1.1; true: the broker has refused MQTT 5.
    pub fn falls_back(&self, error: &Error) -> Option<bool> {
        let is_refused = match &error.said {
            Some(said) => said.reason == reason::VERSION,
            None => false,
        };
        let falls_back = is_refused || error.code == Code::ConnLost;
        (falls_back && self.session.may_fall_back()).then_some(is_refused)
    }

    /// The broker does not take a message.
    pub fn rejected(&mut self, reason: u8, properties: Properties) {
        self.session.count_rejected();
        if let Some(inbox) = &mut self.inbox {
            let first = &mut inbox.rejection;
            first.get_or_insert_with(|| reason_words(reason, properties));
        }
    }

    /// The time at which the session sends. Callbacks may have taken some since `now`, which matters only
    /// where a message has a time limit.
    #[inline(always)]
    pub fn sending_at(&self, now: Moment) -> Moment {
        match self.session.has_limits() {
            false => now,
            true => look_at_clock(),
        }
    }
}

#[cold]
fn look_at_clock() -> Moment {
    sys::now()
}

/// Is everything reported, written and closed? Each call that stops at that point asks here.
impl State {
    /// Whether a callback is due that needs no packet from the broker.
    pub fn is_untold(&self) -> bool {
        self.intent.is_owed()
            || self.session.has_outcomes()
            || self.has_ended_requests()
            || self.drained().is_some()
    }

    fn has_ended_requests(&self) -> bool {
        self.requester().is_some_and(|it| it.requests.have_ended())
    }

    /// When the next request times out.
    pub fn request_deadline(&self) -> Option<Moment> {
        self.requester()?.requests.deadline()
    }

    /// `on_drained`, if it is due.
    #[inline(always)]
    pub fn drained(&self) -> Option<Callback<Drained>> {
        let callback = self.callbacks.drained(self.counters.messages_out)?;
        self.session.is_settled().then_some(callback)
    }

    /// Whether there is no connection, none is being made or closed, and everything is reported.
    pub fn is_idle(&self) -> bool {
        self.intent.is_idle() && !self.tenancy.is_connecting() && !self.is_untold()
    }

    /// Whether the client is idle, and stays so until the program connects.
    pub fn is_over(&self) -> bool {
        self.is_idle() && !self.intent.is_wanted()
    }

    /// Whether each message and request has its outcome, and everything is reported. A pass of
    /// another thread may still be reporting.
    pub fn is_settled(&self) -> bool {
        self.session.unsettled() == 0 && !self.is_untold()
    }

    /// Whether everything accepted is written, including DISCONNECT, and everything is reported.
    pub fn is_said(&self) -> bool {
        !self.session.has_unwritten() && !self.intent.is_closing() && !self.is_untold()
    }

    /// When the client needs a pass although nothing is ready.
    pub fn deadline(&self) -> Option<Moment> {
        if self.is_untold() || !self.log_lines.is_empty() {
            return Some(Moment::origin());
        }
        let (plan, session) = (self.intent.deadline(), self.session.poll_timeout());
        let deadlines = [
            plan,
            self.watching.deadline,
            session,
            self.auth_look_due(),
            self.request_deadline(),
        ];
        let first = deadlines.into_iter().flatten().min();
        match self.session.expiry_due() {
            None => first,
            Some(at) => Some(first.map_or(at, |first| first.min(at))),
        }
    }
}

/// Enhanced authentication.
impl State {
    /// When to look for the library's own answer.
    pub fn auth_look_due(&self) -> Option<Moment> {
        #[cfg(feature = "tls")]
        if self.session.awaits_auth_answer() {
            return self.callbacks.auth_look_due();
        }
        None
    }

    /// Sends the library's own answer, if it is there.
    #[cfg(feature = "tls")]
    pub fn send_auth(&mut self, answer: Option<Vec<u8>>, now: Moment) -> Result<(), Error> {
        match answer {
            None => Ok(()),
            Some(data) => Ok(self.session.answer_auth(&data, Properties::NONE, now)?),
        }
    }
}

/// Ends of connections that the program itself causes. The driver closes them at its next step.
impl State {
    /// Makes a connection in place of the present one. A closing connection ends beside its
    /// successor.
    pub fn connect(&mut self) {
        self.end_session();
        self.intent.connect();
        self.superseded();
    }

    /// `connect` with a connection that is already made.
    pub fn hand_over(&mut self, transport: Box<Transport>) {
        self.end_session();
        self.intent.hand_over(transport);
        self.superseded();
    }

    /// Gives up an attempt, if there is one.
    pub fn give_up(&mut self) {
        self.tenancy.give_up_connecting();
        if self.intent.give_up() {
            self.session.close();
            self.superseded();
        }
    }

    /// Ends all connections without DISCONNECT and without a callback.
    pub fn abandon(&mut self) {
        self.session.close();
        self.session.settle_final();
        self.intent.abandon();
        self.superseded();
    }

    /// Only a connection that the driver has taken over can have final bytes.
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
        if let Some(seldom) = &mut self.seldom {
            seldom.redirects.superseded();
        }
        self.tenancy.give_up_connecting();
        self.watching.set_ready();
        self.wake();
    }
}

/// Waking and logging.
impl State {
    /// Wakes the call or the event loop that waits for this client.
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

    /// Whether there is work that no call knows of. The loop thread checks for work when it begins.
    pub fn needs_attention(&self) -> bool {
        let output = self.session.has_output() && self.session.phase() != Phase::Closed;
        let due = output
            || self.session.is_finished()
            || self.watching.is_ready()
            || self.intent.is_handed_over()
            || self.callbacks.interest.is_some();
        due && !self.tenancy.has_loop_thread()
    }

    /// Whether a foreign loop has to wait until its descriptor is writable. New output may be
    /// written at once, unless the last write was blocked.
    pub fn wants_write(&self) -> bool {
        let output = self.session.phase() != Phase::Closed
            && self.session.has_output()
            && !self.session.is_blocked();
        let primary = self.watching.primary.as_ref();
        primary.is_some_and(|watch| watch.write || output)
    }

    /// Whether each packet gets a log line. Callers ask before they prepare the line.
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

    /// Something failed, but the client continues.
    pub fn mishap(&mut self, error: Error) {
        self.log(Level::Warning, format_args!("{}; going on", error.text));
        self.last_error = Some(error);
    }
}
