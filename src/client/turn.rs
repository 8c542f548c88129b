//! Who may run the client: one at a time, for the length of a call.

use std::ops::{Deref, DerefMut};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use super::driver::pace::Pace;
use super::driver::{Driver, Waiting, deliver, interest};
use super::error::{Error, Result};
use super::handle::Client;
use super::state::Guard;
use super::state::tenancy::{Admission, Who};
use crate::sys::sync::MutexGuard;
use crate::sys::{self, Watch};
use crate::time::Moment;

/// How often a call that ends writes what others have left to it meanwhile, before it lets them wait.
const LAST_WRITES: usize = 2;

/// A call that may run callbacks or wait, and the lock that it works under. While there is one,
/// the client is not destroyed: `free` waits for it or, inside of it, leaves that to its end.
/// The caller keeps a reference of its own to the client until the frame is gone.
pub struct Frame<'a> {
    client: &'a Client,
    state: Guard<'a>,
}

impl<'a> Frame<'a> {
    pub fn new(client: &'a Client, mut state: Guard<'a>) -> Frame<'a> {
        state.tenancy.add_frame();
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
    /// The call in which a callback freed the client is the client's end: it waits for the calls of
    /// other threads, as `free` does outside of callbacks.
    fn drop(&mut self) {
        self.state.tenancy.remove_frame();
        self.notify();
        if self.state.tenancy.is_freed_here() {
            while self.state.tenancy.has_frames() {
                self.client.changed.wait(&mut self.state);
            }
        }
    }
}

/// A frame that has the driver. Ending it gives the driver back.
pub struct Turn<'a> {
    client: &'a Client,
    pub driver: MutexGuard<'a, Driver>,
    pub state: Frame<'a>,
    /// It waits by itself, and nobody else waits for its descriptors meanwhile.
    waits: bool,
}

impl<'a> Turn<'a> {
    /// Takes the driver. A request that has it is waited for, since it is done in a moment; a
    /// loop call is not.
    pub fn begin(client: &'a Client, mut state: Guard<'a>, who: Who) -> Result<Turn<'a>> {
        const BUSY: &str = "another loop call runs this client already";
        loop {
            match state.tenancy.admits(who) {
                Admission::Granted => break,
                Admission::Wait => client.changed.wait(&mut state),
                Admission::Busy => return Err(Error::busy(BUSY)),
            }
        }
        if state.tenancy.is_freed() && who != Who::Request {
            return Err(Error::no_connection());
        }
        let driver = client.driver.try_lock().ok_or_else(|| Error::busy(BUSY))?;
        state.tenancy.enter(who);
        Ok(Turn {
            client,
            driver,
            state: Frame::new(client, state),
            waits: false,
        })
    }

    /// One that waits by itself: others have nothing to wait for until its end.
    pub fn begin_waiting(client: &'a Client, state: Guard<'a>, who: Who) -> Result<Turn<'a>> {
        let mut turn = Turn::begin(client, state, who)?;
        turn.waits = true;
        interest::suspend(&mut turn.state);
        Ok(turn)
    }

    /// Does all that can be done without waiting. The lock is not given back any more after the last
    /// callback, so that what the caller then finds holds until it waits.
    pub fn pass(&mut self, read: bool, auto: bool) -> Result {
        let unlocked = &self.client.unlocked;
        self.state.tenancy.set_passing(true);
        let result = self.driver.pass(&mut self.state, unlocked, read, auto);
        self.state.tenancy.set_passing(false);
        if self.waits {
            interest::close_retired(&mut self.state, &mut self.driver);
        }
        self.deliver_log_lines();
        result
    }

    /// Waits until there is something to do, at the most for `timeout`. True when the transport
    /// may have something to read. A wait that fails is a short one: the next may succeed.
    pub fn wait(&mut self, timeout: Option<Duration>) -> bool {
        let state = &mut *self.state;
        let driver = &mut *self.driver;
        interest::note(state, driver);
        let deadline = match driver.may_write(state) || state.tenancy.is_gone() {
            true => Some(Moment::origin()),
            false => state.deadline(),
        };
        let until = deadline.map(|at| at.since(sys::now()));
        let waker = state.wakes.waker();
        // Who cannot be woken looks by himself.
        let look = waker.is_err().then_some(interest::RETRY);
        let timeout = [until, timeout, look].into_iter().flatten().min();
        let waiting = driver.watch(state);
        waiting.watches.extend(waker.iter().map(|waker| Watch {
            fd: waker.as_raw_fd(),
            read: true,
            write: false,
        }));
        state.tenancy.set_sleeping(true);
        let Waiting { poll_set, watches } = waiting;
        let ready = MutexGuard::unlocked(state, || poll_set.wait(watches, timeout));
        state.tenancy.set_sleeping(false);
        let woken = state.wakes.drain();
        ready.map_or_else(
            |error| {
                state.mishap(Error::os("poll", &error));
                let pause = timeout.map_or(interest::RETRY, |left| left.min(interest::RETRY));
                MutexGuard::unlocked(state, || thread::sleep(pause));
                true
            },
            |ready| ready > woken as usize,
        )
    }

    /// Gives the driver back, after those who wait elsewhere have been told what for. A request that
    /// was made meanwhile, and relies on this call, is not left behind.
    pub fn end(mut self, auto: bool) {
        for _ in 0..LAST_WRITES {
            self.driver.adopt(&mut self.state, auto);
            self.deliver_log_lines();
            interest::update(&mut self.state, &mut self.driver);
            if !self.is_relied_upon() {
                return;
            }
            self.driver.write_early(&mut self.state);
        }
        // Others may go on for ever. Whoever comes from here on waits for this write, with no callback
        // behind it, and then writes by itself.
        self.state.tenancy.set_yielding();
        self.driver.write_early(&mut self.state);
        interest::note(&mut self.state, &self.driver);
    }

    fn deliver_log_lines(&mut self) {
        if !self.state.log_lines.is_empty() {
            deliver::log_lines(&mut self.state, &mut Pace::new(sys::now()));
        }
    }

    /// There is something to close or to write, and nobody else is told of it.
    fn is_relied_upon(&self) -> bool {
        let state = &self.state;
        let others = state.callbacks.interest.is_some() || state.wakes.has_event_set();
        self.driver.is_superseded(state)
            || state.intent.is_handed_over()
            || !others && self.driver.may_write(state)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.state.client.set_broken();
        }
        if self.state.tenancy.is_freed() {
            self.driver.drop_transport(&mut self.state);
            self.driver.drop_closing(&mut self.state);
            deliver::closing_to_retired(&mut self.state);
        }
        self.state.tenancy.leave();
    }
}

impl Client {
    /// The end of each request: whoever runs the client learns that there is something to do,
    /// or else, when nobody does, this thread writes it. No lock is held on return.
    pub(super) fn wake_or_write(&self, state: Guard) {
        self.wake_or_write_inlined(state);
    }

    /// `wake_or_write` for what each message goes through.
    #[inline(always)]
    pub(super) fn wake_or_write_inlined(&self, state: Guard) {
        // Whoever has the driver and does not wait looks at what there is to do before it does.
        if !state.tenancy.is_attended() {
            self.wake_or_attend(state);
        }
    }

    /// Apart, so that a message which is attended to pays for one comparison.
    #[inline(never)]
    fn wake_or_attend(&self, mut state: Guard) {
        if state.tenancy.is_sleeping() || !state.tenancy.is_held() && state.wakes.has_event_set() {
            state.wakes.wake();
        } else if state.needs_attention() {
            self.attend(state);
        }
    }

    /// Closes a connection that was given up, and writes what a request has encoded, or reports
    /// that there is something to write: a foreign loop with an `on_interest` callback gathers
    /// what it writes.
    #[cold]
    fn attend(&self, state: Guard) {
        if let Ok(mut turn) = Turn::begin(self, state, Who::Request) {
            turn.driver.adopt(&mut turn.state, false);
            turn.driver.advance_closing_early(&mut turn.state);
            let gathers = turn.state.callbacks.interest.is_some();
            if turn.driver.is_open() && !gathers {
                turn.driver.write_early(&mut turn.state);
            }
            turn.end(false);
        }
    }
}
