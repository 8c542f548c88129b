//! Connecting, in the calling thread or in the background, and disconnecting.

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread;

use super::request::no_properties;
use crate::client::driver::{interest, trace};
use crate::client::error::{Code, Error, Result};
use crate::client::handle::Client;
use crate::client::state::Guard;
use crate::client::state::intent::Route;
use crate::client::state::redirects::Refusal;
use crate::client::state::tenancy::Runner;
use crate::client::turn::Frame;
use crate::codec::{Properties, property, reason};
use crate::session::Session;
use crate::sys::sync::MutexGuard;
use crate::sys::{self, PollSet, Waker, Watch};
use crate::time::Moment;
use crate::transport::{Address, Endpoint, ScopedIp, Transport};

/// Where to connect to, as the program states it.
pub struct Target<'a> {
    /// Port 0 of a host stands for the default port.
    pub address: Address,
    /// Seconds.
    pub keep_alive: u16,
    pub bind_address: Option<&'a str>,
}

impl Client {
    /// Connects. Waits until the transport is open, but not for CONNACK.
    pub fn connect(&self, target: &Target) -> Result {
        let route = target.route()?;
        self.connect_here(self.lock(), Some((route, target.keep_alive)))
    }

    /// Lets the call that runs the client connect.
    pub fn connect_async(&self, target: &Target) -> Result {
        let route = target.route()?;
        let mut state = self.lock();
        if state.tenancy.is_freed() {
            return Err(Error::no_connection());
        }
        set_target(&mut state, route, target.keep_alive);
        state.intent.connect_blocks = false;
        state.connect();
        self.wake_or_write(state);
        Ok(())
    }

    /// Connects again to the same broker, blocking or not as before.
    pub fn reconnect(&self) -> Result {
        let mut state = self.lock();
        check_free_to_connect(&state)?;
        if state.intent.route.is_none() {
            let text = "reconnect: no connect call has succeeded yet";
            return Err(Error::inval(text));
        }
        if state.intent.connect_blocks {
            return self.connect_here(state, None);
        }
        state.connect();
        self.wake_or_write(state);
        Ok(())
    }

    /// Writes everything that was taken, then DISCONNECT, and then closes the connection. Gives up
    /// an attempt to connect.
    pub fn disconnect(&self) -> Result {
        self.end_connection(self.lock(), Session::disconnect)
    }

    /// `disconnect` with a reason and properties of MQTT 5. Before MQTT 5, a reason can only be to leave the broker
    /// with or without a DISCONNECT.
    pub fn disconnect_with(&self, reason: u8, properties: Properties) -> Result {
        let state = self.lock();
        if !self.is_extended() {
            if !properties.is_empty() {
                return Err(no_properties("disconnect_with"));
            }
            if !matches!(reason, reason::SUCCESS | reason::WITH_WILL) {
                return Err(Error::new(
                    Code::NotSupported,
                    "disconnect_with: only MQTT 5 has such a reason (PMQTT_PROTOCOL_V5)",
                ));
            }
        }
        let expiry = properties.number(property::SESSION_EXPIRY);
        if !state.session.may_expire_after(expiry.unwrap_or(0)) {
            return Err(Error::inval(
                "disconnect_with: the session expiry was 0 in CONNECT, and stays 0",
            ));
        }
        self.end_connection(state, |session, now| {
            session.disconnect_with(reason, properties, now)
        })
    }

    /// Connects elsewhere, as the broker asks. Only in the callback that reports it.
    pub fn follow_redirect(&self) -> Result {
        let mut state = self.lock();
        let followed = match state.tenancy.runner() {
            Runner::Myself => state.redirects().follow(),
            Runner::Nobody | Runner::Another => Err(Refusal::NoOffer),
        };
        followed.map_err(|refusal| {
            let code = match refusal {
                Refusal::NoOffer => Code::NotFound,
                Refusal::NoHost => Code::Inval,
                Refusal::TooMany => Code::ConnRefused,
            };
            Error::new(code, format!("redirect_follow: {refusal}"))
        })
    }

    fn end_connection(
        &self,
        mut state: Guard,
        disconnect: impl FnOnce(&mut Session, Moment) -> bool,
    ) -> Result {
        state.why_none = None;
        state.tenancy.give_up_connecting();
        let connected = disconnect(&mut state.session, sys::now());
        match connected {
            true => state.intent.disconnect(),
            false => state.give_up(),
        }
        self.wake_or_write(state);
        match connected {
            true => Ok(()),
            false => Err(Error::no_connection()),
        }
    }

    pub fn is_connected(&self) -> bool {
        self.lock().is_connected()
    }

    /// Makes the transport in this thread, to `target` or to the same broker as the last connect.
    /// The present connection continues until that succeeds. If it fails, nothing has changed.
    fn connect_here(&self, state: Guard, target: Option<(Route, u16)>) -> Result {
        check_free_to_connect(&state)?;
        let waker = Waker::new().map_err(|error| Error::os("connect", &error))?;
        let waker = Arc::new(waker);
        let is_repeated = target.is_none();
        let endpoint = match &target {
            Some((route, _)) => Some(state.endpoint(route.address.clone(), route)),
            None => state.next_endpoint(),
        };
        let endpoint = endpoint.ok_or_else(Error::no_connection)?;
        let mut state = Frame::new(self, state);
        state.tenancy.begin_connecting(Arc::clone(&waker));
        let result = open_transport(&mut state, &endpoint, &waker);
        if !state.tenancy.end_connecting(&waker) {
            return Err(Error::new(
                Code::NoConn,
                "connect: given up, because of a call from another thread or a callback",
            ));
        }
        let result = result.and_then(|transport| {
            if let Some((route, keep_alive)) = target {
                set_target(&mut state, route, keep_alive);
            }
            state.intent.connect_blocks = true;
            state.hand_over(Box::new(transport));
            let opened = state.session.open(sys::now());
            opened.inspect_err(|_| state.intent.take_back())?;
            Ok(())
        });
        if let Err(error) = &result {
            state.failed(error);
            if is_repeated {
                state.ended(false);
            }
        }
        drop(state);
        self.wake_or_write(self.lock());
        result
    }
}

/// Sets where to connect to from now on.
fn set_target(state: &mut Guard, route: Route, keep_alive: u16) {
    state.intent.route = Some(route);
    state.intent.backoff.changed();
    state.set_no_redirects();
    state.why_none = None;
    let session = &mut state.session;
    session.configure(sys::now(), |options| options.keep_alive = keep_alive);
}

fn check_free_to_connect(state: &Guard) -> Result {
    match state.tenancy.is_connecting() {
        _ if state.tenancy.is_freed() => Err(Error::no_connection()),
        true => Err(Error::busy("another thread is connecting this client")),
        false => Ok(()),
    }
}

/// Waits until the transport is open, has failed, or is given up.
fn open_transport(state: &mut Guard, endpoint: &Endpoint, waker: &Arc<Waker>) -> Result<Transport> {
    trace::connecting(state, endpoint);
    let mut transport = Transport::connect(endpoint, &state.resolver, sys::now())?;
    let mut poll_set = PollSet::default();
    let mut watches = Vec::new();
    loop {
        let (waited, opened) = MutexGuard::unlocked(state, || {
            watches.clear();
            transport.watches(false, &mut watches);
            watches.push(Watch {
                fd: waker.as_raw_fd(),
                read: true,
                write: false,
            });
            transport.close_retired();
            let timeout = transport.deadline().map(|at| at.since(sys::now()));
            let waited = match transport.is_open() {
                true => Ok(0),
                false => poll_set.wait(&watches, timeout),
            };
            if waited.is_err() {
                // The next wait may succeed, and the deadline of the transport bounds all waits.
                thread::sleep(interest::RETRY);
            }
            (waited, transport.advance(sys::now()))
        });
        if let Err(error) = waited {
            state.mishap(Error::os("poll", &error));
        }
        trace::progress(state, &mut transport);
        match opened? {
            true => return Ok(transport),
            false if !state.tenancy.is_connecting_by(waker) => return Err(Error::no_connection()),
            false => {}
        }
    }
}

impl Target<'_> {
    fn route(&self) -> Result<Route> {
        let checked = self.address.check();
        checked.map_err(|why| Error::inval(format!("connect: {why}")))?;
        let bind = match self.bind_address.filter(|text| !text.is_empty()) {
            Some(text) => Some(Box::new(text.parse::<ScopedIp>().map_err(|_| {
                Error::inval(format!("connect: the bind address {text} is no IP address"))
            })?)),
            None => None,
        };
        Ok(Route {
            address: self.address.clone(),
            bind,
        })
    }
}
