//! Reports what to wait for, to `on_interest` and the event descriptor.
//!
//! Only the call that has the driver calls `on_interest`, so that it never runs twice at the same
//! time. A descriptor that was reported is not closed before that is reported too.

use std::time::Duration;

use super::{Driver, deliver};
use crate::client::error::Error;
use crate::client::events::Interest;
use crate::client::state::watch::Watching;
use crate::client::state::{Guard, State};
use crate::sys::{self, Watch};
use crate::time::milliseconds;

/// How soon the event descriptor becomes readable for another try, after its update failed.
pub const RETRY: Duration = Duration::from_millis(50);

/// Notes what the driver waits for now, and tells `on_interest` and the event descriptor.
pub fn update(state: &mut Guard, driver: &mut Driver) {
    note(state, driver);
    // A program that waited for a time that has passed is told the next one, or that there is none.
    // It is told only once, as the next time may have passed too.
    let mut over = state.reported.deadline.is_some_and(|at| at <= sys::now());
    while state.callbacks.interest.is_some() && (over || has_changed(state)) {
        report(state, driver);
        over = false;
        // The callback may have changed what to wait for.
        note(state, driver);
    }
    update_event_set(state, driver);
    close_retired(state, driver);
}

/// Notes what the driver waits for now.
pub fn note(state: &mut State, driver: &Driver) {
    let (read, write) = (driver.wants_read(state), driver.wants_write(state));
    let transport = driver.transport.as_ref();
    let closing = driver.closing.as_ref();
    let primary = transport
        .and_then(|transport| transport.primary(write))
        .map(|watch| Watch {
            read: watch.read && read,
            ..watch
        })
        .or_else(|| closing?.watch());
    let deadlines = [
        transport.and_then(|transport| transport.deadline()),
        closing.map(|closing| closing.deadline()),
    ];
    state.watching = Watching {
        primary,
        deadline: deadlines.into_iter().flatten().min(),
    };
    if driver.is_ready(state) {
        state.watching.set_ready();
    }
}

/// A call that waits itself begins: until its end, other loops have nothing to wait for.
pub fn suspend(state: &mut Guard) {
    state.wakes.pause_event_set();
    state.wakes.drain_event_set();
    if let Some(watch) = &mut state.reported.watch
        && (watch.read || watch.write)
    {
        *watch = unwatched(watch.fd);
        let fd = watch.fd;
        state.reported.deadline = None;
        tell(state, Some(unwatched(fd)), None);
    }
}

/// Closes the descriptors that the transport has given up, after the program was told if it watches
/// one.
pub fn close_retired(state: &mut Guard, driver: &mut Driver) {
    if let Some(Watch { fd, .. }) = state.reported.watch
        && driver.closing_fd() != Some(fd)
        && let Some(transport) = &driver.transport
        && transport.primary(false).is_none_or(|watch| watch.fd != fd)
    {
        deliver::closing(state, fd);
    }
    if let Some(transport) = &mut driver.transport {
        transport.close_retired();
    }
}

/// A deadline that moves later is no change: the program is told when it wakes at the old one. So a
/// busy connection, whose keep alive moves with each message, needs no call for each message.
fn has_changed(state: &Guard) -> bool {
    state.watching.primary != state.reported.watch
        || match (state.deadline(), state.reported.deadline) {
            (Some(deadline), Some(reported)) => deadline < reported,
            (deadline, None) => deadline.is_some(),
            (None, Some(_)) => false,
        }
}

/// Reports what to wait for.
fn report(state: &mut Guard, driver: &Driver) {
    let primary = state.watching.primary;
    let now_at = |fd| primary.is_some_and(|watch| watch.fd == fd);
    if let Some(Watch { fd, .. }) = state.reported.watch.filter(|watch| !now_at(watch.fd)) {
        if driver.closing_fd() == Some(fd) {
            // The descriptor stays open, beside the one to watch from now on.
            state.reported.release(fd);
            tell(state, Some(unwatched(fd)), None);
        } else {
            deliver::closing(state, fd);
        }
    }
    if let Some(watch) = primary {
        state.reported.claim(watch.fd);
    }
    state.reported.watch = primary;
    state.reported.deadline = state.deadline();
    let left = state.reported.deadline.map(|at| at.since(sys::now()));
    tell(state, primary, left);
}

fn tell(state: &mut Guard, watch: Option<Watch>, left: Option<Duration>) {
    let interest = Interest {
        fd: watch.map_or(-1, |watch| watch.fd),
        read: watch.is_some_and(|watch| watch.read),
        write: watch.is_some_and(|watch| watch.write),
        closing: false,
        timeout_ms: milliseconds(left),
    };
    deliver::interest(state, &interest);
}

fn update_event_set(state: &mut Guard, driver: &mut Driver) {
    if !state.wakes.has_event_set() {
        return;
    }
    let deadline = state.deadline();
    let watches = &driver.watch(state).watches;
    let Some(event_set) = state.wakes.event_set() else {
        return;
    };
    if let Err(error) = event_set.update(watches, deadline) {
        // The set may miss the socket. So it becomes readable again soon, and the next pass checks
        // everything.
        if event_set.update(&[], Some(sys::now() + RETRY)).is_err() {
            state.wakes.wake();
        }
        state.mishap(Error::os("event_fd", &error));
    }
}

fn unwatched(fd: std::os::fd::RawFd) -> Watch {
    Watch {
        fd,
        read: false,
        write: false,
    }
}
