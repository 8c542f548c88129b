//! Connect and disconnect.

use std::ffi::{c_char, c_int};

use super::{number, optional_text, read, run, text};
use crate::client::{Address, Handle, Host, Result, Target};

/// Connects to a broker, and waits until the transport (TCP, and TLS once that is set) is open, but
/// not for CONNACK: a loop call receives that, and `on_connect` tells of it. A connection that the
/// client has already goes on meanwhile. It is closed without a DISCONNECT once the new one is open, but
/// one that `pmqtt_disconnect` has asked to end still does so. If this fails, nothing has changed: the
/// client keeps its connection, and `pmqtt_reconnect` goes where it went before.
///
/// A name is looked up in one of 16 threads that the process has for that. Clients that wait for the
/// same name share a look-up. While 16 look-ups hang, further names wait for their turn, in the time of
/// the connect timeout.
///
/// @param client        The client; not NULL.
/// @param host          Name or address, UTF-8, copied; not NULL and not empty. All its addresses
///                      are tried, as RFC 8305 says. An IPv6 address may have a zone, which is an
///                      interface's name or number, and may stand in brackets: `[fe80::1%eth0]`. For
///                      TLS a zone is no part of the name.
/// @param port          1 to 65535; 0: 1883, or 8883 with TLS.
/// @param keepalive     Seconds, 0 to 65535: when nothing was exchanged for so long, PINGREQ asks
///                      whether the broker is still there. 0: never. The broker has the same time to
///                      answer, from when its TCP has acknowledged PINGREQ, where the system tells
///                      (Linux, Apple's): until then each byte that this acknowledges counts. So a slow
///                      link is kept. A dead one is found within twice the time, and so is a broker
///                      that has stopped, unless PINGREQ is still on its way. [MQTT-3.1.2.10]
/// @param bind_address  The local IP address to connect from, an IPv6 address with a zone or without;
///                      NULL or "": any.
///
/// @return `PMQTT_ERR_SUCCESS`: connected, CONNECT is sent. `PMQTT_ERR_INVAL`: an argument is
/// wrong; nothing was changed. `PMQTT_ERR_DNS`: the name has no address, or the host's zone is no
/// interface. `PMQTT_ERR_ERRNO`: each address failed. `PMQTT_ERR_TLS`: the handshake of TLS failed.
/// `PMQTT_ERR_TIMEOUT`: no answer within the connect timeout. `PMQTT_ERR_BUSY`: another thread
/// connects this client. `PMQTT_ERR_NO_CONN`: another thread or a callback disconnected, connected
/// elsewhere or freed the client meanwhile.
/// `pmqtt_last_error` has the details.
///
/// Thread-safe; callback-safe. Blocks no longer than the connect timeout
/// (`pmqtt_connect_timeout_set`), in a callback too.
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

/// Tells the client to connect, and returns at once; whoever runs the loop makes the connection.
/// Nothing of it, the look-up of the name included, ever blocks a caller, nor does a later
/// `pmqtt_reconnect`. `on_connect` tells of success, `on_connect_fail` of failure. A connection that the
/// client has is closed without a DISCONNECT, but one that `pmqtt_disconnect` has asked to end still
/// does so. A connect that replaces one which no loop call has begun is one attempt with it.
///
/// Parameters as for `pmqtt_connect`.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is wrong; nothing was changed.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Connects to a broker that serves a domain, as the domain's SRV records say: those of
/// `_mqtt._tcp`, or, once TLS is set, those of `_secure-mqtt._tcp`. Hosts are tried in the order of
/// RFC 2782, the lowest priority first, and among equals by lot, according to their weights. Where
/// the look-up, TCP or TLS of one fails, the next one has its turn; one that is silent has an equal
/// share of the time that is left. Of many hosts the first 16 are tried. The rest is as for
/// `pmqtt_connect`. Each later connection of the client begins with the SRV records again.
///
/// With TLS, the certificate has to be for the host that a record names. Whoever can forge answers
/// of DNS can choose that name: where this matters, `pmqtt_tls_server_name_set` fixes it.
///
/// @param client        The client; not NULL.
/// @param domain        UTF-8, copied; an international name in its ASCII form (`xn--`). NULL or "":
///                      the domain of this machine, which is its full name without the first label.
/// @param keepalive     As for `pmqtt_connect`.
/// @param bind_address  As for `pmqtt_connect`.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_DNS`: no name server has an answer, or the domain has no such
/// service, or says so; `PMQTT_ERR_INVAL`: an argument is wrong, and nothing was changed, or the domain is
/// NULL and this machine is in none; others as `pmqtt_connect`. Where each host has failed, the number is
/// that of the last one; `pmqtt_last_error` names them all.
///
/// Thread-safe; callback-safe. Blocks no longer than the connect timeout
/// (`pmqtt_connect_timeout_set`), in a callback too.
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

/// As `pmqtt_connect_async`, to a broker that serves a domain, which is found and tried as
/// `pmqtt_connect_srv` does.
///
/// Parameters as for `pmqtt_connect_srv`.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is wrong; nothing was changed. A domain that
/// cannot be found, this machine's too, is for `on_connect_fail` to tell.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Reconnects to the same broker: after `pmqtt_connect` and `pmqtt_connect_srv` it blocks as they do,
/// after `pmqtt_connect_async` and `pmqtt_connect_srv_async` it returns at once. A connection that the client has ends as they say.
/// After CONNACK what is in flight is sent again, in order: PUBLISH with DUP, and after PUBREC only
/// PUBREL. [MQTT-4.4.0-1]
///
/// @param client  The client; not NULL.
///
/// @return As `pmqtt_connect`; `PMQTT_ERR_INVAL` also when no connect was successful before, be it
/// one of the `_async` ones, which always are.
///
/// Thread-safe; callback-safe, in `on_disconnect` above all. Blocks as the last connect did.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_reconnect(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.reconnect()) }
}

/// Ends the connection: what was written or published into the window goes out first, and in
/// `on_message` the acknowledgement of that message, then DISCONNECT, so that the broker does not
/// publish the will; then the broker closes the connection, or the client does after half a second,
/// and `on_disconnect` is called with `PMQTT_ERR_SUCCESS`. Loop calls do that; DISCONNECT is written
/// within the connect timeout, or not at all. Called before CONNACK has come, it waits for that.
/// Messages that are queued behind the window stay for the next connection: `pmqtt_drain` waits for
/// them.
///
/// A connect waits for nothing of this, and may follow in the same callback: `on_disconnect` is called
/// for the old connection, which ends beside the new one, as long as that is not disconnected and
/// replaced too. `pmqtt_loop_forever` and `pmqtt_loop_stop` return when both are done.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_NO_CONN`: there is no connection; an attempt to
/// connect is given up, of which `on_connect_fail` tells, or the wait for the next one is, and
/// `pmqtt_loop_forever` returns.
/// `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks. [MQTT-3.14]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_disconnect(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.disconnect()) }
}

/// Tells whether the client is connected: the broker has accepted the connection, which has not ended since,
/// and `pmqtt_disconnect` was not called. In `on_connect` it is, unless the broker refused; in `on_disconnect`
/// it is not. A broker that is gone is noticed only later, as keepalive says, so that a publish may fail all
/// the same: decide by its outcome.
///
/// @param client  The client; NULL gives false.
///
/// Thread-safe; callback-safe; never blocks.
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
