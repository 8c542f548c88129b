//! One-shots: connect, publish or receive, and disconnect in one call.

use std::ffi::{c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::batch::{Encoded, checked};
use super::lifetime::{pmqtt_client_free, versions};
use super::on_message::pmqtt_on_message;
use super::oneshot_options::OneshotOptions;
use super::publication::Publication;
use super::publish::message;
use super::{array, optional_text, put, put_text, text};
use crate::client::events::MessageEvent;
use crate::client::{
    Client, Code, Error, Handle, Received, Result, Target, Timed, Wanted, address,
};
use crate::codec::{Message, Properties, Wish};

/// The messages that `pmqtt_subscribe_simple` has received. They do not change: any thread may read
/// them until they are freed.
///
/// @ingroup api_oneshot
pub struct Messages {
    events: Vec<MessageEvent>,
    /// The messages that the events point to.
    _received: Vec<Received>,
}

/// Publishes one message: connects, waits until the message is done, and disconnects.
///
/// QoS 0 is done when the operating system has the message. QoS 1 is done when PUBACK has come, and
/// QoS 2 when PUBCOMP has come. For several messages, `pmqtt_publish_multiple` is many times
/// faster.
///
/// @param topic        As for `pmqtt_publish`.
/// @param payload      As for `pmqtt_publish`.
/// @param payload_len  As for `pmqtt_publish`.
/// @param qos          0, 1 or 2.
/// @param retain       true: the broker keeps the message as a retained message, for later
///                     subscribers.
/// @param options      Where and how to connect; NULL: as all zeros.
///
/// @return As `pmqtt_publish_multiple`.
///
/// Thread-safe; callback-safe. Blocks at most for the timeout of the options.
///
/// @ingroup api_oneshot
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
            let properties = one_shot.client.is_extended().then_some(Properties::NONE);
            let message = Message {
                properties,
                ..message
            };
            one_shot.publish(&[Timed::new(message, None, 0)?])
        })
    }
}

/// Publishes messages over one connection: connects, waits until all are done, and disconnects.
///
/// The client does not wait for each message. Any number is in flight at the same time. If one of
/// them has QoS 2, the number is at most 20, because some brokers close the connection of a client
/// that sends more. The client does not reconnect.
///
/// The time limit of a message, its `expiry_s`, begins with this call. If messages were not sent in
/// time, the call returns `PMQTT_ERR_EXPIRED` once the others are done.
///
/// @param messages  `count` messages, which are sent in this order; may be NULL if `count` is 0.
///                  The client copies them in parts, so that at most 64 MiB are queued.
/// @param count     The number of messages; 0: the call only connects and disconnects.
/// @param options   Where and how to connect; NULL: as all zeros.
///
/// @return `PMQTT_ERR_SUCCESS`: all are done. Or:
/// - `PMQTT_ERR_INVAL`: an argument, an option or a message is wrong; nothing was sent.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: a message or the will is too large; nothing was sent.
/// - `PMQTT_ERR_CONN_REFUSED`: the broker refused the connection.
/// - `PMQTT_ERR_DNS`, `PMQTT_ERR_ERRNO`, `PMQTT_ERR_TLS`: the client could not connect.
/// - `PMQTT_ERR_CONN_LOST`, `PMQTT_ERR_KEEPALIVE`, `PMQTT_ERR_PROTOCOL`: the connection ended
///   before all were done.
/// - `PMQTT_ERR_TIMEOUT`: the timeout passed before all were done.
/// - `PMQTT_ERR_IN_DOUBT`: the connection ended or the timeout passed between PUBREC and PUBCOMP of
///   a message of QoS 2. Nobody knows whether the broker has delivered that message.
/// - `PMQTT_ERR_REJECTED`: the broker refused messages, or does not take such messages (MQTT 5). The
///   call returns it once the others are done.
/// - `PMQTT_ERR_NOT_SUPPORTED`: built without TLS, or a field is set that only a later version of
///   the library knows. Or a field is set that only MQTT 5 has, and `protocol` of the options is an
///   earlier version.
///
/// `error` of the options describes the failure, for example by what CONNACK said. It may have the
/// number of the wrong message (from 0), or how many messages are done. It may also have the
/// broker's reason for the first message that it refused.
///
/// Thread-safe; callback-safe. Blocks at most for the timeout of the options.
///
/// @ingroup api_oneshot
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_publish_multiple(
    messages: *const Publication,
    count: usize,
    options: *const OneshotOptions,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        carry_out(options, |one_shot| {
            let mut encoded = Encoded::default();
            let is_extended = one_shot.client.is_extended();
            let messages = checked(messages, count, is_extended, &mut encoded)?;
            one_shot.publish(&messages)
        })
    }
}

/// Receives a number of messages: connects, subscribes, waits until they have come, and
/// disconnects.
///
/// The client acknowledges the messages that it returns or drops, and no others. If `durable` of
/// the options is true, the broker keeps the others for the next call.
///
/// @param filters        `filter_count` topic filters, each as for `pmqtt_subscribe`; not NULL.
/// @param filter_count   At least 1.
/// @param qos            The maximum QoS at which the broker sends the messages: 0, 1 or 2.
/// @param message_count  How many messages to wait for; at least 1.
/// @param retained       false: retained messages do not count, and are dropped.
/// @param options        Where and how to connect; NULL: as all zeros.
/// @param out            The messages, to be freed with `pmqtt_messages_free`; not NULL. It is
///                       written even if the call fails, as the client has acknowledged the
///                       messages that came before the failure. NULL is written if no message came.
///
/// @return `PMQTT_ERR_SUCCESS`: all have come. Or:
/// - `PMQTT_ERR_TIMEOUT`: fewer came in time.
/// - `PMQTT_ERR_ACL_DENIED`: the broker refused a topic filter. In MQTT 5, `error` of the options
///   has its reason.
/// - `PMQTT_ERR_INVAL`: an argument or an option is wrong.
/// - Others: as for `pmqtt_publish_multiple`.
///
/// Thread-safe; callback-safe. Blocks at most for the timeout of the options.
///
/// @ingroup api_oneshot
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

/// Receives messages until the callback calls `pmqtt_disconnect`: connects, subscribes, and runs.
///
/// If the connection is lost, the client reconnects after a wait, and subscribes again. The
/// callback gets a client like any other: it may publish, and do everything else. The library frees
/// the client when the call returns.
///
/// @param callback      Called for each message, in this thread; not NULL.
/// @param userdata      Passed to the callback; may be NULL.
/// @param filters       `filter_count` topic filters, each as for `pmqtt_subscribe`; not NULL.
/// @param filter_count  At least 1.
/// @param qos           The maximum QoS at which the broker sends the messages: 0, 1 or 2.
/// @param options       Where and how to connect; NULL: as all zeros. The timeout counts
///                      only until the broker has answered the first SUBSCRIBE.
///
/// @return `PMQTT_ERR_SUCCESS`: disconnected, as the callback asked. Or:
/// - `PMQTT_ERR_ACL_DENIED`: the broker refused a topic filter. In MQTT 5, `error` of the options
///   has its reason.
/// - `PMQTT_ERR_CONN_REFUSED`: the broker refused a connection, the first or a later one.
/// - `PMQTT_ERR_TIMEOUT`: the broker did not answer in time.
/// - `PMQTT_ERR_INVAL`: an argument or an option is wrong.
/// - Others: as for `pmqtt_publish_multiple`, for the first connection.
///
/// Thread-safe; callback-safe. Blocks until disconnected.
///
/// @ingroup api_oneshot
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

/// Returns the number of messages that were received.
///
/// @param messages  From `pmqtt_subscribe_simple`; NULL gives 0.
///
/// @return The number of messages.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_oneshot
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_messages_count(messages: *const Messages) -> usize {
    // SAFETY: NULL or a list that was not freed, by the header's contract.
    unsafe { messages.as_ref() }.map_or(0, |messages| messages.events.len())
}

/// Returns one of the messages, in the order in which they came.
///
/// @param messages  From `pmqtt_subscribe_simple`; may be NULL.
/// @param index     The index of the message, from 0.
///
/// @return The message, or NULL if there is none. It is valid until the messages are freed, with
/// all that it points to.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_oneshot
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

/// Frees the messages of `pmqtt_subscribe_simple`.
///
/// @param messages  From `pmqtt_subscribe_simple`; NULL has no effect.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_oneshot
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_messages_free(messages: *mut Messages) {
    if !messages.is_null() {
        // SAFETY: it came from `Box::into_raw`, and is given back once, by the header's contract.
        drop(unsafe { Box::from_raw(messages) });
    }
}

/// Runs the body of a one-shot with its options. A panic does not leave this function.
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

/// The client of one call, and its target.
struct OneShot<'a> {
    client: Arc<Client>,
    /// The client in the form for C, with its own reference, which a callback may give back.
    handle: *mut Handle,
    target: Target<'a>,
    timeout: Duration,
}

impl<'a> OneShot<'a> {
    /// # Safety
    /// The pointers in the options are NULL or what the header says, and live through the call.
    unsafe fn new(options: &OneshotOptions) -> Result<OneShot<'a>> {
        // SAFETY: the caller's promise is the same.
        let (id, target) = unsafe {
            let id = optional_text(options.client_id, "client_id")?;
            (id, options.target()?)
        };
        let (versions, timeout) = (versions(options.protocol)?, options.timeout()?);
        let client = Client::new(id, !options.durable, std::ptr::null_mut(), versions)?;
        // SAFETY: the caller's promise is the same.
        unsafe { options.prepare(&client) }?;
        Ok(OneShot {
            handle: Arc::into_raw(Arc::clone(&client)).cast_mut().cast(),
            client,
            target,
            timeout,
        })
    }

    fn publish(&self, messages: &[Timed]) -> Result {
        self.client
            .publish_all(&self.target, messages, self.timeout)
    }
}

impl Drop for OneShot<'_> {
    fn drop(&mut self) {
        if !self.client.is_freed() {
            // SAFETY: the handle came from `Arc::into_raw`, and its reference was not given back.
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
            properties: message.properties.get().into(),
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
) -> Result<Vec<(&'a str, Wish)>> {
    let wish = super::qos(qos)?.into();
    // SAFETY: the caller's promise is the same.
    let filters = unsafe { array(filters, count, "subscribe: the array of filters") }?;
    filters
        .iter()
        // SAFETY: the caller's promise is the same.
        .map(|&filter| Ok((unsafe { text(filter, "subscribe: the filter") }?, wish)))
        .collect()
}
