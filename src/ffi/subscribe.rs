//! Subscribing, and acknowledging what comes.

use std::ffi::{c_char, c_int};

use super::constants::{PMQTT_ACK_AT_ONCE, PMQTT_ACK_AUTO, PMQTT_ACK_IN_ORDER};
use super::{array, bytes, optional_bytes, put, run, text};
use crate::client::{Code, Error, Handle, Result, events};
use crate::codec::{Place, Properties, reason, topic};

/// Subscribes to a topic filter. `on_subscribe` reports the QoS that the broker granted.
///
/// The client subscribes again by itself after a reconnect only with `pmqtt_resubscribe_set`.
/// Otherwise the program does so in `on_connect` if the broker has no session. Before CONNACK, the
/// client accepts the request as `pmqtt_publish` accepts messages.
///
/// @param client  The client; not NULL.
/// @param filter  UTF-8, copied; not NULL, 1 to 65,535 bytes, with the wildcards + and # as section
///                4.7 of MQTT 3.1.1 allows them.
/// @param qos     The maximum QoS at which the broker sends the messages: 0, 1 or 2.
/// @param mid     The number of the request, on success; may be NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NO_CONN`: there is no connection, or `pmqtt_disconnect` was called; nothing was
///   done.
/// - `PMQTT_ERR_INVAL`: an argument is wrong.
/// - `PMQTT_ERR_QUEUE_SIZE`: all 65,535 packet identifiers are in use.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the broker of this connection accepts no wildcards, or no shared
///   subscriptions (MQTT 5).
/// - `PMQTT_ERR_PAYLOAD_SIZE`: the packet is larger than the broker accepts (MQTT 5).
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
                    Ok((
                        text(filter, "subscribe: the filter")?,
                        super::qos(value)?.into(),
                    ))
                })
                .collect::<Result<Vec<_>>>()?;
            put(mid, client.subscribe(&filters)?);
            Ok(())
        })
    }
}

/// Ends the subscription to a topic filter. `on_unsubscribe` reports the answer of the broker.
///
/// A callback that `pmqtt_subscribe_with` has set for the filter ends in this call, as
/// `pmqtt_message_callback_remove` ends it.
///
/// @param client  The client; not NULL.
/// @param filter  The filter that was subscribed to; not NULL.
/// @param mid     The number of the request, on success; may be NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or as for `pmqtt_subscribe`: `PMQTT_ERR_NO_CONN`,
/// `PMQTT_ERR_INVAL`, `PMQTT_ERR_QUEUE_SIZE` or `PMQTT_ERR_PAYLOAD_SIZE`.
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
/// `on_unsubscribe` reports the answer of the broker. Callbacks that `pmqtt_subscribe_with` has set
/// for the filters end in this call.
///
/// @param client   The client; not NULL.
/// @param filters  `count` topic filters; not NULL, and none of them NULL.
/// @param count    At least 1.
/// @param mid      The number of the request, on success; may be NULL.
///
/// @return As `pmqtt_unsubscribe`.
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
            put(
                mid,
                client.unsubscribe("unsubscribe", &filters, Properties::NONE)?,
            );
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

fn is_well_formed(filter: &str, name: &[u8]) -> bool {
    topic::check_filter(filter).is_ok() && topic::check_name(name).is_ok()
}

/// Sets who acknowledges messages of QoS 1 and 2: the library after `on_message`, or the program.
///
/// Whether a message needs `pmqtt_ack` depends on the setting when the message comes. Whether its
/// acknowledgement may overtake others depends on the setting when the program calls `pmqtt_ack`.
/// This call does not send the acknowledgements that the client holds already: they still wait for
/// those of earlier messages.
///
/// - `PMQTT_ACK_AUTO`, the default: the library acknowledges a message when `on_message` has
///   returned.
/// - `PMQTT_ACK_IN_ORDER`: the program acknowledges with `pmqtt_ack`, in any order. The client
///   sends PUBACKs in the order in which the messages of QoS 1 came. It sends PUBRECs in the order
///   in which the messages of QoS 2 came. It holds an acknowledgement until those of all earlier
///   messages of the same QoS are sent.
///   [MQTT-4.6.0-2] [MQTT-4.6.0-3]
/// - `PMQTT_ACK_AT_ONCE`: the program acknowledges with `pmqtt_ack`, and the client sends each
///   acknowledgement at once. This can break the order that MQTT demands, and a broker
///   may rely on that order.
///
/// @param client  The client; not NULL.
/// @param mode    `PMQTT_ACK_AUTO` (0), `PMQTT_ACK_IN_ORDER` (1, so `true` too) or
///                `PMQTT_ACK_AT_ONCE` (2).
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL, or `mode` is none of the
/// three.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_subscribe
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_manual_ack_set(client: *mut Handle, mode: c_int) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            match mode {
                PMQTT_ACK_AUTO => client.set_manual_ack(false, false),
                PMQTT_ACK_IN_ORDER => client.set_manual_ack(true, false),
                PMQTT_ACK_AT_ONCE => client.set_manual_ack(true, true),
                _ => {
                    return Err(Error::inval(format!(
                        "manual_ack_set: there is no mode {mode}"
                    )));
                }
            }
            Ok(())
        })
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

/// Acknowledges a message like `pmqtt_ack`, with a reason and properties of MQTT 5. From reason
/// 0x80 on, this refuses the message.
///
/// The broker does not send a refused message again. Its packet identifier is free as soon as the
/// acknowledgement is sent, also at QoS 2.
///
/// The client holds the acknowledgement, and sends it in order, as `pmqtt_ack` describes. If the
/// properties make the packet larger than the broker's maximum packet size, they are left out.
///
/// If the connection ends before the acknowledgement is sent:
/// - QoS 1: the acknowledgement is dropped, and the message comes again.
/// - QoS 2: the acknowledgement goes out when the broker sends the message again.
///
/// @param client      The client; not NULL.
/// @param mid         As for `pmqtt_ack`.
/// @param qos         As for `pmqtt_ack`.
/// @param reason      0: the message is accepted. 0x80, 0x83, 0x87, 0x90, 0x91, 0x97 and 0x99
///                    refuse it; see `pmqtt_reason_string`.
/// @param properties  A reason string and user properties, copied; NULL or an empty list: none.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NOT_FOUND`: as for `pmqtt_ack`.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client is not of MQTT 5, and `reason` is not 0 or there are
///   properties.
/// - `PMQTT_ERR_INVAL`: `client` is NULL, `qos` is none of 0, 1 and 2, or `reason` is none of those
///   above. Or `properties` are malformed, or do not belong in an acknowledgement.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-3.4] [MQTT5-3.5]
///
/// @ingroup api_subscribe
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_ack_with(
    client: *mut Handle,
    mid: u64,
    qos: c_int,
    reason: c_int,
    properties: *const events::PropertyView,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let qos = super::qos(qos)?;
            let reason = answer_reason(reason)?;
            let list = match properties.as_ref() {
                Some(list) => bytes(list.data, list.len, "ack_with: the list of properties")?,
                None => &[],
            };
            let list = Properties::check(list, Place::Ack)
                .map_err(|error| Error::inval(format!("ack_with: {error}")))?;
            client.acknowledge_with(mid, qos, reason, list)
        })
    }
}

/// The reason of a PUBACK or PUBREC. Only a broker sends that there are no subscribers (sections
/// 3.4.2.1 and 3.5.2.1 of MQTT 5).
fn answer_reason(value: c_int) -> Result<u8> {
    let is_allowed = |it: &u8| *it != reason::NO_SUBSCRIBERS && reason::is_allowed_in_answer(*it);
    let reason = u8::try_from(value).ok().filter(is_allowed);
    reason.ok_or_else(|| {
        Error::inval(format!(
            "ack_with: a client cannot acknowledge with reason {value:#x}"
        ))
    })
}
