//! From bytes to callbacks.

use parking_lot::MutexGuard;

use super::callbacks::{call, call_message, message_event};
use super::driver::{Driver, Step, Stop, check_epoch};
use super::error::{Code, Error, connack_string};
use super::events::{Connected, Published, Subscribed, Unsubscribed};
use super::log::{self, Level};
use super::run::Flow;
use super::state::Guard;
use super::trace;
use crate::codec::{ConnAck, Malformed, Publish, decode};
use crate::session::Event;
use crate::time::Moment;

/// How often one pass reads before it lets others have their turn.
const READS: usize = 8;

impl Driver {
    /// Reads what has come, and deals with each packet that is whole.
    pub(super) fn receive(&mut self, state: &mut Guard, flow: &Flow, now: Moment) -> Step {
        let result = self.read_and_handle(state, flow, now);
        self.input.settle();
        result
    }

    fn read_and_handle(&mut self, state: &mut Guard, flow: &Flow, now: Moment) -> Step {
        for _ in 0..READS {
            let Some(transport) = &mut self.transport else {
                return Err(Stop::Superseded);
            };
            let input = &mut self.input;
            let result = MutexGuard::unlocked(state, || input.read(transport));
            check_epoch(self.epoch, state)?;
            match result {
                Ok(0) => {
                    let text = "tcp: connection lost: the broker closed it";
                    return Err(Stop::Over(Error::new(Code::ConnLost, text)));
                }
                Ok(count) => {
                    state.counters.bytes_in += count as u64;
                    state.session.received(now);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(Stop::Over(Error::lost(&error))),
            }
            loop {
                while self.input.has_message() && self.run_messages(state, flow)? {}
                self.handle_acks(state, flow, now)?;
                if !self.handle_next(state, flow, now)? {
                    break;
                }
            }
            if !self.input.may_have_more() {
                break;
            }
        }
        Ok(())
    }

    /// Deals with the acknowledgements that come next: the most frequent packets of all, and the
    /// shortest ones, for which the general way would be a long one.
    #[inline(always)]
    fn handle_acks(&mut self, state: &mut Guard, flow: &Flow, now: Moment) -> Step {
        while !state.logs()
            && let Some((ack, id)) = self.input.next_ack()
        {
            match state.session.handle_ack(ack, id, now) {
                Ok(event) => tell(state, event, flow, self.epoch, now)?,
                Err(failure) => return Err(Stop::Over(failure.into())),
            }
            check_epoch(self.epoch, state)?;
        }
        Ok(())
    }

    /// Deals with the next packet; false when none is whole.
    #[inline(always)]
    fn handle_next(&mut self, state: &mut Guard, flow: &Flow, now: Moment) -> Result<bool, Stop> {
        let version = state.session.options().version;
        let (bytes, header) = match self.input.next_packet(version) {
            Ok(Some(next)) => next,
            Ok(None) => return Ok(false),
            Err(error) => return Err(malformed(error)),
        };
        let decoded = decode(bytes, &header, version);
        let packet = match &decoded {
            Ok(packet) => packet,
            Err(error) => return Err(malformed(*error)),
        };
        if state.logs() {
            trace::received(state, packet);
            log::deliver(state);
        }
        check_epoch(self.epoch, state)?;
        match state.session.handle(packet, now) {
            Ok(event) => tell(state, event, flow, self.epoch, now)?,
            Err(failure) => return Err(Stop::Over(failure.into())),
        }
        check_epoch(self.epoch, state)?;
        Ok(true)
    }
}

#[cold]
pub fn malformed(Malformed(what): Malformed) -> Stop {
    let text = format!("mqtt: the broker sent {what}");
    Stop::Over(Error::new(Code::Protocol, text))
}

#[inline(always)]
fn tell(state: &mut Guard, event: Event, flow: &Flow, epoch: u64, now: Moment) -> Step {
    if let Some(inbox) = &mut state.inbox {
        inbox.put(&event);
    }
    match event {
        Event::None => {}
        Event::Message {
            publish,
            manual_ack,
        } => message(state, publish, manual_ack, flow, epoch, now),
        Event::Published { mid } => {
            state.counters.messages_out += 1;
            let callback = state.callbacks.publish;
            call(state, callback, &Published { mid, rc: 0 });
        }
        rare => return tell_rare(state, rare, epoch, now),
    }
    Ok(())
}

/// What comes a few times a connection.
#[inline(never)]
fn tell_rare(state: &mut Guard, event: Event, epoch: u64, now: Moment) -> Step {
    match event {
        Event::Subscribed { mid, granted } => {
            let event = Subscribed {
                mid,
                rc: 0,
                granted_qos: granted.as_ptr(),
                granted_qos_count: granted.len(),
            };
            let callback = state.callbacks.subscribe;
            call(state, callback, &event);
        }
        Event::Unsubscribed { mid } => {
            let callback = state.callbacks.unsubscribe;
            call(state, callback, &Unsubscribed { mid, rc: 0 });
        }
        Event::ConnAck(connack) => return answered(state, &connack, epoch, now),
        Event::Unexpected(what) => state.log(Level::Warning, format_args!("mqtt: {what}")),
        Event::None | Event::Message { .. } | Event::Published { .. } => {}
    }
    Ok(())
}

#[inline(always)]
fn message(
    state: &mut Guard,
    publish: &Publish,
    manual_ack: bool,
    flow: &Flow,
    epoch: u64,
    now: Moment,
) {
    flow.count_message();
    call_message(state, &message_event(publish), publish.topic.as_bytes());
    if let Some(id) = publish.packet_id
        && !manual_ack
    {
        match state.epoch == epoch {
            true => state.session.delivered(id, publish.qos, now),
            false => state.delivered_late(id, publish.qos),
        }
    }
}

/// The broker answered CONNECT: the connection is announced, or refused and over.
fn answered(state: &mut Guard, connack: &ConnAck, epoch: u64, now: Moment) -> Step {
    let rc = connack.return_code.into();
    if rc == 0 {
        trace::accepted(state, now);
        log::deliver(state);
        check_epoch(epoch, state)?;
        state.counters.connections += 1;
        state.why_none = None;
        state.backoff.connected(now);
    }
    state.owes_disconnect = true;
    let event = Connected {
        session_present: connack.session_present,
        rc,
    };
    let callback = state.callbacks.connect;
    call(state, callback, &event);
    check_epoch(epoch, state)?;
    if rc == 0 {
        state.session.announced(now);
        return Ok(());
    }
    let words = connack_string(rc).to_string_lossy();
    let text = format!("mqtt: CONNACK {rc}: {words}");
    Err(Stop::Over(Error::new(Code::ConnRefused, text)))
}
