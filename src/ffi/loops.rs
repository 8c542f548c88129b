//! The four ways to run a client.

use std::ffi::c_int;
use std::time::Duration;

use super::{number, read, run};
use crate::client::{Handle, milliseconds};

/// Runs the client for one step: waits in poll, reads, runs callbacks, and writes.
///
/// The step does not reconnect by itself; `pmqtt_reconnect` does. Apart from the wait, the step
/// ends after some milliseconds. It looks at the clock after each callback if callbacks are slow,
/// and after at most 32 callbacks if they are fast. It leaves the rest of the work to the next
/// step. If poll fails, the step logs a WARNING and waits at most 50 ms.
///
/// @param client      The client; not NULL.
/// @param timeout_ms  The longest wait in milliseconds, also without a connection; -1: 1000 ms.
///
/// @return `PMQTT_ERR_SUCCESS`: the program may go on. Or:
/// - `PMQTT_ERR_NO_CONN`: no connection exists, and none is being made.
/// - `PMQTT_ERR_CONN_LOST`, `PMQTT_ERR_CONN_REFUSED`, `PMQTT_ERR_KEEPALIVE`, `PMQTT_ERR_PROTOCOL`,
///   `PMQTT_ERR_TIMEOUT`, `PMQTT_ERR_DNS`, `PMQTT_ERR_ERRNO`, `PMQTT_ERR_TLS`,
///   `PMQTT_ERR_PAYLOAD_SIZE`: the connection, or the attempt to connect, has ended for this
///   reason. `on_disconnect` or `on_connect_fail` was called. Each end is returned once.
/// - `PMQTT_ERR_BUSY`: another loop call runs this client, in another thread or further up the
///   stack.
/// - `PMQTT_ERR_INVAL`: `client` is NULL, or `timeout_ms` is under -1.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Blocks for the timeout and for the callbacks.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop(client: *mut Handle, timeout_ms: c_int) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            let timeout = match timeout_ms {
                -1 => 1000,
                timeout => number(timeout, c_int::MAX, "loop: timeout")?,
            };
            client.run_once(Duration::from_millis(timeout.into()))
        })
    }
}

/// Runs the client until the program ends the connection with `pmqtt_disconnect`.
///
/// The client reconnects after a connection was lost or refused, or could not be made. It waits
/// first (`pmqtt_reconnect_delay_set`).
///
/// `retry_first_connection` concerns failures of look-up, TCP and TLS before the first connection
/// is open. A broker that refuses a connection in CONNACK is tried again without end, whatever the
/// value. `on_connect` reports each refusal.
///
/// @param client                  The client; not NULL. A connect has succeeded before;
///                                an `_async` one counts.
/// @param retry_first_connection  false: the call returns if the first connection cannot be opened.
///
/// @return `PMQTT_ERR_SUCCESS`: disconnected, as the program asked. Or:
/// - `PMQTT_ERR_INVAL`: no connect has succeeded before.
/// - `PMQTT_ERR_BUSY`: another loop call runs this client.
/// - Others, if `retry_first_connection` is false: why the first connection could not be opened.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Blocks until disconnected.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop_forever(
    client: *mut Handle,
    retry_first_connection: bool,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.run_forever(retry_first_connection)) }
}

/// Starts a thread that runs the client. The call may come before or after connect.
///
/// - The client reconnects after a connection was lost or refused, or could not be made. It waits
///   first (`pmqtt_reconnect_delay_set`).
/// - Callbacks run in that thread. Signal handlers of the program do not.
/// - As soon as this call has returned, the new thread runs the client. In other threads,
///   `pmqtt_drain` waits for the outcomes, and other loop calls return `PMQTT_ERR_BUSY`.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: the thread runs already.
/// - `PMQTT_ERR_ERRNO`: the thread could not be started.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop_start(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.start_thread()) }
}

/// Stops the thread of `pmqtt_loop_start`.
///
/// Before the thread stops, it has at most a second to send the following and to report the
/// outcomes:
/// - messages of QoS 0, and messages that the window has room for,
/// - a DISCONNECT, if `pmqtt_disconnect` was called.
///
/// Within the same second, the thread also waits for the end of a connection that
/// `pmqtt_disconnect` ends. The thread waits for CONNACK if that must come first. Without
/// `pmqtt_disconnect`, the connection stays open.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: no such thread runs.
///
/// Thread-safe; callback-safe: in a callback of that thread, the call returns at once, and the
/// thread stops when the callback has returned. Elsewhere, it blocks until the thread has stopped:
/// for at most a second, plus the time of a callback that runs.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop_stop(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.stop_thread()) }
}

/// Reads, runs callbacks, and writes what they caused. A foreign loop calls this when the socket is
/// readable, and also when it has an error (POLLERR, POLLHUP).
///
/// `pmqtt_loop_read`, `pmqtt_loop_write` and `pmqtt_loop_misc` do not reconnect. The program calls
/// `pmqtt_reconnect`, for example in a timer of its own.
///
/// @param client  The client; not NULL.
///
/// @return As `pmqtt_loop`.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Never blocks, except for the callbacks.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop_read(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.step(true)) }
}

/// Writes what is queued. A foreign loop calls this when the socket is writable and
/// `pmqtt_want_write` returned true.
///
/// @param client  The client; not NULL.
///
/// @return As `pmqtt_loop`.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Never blocks, except for the callbacks.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop_write(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.step(false)) }
}

/// Does what is due at a certain time, such as sending PINGREQ and giving up an attempt to connect.
/// A foreign loop calls this when the time of `pmqtt_next_timeout_ms` has passed.
///
/// Additional calls do no harm.
///
/// @param client  The client; not NULL.
///
/// @return As `pmqtt_loop`.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Never blocks, except for the callbacks.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop_misc(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.time_out()) }
}

/// Returns the descriptor that a foreign loop watches.
///
/// The descriptor may change with each loop call and each connect. While a name is looked up, it is
/// no socket, but the loop watches it in the same way.
///
/// @param client  The client; NULL gives -1.
///
/// @return The descriptor, which the library owns, or -1 if there is none.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_socket(client: *const Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, -1, |client| client.socket().unwrap_or(-1)) }
}

/// Tells a foreign loop whether to call `pmqtt_loop_read` when the socket is readable.
///
/// The result is false while too many acknowledgements wait, because the broker does not read them.
/// The client reads nothing then, so a loop that still watches for reading would spin.
///
/// @param client  The client; NULL gives false.
///
/// @return true if the loop should watch the socket for reading.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_want_read(client: *const Handle) -> bool {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, false, |client| client.wants_read()) }
}

/// Tells a foreign loop whether to call `pmqtt_loop_write` when the socket is writable.
///
/// The loop asks before each wait.
///
/// @param client  The client; NULL gives false.
///
/// @return true if the loop should watch the socket for writing.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_want_write(client: *const Handle) -> bool {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, false, |client| client.wants_write()) }
}

/// Tells a foreign loop when to call `pmqtt_loop_misc` next.
///
/// The loop asks before each wait. 0 may also mean that the client has read messages which the last
/// step had no time for. No descriptor reports those.
///
/// @param client  The client; NULL gives -1.
///
/// @return Milliseconds, rounded up; 0: now; -1: never.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_next_timeout_ms(client: *const Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, -1, |client| milliseconds(client.next_timeout())) }
}

/// Returns one descriptor for the whole life of the client. It is readable whenever `pmqtt_process`
/// has something to do.
///
/// The first call creates the descriptor. It is readable once when it is new, so that the first
/// `pmqtt_process` finds out what to wait for. A program adds it to any loop once. Reconnects,
/// timers and publishes from other threads need nothing else. The program watches the descriptor
/// level-triggered: with epoll, without EPOLLET.
///
/// @param client  The client; not NULL.
///
/// @return The descriptor, which the library owns. The program watches it for reading, and does
/// nothing else with it. -1: `client` is NULL, or the descriptor could not be created, and
/// `pmqtt_last_error` has the reason.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_event_fd(client: *mut Handle) -> c_int {
    let mut fd = -1;
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            fd = client.event_fd()?;
            Ok(())
        });
    }
    fd
}

/// Does all that is due. A program calls this when the descriptor of `pmqtt_event_fd` is readable.
///
/// The client reconnects after a connection was lost or refused, or could not be made. It waits
/// first (`pmqtt_reconnect_delay_set`). The call then returns `PMQTT_ERR_SUCCESS`: `on_connect`,
/// `on_disconnect` and `on_connect_fail` report what happened.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`: the program may go on. Or:
/// - `PMQTT_ERR_NO_CONN`: no connection exists, and the program wants none.
/// - `PMQTT_ERR_BUSY`: another loop call runs this client.
/// - `PMQTT_ERR_INVAL`: `client` is NULL.
/// - Others, as for `pmqtt_loop`: after `pmqtt_disconnect`, the connection ended for this reason
///   before its DISCONNECT was written.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Never blocks, except for the callbacks.
///
/// @ingroup api_loop
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_process(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.process()) }
}
