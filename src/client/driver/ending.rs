//! How a connection ends: at once, or closed beside its successor.

use super::closing::{Closing, LINGER};
use super::step::{Pass, Step, Stop};
use super::{Driver, deliver, stall, trace};
use crate::client::error::{Code, Error};
use crate::client::state::Guard;
use crate::client::state::log_lines::Level;
use crate::client::state::watch::Watching;
use crate::session::{Gather, Phase};
use crate::sys;
use crate::sys::sync::MutexGuard;
use crate::time::Moment;

impl Driver {
    /// Ends the connection, or the attempt at one: closes it and tells the program. The outcomes of
    /// its messages come first.
    pub(super) fn end(&mut self, pass: &mut Pass, error: Error) -> Result<(), Error> {
        if let Some(is_refused) = pass.state.falls_back(&error) {
            self.fall_back(pass.state, &error, is_refused);
            return Ok(());
        }
        let was_accepted = matches!(
            pass.state.session.phase(),
            Phase::Connected | Phase::Disconnecting { .. }
        );
        let is_redirected = pass.state.takes_redirect();
        match is_redirected {
            true if !was_accepted => {
                self.go_elsewhere(pass.state, &error);
                return Ok(());
            }
            true => {}
            false => pass.state.ended(was_accepted),
        }
        let code = error.code;
        let mut error = match stall::note(pass.state) {
            Some(words) if code != Code::Success => error.after(words),
            _ => error,
        };
        let said = error.take_said();
        // A redirect that is followed is no refusal.
        let for_good = error.for_good && !is_redirected;
        pass.state.intent.end(for_good, sys::now());
        let parting = error.parting;
        let parting = parting.and_then(|reason| pass.state.session.parting(reason));
        pass.state.session.close();
        if code == Code::Success {
            pass.state.log(Level::Info, format_args!("{}", error.text));
            self.drop_closing(pass.state);
        } else {
            pass.state.failed(&error);
            pass.state.last_error = Some(error.clone());
        }
        if let Some(packet) = parting {
            self.part(pass.state, packet);
        }
        self.drop_transport(pass.state);
        // The outcomes belong to the lost connection, so they are reported even if it has a
        // successor already.
        let _ = deliver::news(pass);
        if let Some(ending) = pass.state.intent.take_ended() {
            deliver::ending(pass.state, &mut pass.pace, ending, code, said.as_ref());
        }
        if is_redirected && pass.check_epoch().is_ok() && !pass.state.tenancy.is_connecting() {
            pass.state.intent.resume();
        }
        match code {
            Code::Success => Ok(()),
            _ => Err(error),
        }
    }

    /// Ends the connection, and lets the attempt go on with MQTT 3.1.1. The program does not hear of it.
    fn fall_back(&mut self, state: &mut Guard, error: &Error, is_refused: bool) {
        let why = &error.text;
        state.log(
            Level::Warning,
            format_args!("{why}; trying MQTT 3.1.1, which has no properties"),
        );
        state.session.fall_back(is_refused);
        state.intent.go_on();
        self.drop_transport(state);
    }

    /// Ends the connection, and lets the attempt go on with another broker.
    fn go_elsewhere(&mut self, state: &mut Guard, error: &Error) {
        let why = &error.text;
        state.log(Level::Info, format_args!("{why}; going there"));
        state.session.go_on();
        state.intent.go_on();
        self.drop_transport(state);
    }

    /// Sends DISCONNECT to a broker that has broken the protocol, and closes beside a successor. A packet that is
    /// partly written would have to come first, and may be large: then there is no DISCONNECT.
    fn part(&mut self, state: &mut Guard, mut packet: Gather) {
        if !self.writing.is_empty() || self.transport.is_none() {
            return;
        }
        self.drop_closing(state);
        if let Some(transport) = self.transport.take() {
            if state.logs_packets() {
                trace::sent(state, packet.to_row());
            }
            self.writing.append(&mut packet);
            let bytes = std::mem::take(&mut self.writing);
            let closing = Closing::with_bytes(transport, 0, bytes, sys::now() + LINGER);
            self.closing = Some(Box::new(closing));
            state.intent.set_closing(true);
            self.advance_closing_early(state);
        }
    }

    /// Begins to close a connection of which the session has written everything.
    pub(super) fn begin_closing(&mut self, pass: &mut Pass) -> Step {
        if !self.has_to_close(pass.state) {
            return Ok(());
        }
        self.drop_closing(pass.state);
        pass.check_epoch()?;
        if let Some(transport) = self.transport.take() {
            self.closing = Some(Box::new(Closing::finished(transport, pass.now)));
            pass.state.intent.set_closing(true);
            // Nothing handles the bytes that have arrived meanwhile.
            self.forget_connection();
        }
        self.advance_closing(pass)
    }

    /// Continues to close. If it is the present connection that has ended, the program is told.
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

    /// `advance_closing` for calls that may not run callbacks: the next pass reports the result.
    pub fn advance_closing_early(&mut self, state: &mut Guard) {
        if self.closing.as_ref().is_some_and(|c| !c.is_finished()) {
            self.write_final(state, sys::now());
        }
    }

    /// Closes a connection that was replaced or given up. A closing connection ends beside its
    /// successor.
    pub(super) fn on_superseded(&mut self, state: &mut Guard) {
        let closing = self.closing.as_ref().map(|closing| closing.connection());
        let last = state.session.final_connection();
        if last.is_some() && last != closing {
            // The older closing connection has had the whole life of this one to end.
            self.drop_closing(state);
            self.begin_final(state);
        } else if !state.intent.is_closing() {
            self.drop_closing(state);
        }
        self.drop_transport(state);
    }

    /// Begins to write the final bytes of the replaced connection.
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

    /// Closes the transport, after the program was told if it watches the descriptor.
    pub fn drop_transport(&mut self, state: &mut Guard) {
        if let Some(transport) = self.transport.take() {
            state.wakes.pause_event_set();
            // The descriptor may belong to another file from now on.
            state.watching = Watching::default();
            deliver::closing_to_retired(state);
            // A reported descriptor belongs to this connection, unless it is that of the closing
            // one.
            if let Some(watch) = state.reported.watch
                && Some(watch.fd) != self.closing_fd()
            {
                deliver::closing(state, watch.fd);
            }
            drop(transport);
        }
        self.forget_connection();
    }

    /// Forgets the bytes that were read and not handled, and those that were to be written. The broker's
    /// topic aliases end with the connection, too [MQTT5-3.3.2-7].
    fn forget_connection(&mut self) {
        self.input.clear();
        self.seldom = None;
        self.unhandled = false;
        self.writing.clear();
        self.blocked = false;
    }

    /// Closes the closing connection, even if final bytes are not written.
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

    /// Writes the final bytes. Returns true once they are written and the broker has closed, or the
    /// time is over.
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
