//! Connecting, in the calling thread or in the background, and disconnecting.

use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::MutexGuard;

use super::Client;
use super::error::{Error, Result};
use super::state::{Guard, Plan, Route};
use super::trace;
use super::turn::Frame;
use crate::sys::{self, PollSet, Waker, Watch};
use crate::transport::{Address, Transport};

/// Where to, as the program says it.
pub struct Target<'a> {
    /// A host's port 0 is the default one.
    pub place: Address,
    /// Seconds.
    pub keep_alive: u16,
    pub bind_address: Option<&'a str>,
}

impl Client {
    /// Connects, and waits for the transport to be open, but not for CONNACK.
    pub fn connect(&self, target: &Target) -> Result {
        let route = target.route()?;
        let mut state = self.lock();
        state.check_free_to_connect()?;
        state.aim(route, target.keep_alive);
        state.connect_blocks = true;
        self.connect_here(Frame::new(self, state))
    }

    /// Lets whoever runs the client connect.
    pub fn connect_async(&self, target: &Target) -> Result {
        let route = target.route()?;
        let mut state = self.lock();
        if state.freed {
            return Err(Error::no_connection());
        }
        state.aim(route, target.keep_alive);
        state.connect_blocks = false;
        state.replace(Plan::Connect { at: sys::now() });
        self.settle(state);
        Ok(())
    }

    /// Connects again, in the way of the last connect.
    pub fn reconnect(&self) -> Result {
        let mut state = self.lock();
        if state.route.is_none() {
            return Err(Error::inval("reconnect: there was no connect before"));
        }
        state.check_free_to_connect()?;
        state.wanted = true;
        if state.connect_blocks {
            return self.connect_here(Frame::new(self, state));
        }
        state.replace(Plan::Connect { at: sys::now() });
        self.settle(state);
        Ok(())
    }

    /// Writes what was handed over already, then DISCONNECT, and then closes the connection. An
    /// attempt to connect is given up.
    pub fn disconnect(&self) -> Result {
        let mut state = self.lock();
        state.wanted = false;
        state.why_none = None;
        let connected = state.session.disconnect(sys::now());
        if connected {
            state.owes_disconnect = true;
        } else if !matches!(state.plan, Plan::Rest) {
            state.supersede(Plan::Rest);
        }
        self.settle(state);
        match connected {
            true => Ok(()),
            false => Err(Error::no_connection()),
        }
    }

    /// Makes the transport in this thread, and hands it to the driver.
    fn connect_here(&self, mut state: Frame) -> Result {
        let waker = Waker::new().map_err(|error| Error::os("connect", &error))?;
        let waker = Arc::new(waker);
        state.replace(Plan::Elsewhere(Arc::clone(&waker)));
        let epoch = state.epoch;
        let result = open_transport(&mut state, &waker, epoch);
        if state.epoch != epoch {
            return Err(Error::new(
                super::Code::NoConn,
                "connect: given up, because of a call from another thread or a callback",
            ));
        }
        state.plan = Plan::Rest;
        let result = result.and_then(|transport| {
            let opened = state.session.open(sys::now());
            opened.map_err(|error| {
                Error::inval(format!("connect: {} is too long for CONNECT", error.0))
            })?;
            state.plan = Plan::Adopt(Box::new(transport));
            Ok(())
        });
        if let Err(error) = &result {
            state.failed(error);
        }
        drop(state);
        self.settle(self.lock());
        result
    }
}

impl super::state::State {
    /// Whom to connect to from now on.
    fn aim(&mut self, route: Route, keep_alive: u16) {
        self.route = Some(route);
        self.wanted = true;
        self.why_none = None;
        self.session
            .configure(sys::now(), |options| options.keep_alive = keep_alive);
    }

    fn check_free_to_connect(&self) -> Result {
        match self.plan {
            _ if self.freed => Err(Error::no_connection()),
            Plan::Elsewhere(_) => Err(Error::busy("another thread is connecting this client")),
            _ => Ok(()),
        }
    }
}

/// Waits until the transport is open, or the attempt has failed or been given up.
fn open_transport(state: &mut Guard, waker: &Waker, epoch: u64) -> Result<Transport> {
    let Some(endpoint) = state.next_endpoint() else {
        return Err(Error::no_connection());
    };
    trace::connecting(state, &endpoint);
    let mut transport = Transport::connect(&endpoint, &state.resolver, sys::now())?;
    let mut poll_set = PollSet::default();
    let mut watches = Vec::new();
    loop {
        let opened = MutexGuard::unlocked(state, || -> Result<bool> {
            watches.clear();
            transport.watches(false, &mut watches);
            watches.push(Watch {
                fd: std::os::fd::AsRawFd::as_raw_fd(waker),
                read: true,
                write: false,
            });
            transport.close_retired();
            let timeout = transport.deadline().map(|at| at.since(sys::now()));
            if !transport.is_open() {
                poll_set
                    .wait(&watches, timeout)
                    .map_err(|error| Error::os("poll", &error))?;
            }
            Ok(transport.advance(sys::now())?)
        });
        trace::progress(state, &mut transport);
        match opened? {
            true => return Ok(transport),
            false if state.epoch != epoch => return Err(Error::no_connection()),
            false => {}
        }
    }
}

impl Target<'_> {
    fn route(&self) -> Result<Route> {
        let checked = self.place.check();
        checked.map_err(|why| Error::inval(format!("connect: {why}")))?;
        let bind = match self.bind_address.filter(|text| !text.is_empty()) {
            Some(text) => Some(Box::new(text.parse::<IpAddr>().map_err(|_| {
                Error::inval(format!("connect: the bind address {text} is no IP address"))
            })?)),
            None => None,
        };
        Ok(Route {
            place: self.place.clone(),
            bind,
        })
    }
}
