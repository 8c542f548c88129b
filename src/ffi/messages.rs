//! The will, publish, subscribe, unsubscribe, acknowledge.

use std::ffi::{c_char, c_int, c_void};

use super::{array, bytes, optional_bytes, put, run, run_plain, text};
use crate::client::{Code, Error, Handle, Result};
use crate::codec::{Message, topic};

/// Sets the will: the message that the broker publishes if the connection ends without a
/// DISCONNECT.
///
/// The setting takes effect with the next connection.
///
/// @param client       The client; not NULL.
/// @param topic        As for `pmqtt_publish`.
/// @param payload      As for `pmqtt_publish`.
/// @param payload_len  Bytes, at most 65,535.
/// @param qos          0, 1 or 2.
/// @param retain       true: the broker keeps the will as a retained message, for later
///                     subscribers.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: an argument is wrong.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: the payload is too large.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.1.2.5]
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_will_set(
    client: *mut Handle,
    topic: *const c_char,
    payload: *const c_void,
    payload_len: usize,
    qos: c_int,
    retain: bool,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_will(&message(
                "will_set",
                topic,
                payload,
                payload_len,
                qos,
                retain,
            )?)
        })
    }
}

/// Removes the will, from the next connection on.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_will_clear(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.clear_will();
            Ok(())
        })
    }
}

/// Publishes a message. If the client accepts it, `on_publish` reports its outcome exactly once.
///
/// QoS 0 is done when the operating system has the message. QoS 1 is done when PUBACK has come, and
/// QoS 2 when PUBCOMP has come.
///
/// - Without a connection, the client queues QoS 1 and 2 for the next connection. It drops QoS 0,
///   which `on_publish` does not report. With `keep_qos0` of `pmqtt_queue_options`, the client
///   queues QoS 0 too.
/// - When TCP and TLS are connected, for example when `pmqtt_connect` has returned, the client
///   accepts messages as with a connection. After CONNACK, it sends in this order:
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
/// - `PMQTT_ERR_NO_CONN`: there is no connection. QoS 0 was dropped; QoS 1 and 2 were queued.
/// - `PMQTT_ERR_QUEUE_SIZE`: the queue is full; nothing was done. `on_writable` reports when there
///   is room.
/// - `PMQTT_ERR_NOMEM`: there is no memory for the message; nothing was done.
/// - `PMQTT_ERR_INVAL`: an argument is wrong.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: the message is too large.
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
        let done = run_plain(client, |client| {
            let message = message("publish", topic, payload, payload_len, qos, retain)?;
            let mut number = 0;
            let result = client.publish_plain(message, &mut number);
            if number != 0 {
                put(mid, number);
            }
            result
        });
        match done {
            Some(rc) => rc,
            None => publish_ruled(client, topic, payload, payload_len, qos, retain, mid),
        }
    }
}

/// `pmqtt_publish` for a client that is not plain. It is a separate function, so that it costs a
/// plain client nothing.
///
/// # Safety
/// As for `pmqtt_publish`.
#[cold]
#[inline(never)]
unsafe fn publish_ruled(
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
            let mut number = 0;
            let result = client.publish(message, &mut number);
            if number != 0 {
                put(mid, number);
            }
            result
        })
    }
}

/// Subscribes to a topic filter. `on_subscribe` reports the QoS that the broker granted.
///
/// The client does not subscribe again by itself after a reconnect: the program does so in
/// `on_connect` if the broker has no session. Before CONNACK, the client accepts the request as
/// `pmqtt_publish` accepts messages.
///
/// @param client  The client; not NULL.
/// @param filter  UTF-8, copied; not NULL, 1 to 65,535 bytes, with the wildcards + and # as section
///                4.7 of MQTT 3.1.1 allows them.
/// @param qos     The maximum QoS at which the broker sends the messages: 0, 1 or 2.
/// @param mid     The number of the request, on success; may be NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NO_CONN`: the client is not connected; nothing was done.
/// - `PMQTT_ERR_INVAL`: an argument is wrong.
/// - `PMQTT_ERR_QUEUE_SIZE`: all 65,535 packet identifiers are in use.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.8]
///
/// @ingroup api_subscribe
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_subscribe(
    client: *mut Handle,
    filter: *const c_char,
    qos: c_int,
    mid: *mut u64,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says; both arrays have one entry.
    unsafe { pmqtt_subscribe_multiple(client, &filter, &qos, 1, mid) }
}

/// Subscribes to several topic filters with one SUBSCRIBE packet.
///
/// `on_subscribe` reports the QoS that the broker granted for each filter, in the order of the
/// filters.
///
/// @param client   The client; not NULL.
/// @param filters  `count` topic filters, each as for `pmqtt_subscribe`; not NULL.
/// @param qos      `count` values, each 0, 1 or 2; not NULL.
/// @param count    At least 1.
/// @param mid      The number of the request, on success; may be NULL.
///
/// @return As `pmqtt_subscribe`.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.8]
///
/// @ingroup api_subscribe
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_subscribe_multiple(
    client: *mut Handle,
    filters: *const *const c_char,
    qos: *const c_int,
    count: usize,
    mid: *mut u64,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let filters = array(filters, count, "subscribe: the array of filters")?;
            let qos = array(qos, count, "subscribe: the array of QoS")?;
            let filters = filters
                .iter()
                .zip(qos)
                .map(|(&filter, &value)| {
                    Ok((text(filter, "subscribe: the filter")?, super::qos(value)?))
                })
                .collect::<Result<Vec<_>>>()?;
            put(mid, client.subscribe(&filters)?);
            Ok(())
        })
    }
}

/// Ends the subscription to a topic filter. `on_unsubscribe` reports the answer of the broker.
///
/// @param client  The client; not NULL.
/// @param filter  The filter that was subscribed to; not NULL.
/// @param mid     The number of the request, on success; may be NULL.
///
/// @return As `pmqtt_subscribe`.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.10]
///
/// @ingroup api_subscribe
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_unsubscribe(
    client: *mut Handle,
    filter: *const c_char,
    mid: *mut u64,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says; the array has one entry.
    unsafe { pmqtt_unsubscribe_multiple(client, &filter, 1, mid) }
}

/// Ends the subscriptions to several topic filters with one UNSUBSCRIBE packet.
///
/// `on_unsubscribe` reports the answer of the broker.
///
/// @param client   The client; not NULL.
/// @param filters  `count` topic filters; not NULL, and none of them NULL.
/// @param count    At least 1.
/// @param mid      The number of the request, on success; may be NULL.
///
/// @return As `pmqtt_subscribe`.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.10]
///
/// @ingroup api_subscribe
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_unsubscribe_multiple(
    client: *mut Handle,
    filters: *const *const c_char,
    count: usize,
    mid: *mut u64,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let filters = array(filters, count, "unsubscribe: the array of filters")?
                .iter()
                .map(|&filter| text(filter, "unsubscribe: the filter"))
                .collect::<Result<Vec<_>>>()?;
            put(mid, client.unsubscribe(&filters)?);
            Ok(())
        })
    }
}

/// Tells whether a topic filter matches a topic, by the rules of section 4.7 of MQTT 3.1.1.
///
/// The rules include the one for topics that begin with $: a wildcard at the start of a filter does
/// not match them.
///
/// A shared subscription, `$share/group/filter`, matches what `filter` matches (section 4.8.2 of
/// MQTT 5).
///
/// @param sub     The topic filter; not NULL.
/// @param topic   The topic name; not NULL.
/// @param result  The answer, on success; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: an argument is NULL or not UTF-8, or the
/// filter or the topic is not well-formed.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_subscribe
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_topic_matches_sub(
    sub: *const c_char,
    topic: *const c_char,
    result: *mut bool,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    let arguments = unsafe { (text(sub, "sub"), optional_bytes(topic)) };
    match arguments {
        (Ok(sub), Some(topic)) if is_well_formed(sub, topic) && !result.is_null() => {
            // SAFETY: not NULL, and writable by the header's contract.
            unsafe { put(result, topic::matches(sub, topic)) };
            Code::Success as c_int
        }
        _ => Code::Inval as c_int,
    }
}

/// Acknowledges a message that `on_message` has delivered, if `pmqtt_manual_ack_set` leaves this to
/// the program.
///
/// The broker may forget the message then. Messages may be acknowledged in any order:
/// - With `PMQTT_ACK_IN_ORDER`, the client sends PUBACKs in the order in which the messages came.
///   It holds a PUBACK until the program has acknowledged all earlier messages of QoS 1. The client
///   treats PUBRECs and messages of QoS 2 in the same way. `acks_held` of `pmqtt_stats` counts the
///   acknowledgements that it holds.
/// - With `PMQTT_ACK_AT_ONCE`, the client sends each acknowledgement at once.
/// - A message of QoS 2 never delays a PUBACK.
///
/// If the connection ends while an acknowledgement is due:
/// - QoS 1: the acknowledgement is no longer due, as the broker sends the message again. Held
///   PUBACKs are dropped.
/// - QoS 2: the acknowledgement is still due. Held PUBRECs go out when the broker sends the
///   messages again.
///
/// @param client  The client; not NULL.
/// @param mid     The `mid` that the callback was given. No other message gets the same one, so a
///                late acknowledgement acknowledges no other message.
/// @param qos     The QoS of the message. With 0, no acknowledgement is ever due.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NOT_FOUND`: no acknowledgement of this message is due. For example, the program has
///   acknowledged the message already, or the client acknowledges it by itself.
/// - `PMQTT_ERR_INVAL`: `client` is NULL, or `qos` is none of 0, 1 and 2.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-4.3]
///
/// @ingroup api_subscribe
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_ack(client: *mut Handle, mid: u64, qos: c_int) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.acknowledge(mid, super::qos(qos)?)) }
}

fn is_well_formed(filter: &str, name: &[u8]) -> bool {
    topic::check_filter(filter).is_ok() && topic::check_name(name).is_ok()
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
        }),
    }
}
