//! The requests of the program on the connection: the subscription to the topic of their responses, and
//! what ends them.

use crate::client::error::Code;
use crate::client::state::State;
use crate::client::state::log_lines::Level;
use crate::client::state::reply_topic::{self, ReplyTopic};
use crate::client::state::requester::Requester;
use crate::client::state::requests::Ended;
use crate::client::state::tags::Tag;
use crate::codec::{QoS, RetainHandling, Wish, reason};
use crate::session::{Phase, RequestError};
use crate::time::Moment;

/// QoS 2 has no advantage: a response that comes twice is dropped. Retained messages are no responses.
const WISH: Wish = Wish {
    qos: QoS::AtLeastOnce,
    no_local: false,
    retain_as_published: false,
    retain_handling: RetainHandling::Never,
};

/// Prepares the client for its first request.
pub fn prepare(state: &mut State) -> &mut Requester {
    let topic = ReplyTopic::new(&base(state));
    let handlers = state.callbacks.handlers();
    handlers.set_reply_prefix(topic.prefix());
    state.set_requester(Requester::new(topic))
}

/// Subscribes to the topic of the responses once for each connection, unless the session has the subscription. Before
/// CONNACK, that is unknown. Without a connection, `resume` does it.
pub fn subscribe(state: &mut State) -> Result<(), RequestError> {
    let connection = state.session.connection();
    let Some(requester) = state.requester() else {
        return Ok(());
    };
    let topic = &requester.topic;
    let is_known = topic.is_granted() && state.session.phase() == Phase::Connected;
    if is_known || topic.is_asked(connection) || !state.session.is_open() {
        return Ok(());
    }
    let filter = topic.get().to_owned();
    let mid = state.session.subscribe_once(&filter, WISH)?;
    state.tags().set(mid, Tag::ReplyTopic);
    if let Some(requester) = state.requester_mut() {
        requester.topic.ask(mid, connection);
    }
    Ok(())
}

/// The broker has accepted a connection. Requests that wait are answered on it: SUBSCRIBE goes out before
/// their messages.
pub fn resume(state: &mut State, session_present: bool) {
    if state.requester().is_none() {
        return;
    }
    if !state.session.version().rules().is_extended {
        return end_all(state, Code::NotSupported, None);
    }
    renew_topic(state);
    let Some(requester) = state.requester_mut() else {
        return;
    };
    if !session_present {
        requester.topic.session_lost();
    }
    if requester.requests.are_waiting() && subscribe(state).is_err() {
        let text =
            "mqtt: no SUBSCRIBE for responses: it is too large, or no packet identifier is free";
        state.log(Level::Warning, format_args!("{text}"));
    }
}

/// The broker has answered the SUBSCRIBE for responses, or does not take it, with this code. None: the connection
/// ended before.
pub fn subscribed(state: &mut State, mid: u64, code: Option<u8>) {
    let Some(requester) = state.requester_mut() else {
        return;
    };
    let topic = &mut requester.topic;
    if !topic.has_mid(mid) {
        return;
    }
    match code {
        Some(code) if code < reason::FAILURE => topic.granted(),
        Some(code) => {
            topic.refused();
            let text = "mqtt: the broker refuses the subscription for responses: reason";
            state.log(Level::Warning, format_args!("{text} {code:#04x}"));
            end_all(state, Code::Rejected, Some(code));
        }
        None => topic.refused(),
    }
}

/// A message has come on the topic of the responses. None: no request waits for it.
pub fn respond(state: &mut State, correlation: Option<&[u8]>) -> Option<Ended> {
    let requester = state.requester_mut()?;
    let ended = correlation.and_then(|data| requester.requests.respond(data));
    if ended.is_none() {
        requester.dropped += 1;
    }
    ended
}

/// The message of a request has its outcome. One that was sent or lost can still be answered.
pub fn message_done(state: &mut State, id: u64, code: Code, reason: Option<u8>) {
    let Some(requester) = state.requester_mut() else {
        return;
    };
    let requests = &mut requester.requests;
    match code {
        Code::Rejected | Code::Expired | Code::Cancelled | Code::Dropped => {
            requests.end(id, code, reason);
        }
        _ => requests.message_done(id),
    }
}

/// Ends a request before its response comes. Returns false if no such request waits.
pub fn cancel(state: &mut State, id: u64) -> bool {
    let requests = state.requester_mut().map(|it| &mut it.requests);
    let mid = requests.and_then(|it| it.end(id, Code::Cancelled, None));
    give_up(state, mid.into_iter());
    mid.is_some()
}

/// Ends the requests whose time was over at that moment. Each pass asks.
#[inline(always)]
pub fn expire(state: &mut State, now: Moment) {
    if state.request_deadline().is_some_and(|at| at <= now) {
        expire_due(state, now);
    }
}

#[cold]
#[inline(never)]
fn expire_due(state: &mut State, now: Moment) {
    while let Some(requester) = state.requester_mut()
        && let Some(mid) = requester.requests.expire(now)
    {
        give_up(state, [mid].into_iter());
    }
}

fn end_all(state: &mut State, code: Code, reason: Option<u8>) {
    if let Some(requester) = state.requester_mut() {
        let mids = requester.requests.end_all(code, reason);
        give_up(state, mids.into_iter());
    }
}

/// Nobody waits for an answer to these messages any more, so they are not sent if they still wait for that.
fn give_up(state: &mut State, mids: impl Iterator<Item = u64>) {
    for mid in mids.filter(|mid| *mid != 0) {
        state.session.cancel(mid);
    }
}

/// Response information that has changed, or a new client identifier, changes the topic.
fn renew_topic(state: &mut State) {
    let base = base(state);
    let Some(requester) = state.requester_mut() else {
        return;
    };
    if !requester.topic.has_base(&base) {
        requester.topic = ReplyTopic::new(&base);
        let prefix = requester.topic.prefix().to_owned();
        state.callbacks.handlers().set_reply_prefix(&prefix);
    }
}

fn base(state: &State) -> String {
    let session = &state.session;
    let with = session.negotiated();
    let info = with.and_then(|with| with.response_info.as_deref());
    reply_topic::base(info, session.client_id().to_str().unwrap_or_default())
}
