//! Messages that are not settled: waiting for them, and cancelling them.

use std::ffi::c_int;
use std::time::Duration;

use super::{number, put, run};
use crate::client::Handle;

/// Waits until all messages and requests are settled and their outcomes are reported.
///
/// - A message is settled when it is written (QoS 0), acknowledged by the broker (QoS 1 and 2),
///   lost, dropped, expired or cancelled.
/// - SUBSCRIBE and UNSUBSCRIBE are settled when the broker has answered or their connection has
///   ended.
///
/// `pmqtt_on_drained_set` is for a program that must not wait.
///
/// - While the loop thread or a loop call of another thread runs the client, the call waits for the
///   outcomes. If the other thread stops running the client first, this call runs the client.
/// - Otherwise, as in a program with a foreign loop, the call runs the client. Callbacks run in
///   this call, and loop calls of other threads return `PMQTT_ERR_BUSY` meanwhile.
/// - If the connection ends meanwhile, the loop thread and `pmqtt_loop_forever` reconnect, and so
///   does this call if `pmqtt_event_fd` was called. Otherwise the call ends with the connection,
///   and returns the reason.
///
/// @param client      The client; not NULL.
/// @param timeout_ms  The longest wait in milliseconds; not negative.
/// @param left        The number of messages and requests that are not settled; 0 on success.
///                    Written whenever the number is known. May be NULL.
///
/// @return `PMQTT_ERR_SUCCESS`: all are settled. Or:
/// - `PMQTT_ERR_IN_DOUBT`: all are settled, and `on_publish` reported this outcome for at least one
///   message meanwhile.
/// - `PMQTT_ERR_TIMEOUT`: some are not settled.
/// - `PMQTT_ERR_NO_CONN`: some are not settled, no connection exists, and nothing will reconnect.
/// - `PMQTT_ERR_BUSY`: called in a callback of this client, which holds up its loop.
/// - `PMQTT_ERR_INVAL`: an argument is wrong.
/// - Others, as for `pmqtt_loop`: why the connection ended meanwhile.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Blocks for the timeout and for the callbacks.
///
/// @ingroup api_publish
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_drain(
    client: *mut Handle,
    timeout_ms: c_int,
    left: *mut usize,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let timeout = number(timeout_ms, c_int::MAX, "drain: timeout")?;
            let (result, unsettled) = client.drain(Duration::from_millis(timeout.into()));
            put(left, unsettled);
            result
        })
    }
}

/// Cancels a message that is not settled. Its outcome is `PMQTT_ERR_CANCELLED` in `on_publish`.
///
/// - A message that was never sent leaves the queue.
/// - A message of QoS 1 that was sent may have arrived, or may still arrive. It keeps its packet
///   identifier and its place in the window until the broker answers or loses the session. Until
///   then, the client sends it again where MQTT demands that. After `PMQTT_ERR_CANCELLED`, no
///   callback reports what becomes of the message.
/// - A message of QoS 2 that was sent cannot be cancelled, because its handshake must go on.
///   [MQTT-4.3.3]
///
/// @param client  The client; not NULL.
/// @param mid     The number of the message.
///
/// @return `PMQTT_ERR_SUCCESS`: the outcome follows. Or:
/// - `PMQTT_ERR_BUSY`: the message has QoS 2 and was sent.
/// - `PMQTT_ERR_NOT_FOUND`: no message has this number. Or the message is settled or cancelled, or
///   it has QoS 0 and was sent.
/// - `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_publish
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_cancel(client: *mut Handle, mid: u64) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.cancel(mid)) }
}

/// Cancels all messages that were never sent, each as `pmqtt_cancel` does.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_publish
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_queue_clear(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.clear_queue();
            Ok(())
        })
    }
}
