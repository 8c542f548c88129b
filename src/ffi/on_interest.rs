//! The callback that tells a foreign loop what to wait for.

use std::ffi::{c_int, c_void};

use super::run;
use crate::client::Handle;
use crate::client::events::Interest;

/// The descriptor, the direction or the time that a foreign loop waits for has changed.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_interest =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const Interest)>;

/// Sets `on_interest`, which tells a foreign loop what to wait for. It is for loops that keep
/// registrations.
///
/// The event has the descriptor, whether to watch it for reading and writing, and when to call
/// `pmqtt_loop_misc`. The callback is called:
/// - at once, with the present state,
/// - at the end of each call that changes the state,
/// - before a descriptor is closed.
///
/// If a deadline moves to a later time, the callback is not called at once. At the earlier time,
/// `pmqtt_loop_misc` finds nothing to do, and the callback reports the later time. With this
/// callback, `pmqtt_publish` collects messages and leaves writing to `pmqtt_loop_write`.
///
/// A descriptor with neither read nor write is not watched for now, but stays open. A later event
/// names it again, or reports that it is closed. This happens while a call such as `pmqtt_loop`
/// or `pmqtt_drain` watches the descriptors itself. It also happens while an old connection is
/// still closing, and the loop watches the new connection.
///
/// `pmqtt_client_free` and `pmqtt_reinitialise` close descriptors. They report each one to the
/// callback that was set, with the `userdata` that the client had before the call. They do so
/// before they return, also in a callback. There is one exception: if another thread runs the
/// client during `pmqtt_reinitialise`, that thread reports the descriptors.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present callback; NULL: none. It runs in the thread that makes the
///                  change, one call at a time. The call is nested in one case: `pmqtt_client_free`
///                  or `pmqtt_reinitialise` in this callback reports a closing.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_on_interest_set(
    client: *mut Handle,
    callback: pmqtt_on_interest,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_interest(callback);
            Ok(())
        })
    }
}
