//! Connect and disconnect.

use std::ffi::{c_char, c_int};

use super::{number, optional_text, read, run, text};
use crate::client::{Address, Handle, Host, Result, Target};

/// Connects to a broker, and waits until the transport is open: TCP, and TLS if it is set.
///
/// The call does not wait for CONNACK. A loop call receives CONNACK, and `on_connect` reports it.
///
/// An existing connection of the client goes on meanwhile:
/// - If the call succeeds, the client closes the old connection without a DISCONNECT. If
///   `pmqtt_disconnect` has asked the old one to end, it still sends its DISCONNECT.
/// - If the call fails, nothing has changed. The client keeps its connection, and `pmqtt_reconnect`
///   goes to the former broker.
///
/// Name look-up: at most 16 threads of a process look up names. Clients that wait for the same name
/// share a look-up. While 16 look-ups hang, further names wait, within the connect timeout.
///
/// Keep alive [MQTT-3.1.2.10]:
/// - The client sends PINGREQ when it has sent nothing, or received nothing, for `keepalive`
///   seconds. It is enough that one of the two directions was silent.
/// - The broker then has the same time to answer. Each byte that it sends restarts that time.
/// - Until the broker's TCP has acknowledged PINGREQ, each byte that this TCP acknowledges restarts
///   the time too. So a slow link does not end the connection. This needs a system that reports
///   acknowledged bytes (Linux and Apple's systems).
/// - When the time is over, the connection ends with `PMQTT_ERR_KEEPALIVE`. So a dead link is found
///   within twice `keepalive`. A broker process that hangs is found in the same time, unless
///   PINGREQ is still on its way.
///
/// @param client        The client; not NULL.
/// @param host          Name or address, UTF-8, copied; not NULL and not empty. The client tries
///                      all addresses of a name as RFC 8305 says. An IPv6 address may have a zone,
///                      an interface's name or number. It may stand in brackets: `[fe80::1%eth0]`.
///                      For TLS, the zone is not a part of the name.
/// @param port          1 to 65535; 0: 1883, or 8883 with TLS.
/// @param keepalive     The keep alive interval in seconds, 0 to 65535; 0: no keep alive.
/// @param bind_address  The local IP address to connect from; an IPv6 address may have a zone. NULL
///                      or "": any.
///
/// @return `PMQTT_ERR_SUCCESS`: the transport is open, and CONNECT is sent. Or:
/// - `PMQTT_ERR_INVAL`: an argument is wrong; nothing was changed.
/// - `PMQTT_ERR_DNS`: the name has no address, or no interface has the name or number of the
///   zone.
/// - `PMQTT_ERR_ERRNO`: each address failed.
/// - `PMQTT_ERR_TLS`: the TLS handshake failed.
/// - `PMQTT_ERR_TIMEOUT`: the connect timeout passed without an answer.
/// - `PMQTT_ERR_BUSY`: another thread connects this client.
/// - `PMQTT_ERR_NO_CONN`: meanwhile, another thread or a callback has disconnected, reinitialised
///   or freed the client, or called an `_async` connect.
///
/// `pmqtt_last_error` has the details.
///
/// Thread-safe; callback-safe. Blocks at most for the connect timeout
/// (`pmqtt_connect_timeout_set`), in a callback too.
///
/// @ingroup api_connect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_connect(
    client: *mut Handle,
    host: *const c_char,
    port: c_int,
    keepalive: c_int,
    bind_address: *const c_char,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let host = host_and_port(host, port)?;
            client.connect(&target(host, keepalive, bind_address)?)
        })
    }
}

/// Asks the client to connect, and returns at once. The thread that runs the loop makes the
/// connection.
///
/// - No call blocks for the look-up of the name or for another step. A later `pmqtt_reconnect` does
///   not block either.
/// - `on_connect` reports the answer of the broker, and `on_connect_fail` a failure before it.
/// - The client closes an existing connection without a DISCONNECT. If `pmqtt_disconnect` has asked
///   that one to end, it still sends its DISCONNECT.
/// - If an earlier connect still waits for a loop call to begin it, this call replaces it. No
///   callback reports the earlier one.
///
/// @param client        The client; not NULL.
/// @param host          As for `pmqtt_connect`.
/// @param port          As for `pmqtt_connect`.
/// @param keepalive     As for `pmqtt_connect`.
/// @param bind_address  As for `pmqtt_connect`.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: an argument is wrong; nothing was changed.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_connect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_connect_async(
    client: *mut Handle,
    host: *const c_char,
    port: c_int,
    keepalive: c_int,
    bind_address: *const c_char,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let host = host_and_port(host, port)?;
            client.connect_async(&target(host, keepalive, bind_address)?)
        })
    }
}

/// Finds a broker by the SRV records of a domain, and connects to it.
///
/// The records are those of `_mqtt._tcp`, or of `_secure-mqtt._tcp` if TLS is set.
///
/// - The client tries the hosts in the order of RFC 2782: the lowest priority first, and equal
///   priorities at random by their weights.
/// - If the look-up, TCP or TLS of a host fails, the client tries the next one. The remaining time
///   is shared equally among the remaining hosts, so that a silent host leaves time for the others.
/// - The client tries the first 16 hosts at most.
/// - Each later connection of the client begins with the SRV records again.
/// - Everything else is as for `pmqtt_connect`.
///
/// With TLS, the certificate must be for the host that a record names. An attacker who forges DNS
/// answers can choose that name. `pmqtt_tls_server_name_set` fixes the name where this matters.
///
/// @param client        The client; not NULL.
/// @param domain        UTF-8, copied; an international name in its ASCII form (`xn--`). NULL or
///                      "": the domain of this machine, which is its full name without the first
///                      label.
/// @param keepalive     As for `pmqtt_connect`.
/// @param bind_address  As for `pmqtt_connect`.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_DNS`: no name server answers, or the domain has no such records, or they say that
///   there is no such service.
/// - `PMQTT_ERR_INVAL`: an argument is wrong, or `domain` is NULL or "" and this machine has no
///   domain; nothing was changed.
/// - Others: as for `pmqtt_connect`. If each host has failed, the error is that of the last host,
///   and `pmqtt_last_error` names the errors of all hosts.
///
/// Thread-safe; callback-safe. Blocks at most for the connect timeout
/// (`pmqtt_connect_timeout_set`), in a callback too.
///
/// @ingroup api_connect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_connect_srv(
    client: *mut Handle,
    domain: *const c_char,
    keepalive: c_int,
    bind_address: *const c_char,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let domain = self::domain(domain)?;
            client.connect(&target(domain, keepalive, bind_address)?)
        })
    }
}

/// Asks the client to find a broker by SRV records and to connect to it, and returns at once.
///
/// The client finds and tries the hosts as `pmqtt_connect_srv` does. Everything else is as for
/// `pmqtt_connect_async`. `on_connect_fail` reports a failed look-up of the SRV records, also if
/// `domain` is NULL and this machine has no domain.
///
/// @param client        The client; not NULL.
/// @param domain        As for `pmqtt_connect_srv`.
/// @param keepalive     As for `pmqtt_connect`.
/// @param bind_address  As for `pmqtt_connect`.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: an argument is wrong; nothing was changed.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_connect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_connect_srv_async(
    client: *mut Handle,
    domain: *const c_char,
    keepalive: c_int,
    bind_address: *const c_char,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let domain = self::domain(domain)?;
            client.connect_async(&target(domain, keepalive, bind_address)?)
        })
    }
}

/// Reconnects to the same broker, blocking or not as the last connect did.
///
/// - After `pmqtt_connect` and `pmqtt_connect_srv`, it blocks as they do.
/// - After `pmqtt_connect_async` and `pmqtt_connect_srv_async`, it returns at once.
///
/// An existing connection ends as those functions say. After CONNACK, the client sends all messages
/// in flight again, in order. For a message whose PUBREC has come, it sends PUBREL. For each other
/// message, it sends PUBLISH with DUP. [MQTT-4.4.0-1]
///
/// @param client  The client; not NULL.
///
/// @return As `pmqtt_connect`. It is `PMQTT_ERR_INVAL` also if no connect has succeeded before. A
/// connect by an `_async` function counts as successful.
///
/// Thread-safe; callback-safe, also in `on_disconnect`. Blocks as the last connect did.
///
/// @ingroup api_connect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_reconnect(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.reconnect()) }
}

/// Ends the connection with a DISCONNECT, so that the broker does not publish the will.
///
/// Loop calls carry this out:
/// 1. They send what the client has accepted: requests, QoS 0, and messages in the window. If
///    `on_message` runs during this call, its message is acknowledged before DISCONNECT too, unless
///    `pmqtt_manual_ack_set` leaves this to the program.
/// 2. They send DISCONNECT, within the connect timeout or not at all. If CONNACK has not come yet,
///    they wait for it first.
/// 3. The broker closes the connection, or the client does after half a second.
/// 4. They call `on_disconnect` with `PMQTT_ERR_SUCCESS`.
///
/// Messages that are queued behind the window stay for the next connection. To send them too, the
/// program calls `pmqtt_drain` before this function.
///
/// The program may connect again at once, also in the callback that has called this function. The
/// old connection then ends beside the new one, and `on_disconnect` reports its end. If the program
/// then disconnects the second connection and makes a third, the client closes the first at once.
/// `pmqtt_loop_forever` returns when all have ended. `pmqtt_loop_stop` waits for connections that
/// `pmqtt_disconnect` ends, for at most a second.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NO_CONN`: there is no connection to end, and the client makes none any more. It
///   gives up an attempt to connect, and `on_connect_fail` reports that. It also ends a wait for
///   the next attempt, which no callback reports. `pmqtt_loop_forever` returns in both cases.
/// - `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.14]
///
/// @ingroup api_connect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_disconnect(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.disconnect()) }
}

/// Tells whether the client is connected.
///
/// It is connected if the broker has accepted the connection, the connection has not ended, and
/// `pmqtt_disconnect` was not called. In `on_connect` it is, unless the broker refused. In
/// `on_disconnect` it is not.
///
/// If the broker is gone without closing the connection, the client may notice it only by the keep
/// alive. A publish may therefore fail although this function returns true: decide by the outcome
/// of the publish.
///
/// @param client  The client; NULL gives false.
///
/// @return true if the client is connected.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_connect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_is_connected(client: *const Handle) -> bool {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { read(client, false, |client| client.is_connected()) }
}

/// # Safety
/// `host` is NULL or a string that lives through the call.
unsafe fn host_and_port(host: *const c_char, port: c_int) -> Result<Address> {
    Ok(Address::Host(Host {
        // SAFETY: the caller's promise is the same.
        name: unsafe { text(host, "connect: the host") }?.into(),
        port: number(port, 65_535, "connect: port")? as u16,
    }))
}

/// # Safety
/// `domain` is NULL or a string that lives through the call.
unsafe fn domain(domain: *const c_char) -> Result<Address> {
    // SAFETY: the caller's promise is the same.
    let domain = unsafe { optional_text(domain, "connect_srv: the domain") }?;
    let domain = domain.filter(|domain| !domain.is_empty());
    Ok(Address::Domain(domain.map(Box::from)))
}

/// # Safety
/// `bind_address` is NULL or a string that lives as long as the result.
unsafe fn target<'a>(
    address: Address,
    keepalive: c_int,
    bind_address: *const c_char,
) -> Result<Target<'a>> {
    Ok(Target {
        address,
        keep_alive: number(keepalive, 65_535, "connect: keepalive")? as u16,
        // SAFETY: the caller's promise is the same.
        bind_address: unsafe { optional_text(bind_address, "connect: the bind address") }?,
    })
}
