//! A pass: all that can be done without waiting.

use std::time::Duration;

use super::deliver;
use super::step::{Pass, Step, Stop};
use super::{Driver, trace};
use crate::client::error::Error;
use crate::client::state::log_lines::Level;
use crate::client::state::unlocked::Unlocked;
use crate::client::state::{Guard, State};
use crate::sys;
use crate::sys::sync::MutexGuard;
use crate::time::Moment;
use crate::transport::Transport;

/// So much is freed of a long queue before the system gets it back: the C library keeps what is beneath
/// anything that was allocated later.
const FREED: usize = 8 * 1024 * 1024;

/// How long a client keeps memory, once it has given some back, for what comes next.
const KEEP: Duration = Duration::from_secs(10);

impl Driver {
    /// Does all that can be done without waiting. `read`: the socket may have something; `auto`: a lost
    /// connection is made again. An error is why the connection ended; the program has been told.
    pub fn pass(
        &mut self,
        state: &mut Guard,
        unlocked: &Unlocked,
        read: bool,
        auto: bool,
    ) -> Result<(), Error> {
        self.adopt(state, auto);
        let mut pass = Pass::new(state, unlocked, self.stride);
        let mut step = self.try_pass(&mut pass, read);
        if matches!(step, Err(Stop::Superseded)) {
            // What the program wants in its place begins at once, but no third one: a program may
            // go on like that.
            self.adopt(pass.state, auto);
            pass.epoch = self.epoch;
            step = self.try_pass(&mut pass, false);
        }
        let result = match step {
            Ok(()) | Err(Stop::Superseded) => Ok(()),
            Err(Stop::Over(error)) => self.end(&mut pass, error),
        };
        self.stride = pass.pace.stride();
        self.adopt(state, auto);
        result
    }

    /// Takes over what the program has decided, and begins again what was lost.
    pub fn adopt(&mut self, state: &mut Guard, auto: bool) {
        self.drop_superseded(state);
        self.take_over(state);
        if auto {
            plan_reconnect(state);
        }
    }

    /// The order is what makes a pass right:
    /// 1. The program hears of connections that it ended before it hears of their successor.
    ///    What expires is told without a connection, too.
    /// 2. A failed write is the end of the connection, and comes before anything that would use it.
    /// 3. DISCONNECT that is written comes before reading: the broker closes then, which is no loss.
    /// 4. What the broker has sent comes before any verdict that it did not answer.
    /// 5. What was read, and callbacks have caused, is written in the same pass. QoS 0 messages are told
    ///    once written, and what is published upon that is written too.
    /// 6. Memory is given back last, when it is known that nothing is in it.
    fn try_pass(&mut self, pass: &mut Pass, read: bool) -> Step {
        self.advance_closing(pass)?;
        pass.state.session.expire(pass.now);
        deliver::news(pass)?;
        self.begin(pass)?;
        self.advance(pass)?;
        if let Some(error) = self.failed.take() {
            return Err(Stop::Over(error));
        }
        self.begin_closing(pass)?;
        if !self.is_open() {
            return Ok(());
        }
        if read || self.has_pending(pass.state) || self.read_waits_to_write() || is_due(pass) {
            self.receive(pass)?;
        }
        self.time_out(pass)?;
        self.write(pass.state, pass.now)?;
        deliver::news(pass)?;
        self.write(pass.state, pass.now)?;
        self.trim(pass.state, pass.now);
        if pass.state.session.take_freed(FREED) {
            MutexGuard::unlocked(pass.state, sys::return_freed);
            pass.check_epoch()?;
        }
        self.begin_closing(pass)
    }

    /// Begins the connection that is due, once all is told of those before it.
    fn begin(&mut self, pass: &mut Pass) -> Step {
        if pass.state.intent.is_owed() || !pass.state.intent.begin(pass.now) {
            return Ok(());
        }
        let Some(endpoint) = pass.state.next_endpoint() else {
            return Err(Stop::Over(Error::no_connection()));
        };
        trace::connecting(pass.state, &endpoint);
        let transport = Transport::connect(&endpoint, &pass.state.resolver, pass.now)
            .map_err(|error| Stop::Over(error.into()))?;
        self.transport = Some(transport);
        Ok(())
    }

    /// Moves the transport on until it is open, and then sends CONNECT.
    fn advance(&mut self, pass: &mut Pass) -> Step {
        let Some(transport) = self.transport.as_mut().filter(|t| !t.is_open()) else {
            return Ok(());
        };
        let now = pass.now;
        let result = MutexGuard::unlocked(pass.state, || transport.advance(now));
        pass.check_epoch()?;
        trace::progress(pass.state, transport);
        match result {
            Ok(false) => Ok(()),
            Ok(true) => {
                let opened = pass.state.session.open(sys::now());
                opened.map_err(|error| Stop::Over(error.into()))
            }
            Err(error) => Err(Stop::Over(error.into())),
        }
    }

    /// Looks at what is a matter of time; as long as not all that came is dealt with, nothing is late.
    fn time_out(&mut self, pass: &mut Pass) -> Step {
        if !is_due(pass) {
            return Ok(());
        }
        let session = &mut pass.state.session;
        if self.unhandled {
            session.received(pass.now);
            session.ping(pass.now, || self.sent());
            return Ok(());
        }
        session
            .handle_timeout(pass.now, || self.sent())
            .map_err(|failure| Stop::Over(failure.into()))?;
        if session.has_output() {
            // A ping: nothing has gone on for a whole interval.
            self.trim_at = pass.now;
        }
        Ok(())
    }

    /// Gives back the memory that nothing is in, when nothing is under way any more. A busy client is
    /// idle for a moment after each message, and keeps it.
    fn trim(&mut self, state: &mut State, now: Moment) {
        if now >= self.trim_at && state.session.is_idle() {
            self.trim_at = now + KEEP;
            self.input.trim();
            self.waiting = None;
            state.session.trim();
        }
    }

    /// Closes what the program has replaced or given up. It may do so again meanwhile.
    fn drop_superseded(&mut self, state: &mut Guard) {
        while self.epoch != state.intent.epoch() {
            self.epoch = state.intent.epoch();
            self.on_superseded(state);
            deliver::closing_to_retired(state);
        }
    }

    /// Takes the connection that `pmqtt_connect` has made.
    fn take_over(&mut self, state: &mut Guard) {
        if let Some(transport) = state.intent.take_over() {
            self.transport = Some(*transport);
        }
    }
}

/// A connection that was lost is made again, after a pause; not while a thread makes one in
/// `pmqtt_connect`.
fn plan_reconnect(state: &mut State) {
    if !state.tenancy.is_connecting()
        && let Some(wait) = state.intent.retry(sys::now())
    {
        let (seconds, tenths) = (wait.as_secs(), wait.subsec_millis() / 100);
        state.log(
            Level::Info,
            format_args!("connecting again in {seconds}.{tenths} s"),
        );
    }
}

fn is_due(pass: &Pass) -> bool {
    let timeout = pass.state.session.poll_timeout();
    timeout.is_some_and(|at| pass.now >= at)
}
