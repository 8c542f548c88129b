//! One-shots: whole errands in one call, from connect to disconnect.
//!
//! Each has a client of its own, and looks between two passes at what has come of its request.
//! So callbacks and user data stay the program's, and a message is acknowledged when it is kept.

use std::ffi::CString;
use std::thread;
use std::time::Duration;

use parking_lot::MutexGuard;

use super::error::{Code, Error, Result};
use super::request::{check_filters, request_error};
use super::state::{HolderKind, State};
use super::turn::Turn;
use super::{Client, Target};
use crate::codec::{PacketId, Publish, Publishable, QoS};
use crate::session::{Event, Phase, PublishError};
use crate::sys;
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

/// A message that `collect` has kept.
pub struct Received {
    pub id: Option<PacketId>,
    pub topic: CString,
    pub payload: Vec<u8>,
    pub qos: QoS,
    pub retain: bool,
    pub dup: bool,
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
        self.set_manual_ack(true);
        self.set_out(target, Inbox::default(), timeout)?;
        let mut turn = Turn::begin(self, self.lock(), HolderKind::Loop)?;
        let mut rest = messages;
        let result = run(&mut turn, Some(until), |state| {
            rest = enqueue(state, rest)?;
            Ok(rest.is_empty() && state.is_connected() && state.session.unsettled() == 0)
        });
        let settled = turn.state.counters.messages_out;
        let was_accepted = turn.state.counters.connections > 0;
        turn.end(false);
        self.leave(until);
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
        self.set_manual_ack(true);
        self.set_out(target, Inbox::for_messages(), timeout)?;
        let mut turn = Turn::begin(self, self.lock(), HolderKind::Loop)?;
        let mut subscriber = Subscriber::new(filters);
        let result = run(&mut turn, Some(until), |state| {
            subscriber.attend(state)?;
            keep(state, wanted, kept);
            Ok(kept.len() == wanted.count)
        });
        turn.end(false);
        self.leave(until);
        result.map_err(|error| {
            error.after(format!("{} of {} messages came", kept.len(), wanted.count))
        })
    }

    /// Subscribes, and runs callbacks until one of them disconnects. The timeout is for the first
    /// connection, up to SUBACK; later ones are made again, until the broker refuses one.
    pub fn follow(&self, target: &Target, filters: &[(&str, QoS)], timeout: Duration) -> Result {
        check_filters(filters)?;
        let until = sys::now() + timeout;
        self.set_out(target, Inbox::default(), timeout)?;
        let mut turn = Turn::begin(self, self.lock(), HolderKind::Loop)?;
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
        self.leave(until);
        result
    }

    /// Connects; no step of that takes longer than the whole may.
    fn set_out(&self, target: &Target, inbox: Inbox, timeout: Duration) -> Result {
        let mut state = self.lock();
        state.inbox = Some(Box::new(inbox));
        let steps = state.session.options().handshake_timeout();
        drop(state);
        self.set_connect_timeout(steps.min(timeout))?;
        self.connect(target)
    }

    /// Says good-bye, if there is a connection and time; where there is none, without waiting.
    fn leave(&self, until: Moment) {
        let _ = self.disconnect();
        while self.socket().is_some() {
            let rest = until.since(sys::now());
            if rest.is_zero() || self.run_once(rest).is_err() {
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
        let rest = until.map(|until| until.since(sys::now()));
        if rest.is_some_and(|rest| rest.is_zero()) {
            let text = "mqtt: it was not done within the timeout";
            return Err(Error::new(Code::Timeout, text));
        }
        gather_answers(turn);
        let read = turn.wait(rest)?;
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
    let mut rest = messages;
    while let Some((message, others)) = rest.split_first() {
        match state.session.publish(message, sys::now) {
            Ok(_) => rest = others,
            Err(PublishError::QueueFull) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(rest)
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
        let settled = message
            .id
            .is_none_or(|id| acknowledge(state, id, message.qos));
        if settled && (wanted.retained || !message.retain) {
            kept.push(message);
        }
    }
}

fn acknowledge(state: &mut State, id: PacketId, qos: QoS) -> bool {
    state.is_connected() && state.session.acknowledge_manually(id, qos, sys::now())
}

/// The program has asked for the end, in a callback or in another thread.
fn has_ended(state: &State) -> bool {
    state.freed || !state.wanted && state.is_idle()
}

/// Subscribes anew with each connection, and sees what the broker grants.
struct Subscriber<'a> {
    filters: &'a [(&'a str, QoS)],
    /// The connection that it has subscribed with, counted from 1.
    connection: u64,
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

/// What the broker has sent, until the one-shot that waits for it looks.
#[derive(Default)]
pub struct Inbox {
    /// None where callbacks take the messages.
    messages: Option<Vec<Received>>,
    /// The mid of the SUBSCRIBE that it waits for the answer to, and the answer.
    subscription: u64,
    granted: Option<Vec<u8>>,
}

impl Inbox {
    fn for_messages() -> Inbox {
        Inbox {
            messages: Some(Vec::new()),
            ..Inbox::default()
        }
    }

    pub fn put(&mut self, event: &Event) {
        match event {
            Event::Message { publish, .. } => {
                if let Some(messages) = &mut self.messages {
                    messages.push(Received::new(publish));
                }
            }
            Event::Subscribed { mid, granted } if *mid == self.subscription => {
                self.granted = Some(granted.to_vec());
            }
            _ => {}
        }
    }
}

impl Received {
    fn new(publish: &Publish) -> Received {
        Received {
            id: publish.packet_id,
            // A topic is decoded only without NUL bytes.
            topic: CString::new(publish.topic.as_bytes()).unwrap_or_default(),
            payload: publish.payload.to_vec(),
            qos: publish.qos,
            retain: publish.retain,
            dup: publish.dup,
        }
    }
}
