//! The callbacks of connections.

use std::ffi::{c_int, c_void};

use super::run;
use crate::client::Handle;
use crate::client::events::{ConnectFailed, Connected, Disconnected};

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
/// - `pmqtt_connect` waits for DNS, TCP and TLS. If one of them fails, `pmqtt_connect` returns the
///   error, and the callback is not called.
/// - The event's `rc` is `PMQTT_ERR_NO_CONN` if the program gave up the attempt. This happens if it
///   calls another connect, or calls `pmqtt_disconnect` before TCP and TLS are connected.
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
/// - After a DISCONNECT of the broker (MQTT 5), `rc` is `PMQTT_ERR_CONN_LOST`, and `reason` and
///   `properties` are those of the DISCONNECT.
/// - After a CONNACK that refuses, `rc` is `PMQTT_ERR_CONN_REFUSED`. In MQTT 5, `reason` and
///   `properties` are those of the CONNACK.
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
