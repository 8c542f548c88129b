//! Each way that ends in a callback of the program, which may do anything meanwhile, ending the client
//! included. They run with no lock held, and are called here alone, and in a batch of messages.

use std::ffi::c_void;
use std::os::fd::RawFd;
use std::ptr;

use super::pace::Pace;
use super::step::{Pass, Step, Stop};
use super::trace;
use crate::client::error::{Code, Error, connack_string};
use crate::client::events::{
    Callback, ConnectFailed, Connected, Disconnected, Interest, LogLine, MessageEvent, Published,
    Subscribed, Unsubscribed, Writable,
};
use crate::client::state::Guard;
use crate::client::state::intent::Ending;
use crate::client::state::log_lines::Level;
use crate::codec::{ConnAck, Publish};
use crate::session::{Event, Outcome};
use crate::sys::sync::MutexGuard;

/// What a packet from the broker means to the program.
#[inline(always)]
pub fn event(pass: &mut Pass, event: Event) -> Step {
    if let Some(inbox) = &mut pass.state.inbox {
        inbox.put(&event);
    }
    match event {
        Event::None => Ok(()),
        Event::Message {
            publish,
            manual_ack,
        } => {
            message(pass, publish, manual_ack);
            Ok(())
        }
        Event::Published { mid } => {
            pass.state.counters.messages_out += 1;
            let callback = pass.state.callbacks.publish;
            call(pass, callback, &Published { mid, rc: 0 });
            Ok(())
        }
        rare => rare_event(pass, rare),
    }
}

/// What no packet tells: ends that the program itself has caused, QoS 0 messages written, requests
/// lost. What there is no time for is told by the next pass.
pub fn news(pass: &mut Pass) -> Step {
    log_lines(pass.state, &mut pass.pace);
    while !pass.pace.is_over()
        && let Some(end) = pass.state.intent.next_owed()
    {
        let code = match end {
            Ending::Disconnected => Code::Success,
            Ending::ConnectFailed => Code::NoConn,
        };
        ending(pass, end, code);
    }
    while !pass.pace.is_over()
        && let Some(next) = pass.state.session.next_outcome()
    {
        outcome(pass, next);
    }
    pass.check_epoch()
}

/// A connection, or the attempt at one, has ended.
pub fn ending(pass: &mut Pass, ending: Ending, code: Code) {
    let rc = code as i32;
    match ending {
        Ending::Disconnected => {
            let callback = pass.state.callbacks.disconnect;
            call(pass, callback, &Disconnected { rc });
        }
        Ending::ConnectFailed => {
            let callback = pass.state.callbacks.connect_fail;
            call(pass, callback, &ConnectFailed { rc });
        }
    }
}

/// The lines that wait for `on_log`. What there is no time for follows with the next pass.
pub fn log_lines(state: &mut Guard, pace: &mut Pace) {
    while !pace.is_over()
        && let Some((level, text)) = state.log_lines.pop()
    {
        let line = LogLine {
            level: level as i32,
            text: text.as_ptr(),
        };
        let callback = state.callbacks.log;
        call_untimed(state, callback, &line);
        pace.tick();
    }
}

/// What there is to wait for. The caller has the driver, so that no other report overtakes this one.
pub fn interest(state: &mut Guard, interest: &Interest) {
    let callback = state.callbacks.interest;
    state.tenancy.set_reporting(true);
    call_untimed(state, callback, interest);
    state.tenancy.set_reporting(false);
}

/// A descriptor is about to be closed: `on_interest` is told, if it was told of it. The caller has the
/// driver.
pub fn closing(state: &mut Guard, fd: RawFd) {
    closing_to_retired(state);
    if state.reported.forget(fd) {
        interest(state, &closing_event(fd));
    }
}

/// The same for the callback of a program that has begun anew, or freed the client.
pub fn closing_to_retired(state: &mut Guard) {
    while let Some(retired) = state.reported.take_retired() {
        let client = state.handle();
        state.tenancy.set_reporting(true);
        for &fd in &retired.fds {
            let (callback, event) = (retired.callback, closing_event(fd));
            MutexGuard::unlocked(state, || callback(client, retired.userdata(), &event));
        }
        state.tenancy.set_reporting(false);
    }
}

/// Asks the program for the password of its key: how long it is.
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

/// A message as C gets it, which borrows from the read buffer.
#[inline(always)]
pub fn message_event(publish: &Publish) -> MessageEvent {
    MessageEvent {
        mid: publish.packet_id.map_or(0, |id| id.get().into()),
        topic: publish.topic.terminated().as_ptr().cast(),
        topic_len: publish.topic.as_bytes().len(),
        payload: address(publish.payload),
        payload_len: publish.payload.len(),
        qos: publish.qos as i32,
        retain: publish.retain,
        dup: publish.dup,
    }
}

/// An empty slice still has an address, so that C never sees NULL with a length of 0.
pub fn address(bytes: &[u8]) -> *const c_void {
    ptr::from_ref(bytes).cast()
}

#[inline(always)]
fn message(pass: &mut Pass, publish: &Publish, manual_ack: bool) {
    pass.unlocked.count_message();
    matching(pass, &message_event(publish), publish.topic.as_bytes());
    if let Some(id) = publish.packet_id
        && !manual_ack
    {
        let is_present = pass.check_epoch().is_ok();
        let session = &mut pass.state.session;
        match is_present {
            true => session.delivered(id, publish.qos, pass.now),
            false => session.delivered_late(id, publish.qos),
        }
    }
}

/// Calls each callback whose filter matches, or else the one for all messages.
fn matching(pass: &mut Pass, message: &MessageEvent, topic: &[u8]) {
    let mut last = 0;
    let mut matched = false;
    // Looked up anew for each call, as the one before may have added and removed filters.
    while let Some((number, callback)) = pass.state.callbacks.next_match(topic, last) {
        matched = true;
        last = number;
        call(pass, Some(callback), message);
    }
    if !matched {
        let callback = pass.state.callbacks.message;
        call(pass, callback, message);
    }
}

/// What comes a few times a connection.
#[inline(never)]
fn rare_event(pass: &mut Pass, event: Event) -> Step {
    match event {
        Event::Subscribed { mid, granted } => subscribed(pass, mid, 0, granted),
        Event::Unsubscribed { mid } => unsubscribed(pass, mid, 0),
        Event::ConnAck(connack) => return answer(pass, &connack),
        Event::Unexpected(what) => pass.state.log(Level::Warning, format_args!("mqtt: {what}")),
        Event::None | Event::Message { .. } | Event::Published { .. } => {}
    }
    Ok(())
}

/// The broker answered CONNECT: the connection is announced, or refused and over.
fn answer(pass: &mut Pass, connack: &ConnAck) -> Step {
    let rc = connack.return_code.into();
    if rc == 0 {
        trace::accepted(pass.state, pass.now);
        log_lines(pass.state, &mut pass.pace);
        pass.check_epoch()?;
        pass.state.counters.connections += 1;
        pass.state.why_none = None;
        pass.state.intent.backoff.connected(pass.now);
    }
    pass.state.intent.announce();
    let event = Connected {
        session_present: connack.session_present,
        rc,
    };
    let callback = pass.state.callbacks.connect;
    call(pass, callback, &event);
    pass.check_epoch()?;
    if rc == 0 {
        pass.state.session.announced(pass.now);
        return Ok(());
    }
    let words = connack_string(rc).to_string_lossy();
    let text = format!("mqtt: CONNACK {rc}: {words}");
    Err(Stop::Over(Error::new(Code::ConnRefused, text)))
}

fn outcome(pass: &mut Pass, outcome: Outcome) {
    const LOST: i32 = Code::ConnLost as i32;
    match outcome {
        Outcome::Written { mid } => {
            pass.state.counters.messages_out += 1;
            let callback = pass.state.callbacks.publish;
            call(pass, callback, &Published { mid, rc: 0 });
        }
        Outcome::Lost { mid } => {
            let callback = pass.state.callbacks.publish;
            call(pass, callback, &Published { mid, rc: LOST });
        }
        Outcome::SubscribeLost { mid } => subscribed(pass, mid, LOST, &[]),
        Outcome::UnsubscribeLost { mid } => unsubscribed(pass, mid, LOST),
        Outcome::Writable => {
            let callback = pass.state.callbacks.writable;
            let session = &pass.state.session;
            let event = Writable {
                messages: session.queued() + session.in_flight(),
                bytes: session.queued_bytes(),
            };
            call(pass, callback, &event);
        }
    }
}

fn subscribed(pass: &mut Pass, mid: u64, rc: i32, granted: &[u8]) {
    let event = Subscribed {
        mid,
        rc,
        granted_qos: granted.as_ptr(),
        granted_qos_count: granted.len(),
    };
    let callback = pass.state.callbacks.subscribe;
    call(pass, callback, &event);
}

fn unsubscribed(pass: &mut Pass, mid: u64, rc: i32) {
    let callback = pass.state.callbacks.unsubscribe;
    call(pass, callback, &Unsubscribed { mid, rc });
}

fn closing_event(fd: RawFd) -> Interest {
    Interest {
        fd,
        read: false,
        write: false,
        closing: true,
        timeout_ms: -1,
    }
}

/// A callback in a pass, whose time it takes.
#[inline(always)]
fn call<E>(pass: &mut Pass, callback: Option<Callback<E>>, event: &E) {
    call_untimed(pass.state, callback, event);
    pass.pace.tick();
}

#[inline(always)]
fn call_untimed<E>(state: &mut Guard, callback: Option<Callback<E>>, event: &E) {
    if let Some(callback) = callback {
        let client = state.handle();
        let userdata = state.callbacks.userdata();
        MutexGuard::unlocked(state, || callback(client, userdata, event));
    }
}
