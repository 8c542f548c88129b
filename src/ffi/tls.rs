//! TLS.

// Without TLS, the functions still exist and return an error.
#![cfg_attr(not(feature = "tls"), allow(unused))]

use std::ffi::{c_char, c_int, c_void};

use super::constants::{
    PMQTT_CERT_NONE, PMQTT_CERT_OPTIONAL, PMQTT_CERT_REQUIRED, PMQTT_TLS_V1_0, PMQTT_TLS_V1_1,
    PMQTT_TLS_V1_2, PMQTT_TLS_V1_3,
};
use super::{array, bytes, optional_text, run, text};
use crate::client::{Error, Handle, Result};
#[cfg(feature = "tls")]
use crate::client::{Protocol, Source, TlsOptions};

/// `run`; in a library without TLS, the error that says so.
macro_rules! with_tls {
    ($client:expr, $body:expr) => {{
        #[cfg(feature = "tls")]
        let result = run($client, $body);
        #[cfg(not(feature = "tls"))]
        let result = run($client, |_| Err(unsupported()));
        result
    }};
}

/// Returns the password of a private key.
///
/// `pmqtt_tls_set` and `pmqtt_tls_pem_set` call it, in the thread that called them. It writes the
/// password to `buf`, which has `size` bytes. It returns the length of the password, or -1 if there
/// is none.
///
/// @ingroup api_tls
#[allow(non_camel_case_types)]
pub type pmqtt_key_password = Option<
    extern "C" fn(
        client: *mut Handle,
        userdata: *mut c_void,
        buf: *mut c_char,
        size: usize,
    ) -> c_int,
>;

/// Secures connections with TLS, from the next connection on. The call reads and checks the files.
///
/// When the broker rejects the client's certificate:
/// - TLS 1.2 reports this in the handshake: `pmqtt_connect` returns `PMQTT_ERR_TLS`.
/// - TLS 1.3 reports it after the client's part of the handshake, when `pmqtt_connect` has
///   succeeded. A loop call and `on_connect_fail` then report `PMQTT_ERR_TLS`, before any
///   `on_connect`.
///
/// `pmqtt_last_error` has the broker's alert in both cases.
///
/// The OpenSSL error queue of a thread may have entries of the program. They do not disturb a call,
/// and are still there afterwards. Only marks on these entries (`ERR_set_mark`) are lost.
///
/// @param client       The client; not NULL.
/// @param ca_certs     A PEM file with the certificates of the authorities to trust; NULL: the
///                     system's store.
/// @param certfile     A PEM file with the client's certificate, and those of the chain to its
///                     authority; NULL: none.
/// @param keyfile      A PEM file with the certificate's private key; NULL: `certfile` has it.
/// @param cert_reqs    How the client verifies the broker's certificate: `PMQTT_CERT_REQUIRED`,
///                     `PMQTT_CERT_OPTIONAL` or `PMQTT_CERT_NONE`.
/// @param tls_version  0: the highest version that both sides support, at least 1.2.
///                     `PMQTT_TLS_V1_0` to `PMQTT_TLS_V1_3`: only this version.
/// @param ciphers      Cipher names of OpenSSL with colons between them, those of TLS 1.3 included;
///                     NULL: the choice of OpenSSL.
///
/// @return `PMQTT_ERR_SUCCESS`, or, with nothing changed:
/// - `PMQTT_ERR_ERRNO`: a file cannot be read.
/// - `PMQTT_ERR_TLS`: a file cannot be used, the password is missing or wrong, or OpenSSL knows no
///   cipher of `ciphers`.
/// - `PMQTT_ERR_INVAL`: another argument is wrong.
/// - `PMQTT_ERR_NOT_SUPPORTED`: built without TLS.
///
/// `pmqtt_last_error` names the file.
///
/// Thread-safe; callback-safe. Blocks while it reads the files.
///
/// @ingroup api_tls
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_tls_set(
    client: *mut Handle,
    ca_certs: *const c_char,
    certfile: *const c_char,
    keyfile: *const c_char,
    cert_reqs: c_int,
    tls_version: c_int,
    ciphers: *const c_char,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        with_tls!(client, |client| {
            client.set_tls(&TlsOptions {
                authorities: optional_text(ca_certs, "tls_set: ca_certs")?.map(Source::File),
                certificate: optional_text(certfile, "tls_set: certfile")?.map(Source::File),
                key: optional_text(keyfile, "tls_set: keyfile")?.map(Source::File),
                verify: verify(cert_reqs)?,
                protocol: protocol(tls_version)?,
                ciphers: optional_text(ciphers, "tls_set: ciphers")?,
            })
        })
    }
}

/// Secures connections with TLS as `pmqtt_tls_set` does, with certificates and key from memory.
///
/// The texts are PEM, NUL-terminated and copied. The library wipes its copy of the key's text.
/// OpenSSL keeps the decoded key while the client may need it.
///
/// @param client       The client; not NULL.
/// @param ca_certs     The certificates of the authorities to trust; NULL: the system's store.
/// @param cert         The client's certificate; NULL: none.
/// @param key          The certificate's private key; NULL: `cert` has it.
/// @param cert_reqs    As for `pmqtt_tls_set`.
/// @param tls_version  As for `pmqtt_tls_set`.
/// @param ciphers      As for `pmqtt_tls_set`.
///
/// @return `PMQTT_ERR_SUCCESS`, or, with nothing changed:
/// - `PMQTT_ERR_TLS`: a text cannot be used, the password is missing or wrong, or OpenSSL knows no
///   cipher of `ciphers`.
/// - `PMQTT_ERR_INVAL`: another argument is wrong.
/// - `PMQTT_ERR_NOT_SUPPORTED`: built without TLS.
///
/// `pmqtt_last_error` names the text.
///
/// Thread-safe; callback-safe. Blocks only while it reads the system's store, that is if `ca_certs`
/// is NULL and `cert_reqs` is not `PMQTT_CERT_NONE`.
///
/// @ingroup api_tls
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_tls_pem_set(
    client: *mut Handle,
    ca_certs: *const c_char,
    cert: *const c_char,
    key: *const c_char,
    cert_reqs: c_int,
    tls_version: c_int,
    ciphers: *const c_char,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        with_tls!(client, |client| {
            client.set_tls(&TlsOptions {
                authorities: optional_text(ca_certs, "tls_pem_set: ca_certs")?.map(Source::Pem),
                certificate: optional_text(cert, "tls_pem_set: cert")?.map(Source::Pem),
                key: optional_text(key, "tls_pem_set: key")?.map(Source::Pem),
                verify: verify(cert_reqs)?,
                protocol: protocol(tls_version)?,
                ciphers: optional_text(ciphers, "tls_pem_set: ciphers")?,
            })
        })
    }
}

/// Sets the callback that returns the password of an encrypted private key.
///
/// A later `pmqtt_tls_set` or `pmqtt_tls_pem_set` calls it. Without a callback, an encrypted key is
/// an error. The library never asks on the terminal.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present callback; NULL: none.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: `client` is NULL.
/// - `PMQTT_ERR_NOT_SUPPORTED`: built without TLS.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_tls
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_tls_key_password_set(
    client: *mut Handle,
    callback: pmqtt_key_password,
) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        with_tls!(client, |client| {
            client.set_tls_key_password(callback);
            Ok(())
        })
    }
}

/// Turns off the check that the broker's certificate is for the host, and only this check.
///
/// The call may come before or after `pmqtt_tls_set`. The setting takes effect with the next
/// connection.
///
/// @param client    The client; not NULL.
/// @param insecure  true: the client accepts a valid certificate for any name. The default is
///                  false.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: `client` is NULL.
/// - `PMQTT_ERR_NOT_SUPPORTED`: built without TLS.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_tls
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_tls_insecure_set(client: *mut Handle, insecure: bool) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        with_tls!(client, |client| {
            client.set_tls_insecure(insecure);
            Ok(())
        })
    }
}

/// Sets the name of the broker: the client sends it in SNI, and expects a certificate for it.
///
/// The name replaces the name of the host. The setting takes effect with the next connection.
///
/// @param client  The client; not NULL.
/// @param name    UTF-8, copied; NULL or "": the name of the host.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: an argument is wrong.
/// - `PMQTT_ERR_NOT_SUPPORTED`: built without TLS.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_tls
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_tls_server_name_set(
    client: *mut Handle,
    name: *const c_char,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        with_tls!(client, |client| {
            client.set_tls_server_name(optional_text(name, "tls_server_name_set: the name")?);
            Ok(())
        })
    }
}

/// Sets the protocols that the client offers by ALPN (RFC 7301), the preferred one first.
///
/// The setting takes effect with the next connection.
///
/// @param client     The client; not NULL.
/// @param protocols  `count` names of 1 to 255 bytes, copied; may be NULL if `count` is 0.
/// @param count      The number of protocols; 0: none, which is the default.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: an argument is wrong.
/// - `PMQTT_ERR_TLS`: a name is empty or too long.
/// - `PMQTT_ERR_NOT_SUPPORTED`: built without TLS.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_tls
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_tls_alpn_set(
    client: *mut Handle,
    protocols: *const *const c_char,
    count: usize,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        with_tls!(client, |client| {
            let protocols = array(protocols, count, "tls_alpn_set: the array of protocols")?
                .iter()
                .map(|&name| Ok(text(name, "tls_alpn_set: the protocol")?.into()))
                .collect::<Result<Vec<_>>>()?;
            client.set_tls_alpn(&protocols)
        })
    }
}

/// Secures connections with a pre-shared key. The broker may still choose a certificate instead.
///
/// `pmqtt_tls_set` sets how the client checks a certificate, the version of TLS and the ciphers. By
/// default, the client checks the certificate against the system's store.
///
/// The setting takes effect with the next connection. `pmqtt_reinitialise` removes the key.
///
/// @param client    The client; not NULL.
/// @param identity  The identity of the client for the broker: UTF-8, copied; not NULL and not
///                  empty.
/// @param key       The key as bytes, not as hexadecimal digits; copied; not NULL. The library
///                  wipes its copy when it does not need it any more.
/// @param key_len   The length of the key in bytes, at least 1.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: an argument is wrong.
/// - `PMQTT_ERR_NOT_SUPPORTED`: built without TLS.
///
/// Thread-safe; callback-safe. Blocks only while it reads the system's store. It does not read the
/// store if `pmqtt_tls_set` was called with `ca_certs` or `PMQTT_CERT_NONE`.
///
/// @ingroup api_tls
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_tls_psk_set(
    client: *mut Handle,
    identity: *const c_char,
    key: *const c_void,
    key_len: usize,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        with_tls!(client, |client| {
            let identity = text(identity, "tls_psk_set: the identity")?;
            client.set_tls_psk(identity, bytes(key, key_len, "tls_psk_set: the key")?)
        })
    }
}

/// Secures connections with an OpenSSL context of the program.
///
/// The context decides all that `pmqtt_tls_set` sets. `pmqtt_tls_server_name_set` and
/// `pmqtt_tls_alpn_set` still apply. The setting takes effect with the next connection.
///
/// - The library takes its own reference to the context, and does not change the context's
///   callbacks.
/// - If the context verifies the broker, the client checks that the certificate is for the host.
/// - TLS sessions are not resumed.
///
/// @param client   The client; not NULL.
/// @param ssl_ctx  An `SSL_CTX *` for clients, of the same OpenSSL 3 library that libpmqtt is
///                 linked with. NULL: back to `pmqtt_tls_set` or `pmqtt_tls_psk_set`, or to no TLS
///                 if neither was called.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: `client` is NULL.
/// - `PMQTT_ERR_NOT_SUPPORTED`: built without TLS.
///
/// Thread-safe; callback-safe. Blocks only if `ssl_ctx` is NULL, and then as `pmqtt_tls_psk_set`.
///
/// @ingroup api_tls
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_tls_context_set(client: *mut Handle, ssl_ctx: *mut c_void) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        with_tls!(client, |client| {
            use foreign_types::ForeignTypeRef;
            use openssl::ssl::SslContextRef;
            // SAFETY: NULL or a context, by the header's contract; the reference is counted.
            let context =
                (!ssl_ctx.is_null()).then(|| SslContextRef::from_ptr(ssl_ctx.cast()).to_owned());
            client.set_tls_context(context)
        })
    }
}

#[cfg(not(feature = "tls"))]
pub(super) fn unsupported() -> Error {
    let text = "tls: this libpmqtt was built without TLS";
    Error::new(crate::client::Code::NotSupported, text)
}

#[cfg(feature = "tls")]
fn verify(cert_reqs: c_int) -> Result<bool> {
    match cert_reqs {
        PMQTT_CERT_NONE => Ok(false),
        PMQTT_CERT_OPTIONAL | PMQTT_CERT_REQUIRED => Ok(true),
        _ => Err(Error::inval(format!(
            "tls: cert_reqs {cert_reqs} is none that is known"
        ))),
    }
}

#[cfg(feature = "tls")]
pub(super) fn protocol(tls_version: c_int) -> Result<Option<Protocol>> {
    match tls_version {
        0 => Ok(None),
        PMQTT_TLS_V1_0 => Ok(Some(Protocol::Tls10)),
        PMQTT_TLS_V1_1 => Ok(Some(Protocol::Tls11)),
        PMQTT_TLS_V1_2 => Ok(Some(Protocol::Tls12)),
        PMQTT_TLS_V1_3 => Ok(Some(Protocol::Tls13)),
        _ => Err(Error::inval(format!(
            "tls: tls_version {tls_version} is none that is known"
        ))),
    }
}
