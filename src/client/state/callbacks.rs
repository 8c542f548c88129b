//! The table of a program's callbacks.

use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::authenticator::Authenticator;
use super::handlers::{Handler, Handlers};
use super::log_lines::{Level, Levels};
use crate::client::events::{
    Callback, ConnectFailed, Connected, Disconnected, Drained, Interest, LogLine, MessageEvent,
    Published, Redirect, Subscribed, Unsubscribed, Writable,
};
#[cfg(feature = "tls")]
use crate::time::Moment;

/// The callbacks that a program has set.
pub struct Callbacks {
    pub connect: Option<Callback<Connected>>,
    pub connect_fail: Option<Callback<ConnectFailed>>,
    pub disconnect: Option<Callback<Disconnected>>,
    pub message: Option<Callback<MessageEvent>>,
    pub publish: Option<Callback<Published>>,
    pub subscribe: Option<Callback<Subscribed>>,
    pub unsubscribe: Option<Callback<Unsubscribed>>,
    pub writable: Option<Callback<Writable>>,
    pub interest: Option<Callback<Interest>>,
    seldom: Option<Box<Seldom>>,
    /// Only passed on; atomic because a raw pointer cannot be sent to another thread.
    userdata: AtomicPtr<c_void>,
}

impl Callbacks {
    pub fn new(userdata: *mut c_void) -> Callbacks {
        Callbacks {
            connect: None,
            connect_fail: None,
            disconnect: None,
            message: None,
            publish: None,
            subscribe: None,
            unsubscribe: None,
            writable: None,
            interest: None,
            seldom: None,
            userdata: AtomicPtr::new(userdata),
        }
    }

    pub fn has_handlers(&self) -> bool {
        let seldom = self.seldom.as_ref();
        seldom.is_some_and(|seldom| !seldom.handlers.is_empty())
    }

    pub fn handlers(&mut self) -> &mut Handlers {
        &mut self.seldom.get_or_insert_default().handlers
    }

    /// These are set after a reset, in place of `former`.
    pub fn follow(&mut self, former: &Callbacks) {
        if let Some(former) = &former.seldom {
            *self.handlers() = former.handlers.successor();
        }
    }

    /// Whether a message of this topic is a response to a request.
    pub fn is_response(&self, topic: &[u8]) -> bool {
        let seldom = self.seldom.as_ref();
        seldom.is_some_and(|seldom| seldom.handlers.is_response(topic))
    }

    /// The first handler whose filter matches, of those that were added after number `after`.
    pub fn next_match(&self, topic: &[u8], after: u64) -> Option<(u64, Handler)> {
        self.seldom.as_ref()?.handlers.next_match(topic, after)
    }

    /// `on_drained`, if any outcome was reported since its last call. `messages_out`: how many
    /// messages are done.
    #[inline(always)]
    pub fn drained(&self, messages_out: u64) -> Option<Callback<Drained>> {
        let drained = self.seldom.as_ref()?.drained.as_ref()?;
        let is_due = drained.others_told || drained.messages_out != messages_out;
        is_due.then_some(drained.callback)
    }

    /// Notes a reported outcome, except that a message is done: `messages_out` counts those.
    pub fn other_told(&mut self) {
        if let Some(drained) = self.on_drained() {
            drained.others_told = true;
        }
    }

    /// `on_drained` is about to be called.
    pub fn drained_told(&mut self, messages_out: u64) {
        if let Some(drained) = self.on_drained() {
            drained.messages_out = messages_out;
            drained.others_told = false;
        }
    }

    /// Sets `on_drained`. Outcomes that were reported before it was first set do not make it due.
    pub fn set_drained(&mut self, callback: Option<Callback<Drained>>, messages_out: u64) {
        match (callback, self.on_drained()) {
            (Some(callback), Some(drained)) => drained.callback = callback,
            (Some(callback), None) => {
                self.seldom.get_or_insert_default().drained = Some(OnDrained {
                    callback,
                    messages_out,
                    others_told: false,
                });
            }
            (None, Some(_)) => self.seldom.get_or_insert_default().drained = None,
            (None, None) => {}
        }
    }

    fn on_drained(&mut self) -> Option<&mut OnDrained> {
        self.seldom.as_mut()?.drained.as_mut()
    }

    /// Whether the program wants lines of a level.
    #[inline(always)]
    pub fn logs(&self, level: Level) -> bool {
        let log = self.seldom.as_ref().map(|seldom| &seldom.log);
        log.is_some_and(|log| log.callback.is_some() && log.levels.have(level))
    }

    pub fn log(&self) -> Option<Callback<LogLine>> {
        self.seldom.as_ref()?.log.callback
    }

    pub fn set_log(&mut self, callback: Option<Callback<LogLine>>) {
        if callback.is_some() || self.seldom.is_some() {
            self.seldom.get_or_insert_default().log.callback = callback;
        }
    }

    pub fn set_log_levels(&mut self, levels: Levels) {
        self.seldom.get_or_insert_default().log.levels = levels;
    }

    pub fn redirect(&self) -> Option<Callback<Redirect>> {
        self.seldom.as_ref()?.redirect
    }

    pub fn set_redirect(&mut self, callback: Option<Callback<Redirect>>) {
        if callback.is_some() || self.seldom.is_some() {
            self.seldom.get_or_insert_default().redirect = callback;
        }
    }

    /// Who answers in enhanced authentication.
    pub fn authenticator(&mut self) -> Option<&mut Authenticator> {
        self.seldom.as_mut()?.authenticator.as_mut()
    }

    pub fn set_authenticator(&mut self, authenticator: Option<Authenticator>) {
        if authenticator.is_some() || self.seldom.is_some() {
            self.seldom.get_or_insert_default().authenticator = authenticator;
        }
    }

    /// When the library's own answer may be there.
    #[cfg(feature = "tls")]
    pub fn auth_look_due(&self) -> Option<Moment> {
        match self.seldom.as_ref()?.authenticator.as_ref()? {
            Authenticator::Program(_) => None,
            Authenticator::Scram(login) => login.look_due(),
        }
    }

    pub fn userdata(&self) -> *mut c_void {
        self.userdata.load(Ordering::Relaxed)
    }

    pub fn set_userdata(&self, userdata: *mut c_void) {
        self.userdata.store(userdata, Ordering::Relaxed);
    }
}

/// The callback for log lines, and their levels.
#[derive(Default)]
struct Log {
    callback: Option<Callback<LogLine>>,
    levels: Levels,
}

/// Callbacks that few programs set. Allocated when a program first sets one.
#[derive(Default)]
struct Seldom {
    handlers: Handlers,
    drained: Option<OnDrained>,
    log: Log,
    authenticator: Option<Authenticator>,
    redirect: Option<Callback<Redirect>>,
}

/// `on_drained`, and what was reported at its last call.
struct OnDrained {
    callback: Callback<Drained>,
    messages_out: u64,
    others_told: bool,
}
