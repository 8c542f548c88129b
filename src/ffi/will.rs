//! The will.

use std::ffi::{c_char, c_int, c_void};

use super::publish::message;
use super::run;
use crate::client::Handle;

/// Sets the will: the message that the broker publishes if the connection ends without a
/// DISCONNECT.
///
/// The setting takes effect with the next connection.
///
/// @param client       The client; not NULL.
/// @param topic        As for `pmqtt_publish`.
/// @param payload      As for `pmqtt_publish`.
/// @param payload_len  Bytes, at most 65,535.
/// @param qos          0, 1 or 2.
/// @param retain       true: the broker keeps the will as a retained message, for later
///                     subscribers.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: an argument is wrong.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: the payload is too large.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.1.2.5]
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_will_set(
    client: *mut Handle,
    topic: *const c_char,
    payload: *const c_void,
    payload_len: usize,
    qos: c_int,
    retain: bool,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_will(&message(
                "will_set",
                topic,
                payload,
                payload_len,
                qos,
                retain,
            )?)
        })
    }
}

/// Removes the will, from the next connection on.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_will_clear(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.clear_will();
            Ok(())
        })
    }
}
