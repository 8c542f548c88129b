//! The callbacks of publish and of requests: what became of them, and when there is room for more.

use std::ffi::{c_int, c_void};

use super::run;
use crate::client::Handle;
use crate::client::events::{Drained, Published, Subscribed, Unsubscribed, Writable};

/// A publish is done, with success or not.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_publish =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Published)>;

/// The broker has answered SUBSCRIBE, or the connection ended before it did.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_subscribe =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Subscribed)>;

/// The broker has answered UNSUBSCRIBE, or the connection ended before it did.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_unsubscribe =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Unsubscribed)>;

/// The queue has room again.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_writable =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Writable)>;

/// All messages and requests are settled.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_drained =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Drained)>;

/// Sets `on_publish`, which is called when a message of any QoS has its outcome.
///
/// The callback is called exactly once for each `mid`, with two exceptions:
/// - messages that `pmqtt_reinitialise` or `pmqtt_client_free` drops,
/// - QoS 0 that was dropped because there was no connection (`PMQTT_ERR_NO_CONN`).
///
/// The event's `rc` is the outcome:
/// - `PMQTT_ERR_SUCCESS`. In MQTT 5, `reason` may say more: 0x10 means that there are no matching
///   subscribers.
///   - QoS 0: the operating system has the message.
///   - QoS 1: PUBACK has come. The broker is now responsible for the message.
///   - QoS 2: PUBREC and PUBCOMP have come in one session. The broker is now responsible for the
///     message.
/// - `PMQTT_ERR_CONN_LOST`: the connection ended before a message of QoS 0 was written completely.
///   The message is lost, and the program may publish it again.
/// - `PMQTT_ERR_IN_DOUBT`: the broker acknowledged a message of QoS 2 with PUBREC, and then lost
///   the session. Nobody knows whether the broker has delivered the message. If the program
///   publishes it again, it may arrive twice.
/// - `PMQTT_ERR_DROPPED`: the message made room for another one in the queue
///   (`pmqtt_queue_options_set`), and was never sent.
/// - `PMQTT_ERR_EXPIRED`: the message was not sent within its time limit (`expiry_s` of
///   `pmqtt_publication`), and is never sent.
/// - `PMQTT_ERR_CANCELLED`: the program cancelled the message. At QoS 1 it may have arrived, or may
///   still arrive.
/// - `PMQTT_ERR_REJECTED`: the message is not delivered, and `reason` says why (MQTT 5):
///   - The broker refused it. PUBACK or PUBREC has a reason of 0x80 or more; `pmqtt_reason_string`
///     and the event's properties explain it.
///   - The message waited for a connection, and the broker does not take such messages. The client
///     does not send it. It is larger than the broker's maximum packet size (0x95), above its
///     maximum QoS (0x9b), or retained where the broker has no retained messages (0x9a).
///
/// A session is lost if session present is 0 in the CONNACK of the next connection. MQTT 3.1 has no
/// such flag: there, `clean_session` decides. After PUBREC, the client sends PUBREL even if the
/// session is lost. It reports `PMQTT_ERR_IN_DOUBT` when PUBCOMP has come, on a later connection.
///
/// A message of QoS 1 or 2 without PUBACK or PUBREC is sent again with the next connection, also if
/// the session is lost.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present callback; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_on_publish_set(
    client: *mut Handle,
    callback: pmqtt_on_publish,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_callbacks(|callbacks| callbacks.publish = callback);
            Ok(())
        })
    }
}

/// Sets `on_subscribe`, which is called when the broker has answered SUBSCRIBE.
///
/// It is also called if the connection ends before the answer.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present callback; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.9]
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_on_subscribe_set(
    client: *mut Handle,
    callback: pmqtt_on_subscribe,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_callbacks(|callbacks| callbacks.subscribe = callback);
            Ok(())
        })
    }
}

/// Sets `on_unsubscribe`, which is called when the broker has answered UNSUBSCRIBE.
///
/// It is also called if the connection ends before the answer.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present callback; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.11]
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_on_unsubscribe_set(
    client: *mut Handle,
    callback: pmqtt_on_unsubscribe,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_callbacks(|callbacks| callbacks.unsubscribe = callback);
            Ok(())
        })
    }
}

/// Sets `on_writable`, which is called when the queue has room again.
///
/// The callback is called once after `pmqtt_publish` or `pmqtt_publish_batch` returned
/// `PMQTT_ERR_QUEUE_SIZE`. It is called when half of the queue is free, and the message that was
/// refused last fits. A publish before the callback may be accepted too.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present callback; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_on_writable_set(
    client: *mut Handle,
    callback: pmqtt_on_writable,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_callbacks(|callbacks| callbacks.writable = callback);
            Ok(())
        })
    }
}

/// Sets `on_drained`, which is called when all messages and requests are settled and reported.
///
/// The callback is called each time the last unsettled message, SUBSCRIBE or UNSUBSCRIBE has got
/// its outcome. `on_publish`, `on_subscribe` or `on_unsubscribe` reports that outcome first.
/// `pmqtt_drain` waits for that moment. This callback is for a program that must not wait. Such a
/// program publishes, and calls `pmqtt_disconnect` in this callback.
///
/// - Each kind of outcome counts. A message may also be lost, cancelled, dropped or expired. A
///   SUBSCRIBE may be lost with its connection.
/// - If the end of a connection brings the last outcome, the callback comes before `on_disconnect`.
///   It may come after `on_disconnect` if earlier callbacks took longer than some milliseconds.
/// - Messages that the program publishes before this callback runs, for example in the last
///   `on_publish`, must be settled first.
/// - Messages that wait for a connection are not settled. Without a connection, the callback is not
///   called for them.
/// - The callback is not called for what was settled before it was set, nor for messages that the
///   client did not accept.
/// - `pmqtt_reinitialise` and `pmqtt_client_free` drop the messages. They remove the callback, and
///   do not call it.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present callback; NULL: none. A loop call runs it, never a call
///                  that publishes.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_on_drained_set(
    client: *mut Handle,
    callback: pmqtt_on_drained,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_drained(callback);
            Ok(())
        })
    }
}
