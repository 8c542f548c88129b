//! The four ways to run a client: one step, a foreign loop, a thread, for ever.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use super::error::{Code, Error, Result};
use super::log::Level;
use super::state::{Guard, HolderKind, LoopThread, Plan, State};
use super::turn::Turn;
use super::{Client, interest, thread_mark};
use crate::sys;
use crate::time::Moment;

/// How long the loop thread goes on after it was told to stop, to write what is queued.
const LAST_WRITES: Duration = Duration::from_secs(1);

const STACK: usize = 2 * 1024 * 1024;

impl Client {
    /// One step: waits for the socket at the most for `timeout`, and does what there is to do.
    pub fn run_once(&self, timeout: Duration) -> Result {
        let until = sys::now() + timeout;
        let mut turn = self.begin_waiting(self.lock())?;
        let was_idle = turn.state.is_idle();
        let mut result = turn.pass(false, false);
        while result.is_ok() && was_idle == turn.state.is_idle() {
            let rest = until.since(sys::now());
            result = turn
                .wait(Some(rest))
                .and_then(|read| turn.pass(read, false));
            // Without a connection there is nothing else that ends the step early.
            if !was_idle || turn.state.freed || sys::now() >= until {
                break;
            }
        }
        result = result.and_then(|()| turn.state.check_alive(was_idle));
        turn.end(false);
        result
    }

    /// A step of a foreign loop: does what can be done without waiting.
    pub fn step(&self, read: bool) -> Result {
        self.step_as(read, false)
    }

    /// The time that a foreign loop was told to wait is over; it is told the next one.
    pub fn time_out(&self) -> Result {
        self.lock().reported.expire();
        self.step(false)
    }

    /// The event descriptor is readable.
    pub fn process(&self) -> Result {
        let result = self.step_as(true, true);
        // A lost connection is made again, so that there is nothing for the caller to do.
        match result {
            Err(error) if error.code != Code::Busy && self.lock().wanted => Ok(()),
            result => result,
        }
    }

    fn step_as(&self, read: bool, auto: bool) -> Result {
        let mut turn = Turn::begin(self, self.lock(), HolderKind::Loop)?;
        let was_idle = turn.state.is_idle();
        if auto {
            turn.state.drain_event_set();
        }
        let result = turn.pass(read, auto);
        // With `auto` the step that ends the last connection says so at once: the event descriptor
        // would not call for another step.
        let result = result.and_then(|()| turn.state.check_alive(was_idle || auto));
        turn.end(auto);
        result
    }

    /// One descriptor that is readable whenever `process` is to be called.
    pub fn event_fd(&self) -> Result<RawFd> {
        let mut state = self.lock();
        let is_new = !state.has_event_set();
        let fd = state.make_event_set()?.as_raw_fd();
        if is_new {
            // The first `process` finds out what there is to wait for.
            state.wake();
        }
        Ok(fd)
    }

    /// Runs until the program has asked for the end of the connection.
    pub fn run_forever(&self, retry_first: bool) -> Result {
        let state = self.lock();
        if state.route.is_none() {
            let text = "loop_forever: call connect or connect_async first";
            return Err(Error::inval(text));
        }
        let mut turn = self.begin_waiting(state)?;
        if turn.state.wanted && matches!(turn.state.plan, Plan::Rest) {
            // The connect before this has failed, or its connection was lost.
            turn.state.plan = Plan::Connect { at: sys::now() };
        }
        let result = run(&mut turn, retry_first, |state| {
            !state.wanted && state.is_idle() || state.freed
        });
        let _ = write_rest(&mut turn);
        turn.end(false);
        result
    }

    pub fn start_thread(self: &Arc<Self>) -> Result {
        let mut state = self.lock();
        if state.freed || state.loop_thread.is_some() {
            return Err(Error::inval("loop_start: the loop thread runs already"));
        }
        // Made here, where its failure can be reported.
        state.waker()?;
        state.loop_threads_started = state.loop_threads_started.wrapping_add(1);
        let number = state.loop_threads_started;
        let client = Arc::clone(self);
        let body = Box::new(move || client.run_thread(number));
        let handle =
            sys::spawn("pmqtt", STACK, body).map_err(|error| Error::os("loop_start", &error))?;
        state.loop_thread = Some(Box::new(LoopThread {
            number,
            mark: None,
            handle: Some(handle),
        }));
        Ok(())
    }

    /// Tells the loop thread to stop, and waits until it has; in one of its own callbacks it
    /// stops when that has returned.
    pub fn stop_thread(&self) -> Result {
        let mut state = self.lock();
        let Some(thread) = state.loop_thread.take() else {
            return Err(Error::inval("loop_stop: no loop thread runs"));
        };
        state.wake();
        self.changed.notify_all();
        drop(state);
        if let Some(handle) = thread.handle
            && thread.mark != Some(thread_mark())
        {
            // A panic in it has been recorded in the client.
            let _ = handle.join();
        }
        Ok(())
    }

    fn run_thread(self: Arc<Self>, number: u32) {
        let stopped = |state: &State| {
            state.freed
                || state
                    .loop_thread
                    .as_ref()
                    .is_none_or(|t| t.number != number)
        };
        let mut state = self.lock();
        if let Some(thread) = state.loop_thread.as_mut().filter(|t| t.number == number) {
            thread.mark = Some(thread_mark());
        }
        // Another loop call may be at its end, or a foreign loop be in the middle of a step.
        while state.holder.is_some() && !stopped(&state) {
            self.changed.wait(&mut state);
        }
        if stopped(&state) {
            return;
        }
        if let Ok(mut turn) = self.begin_waiting(state) {
            // Why connections failed was told to callbacks; a wait that fails is told here alone.
            if let Err(error) = run(&mut turn, true, stopped) {
                turn.state.log(Level::Err, format_args!("{}", error.text));
                turn.state.last_error = Some(error);
            }
            let _ = write_rest(&mut turn);
            turn.end(false);
        }
    }

    /// Waits until all that was published is settled, or the timeout is over; `left` is told how
    /// many messages are not.
    pub fn drain(&self, timeout: Duration, left: &mut usize) -> Result {
        let until = sys::now() + timeout;
        let mut state = self.lock();
        *left = state.session.unsettled();
        match &state.holder {
            Some(holder) if holder.thread == thread_mark() => {
                let text = "drain: called in a callback, which holds up the loop";
                Err(Error::busy(text))
            }
            Some(holder) if holder.kind == HolderKind::Loop => {
                self.wait_until_settled(&mut state, until);
                *left = state.session.unsettled();
                all_settled(*left)
            }
            _ => {
                let auto = state.has_event_set();
                let mut turn = self.begin_waiting(state)?;
                let result = run_until_settled(&mut turn, auto, until);
                *left = turn.state.session.unsettled();
                turn.end(auto);
                all_settled(*left).or_else(|error| result.and(Err(error)))
            }
        }
    }

    /// Another thread runs the client.
    fn wait_until_settled(&self, state: &mut Guard, until: Moment) {
        state.drainers += 1;
        while !state.is_settled() && !state.freed {
            let rest = until.since(sys::now());
            if self.changed.wait_for(state, rest).timed_out() {
                break;
            }
        }
        state.drainers -= 1;
    }

    /// A turn that waits by itself: a foreign loop has nothing to wait for until its end.
    fn begin_waiting<'a>(&'a self, state: Guard<'a>) -> Result<Turn<'a>> {
        let mut turn = Turn::begin(self, state, HolderKind::Loop)?;
        if let Some(event_set) = turn.state.event_set() {
            event_set.rest();
        }
        turn.state.drain_event_set();
        interest::tell_closing(&mut turn.state);
        Ok(turn)
    }
}

/// Runs until `stopped`; connections that end are made again, after a wait. With `retry_first`
/// false, the first that cannot be made ends it.
fn run(turn: &mut Turn, retry_first: bool, stopped: impl Fn(&State) -> bool) -> Result {
    let mut first = !retry_first && !turn.driver.is_open();
    let mut read = true;
    while !stopped(&turn.state) {
        let result = turn.pass(read, !first);
        first &= !turn.driver.is_open();
        match result {
            Err(error) if first => return Err(error),
            _ => {}
        }
        if turn.state.drainers > 0 && turn.state.is_settled() {
            turn.state.notify();
        }
        if stopped(&turn.state) {
            break;
        }
        read = turn.wait(None)?;
    }
    Ok(())
}

fn run_until_settled(turn: &mut Turn, auto: bool, until: Moment) -> Result {
    turn.pass(false, auto)?;
    while !turn.state.is_settled() && sys::now() < until {
        if turn.state.is_idle() {
            return Err(Error::no_connection());
        }
        let rest = until.since(sys::now());
        let read = turn.wait(Some(rest))?;
        turn.pass(read, auto)?;
    }
    Ok(())
}

fn all_settled(left: usize) -> Result {
    match left {
        0 => Ok(()),
        _ => {
            let text = format!("drain: {left} messages are not settled");
            Err(Error::new(Code::Timeout, text))
        }
    }
}

/// Before a loop ends: what is queued still goes out, and after a DISCONNECT the
/// connection is closed, also one that has a successor.
fn write_rest(turn: &mut Turn) -> Result {
    let until = sys::now() + LAST_WRITES;
    while turn.driver.wants_write(&turn.state)
        || turn.state.session.is_finished()
        || turn.state.leaving
    {
        let rest = until.since(sys::now());
        if rest.is_zero() {
            break;
        }
        let read = turn.wait(Some(rest))?;
        turn.pass(read, false)?;
    }
    Ok(())
}

impl State {
    /// No connection is there, none is being made or left, and nothing is to be told.
    pub fn is_idle(&self) -> bool {
        matches!(self.plan, Plan::Rest) && self.replaced == 0 && !self.leaving
    }

    /// No message waits for anything. Some may be on a connection that is being left.
    fn is_settled(&self) -> bool {
        self.session.unsettled() == 0 && self.farewell.is_none() && !self.leaving
    }

    /// A step that found nothing to do says so; the step in which a connection ends does not.
    fn check_alive(&self, was_idle: bool) -> Result {
        match was_idle && self.is_idle() {
            true => Err(Error::no_connection()),
            false => Ok(()),
        }
    }
}
