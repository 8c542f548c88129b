//! The driver moves one connection on. Whoever runs a loop call has it, and nobody else, so
//! that the transport is never touched under the lock.
//!
//! Each step drops the lock where it reads, writes or runs a callback, and looks at the epoch
//! when it has it again: the program may have replaced the connection meanwhile.

use std::time::Duration;

use parking_lot::MutexGuard;

use super::callbacks::call;
use super::error::{Code, Error};
use super::events::{ConnectFailed, Disconnected, Published, Subscribed, Unsubscribed, Writable};
use super::input::Input;
use super::interest::{self, Watching};
use super::leaving::Leaving;
use super::log::{self, Level};
use super::run::Flow;
use super::state::{Guard, Plan, State};
use super::trace;
use super::writing::Writing;
use crate::session::{Outcome, Phase};
use crate::sys::{self, PollSet, Watch};
use crate::time::Moment;
use crate::transport::Transport;

/// How often one pass writes before it lets others have their turn.
const WRITES: usize = 16;

/// How long a client keeps memory, once it has given some back, for what comes next.
const REST: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct Driver {
    pub(super) epoch: u64,
    pub(super) transport: Option<Transport>,
    pub(super) input: Input,
    pub(super) writing: Writing,
    /// The socket took less than there was.
    pub(super) blocked: bool,
    /// A write failed where nobody could be told: the next pass does.
    pub(super) failed: Option<Error>,
    /// A connection that was asked to end: the present one, or the last before it. There is never
    /// more than one, as the older one has had the whole life of its successor for its end.
    pub(super) leaving: Option<Box<Leaving>>,
    /// Made by the first call that waits, or that updates the event descriptor.
    pub(super) waiting: Option<Box<Waiting>>,
    /// When memory may be given back again.
    rests_at: Moment,
}

/// Memory for what is waited for, kept so that waiting allocates nothing.
#[derive(Default)]
pub struct Waiting {
    pub poll_set: PollSet,
    pub watches: Vec<Watch>,
}

/// Why a pass ended early.
pub enum Stop {
    /// The program has replaced or given up the connection.
    Superseded,
    /// The connection, or the attempt at one, is over.
    Over(Error),
}

pub type Step = Result<(), Stop>;

impl Driver {
    /// Does all that can be done without waiting. An error is why the connection ended; the
    /// program has been told.
    pub fn pass(
        &mut self,
        state: &mut Guard,
        flow: &Flow,
        read: bool,
        auto: bool,
    ) -> Result<(), Error> {
        let mut step = self.try_pass(state, flow, read, auto);
        if matches!(step, Err(Stop::Superseded)) {
            // What the program wants in its place begins at once, but no third one: a program may
            // go on like that.
            step = self.try_pass(state, flow, false, auto);
        }
        let result = match step {
            Ok(()) | Err(Stop::Superseded) => Ok(()),
            Err(Stop::Over(error)) => self.end(state, error),
        };
        self.adopt(state, auto);
        result
    }

    fn try_pass(&mut self, state: &mut Guard, flow: &Flow, read: bool, auto: bool) -> Step {
        let now = sys::now();
        self.adopt(state, auto);
        self.leave(state, now)?;
        self.tell_news(state)?;
        self.start(state, now)?;
        self.advance(state, now)?;
        if let Some(error) = self.failed.take() {
            return Err(Stop::Over(error));
        }
        // The broker closes the connection in its turn, which is no loss then.
        self.finish(state, now)?;
        if !self.is_open() {
            return Ok(());
        }
        let due = |state: &Guard| state.session.poll_timeout().is_some_and(|at| now >= at);
        // What the broker sent while the program was busy elsewhere comes before any verdict
        // that it did not answer.
        if read || self.has_pending() || due(state) {
            self.receive(state, flow, now)?;
        }
        if due(state) {
            self.time_out(state, now)?;
        }
        self.write(state, now)?;
        self.tell_news(state)?;
        self.write(state, now)?;
        self.rest(state, now);
        self.finish(state, now)
    }

    /// Gives back the memory that nothing is in, when nothing is under way any more. A busy client is
    /// idle for a moment after each message, and keeps it.
    fn rest(&mut self, state: &mut State, now: Moment) {
        if now >= self.rests_at && state.session.is_idle() {
            self.rests_at = now + REST;
            self.input.rest();
            self.waiting = None;
            state.session.rest();
        }
    }

    /// Takes over what the program decided since: lets go of a connection that it replaced, and
    /// takes one that `connect` has made. `auto`: a lost connection is made again.
    pub fn adopt(&mut self, state: &mut Guard, auto: bool) {
        while self.epoch != state.epoch {
            self.epoch = state.epoch;
            self.depart(state);
            self.let_go(state);
        }
        match std::mem::replace(&mut state.plan, Plan::Underway) {
            Plan::Adopt(transport) => self.transport = Some(*transport),
            Plan::Rest if auto && state.wanted => {
                let wait = state.backoff.wait();
                let (seconds, tenths) = (wait.as_secs(), wait.subsec_millis() / 100);
                state.log(
                    Level::Info,
                    format_args!("connecting again in {seconds}.{tenths} s"),
                );
                state.plan = Plan::Connect {
                    at: sys::now() + wait,
                };
            }
            plan => state.plan = plan,
        }
    }

    /// Begins the connection that is due.
    fn start(&mut self, state: &mut Guard, now: Moment) -> Step {
        if !matches!(state.plan, Plan::Connect { at } if at <= now) {
            return Ok(());
        }
        let Some(endpoint) = state.next_endpoint() else {
            state.plan = Plan::Rest;
            return Ok(());
        };
        state.plan = Plan::Underway;
        trace::connecting(state, &endpoint);
        let transport = Transport::connect(&endpoint, &state.resolver, now)
            .map_err(|error| Stop::Over(error.into()))?;
        self.transport = Some(transport);
        Ok(())
    }

    /// Moves the transport on until it is open, and then sends CONNECT.
    fn advance(&mut self, state: &mut Guard, now: Moment) -> Step {
        let Some(transport) = self.transport.as_mut().filter(|t| !t.is_open()) else {
            return Ok(());
        };
        let result = MutexGuard::unlocked(state, || transport.advance(now));
        check_epoch(self.epoch, state)?;
        trace::progress(state, transport);
        match result {
            Ok(false) => Ok(()),
            Ok(true) => state.session.open(sys::now()).map_err(|error| {
                let text = format!("mqtt: CONNECT cannot be sent: {} is too long", error.0);
                Stop::Over(Error::inval(text))
            }),
            Err(error) => Err(Stop::Over(error.into())),
        }
    }

    fn time_out(&mut self, state: &mut Guard, now: Moment) -> Step {
        state
            .session
            .handle_timeout(now)
            .map_err(|failure| Stop::Over(failure.into()))?;
        if state.session.has_output() {
            // A ping: nothing has gone on for a whole interval.
            self.rests_at = now;
        }
        Ok(())
    }

    /// Writes what the session has, as far as the socket takes it.
    pub fn write(&mut self, state: &mut Guard, now: Moment) -> Step {
        self.blocked = false;
        for _ in 0..WRITES {
            if self.writing.is_empty() {
                if !state.session.has_output() {
                    return Ok(());
                }
                self.writing.take(&mut state.session);
                if state.logs() {
                    trace::sent(state, self.writing.rest());
                }
            }
            self.write_once(state, now)?;
            if self.blocked {
                break;
            }
        }
        Ok(())
    }

    fn write_once(&mut self, state: &mut Guard, now: Moment) -> Step {
        let Some(transport) = &mut self.transport else {
            return Err(Stop::Superseded);
        };
        let rest = self.writing.rest();
        let all = rest.len();
        let result = MutexGuard::unlocked(state, || transport.write(rest));
        // Also where the connection has been replaced meanwhile: it may have more to say.
        self.writing.written(*result.as_ref().unwrap_or(&0));
        check_epoch(self.epoch, state)?;
        let count = match result {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(Stop::Over(Error::lost(&error))),
        };
        self.blocked = count < all;
        state.counters.bytes_out += count as u64;
        state.session.written(count, self.blocked, now);
        Ok(())
    }

    /// Tells the program what no packet tells: ends of replaced connections, QoS 0 messages
    /// written, requests lost.
    fn tell_news(&mut self, state: &mut Guard) -> Step {
        log::deliver(state);
        while state.replaced > 0 {
            state.replaced -= 1;
            let callback = state.callbacks.disconnect;
            call(state, callback, &Disconnected { rc: 0 });
        }
        while let Some(outcome) = state.session.next_outcome() {
            tell(state, outcome);
        }
        check_epoch(self.epoch, state)
    }

    /// The connection or the attempt is over: cleans up and tells the program.
    fn end(&mut self, state: &mut Guard, error: Error) -> Result<(), Error> {
        let code = error.code;
        let epoch = self.epoch;
        let owed = std::mem::take(&mut state.owes_disconnect);
        state.session.close();
        state.plan = Plan::Rest;
        state.backoff.ended(sys::now());
        if code == Code::Success {
            state.log(Level::Info, format_args!("{}", error.text));
            self.part(state);
        } else {
            state.failed(&error);
            state.last_error = Some(error.clone());
        }
        self.let_go(state);
        // The news are those of the lost connection, told even where it has a successor already.
        let _ = self.tell_news(state);
        if owed {
            let callback = state.callbacks.disconnect;
            call(state, callback, &Disconnected { rc: code as i32 });
        } else if state.epoch == epoch {
            let callback = state.callbacks.connect_fail;
            call(state, callback, &ConnectFailed { rc: code as i32 });
        }
        match code {
            Code::Success => Ok(()),
            _ => Err(error),
        }
    }

    /// Closes the transport, after all who watch its descriptors have been told.
    pub fn let_go(&mut self, state: &mut Guard) {
        if let Some(transport) = self.transport.take() {
            if let Some(event_set) = state.event_set() {
                event_set.rest();
            }
            // Its descriptor may be another's from here on.
            state.watching = Watching::default();
            interest::tell_closing(state);
            drop(transport);
        }
        self.input.clear();
        self.writing.clear();
        self.blocked = false;
        self.failed = None;
    }

    /// What the transport waits for.
    pub fn watch(&mut self, state: &State) -> &mut Waiting {
        let write = self.wants_write(state);
        let waiting = self.waiting.get_or_insert_default();
        waiting.watches.clear();
        if let Some(transport) = &self.transport {
            transport.watches(write, &mut waiting.watches);
        }
        let leaving = self.leaving.as_ref();
        waiting
            .watches
            .extend(leaving.and_then(|leaving| leaving.watch()));
        waiting
    }

    pub fn wants_write(&self, state: &State) -> bool {
        let output = state.session.phase() != Phase::Closed && state.session.has_output();
        self.has_unwritten() || output
    }

    pub fn is_open(&self) -> bool {
        self.transport.as_ref().is_some_and(Transport::is_open)
    }

    /// There is something to read that no descriptor tells of.
    pub fn has_pending(&self) -> bool {
        self.transport.as_ref().is_some_and(Transport::has_pending)
    }

    /// There are bytes that the socket did not take.
    pub fn has_unwritten(&self) -> bool {
        !self.writing.is_empty()
    }
}

/// Whether the connection is still the one that is being worked on.
pub fn check_epoch(epoch: u64, state: &Guard) -> Step {
    match epoch == state.epoch {
        true => Ok(()),
        false => Err(Stop::Superseded),
    }
}

fn tell(state: &mut Guard, outcome: Outcome) {
    const LOST: i32 = Code::ConnLost as i32;
    match outcome {
        Outcome::Written { mid } => {
            state.counters.messages_out += 1;
            let callback = state.callbacks.publish;
            call(state, callback, &Published { mid, rc: 0 });
        }
        Outcome::Lost { mid } => {
            let callback = state.callbacks.publish;
            call(state, callback, &Published { mid, rc: LOST });
        }
        Outcome::SubscribeLost { mid } => {
            let callback = state.callbacks.subscribe;
            let event = Subscribed {
                mid,
                rc: LOST,
                granted_qos: [].as_ptr(),
                granted_qos_count: 0,
            };
            call(state, callback, &event);
        }
        Outcome::UnsubscribeLost { mid } => {
            let callback = state.callbacks.unsubscribe;
            call(state, callback, &Unsubscribed { mid, rc: LOST });
        }
        Outcome::Writable => {
            let callback = state.callbacks.writable;
            let event = Writable {
                messages: state.session.queued() + state.session.in_flight(),
                bytes: state.session.queued_bytes(),
            };
            call(state, callback, &event);
        }
    }
}
