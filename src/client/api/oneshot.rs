//! One-shots: everything from connect to disconnect in one call.
//!
//! Each one-shot has a client of its own. Between two passes, it checks the result of its request.
//! So callbacks and user data remain the program's, and a message is acknowledged when it is kept.

use std::thread;
use std::time::Duration;

use super::connect::Target;
use super::request::Timed;
use super::subscribe::{check_filters, request_error};
use crate::client::error::{Code, Error, Result};
use crate::client::handle::Client;
use crate::client::reason::reason_words;
use crate::client::state::State;
use crate::client::state::inbox::{Granted, Inbox, Received};
use crate::client::state::tenancy::Who;
use crate::client::turn::Turn;
use crate::codec::{Properties, QoS, Wish, reason};
use crate::session::{Phase, PublishError};
use crate::sys;
use crate::sys::sync::MutexGuard;
use crate::time::Moment;

/// With more than this many messages in flight, the client waits this long before it takes the next
/// answers.
const MANY: usize = 100;
const GATHERING: Duration = Duration::from_micros(300);

/// The messages that `collect` waits for.
pub struct Wanted {
    pub count: usize,
    /// Whether messages count that the broker had stored.
    pub retained: bool,
}

impl Client {
    /// Publishes messages, as many at the same time as the queue has room for. Returns an error
    /// unless all of them are settled.
    pub fn publish_all(&self, target: &Target, messages: &[Timed], timeout: Duration) -> Result {
        let until = sys::now() + timeout;
        // The limit stays at the default of 20: mosquitto closes the connection upon more of QoS 2.
        if messages.iter().all(|m| m.message.qos != QoS::ExactlyOnce) {
            self.set_max_inflight(0);
        }
        // A durable session keeps the messages that arrive meanwhile.
        self.set_manual_ack(true, false);
        self.begin_oneshot(target, Inbox::default(), timeout)?;
        let mut turn = Turn::begin_waiting(self, self.lock(), Who::Loop)?;
        let mut waiting = messages;
        let result = run(&mut turn, Some(until), |state| {
            waiting = enqueue(state, waiting)?;
            Ok(waiting.is_empty() && state.is_connected() && state.session.unsettled() == 0)
        });
        let expired = turn.state.session.expired();
        let rejected = turn.state.session.rejected();
        let inbox = turn.state.inbox.as_mut();
        let rejection = inbox.and_then(|inbox| inbox.rejection.take());
        let settled = turn.state.counters.messages_out;
        let was_accepted = turn.state.counters.connections > 0;
        let is_in_doubt = turn.state.session.has_released();
        turn.end(false);
        self.say_goodbye(until);
        let result = result.map_err(|error| match is_in_doubt {
            true => Error::new(Code::InDoubt, error.text.clone()),
            false => error,
        });
        let result = result
            .and_then(|()| check_rejected(rejected, rejection))
            .and_then(|()| check_expired(expired));
        result.map_err(|error| match was_accepted {
            true => error.after(format!(
                "{settled} of {} messages are settled",
                messages.len()
            )),
            false => error,
        })
    }

    /// Subscribes, and waits for messages. Of the messages that count, exactly those in `kept` are
    /// acknowledged, even after an error.
    pub fn collect(
        &self,
        target: &Target,
        filters: &[(&str, Wish)],
        wanted: &Wanted,
        timeout: Duration,
        kept: &mut Vec<Received>,
    ) -> Result {
        if wanted.count == 0 {
            return Err(Error::inval("subscribe: the number of messages is 0"));
        }
        check_filters("subscribe", filters)?;
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
    /// connection, up to SUBACK. A lost connection is made again, until the broker refuses one.
    pub fn follow(&self, target: &Target, filters: &[(&str, Wish)], timeout: Duration) -> Result {
        check_filters("subscribe", filters)?;
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

    /// Connects. No step may take longer than the timeout of the whole call.
    fn begin_oneshot(&self, target: &Target, inbox: Inbox, timeout: Duration) -> Result {
        let mut state = self.lock();
        state.inbox = Some(Box::new(inbox));
        let steps = state.session.options().handshake_timeout();
        drop(state);
        self.set_connect_timeout(steps.min(timeout))?;
        self.connect(target)
    }

    /// Disconnects. If there is a connection, waits for its end, at most until `until`.
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

/// Runs the client until it is `done`. If `until` is set, a lost connection is an error. Otherwise
/// it is made again.
fn run(
    turn: &mut Turn,
    until: Option<Moment>,
    mut done: impl FnMut(&mut State) -> Result<bool>,
) -> Result {
    let auto = until.is_none();
    while !done(&mut turn.state)? {
        let left = until.map(|until| until.since(sys::now()));
        if left.is_some_and(|left| left.is_zero()) {
            let text = "mqtt: the timeout passed before all was done";
            return Err(Error::new(Code::Timeout, text));
        }
        gather_answers(turn);
        let read = turn.wait(left);
        match turn.pass(read, auto) {
            Err(error) if !auto || error.code == Code::ConnRefused => {
                // The packets before the error may have been sufficient.
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

/// Pauses while the broker has many messages to acknowledge, since nothing waits for the next
/// answer. A broker that has to wake the client for each answer spends more on that than on the
/// message.
fn gather_answers(turn: &mut Turn) {
    let session = &turn.state.session;
    if session.in_flight() > MANY && !session.has_output() && !turn.driver.has_unwritten() {
        MutexGuard::unlocked(&mut turn.state, || thread::sleep(GATHERING));
    }
}

fn check_rejected(count: u64, first: Option<String>) -> Result {
    let Some(first) = first else {
        return Ok(());
    };
    let text =
        format!("publish: messages that the broker refused: {count}; the first with {first}");
    Err(Error::new(Code::Rejected, text))
}

fn check_expired(count: u64) -> Result {
    if count == 0 {
        return Ok(());
    }
    let text = format!("publish: messages that were not sent in time: {count}");
    Err(Error::new(Code::Expired, text))
}

/// Queues the messages that there is room for. Returns the others.
fn enqueue<'a, 'b>(state: &mut State, messages: &'a [Timed<'b>]) -> Result<&'a [Timed<'b>]> {
    let mut waiting = messages;
    while let Some((message, others)) = waiting.split_first() {
        match message.publish(state) {
            Ok(_) => waiting = others,
            Err(PublishError::QueueFull) => break,
            Err(PublishError::Unfit(reason)) => {
                state.rejected(reason, Properties::NONE);
                waiting = others;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(waiting)
}

/// Keeps and acknowledges the messages that are wanted. The broker sends a message again that can
/// no longer be acknowledged. Messages that do not count are also acknowledged, so that the broker
/// continues.
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
    let (reason, none) = (reason::SUCCESS, Properties::NONE);
    let now = sys::now();
    state.is_connected()
        && state
            .session
            .acknowledge_manually(mid, qos, reason, none, now)
}

/// Whether the program has requested the end, in a callback or in another thread.
fn has_ended(state: &State) -> bool {
    state.tenancy.is_gone() || state.is_over()
}

/// Subscribes again with each connection, and checks what the broker grants.
struct Subscriber<'a> {
    filters: &'a [(&'a str, Wish)],
    /// The number of the connection that it has subscribed with, counted from 1.
    connection: u32,
}

impl<'a> Subscriber<'a> {
    fn new(filters: &'a [(&'a str, Wish)]) -> Subscriber<'a> {
        Subscriber {
            filters,
            connection: 0,
        }
    }

    /// Returns true if the broker has just granted all filters.
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
            let mid = session.subscribe(self.filters, Properties::NONE);
            inbox.subscription = mid.map_err(|error| request_error("subscribe", error))?;
        }
        let Some(granted) = inbox.granted.take() else {
            return Ok(false);
        };
        let Granted { codes, properties } = granted;
        // Before MQTT 5, only 0x80 is one of them [MQTT311-3.9.3-2].
        let refused = codes.iter().position(|&code| code >= reason::FAILURE);
        let Some(index) = refused else {
            return Ok(true);
        };
        let mut text = format!("subscribe: the broker refused {}", self.filters[index].0);
        if session.version().rules().is_extended {
            text += &format!(" with {}", reason_words(codes[index], properties.get()));
        }
        Err(Error::new(Code::AclDenied, text))
    }
}
