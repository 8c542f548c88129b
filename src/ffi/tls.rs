//! TLS.

// Without it the functions are still there, and say so.
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

/// `run`, or, where the library is built without TLS, the error that says so.
macro_rules! with_tls {
    ($client:expr, $body:expr) => {{
        #[cfg(feature = "tls")]
        let result = run($client, $body);
        #[cfg(not(feature = "tls"))]
        let result = run($client, |_| Err(unsupported()));
        result
    }};
}

/// Asks for the password of a private key. Called in `pmqtt_tls_set` and `pmqtt_tls_pem_set`, in
/// the calling thread. It writes the password to `buf`, which has `size` bytes, and returns its
/// length, or -1 when there is none.
#[allow(non_camel_case_types)]
pub type pmqtt_key_password = Option<
    extern "C" fn(
        client: *mut Handle,
        userdata: *mut c_void,
        buf: *mut c_char,
        size: usize,
    ) -> c_int,
>;

/// Secures connections with TLS, from the next one on. Files are read and checked now.
///
/// @param client       The client; not NULL.
/// @param ca_certs     A file with the certificates of the authorities to trust, PEM; NULL: the
///                     system's store.
/// @param certfile     A file with the client's certificate and those that lead to its authority,
///                     PEM; NULL: none.
/// @param keyfile      A file with the certificate's key, PEM; NULL: it stands in certfile.
/// @param cert_reqs    `PMQTT_CERT_REQUIRED`: the broker's certificate has to lead to an authority,
///                     and to be for the host; `PMQTT_CERT_OPTIONAL`: the same, since a broker
///                     always has one; `PMQTT_CERT_NONE`: any will do, and anybody can listen.
/// @param tls_version  0: the best that both sides have, 1.2 at least; `PMQTT_TLS_V1_0` to
///                     `PMQTT_TLS_V1_3`: this one alone.
/// @param ciphers      OpenSSL's names with colons between them, those of 1.3 among them; NULL: its
///                     choice.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_ERRNO`: a file cannot be read; `PMQTT_ERR_TLS`: it
/// cannot be used, the password is missing or wrong, or no cipher is known; `PMQTT_ERR_INVAL`:
/// another argument is wrong; `PMQTT_ERR_NOT_SUPPORTED`: built without TLS. `pmqtt_last_error` names
/// the file. Nothing was changed then.
///
/// What a broker thinks of the client's certificate is told in the handshake by TLS 1.2:
/// `pmqtt_connect` returns `PMQTT_ERR_TLS`. TLS 1.3 tells it when the handshake is over for the
/// client: `pmqtt_connect` has succeeded then, and a loop call and `on_connect_fail` get
/// `PMQTT_ERR_TLS`, before any `on_connect`. `pmqtt_last_error` has the broker's alert in both.
///
/// What the program has in OpenSSL's error queue of a thread disturbs no call of the library, and each
/// call leaves it there. Only marks (`ERR_set_mark`) on its entries are lost.
///
/// Thread-safe; callback-safe. Blocks for reading the files.
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

/// As `pmqtt_tls_set`, with certificates and key from memory: PEM, NUL-terminated, copied. The library
/// wipes its copy of the key's text; OpenSSL keeps the key itself while the client may need it.
///
/// @param client       The client; not NULL.
/// @param ca_certs     PEM text of the authorities; NULL: the system's store.
/// @param cert         PEM text of the client's certificate; NULL: none.
/// @param key          PEM text of its key; NULL: it stands in cert.
/// @param cert_reqs    As for `pmqtt_tls_set`.
/// @param tls_version  As for `pmqtt_tls_set`.
/// @param ciphers      As for `pmqtt_tls_set`.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_TLS`: a text cannot be used, the password is missing or
/// wrong, or no cipher is known; `PMQTT_ERR_INVAL`: another argument is wrong;
/// `PMQTT_ERR_NOT_SUPPORTED`: built without TLS. `pmqtt_last_error` names the text. Nothing was changed
/// then.
///
/// Thread-safe; callback-safe. Blocks only for reading the system's store, where that is trusted.
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

/// Sets who knows the password of an encrypted key, for a later `pmqtt_tls_set`. Without it, such a
/// key is an error; nobody is asked on the terminal.
///
/// @param client    The client; not NULL.
/// @param callback  Replaces the present one; NULL: none.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Turns off the check that the broker's certificate is for the host, and that check alone. Before
/// or after `pmqtt_tls_set`; takes effect with the next connection.
///
/// @param client    The client; not NULL.
/// @param insecure  true: a good certificate for any name will do. The default is false.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_NOT_SUPPORTED`:
/// built without TLS.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets the name that the broker is asked for (SNI) and that its certificate has to be for, in place
/// of the host's. Takes effect with the next connection.
///
/// @param client  The client; not NULL.
/// @param name    UTF-8, copied; NULL or "": the host's.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is wrong;
/// `PMQTT_ERR_NOT_SUPPORTED`: built without TLS.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Sets the protocols that are offered by ALPN (RFC 7301), the best first. Takes effect with the
/// next connection.
///
/// @param client     The client; not NULL.
/// @param protocols  `count` names of 1 to 255 bytes, copied; may be NULL when count is 0.
/// @param count      0: none are offered, which is the default.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is wrong; `PMQTT_ERR_TLS`: a name
/// is empty or too long; `PMQTT_ERR_NOT_SUPPORTED`: built without TLS.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Secures connections with a key that both sides know, in place of certificates or beside them.
/// Takes effect with the next connection.
///
/// @param client    The client; not NULL.
/// @param identity  Who the client is to the broker: UTF-8, copied; not NULL and not empty.
/// @param key       The key, in bytes (not in hexadecimal digits), copied; not NULL. The copy is
///                  wiped when it is not needed any more.
/// @param key_len   Bytes, at least 1.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: an argument is wrong;
/// `PMQTT_ERR_NOT_SUPPORTED`: built without TLS.
///
/// Thread-safe; callback-safe. Blocks only for reading the system's store, where that is trusted.
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

/// Secures connections with the program's own context, which then rules all that `pmqtt_tls_set`
/// sets; server name and ALPN are still set from here. Takes effect with the next connection.
///
/// @param client   The client; not NULL.
/// @param ssl_ctx  An `SSL_CTX *` of the same OpenSSL 3 library that libpmqtt is linked with, made
///                 for clients. The library takes a reference of its own, and leaves the
///                 context's callbacks alone; the name is checked where the context verifies the
///                 broker. Sessions are not resumed. NULL: back to what `pmqtt_tls_set` or
///                 `pmqtt_tls_psk_set` has set, or to no TLS where neither has.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL; `PMQTT_ERR_NOT_SUPPORTED`:
/// built without TLS.
///
/// Thread-safe; callback-safe. Blocks only where ssl_ctx is NULL, for reading the system's store, if
/// that is trusted.
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
