//! Disconnecting with a reason.

use std::ffi::c_int;

use super::property_list::optional_list;
use super::run;
use crate::client::events::PropertyView;
use crate::client::{Error, Handle};
use crate::codec::{Place, reason};

/// Ends the connection as `pmqtt_disconnect` does, and tells the broker why (MQTT 5).
///
/// The reason 0x04 also works in MQTT 3: the client ends the connection without a DISCONNECT, so
/// that the broker publishes the will. Before that, it sends what it has accepted, as
/// `pmqtt_disconnect` does.
///
/// - If the client already sends a DISCONNECT, that one stays as it is.
/// - If the properties make DISCONNECT larger than the broker accepts, the client sends the reason
///   and the session expiry only.
///
/// @param client      The client; not NULL.
/// @param reason      0x00: all is well, and the broker does not publish the will. 0x04: all is
///                    well, and the broker publishes the will. Or one of the errors 0x80 to 0x83,
///                    0x90 and 0x93 to 0x99, after which the broker publishes the will. MQTT 3 has
///                    0x00 and 0x04 only.
/// @param properties  The properties of DISCONNECT, copied; NULL: none. The session expiry replaces
///                    that of `pmqtt_connect_options` for this session. If CONNECT has stated 0, it
///                    must be 0 too.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NO_CONN`: there is no connection to end; as for `pmqtt_disconnect`.
/// - `PMQTT_ERR_INVAL`: `client` is NULL, a client must not give this reason, the properties are
///   not those of a DISCONNECT, or the session expiry must be 0.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client does not speak MQTT 5, and the reason is another one
///   than 0x00 and 0x04, or there are properties.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-3.14]
///
/// @ingroup api_connect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_disconnect_with(
    client: *mut Handle,
    reason: c_int,
    properties: *const PropertyView,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let code = u8::try_from(reason)
                .ok()
                .filter(|code| reason::is_allowed(*code, Place::Disconnect))
                .ok_or_else(|| {
                    let text =
                        format!("disconnect_with: a client must not give reason {reason:#04x}");
                    Error::inval(text)
                })?;
            let properties = optional_list(properties, Place::Disconnect, "disconnect_with")?;
            client.disconnect_with(code, properties)
        })
    }
}
