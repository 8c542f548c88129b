//! The callbacks: their types, and the functions that set them.

use std::ffi::{c_int, c_void};

use super::run;
use crate::client::Handle;
use crate::client::events::{
    ConnectFailed, Connected, Disconnected, Drained, Interest, LogLine, MessageEvent, Published,
    Subscribed, Unsubscribed, Writable,
};

/// The broker has answered CONNECT: it accepted or refused the connection.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_connect =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Connected)>;

/// An attempt to connect has failed before the broker answered CONNECT.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_connect_fail =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const ConnectFailed)>;

/// A connection has ended: one that `on_connect` reported, or one that the program asked to end.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_disconnect =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Disconnected)>;

/// A message has come. The event's pointers are valid until the callback returns.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_message =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const MessageEvent)>;

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

/// The client has written a log line.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_log =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const LogLine)>;

/// The descriptor, the direction or the time that a foreign loop waits for has changed.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_interest =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Interest)>;

/// Sets `on_connect`, which is called when the broker has answered CONNECT.
///
/// The callback is called once for each connection, accepted or refused. After a refusal,
/// `on_disconnect` follows.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present callback; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.2]
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_on_connect_set(
    client: *mut Handle,
    callback: pmqtt_on_connect,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_callbacks(|callbacks| callbacks.connect = callback);
            Ok(())
        })
    }
}

/// Sets `on_connect_fail`, which is called when an attempt to connect fails before CONNACK.
///
/// Reasons are for example: the name has no address, the host refuses, or nobody answers.
///
/// - `pmqtt_connect` waits for DNS, TCP and TLS. If one of them fails, this call returns the error,
///   and the callback is not called.
/// - The event's `rc` is `PMQTT_ERR_NO_CONN` if the program gave up the attempt. It does so by
///   another connect, or by `pmqtt_disconnect` before TCP and TLS are connected.
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
pub unsafe extern "C" fn pmqtt_on_connect_fail_set(
    client: *mut Handle,
    callback: pmqtt_on_connect_fail,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_callbacks(|callbacks| callbacks.connect_fail = callback);
            Ok(())
        })
    }
}

/// Sets `on_disconnect`, which is called when a connection has ended.
///
/// The callback is called exactly once for each connection that `on_connect` reported. The same
/// holds for a connection that has TCP and TLS, and that `pmqtt_disconnect` ends before CONNACK.
///
/// - The event's `rc` is `PMQTT_ERR_SUCCESS` if the program asked for the end, by
///   `pmqtt_disconnect` or by a new connect.
/// - If the connection is lost before DISCONNECT is written, `rc` is the reason for the loss.
///
/// The client notes the oldest message without an answer when a connection ends. If it is the same
/// message three or more times in a row, `pmqtt_last_error` and the log name it. The broker may
/// close each connection because of that message, and later messages wait behind it.
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
pub unsafe extern "C" fn pmqtt_on_disconnect_set(
    client: *mut Handle,
    callback: pmqtt_on_disconnect,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_callbacks(|callbacks| callbacks.disconnect = callback);
            Ok(())
        })
    }
}

/// Sets `on_message`, which is called for each message that no filter of
/// `pmqtt_message_callback_add` matches.
///
/// A message of QoS 2 is delivered when its PUBLISH comes, and only once. The acknowledgement goes
/// out after the callback has returned, unless `pmqtt_manual_ack_set` leaves it to the program.
/// [MQTT-4.3]
///
/// If no callback is set for a message, the client drops it. It acknowledges the message as if a
/// callback had returned.
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
pub unsafe extern "C" fn pmqtt_on_message_set(
    client: *mut Handle,
    callback: pmqtt_on_message,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_callbacks(|callbacks| callbacks.message = callback);
            Ok(())
        })
    }
}

/// Sets `on_publish`, which is called when a message of any QoS has its outcome.
///
/// The callback is called exactly once for each `mid`, with two exceptions:
/// - messages that `pmqtt_reinitialise` or `pmqtt_client_free` drops,
/// - QoS 0 that `pmqtt_publish` did not accept.
///
/// The event's `rc` is the outcome:
/// - `PMQTT_ERR_SUCCESS`:
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
/// refused last fits. A program that does not wait for the callback may succeed earlier.
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
/// The callback is called each time the last open message, SUBSCRIBE or UNSUBSCRIBE has got its
/// outcome. `on_publish`, `on_subscribe` or `on_unsubscribe` reports that outcome first.
/// `pmqtt_drain` waits for the same; this callback is for a program that must not wait. Such a
/// program publishes, and calls `pmqtt_disconnect` in this callback.
///
/// - Each kind of outcome counts: also of a message that is lost, cancelled, dropped or expired, or
///   of a SUBSCRIBE that is lost with its connection.
/// - If the end of a connection brings the last outcome, the callback comes before `on_disconnect`.
///   It may come after `on_disconnect` if earlier callbacks took longer than some milliseconds.
/// - The callback also waits for what the program publishes before the callback is called, for
///   example in the last `on_publish`.
/// - QoS 1 and 2 that wait for a connection are not settled. Without a connection, the callback is
///   not called for them.
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

/// Sets `on_log`, which is called with each log line.
///
/// The levels, the most important first:
/// - `PMQTT_LOG_ERR`: why a connection, or an attempt to connect, has failed.
/// - `PMQTT_LOG_WARNING`: something failed or was unexpected, and the client goes on.
/// - `PMQTT_LOG_NOTICE`: not used.
/// - `PMQTT_LOG_INFO`: each stage of connecting, a connection that ended as asked, and the wait
///   before a reconnect.
/// - `PMQTT_LOG_DEBUG`: each packet, in and out.
///
/// No line has a payload or a password in it. Control characters of topics and names are written as
/// `\x0a`, so that a line is one line. The calls that the callback makes are logged too. A callback
/// must not publish DEBUG lines, because each publish would cause the next line.
///
/// At most about 1 MiB of lines waits for the callback. If more come, the client leaves them out,
/// and a WARNING has their number. `pmqtt_log_level_set` selects levels.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present callback; NULL: none. It runs in a loop call, or at the
///                  end of another call that has caused the line. It gets one line at a time.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_on_log_set(client: *mut Handle, callback: pmqtt_on_log) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_callbacks(|callbacks| callbacks.set_log(callback));
            Ok(())
        })
    }
}

/// Sets the least important level that `on_log` is called for.
///
/// The client does not make lines of less important levels: with `PMQTT_LOG_INFO`, a message costs
/// no more than without a log. The setting takes effect at once. A line that waits already is still
/// reported. `pmqtt_reinitialise` sets the default again.
///
/// @param client  The client; not NULL.
/// @param level   `PMQTT_LOG_DEBUG` (the default: all lines), `PMQTT_LOG_INFO`, `PMQTT_LOG_NOTICE`,
///                `PMQTT_LOG_WARNING` or `PMQTT_LOG_ERR`.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL, or `level` is none of the
/// five.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_log_level_set(client: *mut Handle, level: c_int) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.set_log_level(level)) }
}

/// Sets `on_interest`, which tells a foreign loop what to wait for. It is for loops that keep
/// registrations.
///
/// The event has the descriptor, whether to watch it for reading and writing, and when to call
/// `pmqtt_loop_misc`. The callback is called:
/// - at once, with the present state,
/// - at the end of each call that changes the state,
/// - before a descriptor is closed.
///
/// If a deadline moves to a later time, the callback is not called at once. At the earlier time,
/// `pmqtt_loop_misc` finds nothing to do, and the callback reports the later time. With this
/// callback, `pmqtt_publish` collects messages and leaves writing to `pmqtt_loop_write`.
///
/// A descriptor with neither read nor write is not watched for now, but stays open. A later event
/// names it again, or reports that it is closed. This happens while a call such as `pmqtt_loop`
/// waits by itself. It also happens while an old connection is still closing, and the loop watches
/// the new connection.
///
/// `pmqtt_client_free` and `pmqtt_reinitialise` close descriptors. They report each one to the
/// callback that was set, with its `userdata`. They do so before they return, also in a callback.
/// There is one exception: if another thread runs the client during `pmqtt_reinitialise`, that
/// thread reports the descriptors.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present callback; NULL: none. It runs in the thread that makes the
///                  change, one call at a time. The call is nested in one case: `pmqtt_client_free`
///                  or `pmqtt_reinitialise` in this callback reports a closing.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_on_interest_set(
    client: *mut Handle,
    callback: pmqtt_on_interest,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_interest(callback);
            Ok(())
        })
    }
}
