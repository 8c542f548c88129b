//! How a connection ends: at once, or closed beside its successor.

use super::closing::Closing;
use super::step::{Pass, Step, Stop};
use super::{Driver, deliver, stall, trace};
use crate::client::error::{Code, Error};
use crate::client::state::Guard;
use crate::client::state::log_lines::Level;
use crate::client::state::watch::Watching;
use crate::session::Gather;
use crate::sys;
use crate::sys::sync::MutexGuard;
use crate::time::Moment;

impl Driver {
    /// The connection, or the attempt at one, is over: closes it and tells the program, which learns
    /// first what has become of its messages.
    pub(super) fn end(&mut self, pass: &mut Pass, error: Error) -> Result<(), Error> {
        let code = error.code;
        let error = match stall::note(pass.state) {
            Some(words) if code != Code::Success => error.after(words),
            _ => error,
        };
        pass.state.intent.end(sys::now());
        pass.state.session.close();
        if code == Code::Success {
            pass.state.log(Level::Info, format_args!("{}", error.text));
            self.drop_closing(pass.state);
        } else {
            pass.state.failed(&error);
            pass.state.last_error = Some(error.clone());
        }
        self.drop_transport(pass.state);
        // The news are those of the lost connection, told even where it has a successor already.
        let _ = deliver::news(pass);
        if let Some(ending) = pass.state.intent.take_ended() {
            deliver::ending(pass.state, &mut pass.pace, ending, code);
        }
        match code {
            Code::Success => Ok(()),
            _ => Err(error),
        }
    }

    /// The session has said all: its connection is closed from here on.
    pub(super) fn begin_closing(&mut self, pass: &mut Pass) -> Step {
        if !pass.state.session.is_finished() || self.transport.is_none() {
            return Ok(());
        }
        self.drop_closing(pass.state);
        pass.check_epoch()?;
        if let Some(transport) = self.transport.take() {
            self.closing = Some(Box::new(Closing::finished(transport, pass.now)));
            pass.state.intent.set_closing(true);
            // What has come meanwhile is nobody's any more.
            self.forget_bytes();
        }
        self.advance_closing(pass)
    }

    /// Goes on with closing. The end of the present connection is for the program to know.
    pub(super) fn advance_closing(&mut self, pass: &mut Pass) -> Step {
        if self.closing.is_none() {
            return Ok(());
        }
        let is_over = self.write_final(pass.state, pass.now);
        pass.check_epoch()?;
        if !is_over {
            return Ok(());
        }
        if self.transport.is_none() && pass.state.session.is_finished() {
            let error = Error::new(Code::Success, "mqtt: disconnected");
            return Err(Stop::Over(error));
        }
        self.drop_closing(pass.state);
        pass.check_epoch()
    }

    /// `advance_closing` for those who may call no callback: the next pass sees what has come of it.
    pub fn advance_closing_early(&mut self, state: &mut Guard) {
        if self.closing.as_ref().is_some_and(|c| !c.is_finished()) {
            self.write_final(state, sys::now());
        }
    }

    /// The connection was replaced or given up: closes it, beside its successor if it was asked to end.
    pub(super) fn on_superseded(&mut self, state: &mut Guard) {
        let closing = self.closing.as_ref().map(|closing| closing.connection());
        let last = state.session.final_connection();
        if last.is_some() && last != closing {
            // The older one has had the whole life of this one for its end.
            self.drop_closing(state);
            self.begin_final(state);
        } else if !state.intent.is_closing() {
            self.drop_closing(state);
        }
        self.drop_transport(state);
    }

    /// The connection that was replaced says what it is still to say.
    fn begin_final(&mut self, state: &mut Guard) {
        let mut last = Gather::default();
        let Some((connection, deadline)) = state.session.take_final(&mut last) else {
            return;
        };
        let Some(transport) = self.transport.take() else {
            state.session.settle_final();
            state.intent.set_closing(false);
            return;
        };
        if state.logs_packets() {
            trace::sent(state, last.to_row());
        }
        let mut bytes = std::mem::take(&mut self.writing);
        bytes.append(&mut last);
        let closing = Closing::with_bytes(transport, connection, bytes, deadline);
        let session = &mut state.session;
        session.set_final_unwritten(connection, closing.unwritten());
        self.closing = Some(Box::new(closing));
        state.intent.set_closing(true);
    }

    /// Closes the transport, after whoever watches its descriptor has been told.
    pub fn drop_transport(&mut self, state: &mut Guard) {
        if let Some(transport) = self.transport.take() {
            state.wakes.pause_event_set();
            // Its descriptor may be another's from here on.
            state.watching = Watching::default();
            deliver::closing_to_retired(state);
            // What was told of, and is not the other connection's, was this one's.
            if let Some(watch) = state.reported.watch
                && Some(watch.fd) != self.closing_fd()
            {
                deliver::closing(state, watch.fd);
            }
            drop(transport);
        }
        self.forget_bytes();
        self.failed = None;
    }

    /// Forgets what was read and not dealt with, and what was to be written.
    fn forget_bytes(&mut self) {
        self.input.clear();
        self.unhandled = false;
        self.writing.clear();
        self.blocked = false;
    }

    /// Closes the connection that is being closed, whatever it has not said.
    pub fn drop_closing(&mut self, state: &mut Guard) {
        if let Some(closing) = self.closing.take() {
            state.session.drop_final(closing.connection());
            state.intent.set_closing(false);
            state.wakes.pause_event_set();
            if let Some(watch) = closing.watch() {
                state
                    .watching
                    .primary
                    .take_if(|primary| primary.fd == watch.fd);
                deliver::closing(state, watch.fd);
            }
            drop(closing);
        }
    }

    /// Writes what is left to say. True when nothing is, and the broker has closed, or time is over.
    fn write_final(&mut self, state: &mut Guard, now: Moment) -> bool {
        let Some(closing) = &mut self.closing else {
            return false;
        };
        let before = closing.unwritten();
        let is_over = MutexGuard::unlocked(state, || closing.advance(now));
        state.counters.bytes_out += (before - closing.unwritten()) as u64;
        let session = &mut state.session;
        session.set_final_unwritten(closing.connection(), closing.unwritten());
        is_over
    }
}
