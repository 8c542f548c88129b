//! The end of a connection that the program has asked to end. It holds up nothing that comes after
//! it: a successor begins meanwhile.
//!
//! On a socket that is closed while more comes in, a reset may overtake what was written last. So our
//! side ends after DISCONNECT, and then it is the broker that closes.

use std::io::{ErrorKind, Result};
use std::time::Duration;

use parking_lot::MutexGuard;

use super::driver::{Driver, Step, Stop, check_epoch};
use super::error::{Code, Error};
use super::state::Guard;
use super::writing::Writing;
use super::{interest, trace};
use crate::codec::Buffer;
use crate::session::{Farewell, Outcome};
use crate::sys::{self, Watch};
use crate::time::Moment;
use crate::transport::Transport;

/// How long the broker has to close the connection after DISCONNECT.
const LINGER: Duration = Duration::from_millis(500);

/// How often it is looked at while bytes are left, for the sake of loops that watch its successor's
/// socket alone.
const LOOK: Duration = Duration::from_millis(50);

const PIECE: usize = 4 * 1024;

pub struct Leaving {
    transport: Transport,
    /// The bytes that are left, and which messages are among them.
    rest: Writing,
    farewell: Farewell,
    /// Our side has ended.
    finished: bool,
    next_look: Moment,
}

impl Driver {
    /// The session has said all that it had to say: leaves the connection.
    pub(super) fn finish(&mut self, state: &mut Guard, now: Moment) -> Step {
        if !state.session.is_finished() || self.transport.is_none() {
            return Ok(());
        }
        self.part(state);
        check_epoch(self.epoch, state)?;
        self.begin_to_leave(state, Farewell::until(now + LINGER));
        self.leave(state, now)
    }

    /// The connection was replaced or given up: leaves it, where it was asked to end.
    pub(super) fn depart(&mut self, state: &mut Guard) {
        let replaced = state.farewell.is_some() && self.transport.is_some();
        if replaced || !state.leaving {
            self.part(state);
        }
        if let Some(farewell) = state.farewell.take() {
            self.begin_to_leave(state, *farewell);
        }
    }

    fn begin_to_leave(&mut self, state: &mut Guard, mut farewell: Farewell) {
        let Some(transport) = self.transport.take() else {
            return;
        };
        let mut last = Buffer::default();
        farewell.take(&mut last);
        if state.logs() {
            trace::sent(state, &last);
        }
        let mut rest = std::mem::take(&mut self.writing);
        rest.append(&last);
        farewell.output.set_unwritten(rest.rest().len());
        let leaving = Leaving::new(transport, rest, farewell);
        self.leaving = Some(Box::new(leaving));
        state.leaving = true;
    }

    /// Goes on with leaving. The end of the present connection is for the program to know.
    pub(super) fn leave(&mut self, state: &mut Guard, now: Moment) -> Step {
        let Some(leaving) = &mut self.leaving else {
            return Ok(());
        };
        let is_over = leaving.go_on(state, now);
        check_epoch(self.epoch, state)?;
        while let Some(mid) = leaving.farewell.output.pop_written() {
            state.session.add_outcome(Outcome::Written { mid });
        }
        if !is_over {
            return Ok(());
        }
        if self.transport.is_none() && state.session.is_finished() {
            let error = Error::new(Code::Success, "mqtt: disconnected");
            return Err(Stop::Over(error));
        }
        self.part(state);
        check_epoch(self.epoch, state)
    }

    /// `leave` for those who may call no callback: the next pass sees what has come of it.
    pub(super) fn leave_early(&mut self, state: &mut Guard) {
        if let Some(leaving) = self.leaving.as_mut().filter(|leaving| !leaving.finished) {
            leaving.go_on(state, sys::now());
        }
    }

    /// Closes the connection that is being left, after all who watch its descriptor have been told.
    pub(super) fn part(&mut self, state: &mut Guard) {
        let is_counted = std::mem::take(&mut state.leaving);
        let Some(mut leaving) = self.leaving.take() else {
            return;
        };
        if is_counted {
            let output = &mut leaving.farewell.output;
            while let Some(mid) = output.pop_written() {
                state.session.add_outcome(Outcome::Written { mid });
            }
            for mid in output.reset() {
                state.session.add_outcome(Outcome::Lost { mid });
            }
        }
        if let Some(event_set) = state.event_set() {
            event_set.rest();
        }
        if let Some(watch) = leaving.watch() {
            interest::forget(state, watch.fd);
        }
        drop(leaving);
    }
}

impl Leaving {
    fn new(transport: Transport, rest: Writing, farewell: Farewell) -> Leaving {
        Leaving {
            transport,
            rest,
            farewell,
            finished: false,
            next_look: Moment::origin(),
        }
    }

    /// `advance` without the lock.
    fn go_on(&mut self, state: &mut Guard, now: Moment) -> bool {
        let before = self.rest.rest().len();
        let is_over = MutexGuard::unlocked(state, || self.advance(now));
        state.counters.bytes_out += (before - self.rest.rest().len()) as u64;
        is_over
    }

    /// Goes on as far as it can without waiting. True when it is over.
    fn advance(&mut self, now: Moment) -> bool {
        self.next_look = now + LOOK;
        if now >= self.farewell.deadline {
            return true;
        }
        if self.finished {
            return self.transport.discard();
        }
        match self.write().and_then(|()| self.make_way()) {
            Ok(()) if self.wants_write() => false,
            Ok(()) => {
                self.finished = true;
                self.farewell.deadline = now + LINGER;
                self.transport.finish()
            }
            Err(_) => true,
        }
    }

    pub fn watch(&self) -> Option<Watch> {
        self.transport.primary(self.wants_write())
    }

    pub fn deadline(&self) -> Moment {
        match self.finished {
            true => self.farewell.deadline,
            false => self.farewell.deadline.min(self.next_look),
        }
    }

    fn wants_write(&self) -> bool {
        !self.rest.is_empty()
    }

    fn write(&mut self) -> Result<()> {
        while self.wants_write() {
            match self.transport.write(self.rest.rest()) {
                Ok(count) => {
                    self.rest.written(count);
                    self.farewell.output.written(count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A broker that takes nothing may first have to get rid of what it sends.
    fn make_way(&mut self) -> Result<()> {
        let mut piece = [0; PIECE];
        while self.wants_write() {
            match self.transport.read(&mut piece) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(PIECE) => {}
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
