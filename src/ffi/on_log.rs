//! The callback of log lines.

use std::ffi::{c_int, c_void};

use super::run;
use crate::client::Handle;
use crate::client::events::LogLine;

/// The client has written a log line.
///
/// @ingroup api_callbacks
#[allow(non_camel_case_types)]
pub type pmqtt_on_log =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const LogLine)>;

/// Sets `on_log`, which is called with each log line.
///
/// The levels, the most important first:
/// - `PMQTT_LOG_ERR`: why a connection, or an attempt to connect, has failed.
/// - `PMQTT_LOG_WARNING`: something failed or was unexpected, and the client goes on.
/// - `PMQTT_LOG_NOTICE`: not used.
/// - `PMQTT_LOG_INFO`: each stage of connecting, a connection that ended as asked, and the wait
///   before a reconnect.
/// - `PMQTT_LOG_DEBUG`: each packet, in and out.
///
/// No line has a payload or a password in it. A control character of a topic or name is written as
/// its number, for example `\x0a`, so that a line is one line. The calls that the callback makes
/// are logged too. A callback must not publish DEBUG lines, because each publish would cause the
/// next line.
///
/// At most about 1 MiB of lines waits for the callback. If more come, the client leaves them out,
/// and a WARNING has their number. `pmqtt_log_level_set` selects levels.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present callback; NULL: none. It runs in a loop call, or at the
///                  end of another call that has caused the line. It gets one line at a time.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_on_log_set(client: *mut Handle, callback: pmqtt_on_log) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_callbacks(|callbacks| callbacks.set_log(callback));
            Ok(())
        })
    }
}

/// Sets the least important level that `on_log` is called for.
///
/// The client does not make lines of less important levels: with `PMQTT_LOG_INFO`, a message costs
/// no more than without a log. The setting takes effect at once. A line that waits already is still
/// reported. `pmqtt_reinitialise` sets the default again.
///
/// @param client  The client; not NULL.
/// @param level   `PMQTT_LOG_DEBUG` (the default: all lines), `PMQTT_LOG_INFO`, `PMQTT_LOG_NOTICE`,
///                `PMQTT_LOG_WARNING` or `PMQTT_LOG_ERR`.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL, or `level` is none of the
/// five.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_log_level_set(client: *mut Handle, level: c_int) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.set_log_level(level)) }
}
