//! The callbacks: their types, and the functions that set them.

use std::ffi::{c_char, c_int, c_void};

use super::{run, text};
use crate::client::events::{
    ConnectFailed, Connected, Disconnected, Interest, LogLine, MessageEvent, Published, Subscribed,
    Unsubscribed, Writable,
};
use crate::client::{Error, Handle};

/// The broker answered CONNECT, and accepted or refused.
#[allow(non_camel_case_types)]
pub type pmqtt_on_connect =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Connected)>;

/// An attempt to connect failed before the broker answered CONNECT.
#[allow(non_camel_case_types)]
pub type pmqtt_on_connect_fail =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const ConnectFailed)>;

/// A connection ended that was announced or refused, or that the program asked to end.
#[allow(non_camel_case_types)]
pub type pmqtt_on_disconnect =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Disconnected)>;

/// A message came. What the event points to is valid until the callback returns.
#[allow(non_camel_case_types)]
pub type pmqtt_on_message =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const MessageEvent)>;

/// A publish is done.
#[allow(non_camel_case_types)]
pub type pmqtt_on_publish =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Published)>;

/// The broker answered SUBSCRIBE.
#[allow(non_camel_case_types)]
pub type pmqtt_on_subscribe =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Subscribed)>;

/// The broker answered UNSUBSCRIBE.
#[allow(non_camel_case_types)]
pub type pmqtt_on_unsubscribe =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Unsubscribed)>;

/// There is room in the queue again.
#[allow(non_camel_case_types)]
pub type pmqtt_on_writable =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Writable)>;

/// A line for the log.
#[allow(non_camel_case_types)]
pub type pmqtt_on_log =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const LogLine)>;

/// What the client waits for has changed.
#[allow(non_camel_case_types)]
pub type pmqtt_on_interest =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Interest)>;

/// Sets what is called when the broker has answered CONNECT: once for each connection, accepted
/// or refused. After a refusal `on_disconnect` follows. [MQTT-3.2]
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present one; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets what is called when an attempt to connect has failed before the broker answered CONNECT:
/// no address, no answer, refused by the host. Not called for what `pmqtt_connect` itself waits
/// for: that returns the error. The event's rc is `PMQTT_ERR_NO_CONN` when the program gave the attempt
/// up: by another connect, which goes on, or by `pmqtt_disconnect`.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present one; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets what is called when a connection has ended: exactly once for each that `on_connect` told
/// of, and for each that ended before CONNACK because of `pmqtt_disconnect`. The event's rc is
/// `PMQTT_ERR_SUCCESS` when the program asked for it, by disconnecting or by connecting anew; a
/// connection that is lost before DISCONNECT was written has that for its cause.
///
/// Where three or more connections in a row ended with the same message as the oldest without an answer,
/// `pmqtt_last_error` and the log name it: the broker may close upon this message, which then holds up all that
/// were published after it.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present one; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets what is called for each message that no filter of `pmqtt_message_callback_add` matches.
/// QoS 2 is delivered when its PUBLISH comes, and once. The acknowledgement goes out after the
/// callback has returned, unless `pmqtt_manual_ack_set` leaves it to the program. [MQTT-4.3]
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present one; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets what is called when a publish is done, at each QoS: exactly once for each mid, but for
/// those that `pmqtt_reinitialise` or `pmqtt_client_free` drop, and QoS 0 that `pmqtt_publish` refused.
///
/// The event's rc is the outcome:
/// - `PMQTT_ERR_SUCCESS`: QoS 0 is with the operating system. The broker has taken QoS 1 with PUBACK, and
///   QoS 2 with the whole handshake, in one session: it owes the message to its subscribers.
/// - `PMQTT_ERR_CONN_LOST`: QoS 0 was not written whole before the connection ended. It is lost, and the
///   program may publish it again.
/// - `PMQTT_ERR_IN_DOUBT`: the broker took a QoS 2 message with PUBREC, and then lost the session: session
///   present is 0 upon the next connection. MQTT 3.1 has no such flag: there clean_session decides. The
///   broker may have passed the message on or not. A program that publishes it again may have it
///   arrive twice. The outcome comes when the broker has answered PUBREL with PUBCOMP, after any number of
///   connections.
/// - `PMQTT_ERR_DROPPED`: the message made room for another one in the queue (`pmqtt_queue_options_set`), and was
///   never sent.
/// - `PMQTT_ERR_CANCELLED`: the program has cancelled it. At QoS 1 it may have arrived, or arrive yet.
///
/// A message of QoS 1 or 2 without PUBACK or PUBREC is sent again with the next connection, also where the
/// session is lost.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present one; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets what is called when the broker has answered SUBSCRIBE, or the connection ended before it
/// did. [MQTT-3.9]
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present one; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets what is called when the broker has answered UNSUBSCRIBE, or the connection ended before
/// it did. [MQTT-3.11]
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present one; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets what is called when there is room in the queue again, once after `pmqtt_publish` returned
/// `PMQTT_ERR_QUEUE_SIZE`: when half of the queue is free, and the message that was refused last fits.
/// A program that tries again without waiting for that may be successful earlier.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present one; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets what is called with lines that tell what the client does: INFO each stage of connecting,
/// DEBUG each packet, in and out, ERR why a connection ended. No payload and no password is in
/// them. A line is one line: control characters of topics and names are written as `\x0a`. What the
/// callback itself causes is logged in its turn: do not publish DEBUG lines. `pmqtt_log_level_set` has fewer.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present one; NULL: none. It runs in whichever thread does what is
///                  told of, one line at a time.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets which lines `on_log` is called with. A line that is not wanted is not made: with `PMQTT_LOG_INFO` a
/// message costs no more than without a log. Takes effect at once; a line that waits is still handed over.
/// `pmqtt_reinitialise` sets the default again.
///
/// @param client  The client; not NULL.
/// @param level   The level that matters least of those that are wanted: `PMQTT_LOG_DEBUG` (the default: all
///                lines), `PMQTT_LOG_INFO`, `PMQTT_LOG_NOTICE`, `PMQTT_LOG_WARNING` or `PMQTT_LOG_ERR`.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL, or level is none of the five.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_log_level_set(client: *mut Handle, level: c_int) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.set_log_level(level)) }
}

/// Sets what is called when that changes which a foreign loop waits for, for loops that keep
/// registrations: with the descriptor, whether to wait for reading and writing, and when to call
/// `pmqtt_loop_misc`. Called at once with what holds now, at the end of each call that changes it,
/// and before a descriptor is closed. A deadline that only moves later is not told: at the earlier
/// one `pmqtt_loop_misc` finds nothing to do, and the later one is told then. With this callback set,
/// `pmqtt_publish` gathers messages and leaves the writing to `pmqtt_loop_write`.
///
/// A descriptor with neither read nor write is not to be watched for now, but stays open. The callback
/// names it again later, or tells that it is closed. That is so while a call as `pmqtt_loop` waits by
/// itself, and for a connection that ends beside its successor.
///
/// `pmqtt_client_free` and `pmqtt_reinitialise` tell the callback that was set, with its user data, of
/// descriptors that they have closed. They do so before they return, in a callback too. Only where
/// another thread runs the client, `pmqtt_reinitialise` leaves that to this thread.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present one; NULL: none. It runs in whichever thread makes the
///                  change, and one at a time. Only a closing that such a call makes in this callback
///                  is told inside it.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets what is called for messages whose topic matches a filter. Of several filters that match,
/// each one's callback is called, in the order in which they were added; `on_message` is called
/// only where none matches. It does not subscribe. `$share/group/filter`, a shared subscription, matches
/// what `filter` matches.
///
/// @param client    The client; not NULL.
/// @param filter    UTF-8, copied, well-formed (section 4.7); not NULL.
/// @param callback  Not NULL. Replaces the one that the same filter has.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_message_callback_add(
    client: *mut Handle,
    filter: *const c_char,
    callback: pmqtt_on_message,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let filter = text(filter, "message_callback_add: the filter")?;
            let callback = callback
                .ok_or_else(|| Error::inval("message_callback_add: the callback is NULL"))?;
            client.add_filter(filter, callback)
        })
    }
}

/// Removes the callback of a filter. Once this has returned, it is not called any more, unless it
/// runs in another thread right now.
///
/// @param client  The client; not NULL.
/// @param filter  As it was added; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_NOT_FOUND`: the filter has no callback;
/// `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_message_callback_remove(
    client: *mut Handle,
    filter: *const c_char,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            client.remove_filter(text(filter, "message_callback_remove: the filter")?)
        })
    }
}
