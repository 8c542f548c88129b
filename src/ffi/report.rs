//! Reports: texts for error numbers, the last error, the version.

use std::ffi::{c_char, c_int};

use super::constants::PMQTT_VERSION_NUMBER;
use super::{put_text, read, refusal};
use crate::client::{Handle, error, reason};

/// Returns the description of an error number.
///
/// @param code  Any number, also an unknown one.
///
/// @return A constant string; never NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_diagnosis
#[unsafe(no_mangle)]
pub extern "C" fn pmqtt_error_string(code: c_int) -> *const c_char {
    error::error_string(code).as_ptr()
}

/// Returns the description of a CONNACK return code.
///
/// @param code  Any number, also an unknown one.
///
/// @return A constant string; never NULL.
///
/// Thread-safe; callback-safe; never blocks. [MQTT 3.1.1, table 3.1]
///
/// @ingroup api_diagnosis
#[unsafe(no_mangle)]
pub extern "C" fn pmqtt_connack_string(code: c_int) -> *const c_char {
    error::connack_string(code).as_ptr()
}

/// Returns the description of an MQTT 5 reason code.
///
/// Events have a `reason` in MQTT 3 too. It is -1 there, except in `on_connect`: it is the return
/// code of CONNACK as an MQTT 5 reason code.
///
/// @param reason  Any number, also an unknown one; -1: the broker gave no reason.
///
/// @return A constant string; never NULL.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-2.4]
///
/// @ingroup api_diagnosis
#[unsafe(no_mangle)]
pub extern "C" fn pmqtt_reason_string(reason: c_int) -> *const c_char {
    reason::reason_string(reason).as_ptr()
}

/// Describes in words what failed last with this client, in a call or in the loop, in any thread.
///
/// A later success does not change the text. Before the first failure, it is "no error".
///
/// The text names the stage (dns, tcp, tls, mqtt) or the function, the cause, and the error of the
/// operating system. It is one line: a control character of a topic or name is written as its
/// number, for example `\x0a`.
///
/// @param client  The client; NULL gives an empty text.
/// @param buf     The buffer for the text, which is NUL-terminated, and truncated if it does not
///                fit. May be NULL if `len` is 0.
/// @param len     The size of `buf`, in bytes.
///
/// @return The length of the whole text in bytes, without its NUL, as snprintf returns it.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_diagnosis
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

/// Returns the version of the library that the program runs with.
///
/// `PMQTT_VERSION_NUMBER` is the version of the header that the program was compiled with.
///
/// @return `major * 1000000 + minor * 1000 + patch`.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_diagnosis
#[unsafe(no_mangle)]
pub extern "C" fn pmqtt_lib_version() -> c_int {
    PMQTT_VERSION_NUMBER
}
