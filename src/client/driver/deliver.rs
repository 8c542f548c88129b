//! Every call of the program's callbacks, except those of a batch of messages. A callback runs
//! without the lock, and may do anything, including freeing the client.

use std::ffi::{CString, c_char, c_void};
use std::os::fd::RawFd;
use std::ptr;
use std::time::Duration;

use super::pace::Pace;
use super::redirect::Offered;
use super::step::{Pass, Step, Stop};
use super::{requests, trace};
use crate::client::error::{Code, Error, Said, connack_string};
use crate::client::events::{
    AuthEvent, AuthStep, Callback, ConnectFailed, Connected, Disconnected, Drained, Interest,
    LogLine, MessageEvent, Published, ResponseEvent, Subscribed, Unsubscribed, Writable,
};
use crate::client::reason::{UNSAID, connack_reason, reason_words};
use crate::client::state::Guard;
use crate::client::state::authenticator::Authenticator;
use crate::client::state::handlers::Handler;
use crate::client::state::intent::Ending;
use crate::client::state::log_lines::Level;
use crate::client::state::requests::Ended;
#[cfg(feature = "tls")]
use crate::client::state::scram_login;
use crate::client::state::tags::Tag;

use crate::codec::{
    Acknowledgement, Auth as AuthPacket, ConnAck, Disconnect, Properties, Publish, property, reason,
};
use crate::session::{Event, GivenUp, Outcome};
use crate::sys;
use crate::sys::sync::MutexGuard;
use crate::time::milliseconds;

/// Reports an event of the session to the program. Returns true if the clock was read.
#[inline(always)]
pub fn event(pass: &mut Pass, event: Event) -> Step<bool> {
    if let Some(inbox) = &mut pass.state.inbox {
        inbox.put(&event).map_err(|_| no_memory())?;
    }
    match event {
        Event::None => Ok(false),
        Event::Message {
            publish,
            mid,
            manual_ack,
        } => message(pass, publish, mid, manual_ack),
        Event::Published { mid } => acknowledged(pass, mid),
        rare => rare_event(pass, rare).map(|()| true),
    }
}

#[cold]
fn no_memory() -> Stop {
    let text = "mqtt: connection lost: no memory to keep what the broker sends";
    Stop::Over(Error::new(Code::NoMem, text))
}

/// Reports that the broker has a message of QoS 1 or 2. Returns true if the clock was read.
#[inline(always)]
pub fn acknowledged(pass: &mut Pass, mid: u64) -> Step<bool> {
    let reason = pass.state.session.plain_reason();
    let looked = published(pass.state, &mut pass.pace, mid, reason);
    pass.check_epoch()?;
    Ok(looked)
}

/// Reports what no packet from the broker reports, until the time of the pass is over:
/// 1. ends of connections that the program has caused
/// 2. QoS 0 messages that were written, and requests that were lost
/// 3. requests that have ended without a response
/// 4. that everything is settled
pub fn news(pass: &mut Pass) -> Step {
    let (state, pace) = (&mut *pass.state, &mut pass.pace);
    log_lines(state, pace);
    while !pace.is_over()
        && let Some(end) = state.intent.next_owed()
    {
        let code = match end {
            Ending::Disconnected => Code::Success,
            Ending::ConnectFailed => Code::NoConn,
        };
        ending(state, pace, end, code, None);
    }
    let mut is_over = pace.is_over();
    while !is_over && let Some(mid) = state.session.next_written() {
        is_over = published(state, pace, mid, UNSAID) && pace.is_over();
    }
    while !is_over && let Some(next) = state.session.next_outcome() {
        is_over = outcome(state, pace, next) && pace.is_over();
    }
    while !is_over && let Some(ended) = state.next_ended_request() {
        is_over = request_ended(state, pace, &ended, None) && pace.is_over();
    }
    if !is_over && let Some(callback) = state.drained() {
        drained(state, pace, callback);
    }
    pass.check_epoch()
}

/// Reports the end of a connection or of an attempt.
pub fn ending(state: &mut Guard, pace: &mut Pace, ending: Ending, code: Code, said: Option<&Said>) {
    let rc = code as i32;
    match ending {
        Ending::Disconnected => {
            let callback = state.callbacks.disconnect;
            let properties = said.map_or(Properties::NONE, |said| said.properties.get());
            let event = Disconnected {
                rc,
                reason: said.map_or(UNSAID, |said| said.reason.into()),
                properties: properties.into(),
            };
            call(state, pace, callback, &event);
        }
        Ending::ConnectFailed => {
            let callback = state.callbacks.connect_fail;
            call(state, pace, callback, &ConnectFailed { rc });
        }
    }
}

/// Reports the lines that wait for `on_log`. If the time is over, the next pass reports the rest.
pub fn log_lines(state: &mut Guard, pace: &mut Pace) {
    while !pace.is_over()
        && let Some((level, text)) = state.log_lines.pop()
    {
        let line = LogLine {
            level: level as i32,
            text: text.as_ptr(),
        };
        let callback = state.callbacks.log();
        call_untimed(state, callback, &line);
        pace.tick();
    }
}

/// Reports what to wait for. The caller has the driver, so no other report overtakes this one.
pub fn interest(state: &mut Guard, interest: &Interest) {
    let callback = state.callbacks.interest;
    call_untimed(state, callback, interest);
}

/// Reports to `on_interest` that a descriptor is about to be closed, if it knows the descriptor.
/// The caller has the driver.
pub fn closing(state: &mut Guard, fd: RawFd) {
    closing_to_retired(state);
    if state.reported.forget(fd) {
        // A loop that sets its timer from each event keeps the time that it has.
        let deadline = state.reported.deadline;
        let left = deadline
            .filter(|_| !state.tenancy.is_freed())
            .map(|at| at.since(sys::now()));
        interest(state, &closing_event(fd, left));
    }
}

/// `closing` for callbacks from before `reinitialise` or the free.
pub fn closing_to_retired(state: &mut Guard) {
    while let Some(retired) = state.reported.take_retired() {
        let client = state.handle();
        for &fd in &retired.fds {
            let (callback, event) = (retired.callback, closing_event(fd, None));
            MutexGuard::unlocked(state, || callback(client, retired.userdata(), &event));
        }
    }
}

/// Asks the program for the password of its key. Returns the length of the password.
#[cfg(feature = "tls")]
pub fn key_password(
    state: &mut Guard,
    callback: crate::client::events::KeyPassword,
    buffer: &mut [u8],
) -> Option<usize> {
    let (client, userdata) = (state.handle(), state.callbacks.userdata());
    let length = MutexGuard::unlocked(state, || {
        callback(client, userdata, buffer.as_mut_ptr().cast(), buffer.len())
    });
    usize::try_from(length).ok().filter(|&n| n <= buffer.len())
}

/// A message in the form for C, to be set.
pub fn no_message() -> MessageEvent {
    MessageEvent {
        mid: 0,
        topic: ptr::null(),
        topic_len: 0,
        payload: ptr::null(),
        payload_len: 0,
        qos: 0,
        retain: false,
        dup: false,
        properties: Properties::NONE.into(),
    }
}

impl MessageEvent {
    /// Sets all but the properties. The event borrows from the read buffer.
    #[inline(always)]
    pub fn set(&mut self, publish: &Publish, mid: u64) {
        self.mid = mid;
        self.topic = publish.topic.terminated().as_ptr().cast();
        self.topic_len = publish.topic.as_bytes().len();
        self.payload = address(publish.payload);
        self.payload_len = publish.payload.len();
        self.qos = publish.qos as i32;
        self.retain = publish.retain;
        self.dup = publish.dup;
    }
}

/// An empty slice still has an address, so that C never sees NULL with a length of 0.
pub fn address(bytes: &[u8]) -> *const c_void {
    ptr::from_ref(bytes).cast()
}

#[inline(always)]
fn message(pass: &mut Pass, publish: &Publish, mid: u64, manual_ack: bool) -> Step<bool> {
    let state = &mut *pass.state;
    pass.unlocked.count_message();
    let event = MessageEvent {
        mid,
        topic: publish.topic.terminated().as_ptr().cast(),
        topic_len: publish.topic.as_bytes().len(),
        payload: address(publish.payload),
        payload_len: publish.payload.len(),
        qos: publish.qos as i32,
        retain: publish.retain,
        dup: publish.dup,
        properties: publish.properties.into(),
    };
    let looked = matching(state, &mut pass.pace, &event, publish, manual_ack);
    let acknowledged = publish.packet_id.filter(|_| !manual_ack);
    if pass.epoch != state.intent.epoch() {
        if let Some(id) = acknowledged {
            state.session.delivered_late(id, publish.qos);
        }
        return Err(Stop::Superseded);
    }
    if let Some(id) = acknowledged {
        state.session.delivered(id, publish.qos, pass.now);
    }
    Ok(looked)
}

/// Calls each handler whose filter matches, or else the callback for all messages.
#[inline(always)]
fn matching(
    state: &mut Guard,
    pace: &mut Pace,
    message: &MessageEvent,
    publish: &Publish,
    manual_ack: bool,
) -> bool {
    if state.callbacks.has_handlers()
        && let Some(looked) = handlers(state, pace, message, publish, manual_ack)
    {
        return looked;
    }
    let callback = state.callbacks.message;
    call(state, pace, callback, message)
}

/// Gives a response to its request, and calls each handler whose filter matches another message. Returns
/// whether the clock was read; None: no filter matches.
#[inline(never)]
fn handlers(
    state: &mut Guard,
    pace: &mut Pace,
    message: &MessageEvent,
    publish: &Publish,
    manual_ack: bool,
) -> Option<bool> {
    let topic = publish.topic.as_bytes();
    if state.callbacks.is_response(topic) {
        return Some(response(state, pace, message, publish, manual_ack));
    }
    let mut last = 0;
    let mut looked = false;
    // Looked up again for each call, because the previous one may have added or removed filters.
    while let Some((number, handler)) = state.callbacks.next_match(topic, last) {
        last = number;
        handle(state, handler, message);
        looked |= pace.tick();
        if state.tenancy.is_in_child() {
            pace.stop();
            break;
        }
    }
    (last > 0).then_some(looked)
}

/// Reports a response to its request. The program does not acknowledge it, even if it acknowledges messages.
fn response(
    state: &mut Guard,
    pace: &mut Pace,
    message: &MessageEvent,
    publish: &Publish,
    manual_ack: bool,
) -> bool {
    let correlation = publish.properties.bytes(property::CORRELATION_DATA);
    let ended = requests::respond(state, correlation);
    let looked = ended.is_some_and(|ended| request_ended(state, pace, &ended, Some(message)));
    if manual_ack {
        let (success, none) = (reason::SUCCESS, Properties::NONE);
        let now = sys::now();
        let session = &mut state.session;
        session.acknowledge_manually(message.mid, publish.qos, success, none, now);
    }
    looked
}

/// Reports the end of a request to its own callback.
fn request_ended(
    state: &mut Guard,
    pace: &mut Pace,
    ended: &Ended,
    message: Option<&MessageEvent>,
) -> bool {
    let client = state.handle();
    let event = ResponseEvent {
        id: ended.id,
        rc: ended.code as i32,
        reason: ended.reason.map_or(UNSAID, i32::from),
        message: message.map_or(ptr::null(), ptr::from_ref),
    };
    let asker = &ended.asker;
    MutexGuard::unlocked(state, || (asker.callback)(client, asker.userdata(), &event));
    pace.tick()
}

/// If the handler was removed meanwhile, this call is its last one, and releases its userdata.
fn handle(state: &mut Guard, handler: Handler, message: &MessageEvent) {
    let client = state.handle();
    let userdata = handler.userdata();
    let userdata = userdata.unwrap_or_else(|| state.callbacks.userdata());
    MutexGuard::unlocked(state, || {
        (handler.callback)(client, userdata, message);
        drop(handler);
    });
}

/// Reports that a message is done: written at QoS 0, acknowledged at QoS 1 and 2.
#[inline(always)]
fn published(state: &mut Guard, pace: &mut Pace, mid: u64, reason: i32) -> bool {
    state.counters.messages_out += 1;
    let callback = state.callbacks.publish;
    let event = Published {
        mid,
        rc: 0,
        reason,
        properties: Properties::NONE.into(),
        tag: 0,
    };
    match state.has_tags() {
        true => tagged(state, pace, event, Code::Success),
        false => call(state, pace, callback, &event),
    }
}

/// Reports the outcome of a message, with its tag. That of a request tells on the request instead.
#[cold]
#[inline(never)]
fn tagged(state: &mut Guard, pace: &mut Pace, mut event: Published, code: Code) -> bool {
    match state.take_tag(event.mid) {
        Some(Tag::Request(id)) => {
            let reason = u8::try_from(event.reason).ok();
            requests::message_done(state, id, code, reason);
            return false;
        }
        Some(Tag::Number(tag)) => event.tag = tag,
        Some(Tag::ReplyTopic) | None => {}
    }
    let callback = state.callbacks.publish;
    call(state, pace, callback, &event)
}

/// Reports an acknowledgement with a reason or properties.
#[cold]
fn answered(state: &mut Guard, pace: &mut Pace, mid: u64, answer: &Acknowledgement) -> bool {
    let code = match answer.reason < reason::FAILURE {
        true => {
            state.counters.messages_out += 1;
            Code::Success
        }
        false => {
            state.callbacks.other_told();
            state.rejected(answer.reason, answer.properties);
            Code::Rejected
        }
    };
    let event = Published {
        mid,
        rc: code as i32,
        reason: answer.reason.into(),
        properties: answer.properties.into(),
        tag: 0,
    };
    tagged(state, pace, event, code)
}

/// Reports that the broker has completed the handshake of a message that it may have lost.
fn in_doubt(state: &mut Guard, pace: &mut Pace, mid: u64) -> bool {
    state.counters.in_doubt = state.counters.in_doubt.wrapping_add(1);
    not_published(state, pace, mid, Code::InDoubt, UNSAID)
}

fn not_published(state: &mut Guard, pace: &mut Pace, mid: u64, code: Code, reason: i32) -> bool {
    state.callbacks.other_told();
    let event = Published {
        mid,
        rc: code as i32,
        reason,
        properties: Properties::NONE.into(),
        tag: 0,
    };
    tagged(state, pace, event, code)
}

/// Reports events that occur a few times in a connection.
#[inline(never)]
fn rare_event(pass: &mut Pass, event: Event) -> Step {
    let (state, pace) = (&mut *pass.state, &mut pass.pace);
    match event {
        Event::InDoubt { mid } => drop(in_doubt(state, pace, mid)),
        Event::Downgraded { mid, is_first } => {
            if is_first {
                let text =
                    "mqtt: the broker answers QoS 2 with PUBACK: such messages count as QoS 1";
                state.log(Level::Warning, format_args!("{text}"));
            }
            published(state, pace, mid, UNSAID);
        }
        Event::Answered { mid, answer } => drop(answered(state, pace, mid, answer)),
        Event::Subscribed { mid, suback } => {
            let (granted, properties) = (suback.granted, suback.properties);
            subscribed(state, pace, mid, granted, properties);
        }
        Event::Unsubscribed { mid, unsuback } => {
            let (codes, properties) = (unsuback.codes, unsuback.properties);
            unsubscribed(state, pace, mid, codes, properties);
        }
        Event::Challenged(AuthPacket { reason, properties }) => {
            return auth(pass, AuthStep::Challenge, (*reason).into(), *properties);
        }
        Event::Reauthenticated(AuthPacket { reason, properties }) => {
            auth(pass, AuthStep::Done, (*reason).into(), *properties)?;
            pass.state.session.reauthenticated();
            return Ok(());
        }
        Event::Authenticated(connack) => {
            let reason = connack.return_code.into();
            auth(pass, AuthStep::Done, reason, connack.properties)?;
            pass.state.session.authenticated(connack, sys::now());
            return answer(pass, connack);
        }
        Event::Dismissed(disconnect) => {
            let error = dismissed(disconnect);
            redirect(pass, &error)?;
            return Err(Stop::Over(error));
        }
        Event::ConnAck(connack) => return answer(pass, connack),
        Event::Unexpected(what) => state.log(Level::Warning, format_args!("mqtt: {what}")),
        Event::None | Event::Message { .. } | Event::Published { .. } => {}
    }
    pass.check_epoch()
}

/// Reports a step of an authentication to whoever answers in it.
pub fn auth(pass: &mut Pass, step: AuthStep, reason: i32, properties: Properties) -> Step {
    let data = properties.bytes(property::AUTH_DATA).unwrap_or_default();
    let method = pass.state.session.auth_method().unwrap_or_default();
    match pass.state.callbacks.authenticator() {
        Some(Authenticator::Program(callback)) => {
            let callback = *callback;
            let event = AuthEvent {
                step: step as i32,
                reason,
                method: method.as_ptr(),
                data: address(data),
                data_len: data.len(),
                properties: properties.into(),
            };
            call(pass.state, &mut pass.pace, Some(callback), &event);
            pass.check_epoch()?;
        }
        #[cfg(feature = "tls")]
        Some(Authenticator::Scram(login)) if *method == *scram_login::METHOD => {
            let answer = login.step(step, data, pass.now).map_err(Stop::Over)?;
            let sent = pass.state.send_auth(answer, sys::now());
            sent.map_err(Stop::Over)?;
        }
        _ => return Err(unanswered()),
    }
    refusal(pass)
}

/// Ends the connection if the program has refused in an authentication.
pub fn refusal(pass: &Pass) -> Step {
    match pass.state.session.auth_failure() {
        Some(failure) => Err(Stop::Over(failure.into())),
        None => Ok(()),
    }
}

/// Since CONNECT, the program has taken its callback away, or has set another method.
#[cold]
fn unanswered() -> Stop {
    let text = "auth: nobody answers any more for the method of the connection (pmqtt_auth_set)";
    Stop::Over(Error::new(Code::Auth, text).parting(reason::UNSPECIFIED))
}

/// The broker answered CONNECT: the connection is announced, or refused and over.
fn answer(pass: &mut Pass, connack: &ConnAck) -> Step {
    let rc = connack.return_code.into();
    let is_extended = pass.state.session.version().rules().is_extended;
    let reason = if is_extended { rc } else { connack_reason(rc) };
    let refusal = (rc != 0).then(|| refused(connack, is_extended));
    match &refusal {
        None => {
            trace::accepted(pass.state, pass.now);
            log_lines(pass.state, &mut pass.pace);
            pass.check_epoch()?;
            pass.state.counters.connections += 1;
            pass.state.why_none = None;
            pass.state.intent.backoff.connected(pass.now);
            requests::resume(pass.state, connack.session_present);
        }
        Some(error) if pass.state.falls_back(error).is_some() || redirect(pass, error)? => {
            return Err(Stop::Over(error.clone()));
        }
        Some(_) => {}
    }
    pass.state.intent.announce();
    let event = Connected {
        session_present: connack.session_present,
        rc,
        reason,
        properties: connack.properties.into(),
    };
    let callback = pass.state.callbacks.connect;
    call(pass.state, &mut pass.pace, callback, &event);
    pass.check_epoch()?;
    if let Some(error) = refusal {
        return Err(Stop::Over(error));
    }
    let now = pass.state.sending_at(pass.now);
    pass.state.session.announced(now);
    Ok(())
}

/// The broker refuses the connection.
#[cold]
fn refused(connack: &ConnAck, is_extended: bool) -> Error {
    let (reason, properties) = (connack.return_code, connack.properties);
    match is_extended {
        false => {
            let words = connack_string(reason.into()).to_string_lossy();
            let text = format!("mqtt: CONNACK {reason}: {words}");
            Error::new(Code::ConnRefused, text).refused(connack_reason(reason.into()))
        }
        true => {
            let text = format!("mqtt: CONNACK {}", reason_words(reason, properties));
            let error = Error::new(Code::ConnRefused, text).said(reason, properties);
            error.refused(reason.into())
        }
    }
}

/// Tells the program if the broker sends the client elsewhere. Returns whether the program follows: then the end of
/// the connection takes the redirect.
fn redirect(pass: &mut Pass, error: &Error) -> Step<bool> {
    let (Some(callback), Some(said)) = (pass.state.callbacks.redirect(), &error.said) else {
        return Ok(false);
    };
    let Some(offered) = Offered::new(pass.state, said, pass.now) else {
        return Ok(false);
    };
    call(pass.state, &mut pass.pace, Some(callback), &offered.event());
    pass.check_epoch()?;
    Ok(pass.state.redirects().told() && pass.state.intent.is_wanted())
}

/// The broker ends the connection.
fn dismissed(disconnect: &Disconnect) -> Error {
    let &Disconnect { reason, properties } = disconnect;
    let words = reason_words(reason, properties);
    let text = format!("mqtt: connection lost: the broker sent DISCONNECT {words}");
    let error = Error::new(Code::ConnLost, text).said(reason, properties);
    error.refused(reason.into())
}

#[inline(never)]
fn outcome(state: &mut Guard, pace: &mut Pace, outcome: Outcome) -> bool {
    use Code::{ConnLost, Rejected};
    match outcome {
        Outcome::Written { mid } => published(state, pace, mid, UNSAID),
        Outcome::Lost { mid } => not_published(state, pace, mid, Code::ConnLost, UNSAID),
        Outcome::GivenUp { mid, why } => {
            let (code, reason) = match why {
                GivenUp::Dropped => (Code::Dropped, UNSAID),
                GivenUp::Cancelled => (Code::Cancelled, UNSAID),
                GivenUp::Expired => (Code::Expired, UNSAID),
                GivenUp::InDoubt => return in_doubt(state, pace, mid),
                GivenUp::Unfit(reason) => {
                    state.rejected(reason, Properties::NONE);
                    (Code::Rejected, reason.into())
                }
            };
            not_published(state, pace, mid, code, reason)
        }
        Outcome::SubscribeLost { mid } => not_subscribed(state, pace, mid, ConnLost, UNSAID),
        Outcome::UnsubscribeLost { mid } => not_unsubscribed(state, pace, mid, ConnLost, UNSAID),
        Outcome::SubscribeUnfit { mid, reason } => {
            not_subscribed(state, pace, mid, Rejected, reason.into())
        }
        Outcome::UnsubscribeUnfit { mid, reason } => {
            not_unsubscribed(state, pace, mid, Rejected, reason.into())
        }
        Outcome::NotResubscribed => not_resubscribed(state, pace),
        Outcome::Writable => {
            let callback = state.callbacks.writable;
            let event = Writable {
                messages: state.session.queued() + state.session.in_flight(),
                bytes: state.session.queued_bytes(),
            };
            call(state, pace, callback, &event)
        }
    }
}

fn subscribed(
    state: &mut Guard,
    pace: &mut Pace,
    mid: u64,
    granted: &[u8],
    properties: Properties,
) -> bool {
    if is_for_responses(state, mid) {
        requests::subscribed(state, mid, granted.first().copied());
        return false;
    }
    let is_extended = state.session.version().rules().is_extended;
    let event = Subscribed {
        mid,
        rc: 0,
        granted_qos: granted.as_ptr(),
        granted_qos_count: granted.len(),
        reason: first_reason(if is_extended { granted } else { &[] }),
        properties: properties.into(),
        filters: ptr::null(),
    };
    tell_subscribed(state, pace, &event)
}

/// Whether this SUBSCRIBE is the library's own. Then it has nothing to report.
fn is_for_responses(state: &mut Guard, mid: u64) -> bool {
    state.has_tags() && state.take_tag(mid) == Some(Tag::ReplyTopic)
}

/// Reports a SUBSCRIBE that the broker has not answered.
fn not_subscribed(state: &mut Guard, pace: &mut Pace, mid: u64, code: Code, reason: i32) -> bool {
    if is_for_responses(state, mid) {
        requests::subscribed(state, mid, u8::try_from(reason).ok());
        return false;
    }
    let event = Subscribed {
        mid,
        rc: code as i32,
        granted_qos: [].as_ptr(),
        granted_qos_count: 0,
        reason,
        properties: Properties::NONE.into(),
        filters: ptr::null(),
    };
    tell_subscribed(state, pace, &event)
}

fn tell_subscribed(state: &mut Guard, pace: &mut Pace, event: &Subscribed) -> bool {
    state.callbacks.other_told();
    let callback = state.callbacks.subscribe;
    call(state, pace, callback, event)
}

/// Reports the filters that were refused when the client subscribed again.
fn not_resubscribed(state: &mut Guard, pace: &mut Pace) -> bool {
    let refused = state.session.take_refused();
    let is_extended = state.session.version().rules().is_extended;
    for (filter, code) in &refused {
        let text = "mqtt: the broker has refused to subscribe again to";
        state.log(Level::Warning, format_args!("{text} {filter}: {code:#04x}"));
    }
    let codes: Vec<u8> = refused.iter().map(|(_, code)| *code).collect();
    let texts = refused.iter().map(|(filter, _)| CString::new(&**filter));
    let texts: Vec<CString> = texts.map(Result::unwrap_or_default).collect();
    let filters: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
    let event = Subscribed {
        mid: 0,
        rc: 0,
        granted_qos: codes.as_ptr(),
        granted_qos_count: codes.len(),
        reason: first_reason(if is_extended { &codes } else { &[] }),
        properties: Properties::NONE.into(),
        filters: filters.as_ptr(),
    };
    tell_subscribed(state, pace, &event)
}

/// The broker's reason for the first filter.
fn first_reason(codes: &[u8]) -> i32 {
    codes.first().map_or(UNSAID, |code| i32::from(*code))
}

fn unsubscribed(
    state: &mut Guard,
    pace: &mut Pace,
    mid: u64,
    codes: &[u8],
    properties: Properties,
) -> bool {
    let event = Unsubscribed {
        mid,
        rc: 0,
        reason: first_reason(codes),
        reasons: codes.as_ptr(),
        reasons_count: codes.len(),
        properties: properties.into(),
    };
    tell_unsubscribed(state, pace, &event)
}

/// Reports an UNSUBSCRIBE that the broker has not answered.
fn not_unsubscribed(state: &mut Guard, pace: &mut Pace, mid: u64, code: Code, reason: i32) -> bool {
    let event = Unsubscribed {
        mid,
        rc: code as i32,
        reason,
        reasons: [].as_ptr(),
        reasons_count: 0,
        properties: Properties::NONE.into(),
    };
    tell_unsubscribed(state, pace, &event)
}

fn tell_unsubscribed(state: &mut Guard, pace: &mut Pace, event: &Unsubscribed) -> bool {
    state.callbacks.other_told();
    let callback = state.callbacks.unsubscribe;
    call(state, pace, callback, event)
}

#[cold]
fn drained(state: &mut Guard, pace: &mut Pace, callback: Callback<Drained>) {
    let last_mid = state.session.last_mid();
    let messages_out = state.counters.messages_out;
    state.callbacks.drained_told(messages_out);
    call(state, pace, Some(callback), &Drained { last_mid });
}

fn closing_event(fd: RawFd, left: Option<Duration>) -> Interest {
    Interest {
        fd,
        read: false,
        write: false,
        closing: true,
        timeout_ms: milliseconds(left),
    }
}

/// Calls a callback within the time of the pass. Returns true if the clock was read.
#[inline(always)]
fn call<E>(state: &mut Guard, pace: &mut Pace, callback: Option<Callback<E>>, event: &E) -> bool {
    call_untimed(state, callback, event);
    pace.tick()
}

#[inline(always)]
fn call_untimed<E>(state: &mut Guard, callback: Option<Callback<E>>, event: &E) {
    if let Some(callback) = callback {
        let client = state.handle();
        let userdata = state.callbacks.userdata();
        MutexGuard::unlocked(state, || callback(client, userdata, event));
    }
}
