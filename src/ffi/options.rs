//! Settings.

use std::ffi::{c_char, c_int};
use std::time::Duration;

use super::constants::{PMQTT_ACK_AT_ONCE, PMQTT_ACK_AUTO, PMQTT_ACK_IN_ORDER};
use super::{number, optional_text, run};
use crate::client::{Error, Handle};

/// Sets how many messages of QoS 1 and 2 may be in flight at once; the others wait in the queue.
/// Takes effect at once, and holds after a reconnect too.
///
/// @param client    The client; not NULL.
/// @param messages  0 to 65535; 0: as many as there are packet identifiers. The default is 20.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets how many messages of QoS 1 and 2 may be unsettled at once, in flight or waiting;
/// `pmqtt_publish` returns `PMQTT_ERR_QUEUE_SIZE` beyond. Takes effect at once, and drops nothing.
///
/// @param client    The client; not NULL.
/// @param messages  Not negative; 0: any number, which is the default.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets how much memory the queue may take: messages of every QoS, and what waits for the socket.
/// Each message counts with its packet and 64 bytes for what is known of it (QoS 0: 32).
/// `pmqtt_publish` returns `PMQTT_ERR_QUEUE_SIZE` beyond. An empty queue takes one message of any
/// size. Takes effect at once, and drops nothing.
///
/// @param client  The client; not NULL.
/// @param bytes   0: any number. The default is 64 MiB.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets how large a packet from the broker may be, its header included. The broker of a larger one is
/// disconnected with `PMQTT_ERR_PAYLOAD_SIZE`, as soon as the header is there: before memory is taken for
/// the packet. Takes effect at once; messages that were read together with the present one are still
/// handed over. Memory for a packet grows with what has come of it, and not beyond it. Under 65,536, a
/// read is of no more bytes than this, so that small packets take more of them.
///
/// @param client  The client; not NULL.
/// @param bytes   At least 5, the size of the smallest PUBLISH; 0: 268,435,460, which is MQTT's own limit
///                and the default.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL, or bytes is 1 to 4.
///
/// Thread-safe; callback-safe; never blocks. [MQTT 2.2.3]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_max_packet_size_set(client: *mut Handle, bytes: usize) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.set_max_packet_size(bytes)) }
}

/// Sets how long the broker may take to answer PUBLISH, PUBREL or PUBREC on the same connection.
/// TCP loses nothing, so a packet is sent again only if the broker has read it and does not answer:
///
/// 1. An answer is overdue by this time: one PINGREQ asks the broker, for all overdue answers, with
///    a keep alive of 0 too.
/// 2. PINGRESP comes: the broker has read what was sent before.
/// 3. The same time passes once more: the packet is sent again, PUBLISH with DUP. It waits while
///    bytes of this connection are on their way, where the system tells (Linux, Apple's).
///
/// Each packet is sent again once a connection at the most. A broker that answers later than twice
/// this time may see a duplicate. Without PINGRESP nothing is sent again before the next connection.
/// Takes effect at once.
///
/// @param client   The client; not NULL.
/// @param seconds  Not negative; 0: never on the same connection. The default is 5.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-4.4]
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

/// Sets how long an attempt to connect may take: look-up, TCP and TLS together, and then once more
/// for CONNACK. A DISCONNECT that the broker does not take is given up after the same time. Takes
/// effect with the next attempt.
///
/// @param client      The client; not NULL.
/// @param timeout_ms  Over 0. The default is 10000.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks.
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
/// connect again: min at first, twice as long after each failure, max at the most. Each wait is
/// drawn from the upper half of that, so that many clients do not come back together. A connection
/// that has held for as long as the next wait makes it begin with min again. Takes effect with the
/// next wait.
///
/// @param client     The client; not NULL.
/// @param min_delay  Seconds, over 0. The default is 1.
/// @param max_delay  Seconds, not under min_delay. The default is 120.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets user name and password. Takes effect with the next connection. The library keeps one copy of
/// the password, until it is replaced or the client is freed, and wipes that then; what was made of it
/// for a connection it wipes as soon as that is written.
///
/// @param client    The client; not NULL.
/// @param username  UTF-8, copied, at the most 65,535 bytes; NULL clears both.
/// @param password  NUL-terminated, copied, at the most 65,535 bytes; NULL: none.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL, the user name is not UTF-8, or
/// one of the two is too long.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.1.3.4]
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

/// Sets who acknowledges messages of QoS 1 and 2: the library when `on_message` has returned, or
/// the program with `pmqtt_ack`. Takes effect with the next message, and for `pmqtt_ack` at once; what is held
/// by then stays so until its turn.
///
/// @param client  The client; not NULL.
/// @param mode    `PMQTT_ACK_AUTO` (0, the default): the library does. `PMQTT_ACK_IN_ORDER` (1, so `true` too): the
///                program does, in any order. PUBACKs go out in the order in which the messages came, and so do
///                PUBRECs; one that is early is held. [MQTT-4.6.0-2] [MQTT-4.6.0-3] `PMQTT_ACK_AT_ONCE` (2): the
///                program does, and each goes out at once. A broker may rely on the order.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL, or mode is none of the three.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_manual_ack_set(client: *mut Handle, mode: c_int) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            match mode {
                PMQTT_ACK_AUTO => client.set_manual_ack(false, false),
                PMQTT_ACK_IN_ORDER => client.set_manual_ack(true, false),
                PMQTT_ACK_AT_ONCE => client.set_manual_ack(true, true),
                _ => {
                    return Err(Error::inval(format!(
                        "manual_ack_set: there is no mode {mode}"
                    )));
                }
            }
            Ok(())
        })
    }
}
