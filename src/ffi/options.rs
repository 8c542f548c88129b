//! Settings.

use std::ffi::{c_char, c_int};
use std::time::Duration;

use super::{number, optional_text, run};
use crate::client::Handle;

/// Sets how many messages of QoS 1 and 2 may be in flight at the same time: the window.
///
/// Further messages wait in the queue. The setting takes effect at once, and stays in effect after
/// a reconnect.
///
/// @param client    The client; not NULL.
/// @param messages  0 to 65535; 0: as many as there are packet identifiers. The default is 20.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_max_inflight_messages_set(
    client: *mut Handle,
    messages: c_int,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            let messages = number(messages, 65_535, "max_inflight_messages_set:")?;
            client.set_max_inflight(messages as u16);
            Ok(())
        })
    }
}

/// Limits how many messages of QoS 1 and 2 may be unsettled at the same time, in flight or queued.
///
/// Beyond the limit, `pmqtt_publish` returns `PMQTT_ERR_QUEUE_SIZE`. The setting takes effect at
/// once, and drops no message.
///
/// @param client    The client; not NULL.
/// @param messages  Not negative; 0: no limit, which is the default.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_max_queued_messages_set(
    client: *mut Handle,
    messages: c_int,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            let messages = number(messages, c_int::MAX, "max_queued_messages_set:")?;
            client.set_max_queued_messages(messages as usize);
            Ok(())
        })
    }
}

/// Limits how much memory the queue may take: messages of every QoS, and bytes that wait for the
/// socket.
///
/// - Each message counts with its packet and 64 bytes (QoS 0: 32 bytes) for the client's record of
///   it.
/// - Beyond the limit, `pmqtt_publish` returns `PMQTT_ERR_QUEUE_SIZE`.
/// - An empty queue accepts one message of any size.
///
/// The setting takes effect at once, and drops no message.
///
/// @param client  The client; not NULL.
/// @param bytes   0: no limit. The default is 64 MiB.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_max_queued_bytes_set(client: *mut Handle, bytes: usize) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_max_queued_bytes(bytes);
            Ok(())
        })
    }
}

/// Limits the size of a packet from the broker, its header included.
///
/// - A connection whose broker sends a larger packet ends with `PMQTT_ERR_PAYLOAD_SIZE`. This
///   happens as soon as the header is there, before the client allocates memory for the packet.
/// - Memory for a packet grows with the bytes that have come, and not beyond the limit.
/// - A limit under 65,536 also limits the size of each read, so small packets need more reads.
///
/// The setting takes effect at once. Messages that the client has already read are still delivered.
///
/// @param client  The client; not NULL.
/// @param bytes   At least 5, the size of the smallest PUBLISH; 0: 268,435,460, the limit of MQTT
///                itself, which is the default.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL, or `bytes` is 1 to 4.
///
/// Thread-safe; callback-safe; never blocks. [MQTT 2.2.3]
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_max_packet_size_set(client: *mut Handle, bytes: usize) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.set_max_packet_size(bytes)) }
}

/// Sets how long the broker may take to answer PUBLISH, PUBREL or PUBREC on the same connection.
///
/// TCP loses no bytes, so the client sends a packet again only if the broker has read it and does
/// not answer:
///
/// 1. An answer has not come within this time. The client sends one PINGREQ for all missing
///    answers, also if the keep alive is 0.
/// 2. PINGRESP comes. It shows that the broker has read all that was sent before PINGREQ.
/// 3. The same time passes once more.
/// 4. The broker's TCP has acknowledged all bytes of this connection, where the system reports that
///    (Linux and Apple's systems).
/// 5. The client sends the packet again, PUBLISH with DUP.
///
/// - The client sends each packet again at most once on a connection.
/// - A broker that answers later than twice this time may receive a duplicate.
/// - Without PINGRESP, the client sends nothing again before the next connection.
/// - A client of `PMQTT_PROTOCOL_V5` or `PMQTT_PROTOCOL_BEST` never sends a packet again on the same
///   connection.
///
/// The setting takes effect at once.
///
/// @param client   The client; not NULL.
/// @param seconds  Seconds, not negative; 0: nothing is sent again on the same connection. The
///                 default is 5.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-4.4] [MQTT5-4.4.0-1]
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_message_retry_set(client: *mut Handle, seconds: c_int) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            let seconds = number(seconds, c_int::MAX, "message_retry_set:")?;
            client.set_retry(Duration::from_secs(seconds.into()));
            Ok(())
        })
    }
}

/// Sets the connect timeout.
///
/// The timeout limits how long each of these steps may take:
/// - look-up, TCP and TLS together,
/// - the wait for CONNACK,
/// - sending a DISCONNECT. If the time is over, the client closes the connection without it.
///
/// The setting takes effect with the next attempt.
///
/// @param client      The client; not NULL.
/// @param timeout_ms  Milliseconds, over 0. The default is 10000.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_connect_timeout_set(
    client: *mut Handle,
    timeout_ms: c_int,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            let timeout = number(timeout_ms, c_int::MAX, "connect_timeout_set:")?;
            client.set_connect_timeout(Duration::from_millis(timeout.into()))
        })
    }
}

/// Sets how long `pmqtt_loop_start`, `pmqtt_loop_forever` and `pmqtt_process` wait before they
/// reconnect.
///
/// - The delay is `min_delay` at first. It doubles after each failure, up to `max_delay`.
/// - Each wait is random, between half the delay and the delay, so that many clients do not
///   reconnect together.
/// - A connection that has lasted at least as long as the delay resets it to `min_delay`.
/// - From the third refusal in a row on, the delay is `max_delay`, if the reason stays by itself:
///   0x84 (unsupported protocol version), 0x85 (client identifier not valid), 0x86 (bad user name or
///   password), 0x87 (not authorised), 0x8A (banned), 0x8C (bad authentication method), 0x8E (session
///   taken over) or 0x9D (server moved), in CONNACK or DISCONNECT, and the return codes 1, 2, 4 and 5
///   of MQTT 3.
///   - A change of the credentials, of the authentication method, of the TLS settings, of the target
///     or of `pmqtt_connect_options` ends the row, and so does a connection that has lasted. After
///     0x8E and the other reasons in DISCONNECT, the connection must have lasted for `max_delay`.
///
/// The setting takes effect with the next wait.
///
/// @param client     The client; not NULL.
/// @param min_delay  Seconds, over 0. The default is 1.
/// @param max_delay  Seconds, not under `min_delay`. The default is 120.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_reconnect_delay_set(
    client: *mut Handle,
    min_delay: c_int,
    max_delay: c_int,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            let min = number(min_delay, c_int::MAX, "reconnect_delay_set: min_delay")?;
            let max = number(max_delay, c_int::MAX, "reconnect_delay_set: max_delay")?;
            let seconds = |seconds: u32| Duration::from_secs(seconds.into());
            client.set_reconnect_delay(seconds(min), seconds(max))
        })
    }
}

/// Sets the user name and the password.
///
/// The setting takes effect with the next connection. The library keeps one copy of the password,
/// and wipes this copy when the password is replaced or removed, or the client is freed. The
/// library wipes the copy in a CONNECT packet as soon as the packet is written.
///
/// @param client    The client; not NULL.
/// @param username  UTF-8, copied, at most 65,535 bytes; NULL removes both.
/// @param password  NUL-terminated, copied, at most 65,535 bytes; NULL: none.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL, `username` is not UTF-8, or
/// one of the two is too long.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.1.3.4]
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_username_pw_set(
    client: *mut Handle,
    username: *const c_char,
    password: *const c_char,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let username = optional_text(username, "username_pw_set: the user name")?;
            client.set_credentials(username, super::optional_bytes(password))
        })
    }
}
