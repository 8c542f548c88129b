//! Publish, subscribe, unsubscribe, acknowledge.

use std::ffi::{c_char, c_int, c_void};

use super::{array, bytes, optional_bytes, put, run, run_plain, text};
use crate::client::{Code, Error, Handle, Result};
use crate::codec::{Message, topic};

/// Publishes a message. Each has exactly one outcome, which `on_publish` tells by its mid: QoS 0
/// is done when it is with the operating system, QoS 1 and 2 when the broker has it.
///
/// Not connected: QoS 0 is dropped, QoS 1 and 2 are queued and sent with the next connection. What waits may be
/// treated otherwise, by `pmqtt_queue_options_set`.
/// Between `pmqtt_connect` and CONNACK everything is accepted, and sent after CONNACK.
///
/// @param client       The client; not NULL.
/// @param topic        UTF-8, copied; not NULL, 1 to 65,535 bytes, no wildcards. [MQTT-4.7.3]
/// @param payload      Copied. NULL with a length of 0: an empty payload.
/// @param payload_len  Bytes, at the most 268,435,455 with topic and header.
/// @param qos          0, 1 or 2.
/// @param retain       The broker keeps the message for later subscribers. [MQTT-3.3.1.3]
/// @param mid          Where the message's number is put; may be NULL. Unique for the client's
///                     life, it counts from 1 together with those of subscribe and unsubscribe.
///                     Written with `PMQTT_ERR_SUCCESS` and with `PMQTT_ERR_NO_CONN`.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_NO_CONN`: QoS 0 was dropped, QoS 1 and 2 queued;
/// `PMQTT_ERR_QUEUE_SIZE`: the queue is full, nothing was done, `on_writable` tells when there is
/// room; `PMQTT_ERR_NOMEM`: there is no memory for the message, nothing was done;
/// `PMQTT_ERR_INVAL`: an argument is wrong; `PMQTT_ERR_PAYLOAD_SIZE`: too large.
///
/// Thread-safe; callback-safe; never blocks.
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

/// `pmqtt_publish` with a client that is not plain: apart, so that one that is pays nothing for it.
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

/// Subscribes to a topic filter. `on_subscribe` tells what the broker granted.
///
/// @param client  The client; not NULL.
/// @param filter  UTF-8, copied; not NULL, 1 to 65,535 bytes, wildcards + and # as section 4.7
///                has them.
/// @param qos     The highest QoS to receive with: 0, 1 or 2.
/// @param mid     Where the request's number is put, on success; may be NULL.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_NO_CONN`: not connected, nothing was done;
/// `PMQTT_ERR_INVAL`: an argument is wrong; `PMQTT_ERR_QUEUE_SIZE`: all 65,535 packet identifiers
/// are in use.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.8]
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

/// Subscribes to several topic filters with one SUBSCRIBE packet. `on_subscribe` tells what the
/// broker granted, in the order of the filters.
///
/// @param client   The client; not NULL.
/// @param filters  `count` filters, each as for `pmqtt_subscribe`; not NULL.
/// @param qos      `count` values, each 0, 1 or 2; not NULL.
/// @param count    At least 1.
/// @param mid      Where the request's number is put, on success; may be NULL.
///
/// @return As `pmqtt_subscribe`.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.8]
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

/// Ends the subscription to a topic filter. `on_unsubscribe` tells when the broker has done so.
///
/// @param client  The client; not NULL.
/// @param filter  As it was subscribed to; not NULL.
/// @param mid     Where the request's number is put, on success; may be NULL.
///
/// @return As `pmqtt_subscribe`.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.10]
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
/// @param client   The client; not NULL.
/// @param filters  `count` filters; not NULL, and none of them NULL.
/// @param count    At least 1.
/// @param mid      Where the request's number is put, on success; may be NULL.
///
/// @return As `pmqtt_subscribe`.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.10]
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

/// Acknowledges a message that `on_message` has handed over, after `pmqtt_manual_ack_set`: the
/// broker may forget it then. An acknowledgement that is still owed when the connection ends is
/// not owed any more at QoS 1, as the broker sends the message again; at QoS 2 it is.
///
/// Messages may be acknowledged in any order. PUBACKs go out in the order in which the messages came, and so
/// do PUBRECs: an early one is held until those before it are acknowledged (`acks_held` of `pmqtt_stats`), unless
/// the mode is `PMQTT_ACK_AT_ONCE`. A QoS 2 message never holds up a PUBACK. When the connection ends, PUBACKs that
/// are held end with it; PUBRECs go out when the broker sends the messages again.
///
/// @param client  The client; not NULL.
/// @param mid     The message's mid, as the callback was given it. No other message gets the same one, so an
///                acknowledgement that comes too late acknowledges nothing else.
/// @param qos     The message's QoS, 1 or 2.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_NOT_FOUND`: no such acknowledgement is owed (any more), or the client
/// acknowledges that message by itself;
/// `PMQTT_ERR_INVAL`: client is NULL, or the QoS is none of 0, 1 and 2.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-4.3]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_ack(client: *mut Handle, mid: u64, qos: c_int) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.acknowledge(mid, super::qos(qos)?)) }
}

/// Sets the will: what the broker publishes when the connection ends without a DISCONNECT.
/// Takes effect with the next connection.
///
/// @param client       The client; not NULL.
/// @param topic        As for `pmqtt_publish`.
/// @param payload      As for `pmqtt_publish`.
/// @param payload_len  At the most 65,535 bytes.
/// @param qos          0, 1 or 2.
/// @param retain       The broker keeps it for later subscribers.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is wrong; `PMQTT_ERR_PAYLOAD_SIZE`:
/// the payload is too large.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.1.2.5]
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

/// Removes the will. Takes effect with the next connection.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Tells whether a topic matches a subscription, $-topics included (section 4.7). A shared one,
/// `$share/group/filter`, matches what `filter` matches (section 4.8.2 of MQTT 5).
///
/// @param sub     The topic filter; not NULL.
/// @param topic   The topic name; not NULL.
/// @param result  Where the answer is put, on success; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is NULL or not UTF-8, or the filter
/// or the topic is not well-formed.
///
/// Thread-safe; callback-safe; never blocks.
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
