//! Which call may run the client: one at a time, until it returns.

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

/// How often an ending call checks for the work that others have left to it, and does it. One last
/// write follows if each check has found some.
const LAST_WRITES: usize = 2;

/// The same while other threads replace the connection. The new one is adopted here: a foreign loop
/// that does not know its descriptor may come back late.
const LAST_CONNECTIONS: usize = 16;

/// A call that may run callbacks or wait, and the lock that it works under. While a frame exists,
/// the client is not destroyed: `free` waits for it. If `free` is called inside a frame, the client
/// ends with the outermost frame of this thread.
///
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

    /// Notifies the calls that wait for a change.
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
    /// If a callback freed the client, the end of this call is the end of the client. It waits for
    /// the calls of other threads, as `free` does outside of callbacks.
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

/// A frame that has the driver. Its end releases the driver.
pub struct Turn<'a> {
    client: &'a Client,
    pub driver: MutexGuard<'a, Driver>,
    pub state: Frame<'a>,
    /// This call waits itself, and no other loop waits for its descriptors meanwhile.
    waits: bool,
}

impl<'a> Turn<'a> {
    /// Takes the driver. Waits for a request that has it, since that takes only a moment, but not
    /// for a loop call.
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

    /// Begins a turn that waits itself: until its end, other loops have nothing to wait for.
    pub fn begin_waiting(client: &'a Client, state: Guard<'a>, who: Who) -> Result<Turn<'a>> {
        let mut turn = Turn::begin(client, state, who)?;
        turn.waits = true;
        interest::suspend(&mut turn.state);
        Ok(turn)
    }

    /// Does all the work that needs no waiting. Keeps the lock after the last callback, so that
    /// what the caller finds then holds until it waits.
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

    /// Waits until there is work, at most for `timeout`. Returns true if the transport may have
    /// something to read. A wait that fails is a short one, because the next may succeed.
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
        // A call that cannot be woken checks for work after a pause.
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

    /// Releases the driver, after other loops were told what to wait for. Before that, handles
    /// requests that were made meanwhile and rely on this call.
    pub fn end(mut self, auto: bool) {
        for checks in 1.. {
            self.driver.adopt(&mut self.state, auto);
            self.deliver_log_lines();
            interest::update(&mut self.state, &mut self.driver);
            if !self.is_relied_upon() {
                return;
            }
            self.driver.write_early(&mut self.state);
            let most = match self.has_successor() {
                true => LAST_CONNECTIONS,
                false => LAST_WRITES,
            };
            if checks >= most {
                break;
            }
        }
        // Other threads may go on for ever, so this write is the last one. No callback follows it.
        // A request that comes during this write no longer relies on this call:
        // - If this call is a request, the new one waits for the driver, and writes by itself.
        // - If this call is a loop call, the new one returns at once. This write takes its output
        //   too, unless the socket is full or the limit of `Driver::write` is reached. The next
        //   loop call or request writes what is left. Until then, `note` lets `Client::wants_write`
        //   report it.
        self.state.tenancy.set_yielding();
        self.driver.write_early(&mut self.state);
        interest::note(&mut self.state, &self.driver);
    }

    fn deliver_log_lines(&mut self) {
        if !self.state.log_lines.is_empty() {
            deliver::log_lines(&mut self.state, &mut Pace::new(sys::now()));
        }
    }

    /// Whether there is something to close or to write that no other call is told of.
    fn is_relied_upon(&self) -> bool {
        let state = &self.state;
        let others = state.callbacks.interest.is_some() || state.wakes.has_event_set();
        self.has_successor() || !others && self.driver.may_write(state)
    }

    /// Whether the program has replaced or given up the connection since the driver adopted it.
    fn has_successor(&self) -> bool {
        self.driver.is_superseded(&self.state) || self.state.intent.is_handed_over()
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
    /// Ends each request. The call that runs the client learns that there is work. If no call runs
    /// it, this thread writes. No lock is held on return.
    pub(super) fn wake_or_write(&self, state: Guard) {
        self.wake_or_write_inlined(state);
    }

    /// `wake_or_write` for the path of each message.
    #[inline(always)]
    pub(super) fn wake_or_write_inlined(&self, state: Guard) {
        // A call that has the driver and does not wait checks for work before it waits or ends.
        if !state.tenancy.is_attended() {
            self.wake_or_attend(state);
        }
    }

    /// Not inlined: a message costs only one comparison if the call that has the driver checks for
    /// work.
    #[inline(never)]
    fn wake_or_attend(&self, mut state: Guard) {
        if state.tenancy.is_sleeping() || !state.tenancy.is_held() && state.wakes.has_event_set() {
            state.wakes.wake();
        } else if state.needs_attention() {
            self.attend(state);
        }
    }

    /// Closes a connection that was given up, and writes what a request has encoded. With an
    /// `on_interest` callback, it only reports that there is output: such a foreign loop gathers
    /// what it writes. Does nothing if a loop call has the driver: see `Turn::end`.
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
