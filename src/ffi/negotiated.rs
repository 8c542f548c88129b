//! What the broker has agreed to.

use std::ffi::{c_char, c_int};

use super::constants::{PMQTT_PROTOCOL_V5, PMQTT_PROTOCOL_V31, PMQTT_PROTOCOL_V311};
use super::property_ids::{PMQTT_PROP_RESPONSE_INFORMATION, PMQTT_PROP_SERVER_REFERENCE};
use super::{put_text, run, sized};
use crate::client::{self, Code, Error, Handle, Version};
use crate::codec::MAX_REMAINING_LENGTH;

/// What applies to a connection, after CONNECT and CONNACK. In MQTT 3, the broker states no limits:
/// each has its largest value.
///
/// @ingroup api_connect
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Negotiated {
    /// `sizeof(pmqtt_negotiated)`.
    pub struct_size: usize,
    /// `PMQTT_PROTOCOL_V31`, `PMQTT_PROTOCOL_V311` or `PMQTT_PROTOCOL_V5`.
    pub version: c_int,
    /// How many seconds the broker keeps the session after the connection has ended; `UINT32_MAX`:
    /// without limit.
    pub session_expiry_s: u32,
    /// The largest packet that the broker accepts, in bytes; 268,435,460 is the limit of MQTT
    /// itself.
    pub maximum_packet_size: u32,
    /// How many messages of QoS 1 and 2 the broker accepts without having acknowledged them.
    pub receive_maximum: c_int,
    /// The largest QoS of a publish: 0, 1 or 2.
    pub maximum_qos: c_int,
    /// How many topic aliases the broker accepts; 0 in MQTT 3.
    pub topic_alias_maximum: c_int,
    /// The keep alive interval in seconds: that of the broker, or else that of the program; 0: no
    /// keep alive.
    pub keep_alive_s: c_int,
    /// false: the broker accepts no retained messages.
    pub retain_available: bool,
    /// false: the broker accepts no wildcards in topic filters.
    pub wildcard_available: bool,
    /// false: the broker accepts no subscription identifiers, as always in MQTT 3.
    pub subscription_identifiers_available: bool,
    /// false: the broker accepts no shared subscriptions.
    pub shared_available: bool,
}

/// Returns what applies to the present connection.
///
/// `on_connect` may call it. `pmqtt_client_id` returns the client identifier.
///
/// @param client  The client; not NULL.
/// @param out     The result; not NULL. The program sets `struct_size` before the call, and the
///                call fills that many bytes. Fields that this version of the library does not know
///                become 0.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NO_CONN`: the client is not connected, as `pmqtt_is_connected` tells.
/// - `PMQTT_ERR_INVAL`: an argument is NULL, or no version of the structure has this `struct_size`.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-3.2.2.3]
///
/// @ingroup api_connect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_negotiated_get(
    client: *const Handle,
    out: *mut Negotiated,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let (version, negotiated) = client.negotiated()?;
            let negotiated = Negotiated::new(version, &negotiated);
            sized::fill(out, negotiated, "negotiated_get")
        })
    }
}

/// Copies a text that the broker has stated in CONNACK (MQTT 5).
///
/// @param client  The client; not NULL.
/// @param id      `PMQTT_PROP_RESPONSE_INFORMATION`, which the broker states only for
///                `request_response_information` of `pmqtt_connect_options`, or
///                `PMQTT_PROP_SERVER_REFERENCE`.
/// @param buf     Receives the text, UTF-8, and a NUL; not NULL. Unchanged after an error.
/// @param len     The size of `buf` in bytes. 65,536 bytes are enough for each text.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NO_CONN`: the client is not connected, as `pmqtt_is_connected` tells.
/// - `PMQTT_ERR_NOT_FOUND`: the broker has not stated this text, as always in MQTT 3.
/// - `PMQTT_ERR_INVAL`: an argument is NULL, `id` is none of the two, or the text does not fit.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-3.2.2.3]
///
/// @ingroup api_connect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_negotiated_text(
    client: *const Handle,
    id: c_int,
    buf: *mut c_char,
    len: usize,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            if buf.is_null() {
                return Err(Error::inval("negotiated_text: buf is NULL"));
            }
            let select: fn(client::Negotiated) -> Option<Box<str>> = match id {
                PMQTT_PROP_RESPONSE_INFORMATION => |it| it.response_info,
                PMQTT_PROP_SERVER_REFERENCE => |it| it.server_reference,
                _ => {
                    let text = format!("negotiated_text: property {id} is none of the texts");
                    return Err(Error::inval(text));
                }
            };
            let (_, negotiated) = client.negotiated()?;
            let text = select(negotiated).ok_or_else(|| {
                Error::new(
                    Code::NotFound,
                    "negotiated_text: the broker has not stated this text",
                )
            })?;
            if text.len() >= len {
                let text = format!("negotiated_text: the text needs {} bytes", text.len() + 1);
                return Err(Error::inval(text));
            }
            put_text(buf, len, &text);
            Ok(())
        })
    }
}

impl Negotiated {
    fn new(version: Version, with: &client::Negotiated) -> Negotiated {
        /// The limit of MQTT itself: a fixed header of 5 bytes, and what it states.
        const LARGEST: u32 = MAX_REMAINING_LENGTH as u32 + 5;
        Negotiated {
            struct_size: size_of::<Negotiated>(),
            version: match version {
                Version::V31 => PMQTT_PROTOCOL_V31,
                Version::V311 => PMQTT_PROTOCOL_V311,
                Version::V5 => PMQTT_PROTOCOL_V5,
            },
            session_expiry_s: with.session_expiry,
            maximum_packet_size: with.max_packet_size.min(LARGEST),
            receive_maximum: with.receive_maximum.into(),
            maximum_qos: with.max_qos as c_int,
            topic_alias_maximum: with.topic_alias_maximum.into(),
            keep_alive_s: with.keep_alive.into(),
            retain_available: with.has_retain,
            wildcard_available: with.has_wildcards,
            subscription_identifiers_available: with.has_subscription_ids,
            shared_available: with.has_shared,
        }
    }
}
