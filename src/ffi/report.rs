//! What can be asked: words for numbers, the last error, figures, the version.

use std::ffi::{c_char, c_int};

use super::constants::PMQTT_VERSION_NUMBER;
use super::{put_text, read, refusal, run, sized};
use crate::client::{Handle, Statistics, error, reason};

/// The words for an error number, unknown ones too.
///
/// @param code  Any number.
///
/// @return A string that is always valid.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn pmqtt_error_string(code: c_int) -> *const c_char {
    error::error_string(code).as_ptr()
}

/// The words for the return code of a CONNACK, unknown ones too (table 3.1).
///
/// @param code  Any number.
///
/// @return A string that is always valid.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn pmqtt_connack_string(code: c_int) -> *const c_char {
    error::connack_string(code).as_ptr()
}

/// The words for a reason, as MQTT 5 numbers it (its table 2-6), unknown ones too. Events have it for every
/// version of MQTT.
///
/// @param reason  Any number; -1: the broker gave no reason.
///
/// @return A string that is always valid.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn pmqtt_reason_string(reason: c_int) -> *const c_char {
    reason::reason_string(reason).as_ptr()
}

/// Says in words what failed last, in a call or in the loop: the stage (dns, tcp, tls, mqtt) or the
/// function, the cause, and the error of the operating system. It is one line: control characters of
/// topics and names are written as `\x0a`.
///
/// @param client  The client; NULL gives an empty text.
/// @param buf     Where the text is put, NUL-terminated, and cut where it does not fit. May be NULL
///                when len is 0.
/// @param len     The size of buf, in bytes.
///
/// @return The length of the whole text without its NUL, as snprintf.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_last_error(
    client: *const Handle,
    buf: *mut c_char,
    len: usize,
) -> usize {
    // SAFETY: the pointer is what the header's contract says.
    let text = unsafe { read(client, refusal(client), |client| client.last_error()) };
    // SAFETY: NULL or `len` bytes, by the header's contract.
    unsafe { put_text(buf, len, &text) };
    text.len()
}

/// Takes a snapshot of a client's figures.
///
/// @param client  The client; not NULL.
/// @param out     Where it is put; not NULL. Its struct_size must be set before the call: as much of it is
///                filled, with 0 where a later version of the library knows more.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is NULL, or struct_size is that of
/// no version of the structure.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_stats(client: *const Handle, out: *mut Statistics) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe { run(client, |client| sized::fill(out, client.stats(), "stats")) }
}

/// The version of the library that the program runs with, as `PMQTT_VERSION_NUMBER` is that of
/// the header that it was compiled with.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub extern "C" fn pmqtt_lib_version() -> c_int {
    PMQTT_VERSION_NUMBER
}
