//! Publish, cancel, acknowledge. A request is taken under the lock, and the call
//! that runs the client sends it.

use std::time::Duration;

use crate::client::error::{Code, Error, Result};
use crate::client::handle::Client;
use crate::client::state::State;
use crate::client::state::tags::Tag;
use crate::codec::{Message, Properties, Publishable, QoS, Unfit, reason};
use crate::session::{Cancel, PublishError, Session};
use crate::sys;
use crate::time::Moment;

type Answer = std::result::Result<u64, PublishError>;

/// A message, when it is too late to send it, and what its outcome gives back.
pub struct Timed<'a> {
    pub message: Publishable<'a>,
    until: Option<Moment>,
    /// 0: none.
    tag: u64,
}

impl Client {
    /// Publishes with a client that has `Way::Plain`, or if `EXTENDED`, `Way::Extended`. `mid` is also set if the
    /// message is queued for the next connection, or dropped.
    #[inline(always)]
    pub fn publish_plain<const EXTENDED: bool>(&self, message: Message, mid: &mut u64) -> Result {
        let message = check_message(message, EXTENDED)?;
        let mut state = self.lock_for_publish();
        let published = match EXTENDED {
            true => state.session.publish_extended(&message, sys::now),
            false => state.session.publish_plain(&message, sys::now),
        };
        self.wake_or_write_inlined(state);
        match published {
            Ok(id) => {
                *mid = id;
                Ok(())
            }
            Err(error) => Err(not_published(error, mid)),
        }
    }

    /// `publish_plain` for any client: queue options apply if there are some.
    pub fn publish(&self, message: Message, mid: &mut u64) -> Result {
        let message = check_message(message, self.is_extended())?;
        let mut state = self.lock_for_publish();
        let published = state.session.publish(&message, sys::now);
        self.wake_or_write(state);
        *mid = published.map_err(|error| not_published(error, mid))?;
        Ok(())
    }

    /// Publishes messages in a row under one lock. Returns how many were taken, the mid of the
    /// first, and a failure. The failure is that of the first message not taken, or that there is
    /// no connection.
    pub fn publish_batch(&self, messages: &[Timed]) -> (usize, u64, Result) {
        let mut state = self.lock_for_publish();
        let (mut taken, mut first, mut result) = (0, 0, Ok(()));
        for message in messages {
            let published = message.publish(&mut state);
            let (Ok(mid) | Err(PublishError::NotConnected { mid })) = published else {
                result = result.and(published.map(drop));
                break;
            };
            if taken == 0 {
                first = mid;
            }
            taken += 1;
            result = result.and(published.map(drop));
        }
        self.note_rules(&state);
        self.wake_or_write(state);
        (taken, first, result.map_err(Error::from))
    }

    /// Cancels a message.
    pub fn cancel(&self, mid: u64) -> Result {
        let mut state = self.lock();
        let cancel = state.session.cancel(mid);
        self.note_rules(&state);
        self.wake_or_write(state);
        match cancel {
            Cancel::Done => Ok(()),
            Cancel::Busy => Err(Error::busy("cancel: the message is of QoS 2, and was sent")),
            Cancel::NotFound => Err(Error::new(
                Code::NotFound,
                format!("cancel: no message {mid} waits to be sent or for its answer"),
            )),
        }
    }

    /// Cancels all messages that were never sent.
    pub fn clear_queue(&self) {
        let mut state = self.lock();
        state.session.clear_queue();
        self.note_rules(&state);
        self.wake_or_write(state);
    }

    /// From the first message with a rule of its own on, `publish_plain` is not for this client.
    pub(super) fn note_rules(&self, state: &State) {
        if state.session.is_ruled() {
            self.unlocked.set_ruled();
        }
    }

    /// Acknowledges a message for a program that acknowledges itself.
    pub fn acknowledge(&self, mid: u64, qos: QoS) -> Result {
        self.acknowledge_with(mid, qos, reason::SUCCESS, Properties::NONE)
    }

    /// `acknowledge` with a reason and properties, which refuses the message from `reason::FAILURE` on.
    pub fn acknowledge_with(
        &self,
        mid: u64,
        qos: QoS,
        reason: u8,
        properties: Properties,
    ) -> Result {
        let is_plain = reason == reason::SUCCESS && properties.is_empty();
        if !is_plain && !self.is_extended() {
            let text = "ack: only MQTT 5 has reasons and properties (PMQTT_PROTOCOL_V5)";
            return Err(Error::new(Code::NotSupported, text));
        }
        let mut state = self.lock();
        let now = sys::now();
        let session = &mut state.session;
        let acknowledged = session.acknowledge_manually(mid, qos, reason, properties, now);
        self.wake_or_write(state);
        match acknowledged {
            true => Ok(()),
            false => Err(Error::new(
                Code::NotFound,
                format!(
                    "ack: no message {mid} of QoS {} waits for its acknowledgement",
                    qos as u8
                ),
            )),
        }
    }
}

impl<'a> Timed<'a> {
    /// The limit begins now. A message without properties is for a client before MQTT 5.
    #[inline(always)]
    pub fn new(message: Message<'a>, limit: Option<Duration>, tag: u64) -> Result<Timed<'a>> {
        Ok(Timed {
            message: message.check().map_err(unfit)?,
            until: limit.map(|limit| sys::now() + limit),
            tag,
        })
    }

    pub fn publish(&self, state: &mut State) -> Answer {
        match self.tag {
            0 => self.publish_untagged(&mut state.session),
            tag => self.publish_tagged(state, tag),
        }
    }

    fn publish_untagged(&self, session: &mut Session) -> Answer {
        match self.until {
            None => session.publish(&self.message, sys::now),
            Some(until) => session.publish_until(&self.message, until, sys::now()),
        }
    }

    #[inline(never)]
    fn publish_tagged(&self, state: &mut State, tag: u64) -> Answer {
        state.tags().reserve()?;
        let published = self.publish_untagged(&mut state.session);
        match published {
            Ok(mid) => state.tags().set(mid, Tag::Number(tag)),
            // At QoS 0, the message is dropped, and has no outcome.
            Err(PublishError::NotConnected { mid }) if self.message.qos > QoS::AtMostOnce => {
                state.tags().set(mid, Tag::Number(tag));
            }
            Err(_) => {}
        }
        published
    }
}

/// Whether a message can be published. `is_extended`: by a client of MQTT 5, whose messages all have a
/// place for properties.
#[inline(always)]
fn check_message(mut message: Message, is_extended: bool) -> Result<Publishable> {
    match message.properties {
        None if is_extended => message.properties = Some(Properties::NONE),
        Some(_) if !is_extended => return Err(no_properties("publish")),
        _ => {}
    }
    message.check().map_err(unfit)
}

#[cold]
fn not_published(error: PublishError, mid: &mut u64) -> Error {
    if let PublishError::NotConnected { mid: id } = error {
        *mid = id;
    }
    error.into()
}

#[cold]
pub fn no_properties(function: &str) -> Error {
    let text = format!("{function}: only MQTT 5 has properties (PMQTT_PROTOCOL_V5)");
    Error::new(Code::NotSupported, text)
}

#[cold]
fn unfit(unfit: Unfit) -> Error {
    let text = match unfit {
        Unfit::Topic(why) => return inval("publish", why),
        Unfit::Payload => "publish: a payload must not be longer than 268,435,455 bytes",
        Unfit::Packet => "publish: the packet is too long",
    };
    Error::new(Code::PayloadSize, text)
}

impl From<PublishError> for Error {
    fn from(error: PublishError) -> Error {
        match error {
            PublishError::NotConnected { .. } => Error::no_connection(),
            PublishError::Unfit(reason) => unfit_for_broker(reason),
            PublishError::NoMemory => {
                Error::new(Code::NoMem, "publish: there is no memory for the message")
            }
            PublishError::QueueFull => Error::new(
                Code::QueueSize,
                "publish: the queue is full; on_writable tells when there is room",
            ),
        }
    }
}

#[cold]
fn unfit_for_broker(reason: u8) -> Error {
    let (code, text) = match reason {
        reason::TOO_LARGE => (
            Code::PayloadSize,
            "publish: the packet is larger than the broker's maximum packet size",
        ),
        reason::QOS_NOT_SUPPORTED => (
            Code::NotSupported,
            "publish: the QoS is above the broker's maximum QoS",
        ),
        _ => (
            Code::NotSupported,
            "publish: the broker has no retained messages",
        ),
    };
    Error::new(code, text)
}

#[cold]
fn inval(function: &str, why: &str) -> Error {
    Error::inval(format!("{function}: {why}"))
}
