//! Publishing a message.

use std::ffi::{c_char, c_int, c_void};

use super::{bytes, optional_bytes, put, run, run_usable, way};
use crate::client::{Error, Handle, Result, Way};
use crate::codec::Message;

/// Publishes a message. If the client accepts it, `on_publish` reports its outcome exactly once.
///
/// QoS 0 is done when the operating system has the message. QoS 1 is done when PUBACK has come, and
/// QoS 2 when PUBCOMP has come.
///
/// - Without a connection, the client queues QoS 1 and 2 for the next connection. It drops QoS 0,
///   which `on_publish` does not report. With `keep_qos0` of `pmqtt_queue_options`, the client
///   queues QoS 0 too.
/// - When TCP and TLS are connected, for example when `pmqtt_connect` has returned, the client
///   accepts messages, although CONNACK has not come yet. After CONNACK, it sends in this order:
///   1. QoS 0, SUBSCRIBE and UNSUBSCRIBE that the program asked for before CONNACK,
///   2. QoS 0, SUBSCRIBE and UNSUBSCRIBE that the program asks for in `on_connect`,
///   3. QoS 1 and 2.
///
/// @param client       The client; not NULL.
/// @param topic        UTF-8, copied; not NULL, 1 to 65,535 bytes, no wildcards. [MQTT-4.7.3]
/// @param payload      Copied. NULL with a length of 0: an empty payload.
/// @param payload_len  Bytes, at most 268,435,455 together with the topic and 2 more bytes, or 4
///                     more with QoS 1 and 2.
/// @param qos          0, 1 or 2.
/// @param retain       true: the broker keeps the message as the topic's retained message, for
///                     later subscribers. [MQTT-3.3.1.3]
/// @param mid          The number of the message; may be NULL. It is unique until the client is
///                     freed or reinitialised. Numbers count from 1, together with those of
///                     subscribe and unsubscribe. Written with `PMQTT_ERR_SUCCESS` and
///                     `PMQTT_ERR_NO_CONN`.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NO_CONN`: there is no connection, or `pmqtt_disconnect` was called. QoS 0 was
///   dropped; QoS 1 and 2 were queued.
/// - `PMQTT_ERR_QUEUE_SIZE`: the queue is full; nothing was done. `on_writable` reports when there
///   is room.
/// - `PMQTT_ERR_NOMEM`: there is no memory for the message; nothing was done.
/// - `PMQTT_ERR_INVAL`: an argument is wrong.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: the message is too large, also for the broker (MQTT 5).
/// - `PMQTT_ERR_NOT_SUPPORTED`: the broker does not take the QoS, or a retained message (MQTT 5).
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_publish
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_publish(
    client: *mut Handle,
    topic: *const c_char,
    payload: *const c_void,
    payload_len: usize,
    qos: c_int,
    retain: bool,
    mid: *mut u64,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        match way(client) {
            Way::Plain => publish_plain(client, topic, payload, payload_len, qos, retain, mid),
            Way::Extended => {
                publish_extended(client, topic, payload, payload_len, qos, retain, mid)
            }
            Way::Ruled => publish_ruled(client, topic, payload, payload_len, qos, retain, mid),
        }
    }
}

/// `pmqtt_publish` for a client of MQTT 3 without queue options. Each way is a function of its own, so that it pays
/// for no other.
///
/// # Safety
/// As for `pmqtt_publish`.
#[inline(never)]
unsafe extern "C" fn publish_plain(
    client: *mut Handle,
    topic: *const c_char,
    payload: *const c_void,
    payload_len: usize,
    qos: c_int,
    retain: bool,
    mid: *mut u64,
) -> c_int {
    // SAFETY: the caller's promise is the same.
    unsafe {
        run_usable(client, |client| {
            let message = message("publish", topic, payload, payload_len, qos, retain)?;
            told(mid, |number| client.publish_plain::<false>(message, number))
        })
    }
}

/// `pmqtt_publish` for a client of MQTT 5 without queue options.
///
/// # Safety
/// As for `pmqtt_publish`.
#[inline(never)]
unsafe extern "C" fn publish_extended(
    client: *mut Handle,
    topic: *const c_char,
    payload: *const c_void,
    payload_len: usize,
    qos: c_int,
    retain: bool,
    mid: *mut u64,
) -> c_int {
    // SAFETY: the caller's promise is the same.
    unsafe {
        run_usable(client, |client| {
            let message = message("publish", topic, payload, payload_len, qos, retain)?;
            told(mid, |number| client.publish_plain::<true>(message, number))
        })
    }
}

/// `pmqtt_publish` for any client.
///
/// # Safety
/// As for `pmqtt_publish`.
#[cold]
#[inline(never)]
unsafe extern "C" fn publish_ruled(
    client: *mut Handle,
    topic: *const c_char,
    payload: *const c_void,
    payload_len: usize,
    qos: c_int,
    retain: bool,
    mid: *mut u64,
) -> c_int {
    // SAFETY: the caller's promise is the same.
    unsafe {
        run(client, |client| {
            let message = message("publish", topic, payload, payload_len, qos, retain)?;
            told(mid, |number| client.publish(message, number))
        })
    }
}

/// # Safety
/// `mid` is NULL or may be written.
#[inline(always)]
unsafe fn told(mid: *mut u64, publish: impl FnOnce(&mut u64) -> Result) -> Result {
    let mut number = 0;
    let result = publish(&mut number);
    if number != 0 {
        // SAFETY: the caller's promise is the same.
        unsafe { put(mid, number) };
    }
    result
}

/// # Safety
/// The pointers are NULL, or a string and `length` bytes that live through the call.
#[inline(always)]
pub(super) unsafe fn message<'a>(
    function: &str,
    topic: *const c_char,
    payload: *const c_void,
    length: usize,
    qos: c_int,
    retain: bool,
) -> Result<Message<'a>> {
    // SAFETY: the caller's promise is the same.
    let Some(topic) = (unsafe { optional_bytes(topic) }) else {
        return Err(Error::inval("the topic is NULL").in_function(function));
    };
    // SAFETY: the caller's promise is the same.
    let payload = match unsafe { bytes(payload, length, "the payload") } {
        Ok(payload) => payload,
        Err(error) => return Err(error.in_function(function)),
    };
    match super::qos(qos) {
        Err(error) => Err(error.in_function(function)),
        Ok(qos) => Ok(Message {
            topic,
            payload,
            qos,
            retain,
            properties: None,
        }),
    }
}
