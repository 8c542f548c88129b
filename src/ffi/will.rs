//! The will.

use std::ffi::{c_char, c_int, c_void};

use super::publication::Publication;
use super::publish::message;
use super::{run, sized};
use crate::client::{Error, Handle};

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
            let will = message("will_set", topic, payload, payload_len, qos, retain)?;
            client.set_will("will_set", &will)
        })
    }
}

/// Sets the will with all fields of a `pmqtt_publication`, and with a delay.
///
/// It replaces a will of `pmqtt_will_set`. The setting takes effect with the next connection.
///
/// The broker publishes the will when the delay is over or when the session ends, whichever comes
/// first. If the client is back in its session before that, the broker does not publish the will.
/// So a delay needs a session that outlives the connection (`session_expiry_s` of
/// `pmqtt_connect_options`).
///
/// @param client   The client; not NULL.
/// @param will     The will, copied with all that it points to; not NULL. `tag` has to be 0. The
///                 payload has at most 65,535 bytes.
/// @param delay_s  The delay in seconds (MQTT 5); 0: none.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: an argument or a field is wrong; see `pmqtt_publish_message`.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: the payload is too large.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client does not speak MQTT 5, and there is a delay, or a field
///   is set that only MQTT 5 has. Or a field is set that only a later version of the library knows.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-3.1.3.2]
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_will_with(
    client: *mut Handle,
    will: *const Publication,
    delay_s: u32,
) -> c_int {
    const WHAT: &str = "will_with";
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            if will.is_null() {
                return Err(Error::inval("will_with: the will is NULL"));
            }
            sized::read(will, WHAT)?.set_as_will(client, delay_s, WHAT)
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
