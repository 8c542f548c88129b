//! Requests to other clients, whose responses a callback gets.

use std::time::Duration;

use rand::RngCore;

use super::request::Timed;
use super::subscribe::request_error;
use crate::client::driver::requests;
use crate::client::error::{Code, Error, Result};
use crate::client::handle::Client;
use crate::client::state::State;
use crate::client::state::requests::{Asker, Refusal, Sent, correlation};
use crate::client::state::tags::Tag;
use crate::codec::{Message, Properties, PropertyList, QoS, property};
use crate::session::PublishError;
use crate::sys::{self, Random};

/// A message that asks for a response. It has neither response topic nor correlation data.
pub struct Request<'a> {
    pub message: Message<'a>,
    /// How long the message may wait to be sent.
    pub limit: Option<Duration>,
    /// How long the request waits for its response.
    pub timeout: Duration,
    pub asker: Asker,
}

impl Client {
    /// Makes a request, and returns its id. The subscription for the responses goes out before the message.
    pub fn request(&self, request: Request) -> Result<u64> {
        let secret = Random.next_u64();
        let mut state = self.lock();
        let asked = ask(&mut state, request, secret);
        self.note_rules(&state);
        self.wake_or_write(state);
        asked
    }

    /// Ends a request before its response comes.
    pub fn cancel_request(&self, id: u64) -> Result {
        let mut state = self.lock();
        let is_cancelled = requests::cancel(&mut state, id);
        self.note_rules(&state);
        self.wake_or_write(state);
        match is_cancelled {
            true => Ok(()),
            false => Err(Error::new(
                Code::NotFound,
                format!("request_cancel: no request {id} waits for its response"),
            )),
        }
    }
}

fn ask(state: &mut State, request: Request, secret: u64) -> Result<u64> {
    if !state.session.version().rules().is_extended {
        return Err(not_supported());
    }
    if state.requester().is_none() && state.session.awaits_names() {
        let text =
            "request: the response topic is unknown until the broker has accepted a connection";
        return Err(Error::new(Code::NoConn, text));
    }
    let requester = match state.requester().is_some() {
        true => state.requester_mut(),
        false => Some(requests::prepare(state)),
    };
    let requester = requester.ok_or_else(Error::no_connection)?;
    let id = requester.requests.reserve()?;
    let mut list = PropertyList::of(request.message.properties.unwrap_or(Properties::NONE));
    let data = correlation(id, secret);
    let topic = requester.topic.get().as_bytes();
    let listed = list.bytes(property::RESPONSE_TOPIC, topic);
    let listed = listed.and_then(|list| list.bytes(property::CORRELATION_DATA, &data));
    listed.map_err(|_| Error::inval("request: the response topic is too long"))?;
    let message = Message {
        properties: Some(list.get()),
        ..request.message
    };
    let timed = Timed::new(message, request.limit, 0)?;
    requests::subscribe(state).map_err(|error| request_error("request", error))?;
    state.tags().reserve().map_err(|_| no_memory())?;
    let mid = match timed.publish(state) {
        Ok(mid) => mid,
        // It is queued for the next connection.
        Err(PublishError::NotConnected { mid }) if message.qos > QoS::AtMostOnce => mid,
        Err(error) => return Err(error.into()),
    };
    state.tags().set(mid, Tag::Request(id));
    if let Some(requester) = state.requester_mut() {
        let sent = Sent {
            secret,
            until: sys::now() + request.timeout,
            mid,
            asker: request.asker,
        };
        requester.requests.add(id, sent);
    }
    Ok(id)
}

#[cold]
pub fn not_supported() -> Error {
    let text = "request: only MQTT 5 has requests and responses (PMQTT_PROTOCOL_V5)";
    Error::new(Code::NotSupported, text)
}

fn no_memory() -> Error {
    Error::new(Code::NoMem, "request: there is no memory for the request")
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        match refusal {
            Refusal::NoMemory => no_memory(),
            Refusal::Full => Error::new(
                Code::QueueSize,
                "request: too many requests wait for their responses",
            ),
        }
    }
}
