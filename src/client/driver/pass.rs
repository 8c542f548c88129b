//! A pass: all the work that needs no waiting.

use std::time::Duration;

use super::auth;
use super::deliver;
use super::step::{Pass, Step, Stop};
use super::{Driver, requests, trace};
use crate::client::error::Error;
use crate::client::state::log_lines::Level;
use crate::client::state::unlocked::Unlocked;
use crate::client::state::{Guard, State};
use crate::sys;
use crate::sys::sync::MutexGuard;
use crate::time::Moment;
use crate::transport::Transport;

/// How much of a long queue is freed before the system gets the memory back. By itself, the C
/// library keeps freed memory below anything that was allocated later.
const FREED: usize = 8 * 1024 * 1024;

/// How long a client keeps its memory after it has given some back.
const KEEP: Duration = Duration::from_secs(10);

/// How long a request waits beyond its time for responses that are received and not handled.
const UNHANDLED: Duration = Duration::from_secs(1);

impl Driver {
    /// Does all the work that needs no waiting. `read`: the socket may be readable; `auto`: the
    /// client reconnects by itself. An error is the reason why the connection ended; the program
    /// has been told.
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
            // The replacement begins at once. A replacement of that one waits for the next pass,
            // because a program may replace connections without end.
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

    /// Adopts the decisions of the program. With `auto`, plans to reconnect.
    pub fn adopt(&mut self, state: &mut Guard, auto: bool) {
        self.drop_superseded(state);
        self.take_over(state);
        if auto {
            plan_reconnect(state);
        }
    }

    /// The order is what makes a pass right:
    /// 1. The program hears of connections that it ended before it hears of their successor.
    ///    Expired messages are reported without a connection, too.
    ///    Then it hears that an authentication starts, which CONNECT waits for.
    /// 2. A failed write ends the connection, before any step that would use it.
    /// 3. A written DISCONNECT is noted before reading: the broker then closes the connection,
    ///    which
    ///    is no loss.
    /// 4. Packets from the broker are read before any decision that it did not answer.
    /// 5. Answers, and packets that callbacks have caused, are written in the same pass. QoS 0
    ///    messages are reported once written. What callbacks publish upon that is written too.
    /// 6. Memory is given back last, when it is known to be unused.
    fn try_pass(&mut self, pass: &mut Pass, read: bool) -> Step {
        self.advance_closing(pass)?;
        let now = pass.state.sending_at(pass.now);
        pass.state.session.expire(now);
        if !self.is_open() {
            requests::expire(pass.state, pass.now);
        }
        deliver::news(pass)?;
        self.begin(pass)?;
        self.advance(pass)?;
        auth::advance(pass)?;
        if let Some(error) = self.seldom.as_mut().and_then(|it| it.failed.take()) {
            return Err(Stop::Over(error));
        }
        self.begin_closing(pass)?;
        if !self.is_open() {
            return Ok(());
        }
        if read
            || self.has_pending(pass.state)
            || self.read_waits_to_write()
            || is_due(pass)
            || is_request_due(pass)
        {
            self.receive(pass)?;
        }
        requests::expire(pass.state, self.handled_until(pass.now));
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

    /// Begins the connection that is due, once everything about earlier ones is reported.
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

    /// Advances the transport until it is open, and then sends CONNECT.
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

    /// Handles timeouts. While received bytes are unhandled, no answer counts as late.
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
            // PINGREQ: the connection was silent for a whole interval.
            self.trim_at = pass.now;
        }
        Ok(())
    }

    /// Responses that came before this moment are handled. While received bytes are unhandled, one may be among
    /// them; a program that is always behind gets its timeouts all the same.
    fn handled_until(&self, now: Moment) -> Moment {
        match self.unhandled {
            true => now - UNHANDLED,
            false => now,
        }
    }

    /// Gives back unused memory if the client is idle. A busy client is idle for a moment after
    /// each
    /// message, and keeps its memory.
    fn trim(&mut self, state: &mut State, now: Moment) {
        if now >= self.trim_at && state.session.is_idle() {
            self.trim_at = now + KEEP;
            self.input.trim();
            self.waiting = None;
            state.session.trim();
            state.trim_seldom();
        }
    }

    /// Closes connections that the program has replaced or given up. Its callbacks may replace more
    /// meanwhile.
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

/// Plans to reconnect after a pause, unless a thread makes a connection in `pmqtt_connect`.
fn plan_reconnect(state: &mut State) {
    if !state.tenancy.is_connecting()
        && let Some(wait) = state.intent.retry(sys::now())
    {
        let (seconds, tenths) = (wait.as_secs(), wait.subsec_millis() / 100);
        let why = match state.intent.backoff.is_refused() {
            true => ": the broker refuses the client again and again",
            false => "",
        };
        state.log(
            Level::Info,
            format_args!("connecting again in {seconds}.{tenths} s{why}"),
        );
    }
}

fn is_due(pass: &Pass) -> bool {
    let timeout = pass.state.session.poll_timeout();
    timeout.is_some_and(|at| pass.now >= at)
}

/// Whether a request times out, unless its response can be read.
fn is_request_due(pass: &Pass) -> bool {
    let deadline = pass.state.request_deadline();
    deadline.is_some_and(|at| pass.now >= at)
}
