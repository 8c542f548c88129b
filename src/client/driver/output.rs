//! Writes the output of the session to the socket.

use std::io::ErrorKind;

use super::step::{Step, Stop};
use super::{Driver, trace};
use crate::client::error::Error;
use crate::client::state::Guard;
use crate::sys;
use crate::sys::sync::MutexGuard;
use crate::time::Moment;

/// How often one call writes at most, so that other work is not delayed.
const WRITES: usize = 16;

impl Driver {
    /// Writes the output of the session, as far as the socket takes it.
    pub(super) fn write(&mut self, state: &mut Guard, now: Moment) -> Step {
        self.blocked = false;
        for _ in 0..WRITES {
            // The output is already that of a successor, which has a transport of its own.
            if self.epoch != state.intent.epoch() {
                return Err(Stop::Superseded);
            }
            if self.writing.is_empty() {
                if !state.session.has_output() {
                    return Ok(());
                }
                self.writing.take(&mut state.session);
                if state.logs_packets() {
                    trace::sent(state, self.writing.to_row());
                }
            }
            self.write_once(state, now)?;
            if self.blocked {
                break;
            }
        }
        Ok(())
    }

    /// `write` for calls that may not report a failure: the next pass reports it.
    pub fn write_early(&mut self, state: &mut Guard) {
        if let Err(Stop::Over(error)) = self.write(state, sys::now()) {
            self.seldom.get_or_insert_default().failed = Some(error);
        }
    }

    fn write_once(&mut self, state: &mut Guard, now: Moment) -> Step {
        let Some(transport) = &mut self.transport else {
            return Err(Stop::Superseded);
        };
        let writing = &self.writing;
        let result = MutexGuard::unlocked(state, || writing.write_to(transport));
        // Also noted if the connection was replaced meanwhile: it may have final bytes.
        self.writing
            .written(result.as_ref().map_or(0, |(count, _)| *count));
        if self.epoch != state.intent.epoch() {
            return Err(Stop::Superseded);
        }
        let (count, all) = match result {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => (0, false),
            Err(error) => return Err(Stop::Over(Error::lost(&error))),
        };
        self.blocked = !all;
        state.counters.bytes_out += count as u64;
        let now = state.sending_at(now);
        state.session.written(count, now);
        Ok(())
    }
}
