//! Create, free, begin anew.

use std::ffi::{c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::constants::{PMQTT_PROTOCOL_V31, PMQTT_PROTOCOL_V311};
use super::{optional_text, put, read, run};
use crate::client::{Client, Code, Error, Handle, Result, Version};

/// Creates a client.
///
/// @param out            Where the client is put; not NULL. Written only on success. Free it with
///                       `pmqtt_client_free`.
/// @param client_id      UTF-8, copied. NULL or "": one is generated at random, which
///                       `pmqtt_client_id` tells; that needs clean_session.
/// @param clean_session  true: the broker forgets the session when the connection ends. The
///                       client itself never drops its own messages of QoS 1 and 2.
/// @param userdata       Handed to each callback; the library does not look at it. May be NULL.
/// @param protocol       `PMQTT_PROTOCOL_V31` or `PMQTT_PROTOCOL_V311`; 0: 3.1.1.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: out is NULL, the id is not UTF-8, longer than
/// 65,535 bytes, or missing with clean_session false, or the protocol is none of the above.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.1.3]
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
        let client = Client::new(id, clean_session, userdata, version(protocol)?)?;
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

/// Frees a client. The connection is closed without a DISCONNECT, so that the broker publishes
/// the will; what is queued is lost: call `pmqtt_drain` and `pmqtt_disconnect` before, where that
/// matters. No callback is called any more, but `on_interest`, which is told that the socket closes.
///
/// @param client  The client; NULL is fine. It must not be used after this call, by any thread.
///
/// Callback-safe: in a callback of the same client it returns at once, and the client ends when
/// the call that runs the callback returns. That call waits for callbacks which run in other threads.
/// Thread-safe: in another thread it waits until no callback of the client runs, and does not wait for
/// the network, a look-up, or a connect.
///
/// In a child of the process that made the client it waits for nothing, calls no callback and leaves the
/// parent's connection alone. It closes the client's descriptors, and those of the parent's other clients.
/// It frees the messages, unless another thread worked on them at the moment of the fork. The rest of the
/// memory, up to 100 KiB, is freed when the child ends.
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

/// Makes a client as if it had just been created: closes the connection without a DISCONNECT,
/// and forgets queues, callbacks, will, credentials and every setting. A loop thread goes on, with
/// nothing to do. Messages that were pending have no outcome any more, and mids begin at 1 again.
///
/// @param client         The client; not NULL.
/// @param client_id      As for `pmqtt_client_new`.
/// @param clean_session  As for `pmqtt_client_new`.
/// @param userdata       As for `pmqtt_client_new`.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: as for `pmqtt_client_new`, and nothing was
/// changed.
///
/// Thread-safe; callback-safe; never blocks.
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

/// The client id: the one that was given, or the one that was generated.
///
/// @param client  The client; NULL gives NULL.
///
/// @return A string that is valid until the client is freed, or until `pmqtt_reinitialise` has given
/// it another id for the second time from now on.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_client_id(client: *const Handle) -> *const c_char {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, std::ptr::null(), |client| client.client_id()) }
}

/// Sets what callbacks are handed as userdata, from the next one on.
///
/// @param client    The client; not NULL.
/// @param userdata  Anything, also NULL; the library does not look at it.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// What callbacks are handed as userdata.
///
/// @param client  The client; NULL gives NULL.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_user_data(client: *const Handle) -> *mut c_void {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, std::ptr::null_mut(), |client| client.userdata()) }
}

pub(super) fn version(protocol: c_int) -> Result<Version> {
    match protocol {
        0 | PMQTT_PROTOCOL_V311 => Ok(Version::V311),
        PMQTT_PROTOCOL_V31 => Ok(Version::V31),
        _ => Err(Error::inval("protocol: none that this version speaks")),
    }
}
