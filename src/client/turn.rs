//! Who may run the client: one at a time, for the length of a call.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use parking_lot::MutexGuard;

use super::driver::{Driver, Waiting};
use super::error::{Error, Result};
use super::interest;
use super::log;
use super::state::{Guard, Holder, HolderKind, Plan};
use super::{Client, thread_mark};
use crate::session::Phase;
use crate::sys::{self, Watch};
use crate::time::Moment;

/// A call that may run callbacks or wait, and the lock that it works under. While there is one,
/// the client is not destroyed: `free` waits for it or, inside of it, leaves that to its end.
/// The caller keeps a reference of its own to the client until the frame is gone.
pub struct Frame<'a> {
    client: &'a Client,
    state: Guard<'a>,
}

impl<'a> Frame<'a> {
    pub fn new(client: &'a Client, mut state: Guard<'a>) -> Frame<'a> {
        state.frames.add(thread_mark());
        Frame { client, state }
    }

    /// Tells those who wait for a change.
    pub fn notify(&self) {
        self.client.changed.notify_all();
    }
}

impl<'a> Deref for Frame<'a> {
    type Target = Guard<'a>;

    fn deref(&self) -> &Guard<'a> {
        &self.state
    }
}

impl DerefMut for Frame<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.state
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        self.state.frames.remove(thread_mark());
        self.notify();
    }
}

/// A frame that has the driver. Ending it gives the driver back.
pub struct Turn<'a> {
    client: &'a Client,
    pub driver: MutexGuard<'a, Driver>,
    pub state: Frame<'a>,
}

impl<'a> Turn<'a> {
    /// Takes the driver. A request that has it is waited for, since it is done in a moment; a
    /// loop call is not.
    pub fn begin(client: &'a Client, mut state: Guard<'a>, kind: HolderKind) -> Result<Turn<'a>> {
        while let Some(holder) = &state.holder {
            if holder.kind == HolderKind::Loop || holder.thread == thread_mark() {
                return Err(Error::busy("another loop call runs this client already"));
            }
            client.changed.wait(&mut state);
        }
        if state.freed {
            return Err(Error::no_connection());
        }
        let driver = client
            .driver
            .try_lock()
            .ok_or_else(|| Error::busy("another loop call runs this client already"))?;
        state.holder = Some(Holder {
            kind,
            thread: thread_mark(),
            sleeping: false,
        });
        Ok(Turn {
            client,
            driver,
            state: Frame::new(client, state),
        })
    }

    /// Does all that can be done without waiting. The lock is not let go of any more after the last
    /// callback, so that what the caller then finds holds until it waits.
    pub fn pass(&mut self, read: bool, auto: bool) -> Result {
        let result = self
            .driver
            .pass(&mut self.state, &self.client.flow, read, auto);
        log::deliver(&mut self.state);
        result
    }

    /// Waits until there is something to do, at the most for `timeout`. True when the transport
    /// may have something to read.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Result<bool> {
        let state = &mut *self.state;
        let waker = state.waker()?;
        let driver = &mut *self.driver;
        interest::note(state, driver);
        let pending = state.session.has_output() && !driver.blocked && driver.is_open();
        let deadline = match pending || state.freed {
            true => Some(Moment::origin()),
            false => state.deadline(),
        };
        let until = deadline.map(|at| at.since(sys::now()));
        let timeout = [until, timeout].into_iter().flatten().min();
        driver.watch(state).watches.push(Watch {
            fd: std::os::fd::AsRawFd::as_raw_fd(&*waker),
            read: true,
            write: false,
        });
        if let Some(transport) = &mut driver.transport {
            transport.close_retired();
        }
        if let Some(holder) = &mut state.holder {
            holder.sleeping = true;
        }
        let waiting = driver.waiting.get_or_insert_default();
        let Waiting { poll_set, watches } = &mut **waiting;
        let ready = MutexGuard::unlocked(state, || poll_set.wait(watches, timeout));
        if let Some(holder) = &mut state.holder {
            holder.sleeping = false;
        }
        let woken = state.drain_waker();
        let ready = ready.map_err(|error| Error::os("poll", &error))?;
        Ok(ready > woken as usize)
    }

    /// Gives the driver back, after the foreign loop has been told what to wait for.
    pub fn end(mut self, auto: bool) {
        self.driver.adopt(&mut self.state, auto);
        log::deliver(&mut self.state);
        interest::update(&mut self.state, &mut self.driver);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.state.holder = None;
        if std::thread::panicking() {
            self.state.client.set_broken();
        }
        if self.state.freed {
            self.driver.let_go(&mut self.state);
            self.driver.part(&mut self.state);
        }
    }
}

impl Client {
    /// The end of each request: whoever runs the client learns that there is something to do,
    /// or else, when nobody does, this thread sends it. No lock is held on return.
    pub fn settle(&self, state: Guard) {
        self.settle_inlined(state);
    }

    /// `settle` for what each message goes through.
    #[inline(always)]
    pub fn settle_inlined(&self, mut state: Guard) {
        match &state.holder {
            // It looks at what there is to do before it waits.
            Some(holder) if !holder.sleeping => {}
            None if !state.has_event_set() => {
                if state.needs_attention() && !state.freed {
                    self.attend(state);
                }
            }
            _ => state.wake(),
        }
    }

    /// Leaves a connection that was given up, and writes what a request has encoded, or reports
    /// that there is something to write: a foreign loop with an `on_interest` callback gathers
    /// what it writes.
    #[cold]
    fn attend(&self, state: Guard) {
        if let Ok(mut turn) = Turn::begin(self, state, HolderKind::Request) {
            turn.driver.adopt(&mut turn.state, false);
            turn.driver.leave_early(&mut turn.state);
            let gathers = turn.state.callbacks.interest.is_some();
            if turn.driver.is_open() && !gathers {
                turn.driver.write_early(&mut turn.state);
            }
            turn.end(false);
        }
    }
}

impl super::state::State {
    /// There is something to do, which nobody has been told of.
    fn needs_attention(&self) -> bool {
        self.session.has_output() && self.session.phase() != Phase::Closed
            || self.watching.ready
            || matches!(self.plan, Plan::Adopt(_))
            || self.callbacks.interest.is_some()
    }
}

impl Driver {
    /// `write` for those who can tell nobody that it failed; the next pass does.
    fn write_early(&mut self, state: &mut Guard) {
        if let Err(super::driver::Stop::Over(error)) = self.write(state, sys::now()) {
            self.failed = Some(error);
        }
    }
}
