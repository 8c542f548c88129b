//! One-shots: all of it in one call, from connect to disconnect.
//!
//! Each has a client of its own, and looks between two passes at what has come of its request.
//! So callbacks and user data stay the program's, and a message is acknowledged when it is kept.

use std::thread;
use std::time::Duration;

use super::connect::Target;
use super::request::{check_filters, request_error};
use crate::client::error::{Code, Error, Result};
use crate::client::handle::Client;
use crate::client::state::State;
use crate::client::state::inbox::{Inbox, Received};
use crate::client::state::tenancy::Who;
use crate::client::turn::Turn;
use crate::codec::{Publishable, QoS};
use crate::session::{Phase, PublishError};
use crate::sys;
use crate::sys::sync::MutexGuard;
use crate::time::Moment;

/// What SUBACK says of a filter that the broker refuses.
const REFUSED: u8 = 0x80;

/// With so many messages in flight, answers are taken so far apart.
const MANY: usize = 100;
const GATHERING: Duration = Duration::from_micros(300);

/// Which messages `collect` is to wait for.
pub struct Wanted {
    pub count: usize,
    /// Whether those count that the broker had stored.
    pub retained: bool,
}

impl Client {
    /// Publishes messages, as many at once as there is room for. An error unless all of them are
    /// settled.
    pub fn publish_all(
        &self,
        target: &Target,
        messages: &[Publishable],
        timeout: Duration,
    ) -> Result {
        let until = sys::now() + timeout;
        // More than 20 of QoS 2 at once, the default, and mosquitto closes the connection.
        if messages.iter().all(|m| m.qos != QoS::ExactlyOnce) {
            self.set_max_inflight(0);
        }
        // A durable session keeps what comes in meanwhile.
        self.set_manual_ack(true, false);
        self.begin_oneshot(target, Inbox::default(), timeout)?;
        let mut turn = Turn::begin_waiting(self, self.lock(), Who::Loop)?;
        let mut waiting = messages;
        let result = run(&mut turn, Some(until), |state| {
            waiting = enqueue(state, waiting)?;
            Ok(waiting.is_empty() && state.is_connected() && state.session.unsettled() == 0)
        });
        let settled = turn.state.counters.messages_out;
        let was_accepted = turn.state.counters.connections > 0;
        let is_in_doubt = turn.state.session.has_released();
        turn.end(false);
        self.say_goodbye(until);
        let result = result.map_err(|error| match is_in_doubt {
            true => Error::new(Code::InDoubt, error.text.clone()),
            false => error,
        });
        result.map_err(|error| match was_accepted {
            true => error.after(format!(
                "{settled} of {} messages are settled",
                messages.len()
            )),
            false => error,
        })
    }

    /// Subscribes, and waits for messages. Those in `kept` are acknowledged, also after an error,
    /// and no others are.
    pub fn collect(
        &self,
        target: &Target,
        filters: &[(&str, QoS)],
        wanted: &Wanted,
        timeout: Duration,
        kept: &mut Vec<Received>,
    ) -> Result {
        if wanted.count == 0 {
            return Err(Error::inval("subscribe: the number of messages is 0"));
        }
        check_filters(filters)?;
        let until = sys::now() + timeout;
        self.set_manual_ack(true, false);
        self.begin_oneshot(target, Inbox::for_messages(), timeout)?;
        let mut turn = Turn::begin_waiting(self, self.lock(), Who::Loop)?;
        let mut subscriber = Subscriber::new(filters);
        let result = run(&mut turn, Some(until), |state| {
            subscriber.attend(state)?;
            keep(state, wanted, kept);
            Ok(kept.len() == wanted.count)
        });
        turn.end(false);
        self.say_goodbye(until);
        result.map_err(|error| {
            error.after(format!("{} of {} messages came", kept.len(), wanted.count))
        })
    }

    /// Subscribes, and runs callbacks until one of them disconnects. The timeout is for the first
    /// connection, up to SUBACK; later ones are made again, until the broker refuses one.
    pub fn follow(&self, target: &Target, filters: &[(&str, QoS)], timeout: Duration) -> Result {
        check_filters(filters)?;
        let until = sys::now() + timeout;
        self.begin_oneshot(target, Inbox::default(), timeout)?;
        let mut turn = Turn::begin_waiting(self, self.lock(), Who::Loop)?;
        let mut subscriber = Subscriber::new(filters);
        let result = run(&mut turn, Some(until), |state| {
            Ok(subscriber.attend(state)? || has_ended(state))
        })
        .and_then(|()| {
            run(&mut turn, None, |state| {
                subscriber.attend(state)?;
                Ok(has_ended(state))
            })
        });
        turn.end(false);
        self.say_goodbye(until);
        result
    }

    /// Connects; no step of that takes longer than the whole may.
    fn begin_oneshot(&self, target: &Target, inbox: Inbox, timeout: Duration) -> Result {
        let mut state = self.lock();
        state.inbox = Some(Box::new(inbox));
        let steps = state.session.options().handshake_timeout();
        drop(state);
        self.set_connect_timeout(steps.min(timeout))?;
        self.connect(target)
    }

    /// Says good-bye, if there is a connection and time; where there is none, without waiting.
    fn say_goodbye(&self, until: Moment) {
        let _ = self.disconnect();
        while self.socket().is_some() {
            let left = until.since(sys::now());
            if left.is_zero() || self.run_once(left).is_err() {
                break;
            }
        }
    }
}

/// Runs the client until it is `done`. With an end, a connection that is lost is an error; without
/// one it is made again.
fn run(
    turn: &mut Turn,
    until: Option<Moment>,
    mut done: impl FnMut(&mut State) -> Result<bool>,
) -> Result {
    let auto = until.is_none();
    while !done(&mut turn.state)? {
        let left = until.map(|until| until.since(sys::now()));
        if left.is_some_and(|left| left.is_zero()) {
            let text = "mqtt: it was not done within the timeout";
            return Err(Error::new(Code::Timeout, text));
        }
        gather_answers(turn);
        let read = turn.wait(left);
        match turn.pass(read, auto) {
            Err(error) if !auto || error.code == Code::ConnRefused => {
                // What came before it may have been all.
                return match done(&mut turn.state) {
                    Ok(true) => Ok(()),
                    _ => Err(error),
                };
            }
            _ => {}
        }
    }
    Ok(())
}

/// While the broker has many messages to acknowledge, nobody is waiting for the next answer: a broker
/// that has to wake us for each spends more on that than on the message.
fn gather_answers(turn: &mut Turn) {
    let session = &turn.state.session;
    if session.in_flight() > MANY && !session.has_output() && !turn.driver.has_unwritten() {
        MutexGuard::unlocked(&mut turn.state, || thread::sleep(GATHERING));
    }
}

/// Hands over the messages that there is room for, and returns the others.
fn enqueue<'a, 'b>(
    state: &mut State,
    messages: &'a [Publishable<'b>],
) -> Result<&'a [Publishable<'b>]> {
    let mut waiting = messages;
    while let Some((message, others)) = waiting.split_first() {
        match state.session.publish(message, sys::now) {
            Ok(_) => waiting = others,
            Err(PublishError::QueueFull) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(waiting)
}

/// Keeps what has come, as far as it is wanted, and acknowledges it; what cannot be acknowledged
/// any more will come again. What does not count is acknowledged too, for the broker to go on.
fn keep(state: &mut State, wanted: &Wanted, kept: &mut Vec<Received>) {
    let messages = state
        .inbox
        .as_mut()
        .and_then(|inbox| inbox.messages.as_mut());
    for message in messages.map(std::mem::take).unwrap_or_default() {
        if kept.len() == wanted.count {
            break;
        }
        let acknowledged =
            message.qos == QoS::AtMostOnce || acknowledge(state, message.mid, message.qos);
        if acknowledged && (wanted.retained || !message.retain) {
            kept.push(message);
        }
    }
}

fn acknowledge(state: &mut State, mid: u64, qos: QoS) -> bool {
    state.is_connected() && state.session.acknowledge_manually(mid, qos, sys::now())
}

/// The program has asked for the end, in a callback or in another thread.
fn has_ended(state: &State) -> bool {
    state.tenancy.is_gone() || state.is_over()
}

/// Subscribes anew with each connection, and sees what the broker grants.
struct Subscriber<'a> {
    filters: &'a [(&'a str, QoS)],
    /// The connection that it has subscribed with, counted from 1.
    connection: u32,
}

impl<'a> Subscriber<'a> {
    fn new(filters: &'a [(&'a str, QoS)]) -> Subscriber<'a> {
        Subscriber {
            filters,
            connection: 0,
        }
    }

    /// True when the broker has just granted everything.
    fn attend(&mut self, state: &mut State) -> Result<bool> {
        let State {
            session,
            inbox: Some(inbox),
            counters,
            ..
        } = state
        else {
            return Ok(false);
        };
        if session.phase() == Phase::Connected && counters.connections != self.connection {
            self.connection = counters.connections;
            let mid = session.subscribe(self.filters);
            inbox.subscription = mid.map_err(|error| request_error("subscribe", error))?;
        }
        let Some(granted) = inbox.granted.take() else {
            return Ok(false);
        };
        match granted.iter().position(|&code| code == REFUSED) {
            None => Ok(true),
            Some(index) => Err(Error::new(
                Code::AclDenied,
                format!("subscribe: the broker refused {}", self.filters[index].0),
            )),
        }
    }
}
