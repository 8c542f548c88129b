//! Create, free and reinitialise a client.

use std::ffi::{c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::constants::{
    PMQTT_PROTOCOL_BEST, PMQTT_PROTOCOL_V5, PMQTT_PROTOCOL_V31, PMQTT_PROTOCOL_V311,
};
use super::{optional_text, put, read, run};
use crate::client::{Client, Code, Error, Handle, Result, Version, Versions};

/// Creates a client.
///
/// @param out            The new client; not NULL. Written on success only. The program frees it
///                       with `pmqtt_client_free`.
/// @param client_id      UTF-8, copied, at most 65,535 bytes. NULL or "": the library generates a
///                       random one, which `pmqtt_client_id` returns. This requires
///                       `clean_session`.
/// @param clean_session  true: the broker discards the session when the connection ends. The client
///                       keeps its own messages of QoS 1 and 2 for the next connection in both
///                       cases.
/// @param userdata       Passed to each callback that has no `userdata` of its own. The library
///                       does not dereference the pointer. May be NULL.
/// @param protocol       `PMQTT_PROTOCOL_V31`, `PMQTT_PROTOCOL_V311`, `PMQTT_PROTOCOL_V5` or
///                       `PMQTT_PROTOCOL_BEST`; 0: 3.1.1.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL` in these cases:
/// - `out` is NULL.
/// - `client_id` is not UTF-8, is too long, or is missing while `clean_session` is false.
/// - `protocol` is none of the values above.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.1.3]
///
/// @ingroup api_client
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_client_new(
    out: *mut *mut Handle,
    client_id: *const c_char,
    clean_session: bool,
    userdata: *mut c_void,
    protocol: c_int,
) -> c_int {
    let create = || -> Result<*mut Handle> {
        // SAFETY: NULL or a string, by the header's contract.
        let id = unsafe { optional_text(client_id, "client id") }?;
        let client = Client::new(id, clean_session, userdata, versions(protocol)?)?;
        Ok(Arc::into_raw(client).cast_mut().cast())
    };
    if out.is_null() {
        return Code::Inval as c_int;
    }
    match catch_unwind(AssertUnwindSafe(create)) {
        Ok(Ok(client)) => {
            // SAFETY: NULL or writable, by the header's contract.
            unsafe { put(out, client) };
            Code::Success as c_int
        }
        Ok(Err(error)) => error.code as c_int,
        Err(_) => Code::Panic as c_int,
    }
}

/// Frees a client, and closes its connection without a DISCONNECT. The broker then publishes the
/// will.
///
/// The client drops all queued messages. A program that needs them delivered calls `pmqtt_drain`
/// and `pmqtt_disconnect` first. The library calls no callback of the client any more, except
/// `on_interest`, which reports that the descriptor closes. It calls `release` of each
/// `pmqtt_message_handler`.
///
/// - In a callback of the same client, the call returns at once. The call that runs the callback
///   then waits for callbacks in other threads, and frees the client before it returns.
/// - Outside of callbacks of the client, the call waits until none of them runs in another thread.
///   It does not wait for the network, a look-up or a connect.
///
/// In a child of the process that created the client, the call:
/// - waits for nothing and calls no callback,
/// - leaves the connection of the parent alone,
/// - closes the descriptors of this client and of the parent's other clients,
/// - frees the messages, unless another thread worked on them at the moment of the fork.
///
/// The rest of the client's memory, at most 100 KiB, is freed when the child ends.
///
/// @param client  The client; NULL has no effect. No thread may use it after this call.
///
/// Thread-safe; callback-safe. Blocks until no callback of the client runs, except in a callback of
/// the client.
///
/// @ingroup api_client
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_client_free(client: *mut Handle) {
    if client.is_null() {
        return;
    }
    // SAFETY: it came from `Arc::into_raw` in `pmqtt_client_new`, and is given back once, here.
    let client = unsafe { Arc::from_raw(client.cast_const().cast::<Client>()) };
    if client.is_inherited() {
        return client.leave();
    }
    if catch_unwind(AssertUnwindSafe(|| client.free())).is_err() {
        client.set_broken();
    }
}

/// Resets a client to the state of a new one.
///
/// The call:
/// - closes the connection without a DISCONNECT,
/// - removes queued messages, callbacks, the will, credentials and every setting,
/// - restarts `mid` numbers at 1.
///
/// Messages that were not settled get no outcome. The protocol version and the descriptor of
/// `pmqtt_event_fd` stay. The thread of `pmqtt_loop_start` continues to run, and waits for the next
/// connect.
///
/// @param client         The client; not NULL.
/// @param client_id      As for `pmqtt_client_new`.
/// @param clean_session  As for `pmqtt_client_new`.
/// @param userdata       As for `pmqtt_client_new`.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: as for `pmqtt_client_new`; nothing was
/// changed.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_client
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_reinitialise(
    client: *mut Handle,
    client_id: *const c_char,
    clean_session: bool,
    userdata: *mut c_void,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let id = optional_text(client_id, "client id")?;
            client.reinitialise(id, clean_session, userdata)
        })
    }
}

/// Returns the client identifier: the given one, the generated one, or the one that the broker has
/// chosen (`client_id_by_broker` of `pmqtt_connect_options`).
///
/// @param client  The client; NULL gives NULL.
///
/// @return A NUL-terminated string. It is valid until the client is freed, or until two later calls
/// of `pmqtt_reinitialise` have changed the identifier.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_client
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_client_id(client: *const Handle) -> *const c_char {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, std::ptr::null(), |client| client.client_id()) }
}

/// Sets the `userdata` of callbacks, from the next callback on.
///
/// @param client    The client; not NULL.
/// @param userdata  Any pointer, also NULL. The library does not dereference it.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_client
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_user_data_set(client: *mut Handle, userdata: *mut c_void) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_userdata(userdata);
            Ok(())
        })
    }
}

/// Returns the `userdata` that callbacks are given.
///
/// @param client  The client; NULL gives NULL.
///
/// @return The pointer of `pmqtt_client_new`, `pmqtt_reinitialise` or `pmqtt_user_data_set`,
/// whichever was called last.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_client
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_user_data(client: *const Handle) -> *mut c_void {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, std::ptr::null_mut(), |client| client.userdata()) }
}

pub(super) fn versions(protocol: c_int) -> Result<Versions> {
    match protocol {
        0 | PMQTT_PROTOCOL_V311 => Ok(Version::V311.into()),
        PMQTT_PROTOCOL_V31 => Ok(Version::V31.into()),
        PMQTT_PROTOCOL_V5 => Ok(Version::V5.into()),
        PMQTT_PROTOCOL_BEST => Ok(Versions::best()),
        _ => Err(Error::inval("protocol: none that this version speaks")),
    }
}
