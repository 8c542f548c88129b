//! The callback of messages that no handler of a filter takes.

use std::ffi::{c_int, c_void};

use super::run;
use crate::client::Handle;
use crate::client::events::MessageEvent;

/// A message has come. The event's pointers are valid until the callback returns.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_message =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const MessageEvent)>;

/// Sets `on_message`, which is called for each message that no filter of
/// `pmqtt_message_handler_add` or `pmqtt_message_callback_add` matches.
///
/// A message of QoS 2 is delivered when its PUBLISH comes, and only once. The acknowledgement goes
/// out after the callback has returned, unless `pmqtt_manual_ack_set` leaves it to the program.
/// [MQTT-4.3]
///
/// If no callback is set for a message, the client drops and acknowledges it. With
/// `pmqtt_manual_ack_set`, such a message stays without an acknowledgement: set a callback.
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
