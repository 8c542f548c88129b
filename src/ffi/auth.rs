//! Enhanced authentication of MQTT 5.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::{bytes, optional_text, run, text};
use crate::client::events::{AuthEvent, PropertyView};
use crate::client::{Error, Handle, Result};
use crate::codec::{Place, Properties};

/// A step of an enhanced authentication, which the program answers with `pmqtt_auth_answer`.
///
/// @ingroup api_auth
#[allow(non_camel_case_types)]
pub type pmqtt_on_auth =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const AuthEvent)>;

/// Sets the authentication method and the callback that answers in enhanced authentication.
///
/// The steps of each connection:
/// 1. TCP and TLS are connected. The callback gets `PMQTT_AUTH_START`. The program answers with its
///    first data, and the client sends CONNECT with the method and this data.
/// 2. Whenever the broker asks, with AUTH 0x18, the callback gets `PMQTT_AUTH_CHALLENGE`. The
///    program answers, and the client sends AUTH 0x18.
/// 3. The broker accepts. The callback gets `PMQTT_AUTH_DONE`, and `on_connect` follows.
///    `PMQTT_AUTH_DONE` has no answer, but the program may refuse the broker in it
///    (`pmqtt_auth_fail`).
///
/// - The program answers in the callback, or later from any thread. It has the connect timeout for
///   each answer (`pmqtt_connect_timeout_set`). The broker has the same time for each packet.
/// - If the time is over, the connection ends with `PMQTT_ERR_TIMEOUT`.
/// - If the broker refuses, `on_connect` has its reason, as without this function.
/// - If the broker breaks the rules, the connection ends with `PMQTT_ERR_PROTOCOL`, and the client
///   sends DISCONNECT 0x82. Examples are another method, or an AUTH out of turn.
/// - Before CONNACK, the client sends only CONNECT, AUTH and DISCONNECT. Everything else waits.
/// - `pmqtt_reauthenticate` runs the same steps on an open connection.
/// - `pmqtt_disconnect` before CONNACK lets the authentication come to its end first.
///   `pmqtt_auth_fail` ends it at once.
///
/// The method takes effect with the next connection, and the callback at once. If a connection is
/// in an authentication when the program sets NULL, it ends with `PMQTT_ERR_AUTH`.
///
/// @param client    The client; not NULL.
/// @param method    The authentication method, UTF-8, 1 to 65,535 bytes, copied. NULL: the next
///                  connections have no enhanced authentication, and `callback` does not matter.
/// @param callback  Replaces the present callback, and `pmqtt_auth_scram_set`. Not NULL with a
///                  method. A loop call runs it.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: an argument is wrong.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client is not of MQTT 5.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-4.12]
///
/// @ingroup api_auth
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_auth_set(
    client: *mut Handle,
    method: *const c_char,
    callback: pmqtt_on_auth,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let program = match optional_text(method, "auth_set: the method")? {
                None => None,
                Some(_) => {
                    let callback = callback.ok_or_else(|| {
                        Error::inval("auth_set: a method needs a callback, which is NULL")
                    })?;
                    Some((CStr::from_ptr(method), callback))
                }
            };
            client.set_auth(program)
        })
    }
}

/// Answers the latest `PMQTT_AUTH_START` or `PMQTT_AUTH_CHALLENGE`, in the callback or later.
///
/// A program that answers later has to know that its answer is for the present connection. If a
/// connection is lost, the next one begins with a new `PMQTT_AUTH_START`.
///
/// @param client      The client; not NULL.
/// @param data        The authentication data, copied; may be NULL if `len` is 0.
/// @param len         Bytes, at most 65,535; 0: the packet has no authentication data.
/// @param properties  User properties, and a reason string if the answer goes into AUTH; copied.
///                    NULL or an empty list: none.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NO_CONN`: there is no connection.
/// - `PMQTT_ERR_INVAL`: an argument is wrong, or no step waits for an answer, or the library answers
///   (`pmqtt_auth_scram_set`).
/// - `PMQTT_ERR_PAYLOAD_SIZE`: AUTH would be larger than the broker's maximum packet size.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client is not of MQTT 5.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-3.15] [MQTT5-4.12]
///
/// @ingroup api_auth
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_auth_answer(
    client: *mut Handle,
    data: *const c_void,
    len: usize,
    properties: *const PropertyView,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let data = bytes(data, len, "auth_answer: data")?;
            client.answer_auth(data, list(properties)?)
        })
    }
}

/// Refuses in an enhanced authentication, and so ends the connection.
///
/// The call is legal from `PMQTT_AUTH_START` until the callback has returned from
/// `PMQTT_AUTH_DONE`.
///
/// - `on_connect_fail` has `PMQTT_ERR_AUTH`; in a re-authentication, `on_disconnect` has it.
/// - The client sends DISCONNECT with the reason if the broker has already sent AUTH or CONNACK.
/// - The client reconnects as after any lost connection.
///
/// @param client  The client; not NULL.
/// @param reason  The reason code of DISCONNECT: 0x80 (unspecified error) or 0x83 (implementation
///                specific error).
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NO_CONN`: there is no connection.
/// - `PMQTT_ERR_INVAL`: an argument is wrong, or no authentication runs.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client is not of MQTT 5.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-4.12]
///
/// @ingroup api_auth
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_auth_fail(client: *mut Handle, reason: c_int) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.fail_auth(reason)) }
}

/// Authenticates again on the open connection, for example before a token expires.
///
/// The callback gets `PMQTT_AUTH_START`, and the answer goes into AUTH 0x19. `PMQTT_AUTH_DONE`
/// follows, or the connection ends and `on_disconnect` reports it. Messages flow on meanwhile. The
/// method is that of the connection.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`: the authentication starts. Or:
/// - `PMQTT_ERR_NO_CONN`: the client is not connected.
/// - `PMQTT_ERR_INVAL`: the connection has no authentication method, or `client` is NULL.
/// - `PMQTT_ERR_BUSY`: an authentication runs already.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client is not of MQTT 5.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-4.12.1]
///
/// @ingroup api_auth
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_reauthenticate(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.reauthenticate()) }
}

/// Lets the library authenticate with SCRAM-SHA-256, from the next connection on.
///
/// The broker sees a proof that the client knows the password, never the password. The broker also
/// has to prove that it knows the user: the client refuses a CONNACK without the right signature.
///
/// - No callback is called for the steps. `pmqtt_reauthenticate` works as with `pmqtt_auth_set`.
/// - The broker may ask for 4,096 to 1,000,000 iterations. A thread computes the keys, so no call
///   waits for them. A process has at most 4 such threads. The connect timeout limits the time.
/// - If the exchange fails, `on_connect_fail` has `PMQTT_ERR_AUTH`; in a re-authentication,
///   `on_disconnect` has it. `pmqtt_last_error` has the cause.
/// - SCRAM does not encrypt the connection. Only TLS does that, and keeps others from guessing
///   passwords with what they overhear.
///
/// @param client    The client; not NULL.
/// @param user      The user name, UTF-8, at most 1,024 bytes, copied. NULL: the next connections
///                  have no enhanced authentication, and `password` does not matter.
/// @param password  The password, UTF-8, at most 1,024 bytes; copied, and wiped when it is not
///                  needed any more. Not NULL with a user name.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: an argument is wrong, or has characters that SASLprep (RFC 4013) forbids.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client is not of MQTT 5, or the library was built without TLS.
///
/// Thread-safe; callback-safe; never blocks. RFC 5802, RFC 7677 [MQTT5-4.12]
///
/// @ingroup api_auth
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_auth_scram_set(
    client: *mut Handle,
    user: *const c_char,
    password: *const c_char,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let user = optional_text(user, "auth_scram_set: the user name")?;
            let user = match user {
                None => None,
                Some(user) => Some((user, text(password, "auth_scram_set: the password")?)),
            };
            client.set_auth_scram(user)
        })
    }
}

/// The properties of an answer, checked as those of AUTH. CONNECT takes fewer of them.
///
/// # Safety
/// `properties` is NULL, or points to a list whose bytes live as long as the result.
unsafe fn list<'a>(properties: *const PropertyView) -> Result<Properties<'a>> {
    // SAFETY: NULL or a list, by the caller's promise.
    let Some(list) = (unsafe { properties.as_ref() }) else {
        return Ok(Properties::NONE);
    };
    // SAFETY: the caller's promise is the same.
    let list = unsafe { bytes(list.data, list.len, "auth_answer: properties") }?;
    Properties::check(list, Place::Auth)
        .map_err(|why| Error::inval(format!("auth_answer: the properties: {why}")))
}
