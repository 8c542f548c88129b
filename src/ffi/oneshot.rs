//! One-shots: publish or receive, and be gone.

use std::ffi::{c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::batch::checked;
use super::callbacks::pmqtt_on_message;
use super::lifetime::{pmqtt_client_free, version};
use super::messages::message;
use super::oneshot_options::{OneshotOptions, Publication};
use super::{array, optional_text, put, put_text, text};
use crate::client::events::MessageEvent;
use crate::client::{
    Client, Code, Error, Handle, Received, Result, Target, Wanted, address, check_message,
};
use crate::codec::{Publishable, QoS};

/// Messages that `pmqtt_subscribe_simple` has received. They do not change: any thread may read
/// them, until they are freed.
pub struct Messages {
    events: Vec<MessageEvent>,
    /// What the events point to.
    _received: Vec<Received>,
}

/// Publishes one message: connects, waits until it is done, and disconnects. QoS 0 is done when it
/// is with the operating system, QoS 1 and 2 when the broker has it. For more than one message
/// `pmqtt_publish_multiple` is many times faster.
///
/// @param topic        As for `pmqtt_publish`.
/// @param payload      As for `pmqtt_publish`.
/// @param payload_len  As for `pmqtt_publish`.
/// @param qos          0, 1 or 2.
/// @param retain       The broker keeps the message for later subscribers.
/// @param options      Where and how to connect; NULL: as all zeros.
///
/// @return As `pmqtt_publish_multiple`.
///
/// Thread-safe; callback-safe. Blocks no longer than the options' timeout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_publish_single(
    topic: *const c_char,
    payload: *const c_void,
    payload_len: usize,
    qos: c_int,
    retain: bool,
    options: *const OneshotOptions,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        carry_out(options, |one_shot| {
            let message = message("publish", topic, payload, payload_len, qos, retain)?;
            one_shot.publish(&[check_message(message)?])
        })
    }
}

/// Publishes messages over one connection, without waiting for each: connects, waits until all are
/// done, and disconnects. Any number is in flight at once, but no more than 20 where some are of QoS
/// 2, because there are brokers that cut off who sends more.
///
/// @param messages  `count` messages, which are sent in this order; may be NULL when count is 0.
///                  They are copied a part at a time, so that no more than 64 MiB are queued.
/// @param count     0: only connects and disconnects.
/// @param options   Where and how to connect; NULL: as all zeros.
///
/// @return `PMQTT_ERR_SUCCESS`: all are done. `PMQTT_ERR_INVAL`, `PMQTT_ERR_PAYLOAD_SIZE`: an
/// argument, an option or a message is wrong; nothing was sent. `PMQTT_ERR_CONN_REFUSED`: the
/// broker refused the connection. `PMQTT_ERR_DNS`, `PMQTT_ERR_ERRNO`, `PMQTT_ERR_TLS`: there is no
/// connection. `PMQTT_ERR_CONN_LOST`, `PMQTT_ERR_KEEPALIVE`, `PMQTT_ERR_PROTOCOL`: it broke before
/// all were done. `PMQTT_ERR_TIMEOUT`: the time was over before. `PMQTT_ERR_IN_DOUBT`: either, while the
/// broker had taken a message of QoS 2 and not completed its handshake, so that it may have passed it on or
/// not. `PMQTT_ERR_NOT_SUPPORTED`: built
/// without TLS, or a field is set that only a later version of the library knows. Nothing is tried a second time.
/// The options' error has the words: what CONNACK said, the number of the message that is wrong (from 0), how
/// many are done.
///
/// Thread-safe; callback-safe. Blocks no longer than the options' timeout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_publish_multiple(
    messages: *const Publication,
    count: usize,
    options: *const OneshotOptions,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        carry_out(options, |one_shot| {
            let messages = checked(messages, count)?;
            one_shot.publish(&messages)
        })
    }
}

/// Waits for messages: connects, subscribes, returns when so many have come, and disconnects. Those
/// that it returns or drops were acknowledged, and no others: a durable session keeps the others.
///
/// @param filters        `filter_count` topic filters, each as for `pmqtt_subscribe`; not NULL.
/// @param filter_count   At least 1.
/// @param qos            The highest QoS to receive with: 0, 1 or 2.
/// @param message_count  How many messages to wait for; at least 1.
/// @param retained       false: those that the broker had stored do not count, and are dropped.
/// @param options        Where and how to connect; NULL: as all zeros.
/// @param out            Where the messages are put; not NULL. Written in any case: what came before
///                       a failure was acknowledged, and is there too. Free it with
///                       `pmqtt_messages_free`; NULL when there is none.
///
/// @return `PMQTT_ERR_SUCCESS`: all are there. `PMQTT_ERR_TIMEOUT`: fewer came in time.
/// `PMQTT_ERR_ACL_DENIED`: the broker refused a filter. `PMQTT_ERR_INVAL`: an argument or an option
/// is wrong. Others as `pmqtt_publish_multiple`.
///
/// Thread-safe; callback-safe. Blocks no longer than the options' timeout.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_subscribe_simple(
    filters: *const *const c_char,
    filter_count: usize,
    qos: c_int,
    message_count: usize,
    retained: bool,
    options: *const OneshotOptions,
    out: *mut *mut Messages,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says; the list is freed by
    // `pmqtt_messages_free`.
    unsafe {
        put(out, std::ptr::null_mut());
        carry_out(options, |one_shot| {
            if out.is_null() {
                return Err(Error::inval("subscribe: out is NULL"));
            }
            let filters = read_filters(filters, filter_count, qos)?;
            let wanted = Wanted {
                count: message_count,
                retained,
            };
            let mut received = Vec::new();
            let result = one_shot.client.collect(
                &one_shot.target,
                &filters,
                &wanted,
                one_shot.timeout,
                &mut received,
            );
            if !received.is_empty() {
                put(out, Box::into_raw(Box::new(Messages::new(received))));
            }
            result
        })
    }
}

/// Receives messages until the callback says that it is enough, with `pmqtt_disconnect`: connects,
/// subscribes, and runs. A connection that is lost is made again, after a wait, and subscribed
/// with again.
///
/// The callback is given a client as any other, which may publish and all else, and which the
/// library frees when the call returns.
///
/// @param callback      Called for each message, in this thread; not NULL.
/// @param userdata      Handed to the callback; may be NULL.
/// @param filters       `filter_count` topic filters, each as for `pmqtt_subscribe`; not NULL.
/// @param filter_count  At least 1.
/// @param qos           The highest QoS to receive with: 0, 1 or 2.
/// @param options       Where and how to connect; NULL: as all zeros. The timeout ends when the
///                      broker has answered the first SUBSCRIBE.
///
/// @return `PMQTT_ERR_SUCCESS`: disconnected, as asked for. `PMQTT_ERR_ACL_DENIED`: the broker
/// refused a filter. `PMQTT_ERR_CONN_REFUSED`: it refused a connection, the first or a later one.
/// `PMQTT_ERR_TIMEOUT`: it did not answer in time. `PMQTT_ERR_INVAL`: an argument or an option is
/// wrong. Others as `pmqtt_publish_multiple`, of the first connection.
///
/// Thread-safe; callback-safe. Blocks until disconnected.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_subscribe_callback(
    callback: pmqtt_on_message,
    userdata: *mut c_void,
    filters: *const *const c_char,
    filter_count: usize,
    qos: c_int,
    options: *const OneshotOptions,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        carry_out(options, |one_shot| {
            if callback.is_none() {
                return Err(Error::inval("subscribe: the callback is NULL"));
            }
            let filters = read_filters(filters, filter_count, qos)?;
            one_shot.client.set_userdata(userdata);
            one_shot
                .client
                .set_callbacks(|callbacks| callbacks.message = callback);
            one_shot
                .client
                .follow(&one_shot.target, &filters, one_shot.timeout)
        })
    }
}

/// How many messages there are.
///
/// @param messages  From `pmqtt_subscribe_simple`; NULL: 0.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_messages_count(messages: *const Messages) -> usize {
    // SAFETY: NULL or a list that was not freed, by the header's contract.
    unsafe { messages.as_ref() }.map_or(0, |messages| messages.events.len())
}

/// One of the messages, in the order in which they came.
///
/// @param messages  From `pmqtt_subscribe_simple`; may be NULL.
/// @param index     From 0.
///
/// @return Valid until the messages are freed, with all that it points to; NULL: there is none.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_messages_get(
    messages: *const Messages,
    index: usize,
) -> *const MessageEvent {
    // SAFETY: NULL or a list that was not freed, by the header's contract.
    unsafe { messages.as_ref() }
        .and_then(|messages| messages.events.get(index))
        .map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Frees messages.
///
/// @param messages  From `pmqtt_subscribe_simple`; NULL is fine.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_messages_free(messages: *mut Messages) {
    if !messages.is_null() {
        // SAFETY: it came from `Box::into_raw`, and is given back once, by the header's contract.
        drop(unsafe { Box::from_raw(messages) });
    }
}

/// Runs the body of a one-shot with what its options say. A panic stays in here.
///
/// # Safety
/// `options` is NULL or what the header says of it.
unsafe fn carry_out(
    options: *const OneshotOptions,
    body: impl FnOnce(&OneShot) -> Result,
) -> c_int {
    // SAFETY: the caller's promise is the same.
    let options = match unsafe { OneshotOptions::read(options) } {
        Ok(options) => options,
        Err(error) => return error.code as c_int,
    };
    // SAFETY: the caller's promise is the same.
    let run = || unsafe { OneShot::new(&options) }.and_then(|one_shot| body(&one_shot));
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => Code::Success as c_int,
        Ok(Err(error)) => {
            // SAFETY: NULL or `error_size` bytes, by the caller's promise.
            unsafe { put_text(options.error, options.error_size, &error.text) };
            error.code as c_int
        }
        Err(_) => Code::Panic as c_int,
    }
}

/// What one call is about: a client of its own, and where it goes.
struct OneShot<'a> {
    client: Arc<Client>,
    /// The same client as C knows it, with a reference of its own, which a callback may give back.
    handle: *mut Handle,
    target: Target<'a>,
    timeout: Duration,
}

impl<'a> OneShot<'a> {
    /// # Safety
    /// What the options point to is NULL or what the header says of it, and lives through the call.
    unsafe fn new(options: &OneshotOptions) -> Result<OneShot<'a>> {
        // SAFETY: the caller's promise is the same.
        let (id, target) = unsafe {
            let id = optional_text(options.client_id, "client_id")?;
            (id, options.target()?)
        };
        let (version, timeout) = (version(options.protocol)?, options.timeout()?);
        let client = Client::new(id, !options.durable, std::ptr::null_mut(), version)?;
        // SAFETY: the caller's promise is the same.
        unsafe { options.prepare(&client) }?;
        Ok(OneShot {
            handle: Arc::into_raw(Arc::clone(&client)).cast_mut().cast(),
            client,
            target,
            timeout,
        })
    }

    fn publish(&self, messages: &[Publishable]) -> Result {
        self.client
            .publish_all(&self.target, messages, self.timeout)
    }
}

impl Drop for OneShot<'_> {
    fn drop(&mut self) {
        if !self.client.is_freed() {
            // SAFETY: the handle came from `Arc::into_raw`, and nobody has given it back.
            unsafe { pmqtt_client_free(self.handle) };
        }
    }
}

impl Messages {
    fn new(received: Vec<Received>) -> Messages {
        let events = received.iter().map(|message| MessageEvent {
            mid: message.mid,
            topic: message.topic.as_ptr(),
            topic_len: message.topic.as_bytes().len(),
            payload: address(&message.payload),
            payload_len: message.payload.len(),
            qos: message.qos as c_int,
            retain: message.retain,
            dup: message.dup,
        });
        Messages {
            events: events.collect(),
            _received: received,
        }
    }
}

/// # Safety
/// `filters` is NULL or points to `count` strings that live through the call.
unsafe fn read_filters<'a>(
    filters: *const *const c_char,
    count: usize,
    qos: c_int,
) -> Result<Vec<(&'a str, QoS)>> {
    let qos = super::qos(qos)?;
    // SAFETY: the caller's promise is the same.
    let filters = unsafe { array(filters, count, "subscribe: the array of filters") }?;
    filters
        .iter()
        // SAFETY: the caller's promise is the same.
        .map(|&filter| Ok((unsafe { text(filter, "subscribe: the filter") }?, qos)))
        .collect()
}
