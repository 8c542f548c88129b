//! What a foreign loop has to wait for, and telling it when that changes.

use std::os::fd::RawFd;
use std::time::Duration;

use super::Client;
use super::callbacks::call;
use super::driver::Driver;
use super::events::Interest;
use super::state::{Guard, Plan, State};
use crate::session::Phase;
use crate::sys;
use crate::time::Moment;

/// What the driver waited for when it was last returned.
#[derive(Clone, Copy)]
pub struct Watching {
    pub fd: RawFd,
    pub read: bool,
    pub write: bool,
    /// When the transport has to be looked at, though nothing is ready.
    pub deadline: Option<Moment>,
    /// There is work that needs no waiting.
    pub ready: bool,
}

/// In place of a descriptor, where there is none.
const NONE: RawFd = -1;

/// What `on_interest` was told last.
pub struct Reported {
    fd: RawFd,
    read: bool,
    write: bool,
    deadline: Option<Moment>,
}

impl Default for Watching {
    fn default() -> Watching {
        Watching {
            fd: NONE,
            read: false,
            write: false,
            deadline: None,
            ready: false,
        }
    }
}

impl Default for Reported {
    /// Nothing, and since long ago: it is time to tell.
    fn default() -> Reported {
        Reported {
            fd: NONE,
            read: false,
            write: false,
            deadline: Some(Moment::origin()),
        }
    }
}

impl Reported {
    /// The loop's timer has gone off: by its own clock, which may be a moment ahead of ours.
    pub fn expire(&mut self) {
        self.deadline = self.deadline.map(|_| Moment::origin());
    }
}

impl Client {
    /// The descriptor that a foreign loop watches.
    pub fn socket(&self) -> Option<RawFd> {
        let fd = self.lock().watching.fd;
        (fd != NONE).then_some(fd)
    }

    pub fn wants_read(&self) -> bool {
        self.lock().watching.read
    }

    pub fn wants_write(&self) -> bool {
        self.lock().wants_write()
    }

    /// How long until `loop_misc` is due; None: never.
    pub fn next_timeout(&self) -> Option<Duration> {
        let at = self.lock().deadline()?;
        Some(at.since(sys::now()))
    }
}

impl State {
    fn wants_write(&self) -> bool {
        let output = self.session.phase() != Phase::Closed && self.session.has_output();
        self.watching.fd != NONE && (self.watching.write || output)
    }

    /// When the client has to be looked at, though nothing is ready.
    pub fn deadline(&self) -> Option<Moment> {
        if self.watching.ready || self.has_news() {
            return Some(Moment::origin());
        }
        let plan = match self.plan {
            Plan::Connect { at } => Some(at),
            Plan::Adopt(_) => Some(Moment::origin()),
            Plan::Rest | Plan::Elsewhere(_) | Plan::Underway => None,
        };
        [plan, self.watching.deadline, self.session.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }
}

/// Notes what the driver waits for now, and tells `on_interest` and the event set. The driver is
/// still checked out, so that no other report can overtake this one.
pub fn update(state: &mut Guard, driver: &mut Driver) {
    note(state, driver);
    // Whoever waited for a time that is over learns of the next one, or that there is none; but
    // only once, as that may be over too.
    let mut over = state.reported.deadline.is_some_and(|at| at <= sys::now());
    while state.callbacks.interest.is_some() && (over || has_changed(state)) {
        report(state);
        over = false;
        // The callback may have changed it itself.
        note(state, driver);
    }
    let deadline = state.deadline();
    if state.has_event_set() {
        let watches = &driver.watch(state).watches;
        if let Some(Err(error)) = state.event_set().map(|set| set.update(watches, deadline)) {
            state.last_error = Some(super::Error::os("event_fd", &error));
        }
    }
    if let Some(transport) = &mut driver.transport {
        transport.close_retired();
    }
}

/// Notes what the driver waits for now.
pub fn note(state: &mut State, driver: &Driver) {
    let write = driver.wants_write(state);
    let transport = driver.transport.as_ref();
    let leaving = driver.leaving.as_ref();
    let primary = transport
        .and_then(|transport| transport.primary(write))
        .or_else(|| leaving?.watch());
    let deadlines = [
        transport.and_then(|transport| transport.deadline()),
        leaving.map(|leaving| leaving.deadline()),
    ];
    state.watching = Watching {
        fd: primary.map_or(NONE, |watch| watch.fd),
        read: primary.is_some_and(|watch| watch.read),
        write: primary.is_some_and(|watch| watch.write),
        deadline: deadlines.into_iter().flatten().min(),
        ready: driver.epoch != state.epoch || driver.failed.is_some() || driver.has_pending(),
    };
}

/// A deadline that only moves later is no change: whoever wakes at the old one is told then. So
/// a busy connection, whose keep alive moves with each message, needs no call for each of them.
fn has_changed(state: &Guard) -> bool {
    let Watching {
        fd, read, write, ..
    } = state.watching;
    let reported = &state.reported;
    (fd, read, write) != (reported.fd, reported.read, reported.write)
        || match (state.deadline(), state.reported.deadline) {
            (Some(deadline), Some(reported)) => deadline < reported,
            (deadline, None) => deadline.is_some(),
            (None, Some(_)) => false,
        }
}

/// Tells what there is to wait for.
fn report(state: &mut Guard) {
    let Watching {
        fd, read, write, ..
    } = state.watching;
    let deadline = state.deadline();
    if state.reported.fd != fd {
        tell_closing(state);
    }
    state.reported = Reported {
        fd,
        read,
        write,
        deadline,
    };
    let interest = Interest {
        fd,
        read,
        write,
        closing: false,
        timeout_ms: milliseconds(deadline.map(|at| at.since(sys::now()))),
    };
    let callback = state.callbacks.interest;
    call(state, callback, &interest);
}

/// The descriptor that was reported is about to be closed.
pub fn tell_closing(state: &mut Guard) {
    let fd = std::mem::replace(&mut state.reported.fd, NONE);
    if fd != NONE {
        let interest = Interest {
            fd,
            read: false,
            write: false,
            closing: true,
            timeout_ms: -1,
        };
        let callback = state.callbacks.interest;
        call(state, callback, &interest);
    }
}

/// This descriptor is about to be closed, and may be another's from there on.
pub fn forget(state: &mut Guard, fd: RawFd) {
    if state.watching.fd == fd {
        state.watching = Watching::default();
    }
    if state.reported.fd == fd {
        tell_closing(state);
    }
}

/// Tells a last time, and then no more: the client is about to end, or to begin anew.
pub fn retire(state: &mut Guard) {
    tell_closing(state);
    state.callbacks.interest = None;
}

/// Rounded up, so that nobody comes a moment too early again and again; -1: never.
pub fn milliseconds(time: Option<Duration>) -> i32 {
    match time {
        None => -1,
        Some(time) => time
            .as_nanos()
            .div_ceil(1_000_000)
            .try_into()
            .unwrap_or(i32::MAX),
    }
}
