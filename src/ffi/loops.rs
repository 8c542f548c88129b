//! The four ways to run a client.

use std::ffi::c_int;
use std::time::Duration;

use super::{number, put, read, run};
use crate::client::{Handle, milliseconds};

/// Runs the client for one step: waits in poll until there is something to do, reads, runs
/// callbacks, and writes. It does not connect again by itself: `pmqtt_reconnect` does. What there is no
/// time for, it leaves to the next step: apart from the wait it takes some milliseconds, and the
/// callbacks that run until it looks at the clock (one where they are slow, 32 at the most). A wait that
/// fails is logged as WARNING, and is a wait of at the most 50 ms.
///
/// @param client      The client; not NULL.
/// @param timeout_ms  How long to wait at the most, also without a connection; -1: 1000 ms.
///
/// @return `PMQTT_ERR_SUCCESS`: go on. `PMQTT_ERR_NO_CONN`: no connection, and none being made.
/// Other values say once why the connection, or the attempt at one, has ended; `on_disconnect` or
/// `on_connect_fail` was called: `PMQTT_ERR_CONN_LOST`, `PMQTT_ERR_CONN_REFUSED`,
/// `PMQTT_ERR_KEEPALIVE`, `PMQTT_ERR_PROTOCOL`, `PMQTT_ERR_TIMEOUT`, `PMQTT_ERR_DNS`,
/// `PMQTT_ERR_ERRNO`, `PMQTT_ERR_TLS`, `PMQTT_ERR_PAYLOAD_SIZE`. `PMQTT_ERR_BUSY`: another loop call runs this client, in
/// another thread or up the stack. `PMQTT_ERR_INVAL`: client is NULL, or the timeout under -1.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Blocks for the timeout, and for the callbacks.
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

/// Runs the client until the program ends the connection with `pmqtt_disconnect`. A connection
/// that is lost or refused is made again, after a wait (`pmqtt_reconnect_delay_set`).
///
/// @param client                  The client; not NULL. `pmqtt_connect` or `pmqtt_connect_async`
///                                was called before.
/// @param retry_first_connection  false: returns when the first connection cannot be made.
///
/// @return `PMQTT_ERR_SUCCESS`: disconnected, as asked for. `PMQTT_ERR_INVAL`: no connect before.
/// `PMQTT_ERR_BUSY`: another loop call runs this client. Other values: why the first connection
/// could not be made, with retry_first_connection false.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Blocks until disconnected.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop_forever(
    client: *mut Handle,
    retry_first_connection: bool,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.run_forever(retry_first_connection)) }
}

/// Starts a thread that runs the client, before or after connect. A connection that is lost,
/// refused or cannot be made is made again, after a wait (`pmqtt_reconnect_delay_set`). Callbacks run
/// in that thread; the program's signal handlers do not. From the return of this call on, loop calls in
/// other threads are `PMQTT_ERR_BUSY`, and `pmqtt_drain` waits for this thread.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: the thread runs already; `PMQTT_ERR_ERRNO`: it
/// could not be started.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop_start(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.start_thread()) }
}

/// Stops the thread of `pmqtt_loop_start`. What the client has taken is still written, and its outcomes
/// are told, as far as a second suffices: QoS 0 messages, what the window has room for, and a DISCONNECT
/// with the end of its connection. It waits for CONNACK where that has to come first. A connection that
/// is not asked to end stays as it is.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: no such thread runs.
///
/// Thread-safe; callback-safe: in a callback of that thread it returns at once, and the thread
/// stops when the callback has returned. Elsewhere it blocks until the thread has stopped: at the
/// most a second, and for a callback that runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop_stop(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.stop_thread()) }
}

/// For a foreign loop: the socket is readable. Reads, runs callbacks, writes what they caused.
///
/// @param client  The client; not NULL.
///
/// @return As `pmqtt_loop`.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Never blocks, but for the callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop_read(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.step(true)) }
}

/// For a foreign loop: the socket is writable, and `pmqtt_want_write` said that this matters.
///
/// @param client  The client; not NULL.
///
/// @return As `pmqtt_loop`.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Never blocks, but for the callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop_write(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.step(false)) }
}

/// For a foreign loop: the time that `pmqtt_next_timeout_ms` told is over. Calling it more often
/// does no harm.
///
/// @param client  The client; not NULL.
///
/// @return As `pmqtt_loop`.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Never blocks, but for the callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_loop_misc(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.time_out()) }
}

/// For a foreign loop: the descriptor to watch. It may be another after each loop call and each
/// connect; while a name is looked up it is no socket, but is watched in the same way.
///
/// @param client  The client; NULL gives -1.
///
/// @return The descriptor, which the library owns, or -1 when there is none.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_socket(client: *const Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, -1, |client| client.socket().unwrap_or(-1)) }
}

/// For a foreign loop: whether `pmqtt_loop_read` is to be called when the socket is readable. It is not
/// while the broker takes none of the acknowledgements that it has asked for: nothing is read then, so
/// that a loop which watches for reading all the same would spin.
///
/// @param client  The client; NULL gives false.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_want_read(client: *const Handle) -> bool {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, false, |client| client.wants_read()) }
}

/// For a foreign loop: whether `pmqtt_loop_write` is to be called when the socket is writable.
/// Ask before each wait.
///
/// @param client  The client; NULL gives false.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_want_write(client: *const Handle) -> bool {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, false, |client| client.wants_write()) }
}

/// For a foreign loop: when `pmqtt_loop_misc` has to be called next. Ask before each wait: 0 also says
/// that messages were read which the last step had no time for. No descriptor tells of those.
///
/// @param client  The client; NULL gives -1.
///
/// @return Milliseconds, rounded up; 0: now; -1: never.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_next_timeout_ms(client: *const Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, -1, |client| milliseconds(client.next_timeout())) }
}

/// One descriptor for the client's whole life, made at the first call: it is readable whenever
/// `pmqtt_process` has something to do. Add it to any loop once; reconnects, timers and publishes
/// from other threads need nothing else.
///
/// @param client  The client; not NULL.
///
/// @return The descriptor, which the library owns: watch it for reading, and do nothing else with
/// it. -1: it could not be made, or client is NULL; `pmqtt_last_error` says why.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Does all that there is to do, when the descriptor of `pmqtt_event_fd` is readable. A connection
/// that is lost, refused or cannot be made is made again, after a wait
/// (`pmqtt_reconnect_delay_set`); `on_disconnect` and `on_connect_fail` tell of it.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`: go on. `PMQTT_ERR_NO_CONN`: no connection is wanted. Other values,
/// as `pmqtt_loop`: how a connection ended otherwise than by the DISCONNECT that the program asked
/// for. `PMQTT_ERR_BUSY`: another loop call runs this client. `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Never blocks, but for the callbacks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_process(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.process()) }
}

/// Waits until all that was published is settled, and told: written at QoS 0, acknowledged by the broker
/// at QoS 1 and 2, or dropped or cancelled. Where no other loop call runs the client, this one does, also once another one that
/// did so has ended.
///
/// @param client      The client; not NULL.
/// @param timeout_ms  How long to wait at the most; not negative.
/// @param left        Where the number of messages that are not settled is put, whenever it is
///                    known: on success 0; may be NULL.
///
/// @return `PMQTT_ERR_SUCCESS`: all are settled. `PMQTT_ERR_IN_DOUBT`: all are, and meanwhile `on_publish` told
/// this of one or more. `PMQTT_ERR_TIMEOUT`: some are not.
/// `PMQTT_ERR_NO_CONN`: some are not, there is no connection, and nothing will reconnect.
/// `PMQTT_ERR_BUSY`: called in a callback of this client, which holds up its loop. Others: why the
/// connection ended meanwhile, as `pmqtt_loop`. `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe (`PMQTT_ERR_BUSY`). Blocks for the timeout, and for the callbacks.
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
