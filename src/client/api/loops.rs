//! The ways to run a client: one step, a foreign loop, a thread, for ever.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use crate::client::error::{Code, Error, Result};
use crate::client::handle::Client;
use crate::client::state::tenancy::{Runner, Who};
use crate::client::state::{Guard, State};
use crate::client::turn::Turn;
use crate::sys;
use crate::time::Moment;

/// How long an ending loop goes on, to write what was accepted and to report outcomes.
const LAST_WORDS: Duration = Duration::from_secs(1);

const STACK: usize = 2 * 1024 * 1024;

impl Client {
    /// One step: does all the work that needs no waiting, and waits at most `timeout` for the
    /// socket.
    pub fn run_once(&self, timeout: Duration) -> Result {
        let until = sys::now() + timeout;
        let mut turn = Turn::begin_waiting(self, self.lock(), Who::Loop)?;
        let was_idle = turn.state.is_idle();
        let mut result = turn.pass(false, false);
        // A step waits once. Without a connection, it waits until one begins or its time is over.
        while result.is_ok() && turn.state.is_idle() == was_idle {
            let read = turn.wait(Some(until.since(sys::now())));
            result = turn.pass(read, false);
            if !was_idle || turn.state.tenancy.is_gone() || sys::now() >= until {
                break;
            }
        }
        result = result.and_then(|()| check_alive(&turn.state, was_idle));
        turn.end(false);
        result
    }

    /// A step of a foreign loop: does all the work that needs no waiting.
    pub fn step(&self, read: bool) -> Result {
        self.step_as(read, false)
    }

    /// The timeout of a foreign loop is over. `on_interest` reports the next one.
    pub fn time_out(&self) -> Result {
        self.lock().reported.expire();
        self.step(false)
    }

    /// A step after the event descriptor became readable.
    pub fn process(&self) -> Result {
        let result = self.step_as(true, true);
        // The client reconnects by itself, so the caller has nothing to do.
        match result {
            Err(error) if error.code != Code::Busy && self.lock().intent.is_wanted() => Ok(()),
            result => result,
        }
    }

    fn step_as(&self, read: bool, auto: bool) -> Result {
        let mut turn = Turn::begin(self, self.lock(), Who::Loop)?;
        let was_idle = turn.state.is_idle();
        if auto {
            turn.state.wakes.drain_event_set();
        }
        let result = turn.pass(read, auto);
        // With `auto`, the step that ends the last connection returns that error itself: the event
        // descriptor would not request another step.
        let result = result.and_then(|()| check_alive(&turn.state, was_idle || auto));
        turn.end(auto);
        result
    }

    /// One descriptor that is readable whenever `process` has work.
    pub fn event_fd(&self) -> Result<RawFd> {
        let mut state = self.lock();
        let is_new = !state.wakes.has_event_set();
        let fd = state.wakes.make_event_set()?.as_raw_fd();
        if is_new {
            // The first `process` determines what to wait for.
            state.wake();
        }
        Ok(fd)
    }

    /// The descriptor that a foreign loop watches.
    pub fn socket(&self) -> Option<RawFd> {
        self.lock().watching.primary.map(|watch| watch.fd)
    }

    pub fn wants_read(&self) -> bool {
        self.lock().watching.primary.is_some_and(|watch| watch.read)
    }

    pub fn wants_write(&self) -> bool {
        self.lock().wants_write()
    }

    /// How long until `loop_misc` is due; None: never.
    pub fn next_timeout(&self) -> Option<Duration> {
        let at = self.lock().deadline()?;
        Some(at.since(sys::now()))
    }

    /// Runs until the program has requested the end of the connection.
    pub fn run_forever(&self, retry_first: bool) -> Result {
        let state = self.lock();
        if state.intent.route.is_none() {
            let text = "loop_forever: call connect or connect_async first";
            return Err(Error::inval(text));
        }
        let mut turn = Turn::begin_waiting(self, state, Who::Loop)?;
        turn.state.intent.resume();
        let result = run(&mut turn, retry_first, |state| {
            state.is_over() || state.tenancy.is_gone()
        });
        say_last_words(&mut turn);
        turn.end(false);
        result
    }

    /// Starts the loop thread. The client belongs to it from now on, even before the thread begins.
    pub fn start_thread(self: &Arc<Self>) -> Result {
        let mut state = self.lock();
        if state.tenancy.is_freed() || state.tenancy.has_loop_thread() {
            return Err(Error::inval("loop_start: the loop thread runs already"));
        }
        // Created here, because this call can report a failure.
        state.wakes.waker()?;
        let number = state.tenancy.next_loop_thread();
        let client = Arc::clone(self);
        let body = Box::new(move || client.run_thread(number));
        let handle =
            sys::spawn("pmqtt", STACK, body).map_err(|error| Error::os("loop_start", &error))?;
        state.tenancy.set_loop_thread(number, handle);
        Ok(())
    }

    /// Tells the loop thread to stop, and waits for its end. If one of its own callbacks calls
    /// this,
    /// the thread stops after that callback has returned.
    pub fn stop_thread(&self) -> Result {
        let mut state = self.lock();
        let Some(thread) = state.tenancy.stop_loop_thread() else {
            return Err(Error::inval("loop_stop: no loop thread runs"));
        };
        state.wake();
        self.changed.notify_all();
        drop(state);
        if let Some(handle) = thread {
            // The client has recorded a panic of the thread.
            let _ = handle.join();
        }
        Ok(())
    }

    fn run_thread(self: Arc<Self>, number: u16) {
        let stopped = |state: &State| state.tenancy.is_gone() || state.tenancy.is_stopped(number);
        let mut state = self.lock();
        state.tenancy.mark_loop_thread(number);
        // Another loop call may be about to end, or a foreign loop may be in a step.
        while state.tenancy.is_held() {
            if stopped(&state) && !state.tenancy.is_held_for_a_moment() {
                return;
            }
            self.changed.wait(&mut state);
        }
        // A thread that was stopped before it began still writes what was accepted.
        if let Ok(mut turn) = Turn::begin_waiting(&self, state, Who::LoopThread) {
            // Callbacks have reported why connections failed.
            let _ = run(&mut turn, true, stopped);
            say_last_words(&mut turn);
            turn.end(false);
        }
    }

    /// Waits until everything accepted is settled, or the timeout is over. Returns how much is not
    /// settled.
    pub fn drain(&self, timeout: Duration) -> (Result, usize) {
        let until = sys::now() + timeout;
        let mut state = self.lock();
        let doubts = state.counters.in_doubt;
        loop {
            let left = state.session.unsettled();
            match state.tenancy.runner() {
                Runner::Myself => {
                    let text = "drain: called in a callback, which holds up the loop";
                    return (Err(Error::busy(text)), left);
                }
                Runner::Nobody => match Turn::begin_waiting(self, state, Who::Loop) {
                    Ok(turn) => return drain_here(turn, until, doubts),
                    // Another thread was faster.
                    Err(error) if error.code == Code::Busy => state = self.lock(),
                    Err(error) => return (Err(error), left),
                },
                Runner::Another if sys::now() >= until => {
                    return (check_settled(&state, left, doubts), left);
                }
                // The other thread may be reporting the last outcome.
                Runner::Another if state.tenancy.is_passing() => {
                    self.wait_for_another(&mut state, until);
                }
                Runner::Another if state.is_settled() => {
                    return (check_settled(&state, left, doubts), left);
                }
                Runner::Another if state.is_over() => return (Err(Error::no_connection()), left),
                Runner::Another => self.wait_for_another(&mut state, until),
            }
        }
    }

    /// Waits until everything is settled, or the other thread no longer runs the client.
    fn wait_for_another(&self, state: &mut Guard, until: Moment) {
        state.tenancy.add_drainer();
        self.changed.wait_for(state, until.since(sys::now()));
        state.tenancy.remove_drainer();
    }
}

/// Runs until `stopped`, and reconnects after a pause. With `retry_first` false, a failure of the
/// first connection ends the run.
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
        let is_drained = turn.state.is_settled() || turn.state.is_over();
        if turn.state.tenancy.has_drainers() && is_drained {
            turn.state.notify();
        }
        if stopped(&turn.state) {
            break;
        }
        read = turn.wait(None);
    }
    Ok(())
}

/// Before a loop ends, writes what was accepted and reports outcomes. This includes DISCONNECT,
/// also that of a connection with a successor.
fn say_last_words(turn: &mut Turn) {
    let until = sys::now() + LAST_WORDS;
    while !turn.state.is_said() && !turn.state.tenancy.is_gone() {
        let left = until.since(sys::now());
        if left.is_zero() {
            break;
        }
        let read = turn.wait(Some(left));
        let _ = turn.pass(read, false);
    }
}

fn drain_here(mut turn: Turn, until: Moment, doubts: u16) -> (Result, usize) {
    let auto = turn.state.wakes.has_event_set();
    let result = run_until_settled(&mut turn, auto, until);
    let left = turn.state.session.unsettled();
    let settled = check_settled(&turn.state, left, doubts);
    turn.end(auto);
    match left {
        0 => (settled, left),
        _ => (result.and(settled), left),
    }
}

fn run_until_settled(turn: &mut Turn, auto: bool, until: Moment) -> Result {
    let mut read = false;
    loop {
        let result = turn.pass(read, auto);
        // With `auto`, the client reconnects after a loss.
        if !auto {
            result?;
        }
        if turn.state.is_settled() || sys::now() >= until {
            return Ok(());
        }
        if turn.state.is_idle() {
            return Err(Error::no_connection());
        }
        read = turn.wait(Some(until.since(sys::now())));
    }
}

/// `doubts`: how many messages were in doubt before.
fn check_settled(state: &State, left: usize, doubts: u16) -> Result {
    match left {
        0 if state.counters.in_doubt != doubts => Err(Error::new(
            Code::InDoubt,
            "drain: the broker may have lost a message together with the session",
        )),
        0 => Ok(()),
        _ => {
            let text = format!("drain: {left} messages and requests are not settled");
            Err(Error::new(Code::Timeout, text))
        }
    }
}

/// A step of an idle client is an error, but the step in which a connection ends is none.
fn check_alive(state: &State, was_idle: bool) -> Result {
    match was_idle && state.is_idle() {
        true => Err(Error::no_connection()),
        false => Ok(()),
    }
}
