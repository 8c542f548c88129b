//! Brokers that send the client to another server.

use std::ffi::{c_int, c_void};

use super::run;
use crate::client::Handle;
use crate::client::events::Redirect;

/// The broker sends the client to another server.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_redirect =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Redirect)>;

/// Sets `on_redirect`, which is called when the broker sends the client to another server.
///
/// The broker does so with the reason 0x9C or 0x9D and a server reference. They come with a CONNACK
/// that refuses the connection, or with DISCONNECT. The program decides in the callback:
///
/// - `pmqtt_redirect_follow`: the client connects to the other server at once. After CONNACK, no
///   other callback reports the refused connection. After DISCONNECT, `on_disconnect` follows.
/// - Otherwise, `on_connect` or `on_disconnect` reports the reason, as without this callback.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present callback; NULL: none. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks. MQTT 5, section 4.11.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_on_redirect_set(
    client: *mut Handle,
    callback: pmqtt_on_redirect,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_callbacks(|callbacks| callbacks.set_redirect(callback));
            Ok(())
        })
    }
}

/// Follows the redirect that `on_redirect` reports: connects to the host and port of its event.
///
/// - The new connection begins as soon as the present one has ended, without the delay of a
///   reconnect. This also holds for loops that do not reconnect.
/// - 0x9D (server moved): the other server replaces the target of the program for good.
/// - 0x9C (use another server): the client connects to the other server until an attempt there
///   fails. Then it connects to the target of the program again.
/// - A connect with a target, such as `pmqtt_connect_async`, ends both. `pmqtt_reconnect` does not.
/// - The TLS settings stay: a client with TLS never connects without it. The certificate must be for
///   the new host, or for the name of `pmqtt_tls_server_name_set`.
/// - Credentials, will and messages go to the other server. After CONNACK, requests that wait for it
///   do so too.
/// - The client follows 5 redirects in a row. A connection that lasts longer than the delay of a
///   reconnect ends the row, and so does waiting for that delay.
///
/// A connect or a disconnect in the callback takes precedence.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NOT_FOUND`: the call does not come from `on_redirect`.
/// - `PMQTT_ERR_INVAL`: `client` is NULL, or `host` of the event is NULL.
/// - `PMQTT_ERR_CONN_REFUSED`: the client has followed 5 redirects in a row.
///
/// Thread-safe; callback-safe; never blocks. MQTT 5, section 4.11.
///
/// @ingroup api_connect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_redirect_follow(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.follow_redirect()) }
}
