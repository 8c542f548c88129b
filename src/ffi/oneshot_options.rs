//! The options of one-shots, and how they apply to a client.

use std::ffi::{c_char, c_int};
use std::time::Duration;

use super::publication::Publication;
use super::{number, optional_bytes, optional_text, sized};
use crate::client::{Address, Client, Host, Result, Target};

const KEEP_ALIVE: u16 = 60;
const TIMEOUT: Duration = Duration::from_secs(30);

/// How a one-shot connects. All fields except `struct_size` may be 0.
///
/// All zeros mean the broker of this host, without TLS. NULL in place of the structure means the
/// same. The library does not use the structure after the call.
///
/// @ingroup api_oneshot
#[repr(C)]
#[derive(Clone, Copy)]
pub struct OneshotOptions {
    /// `sizeof(pmqtt_oneshot_options)`.
    pub struct_size: usize,
    /// Name or address of the broker, UTF-8, not empty; NULL: localhost.
    pub hostname: *const c_char,
    /// 1 to 65535; 0: 1883, or 8883 with TLS.
    pub port: c_int,
    /// The client identifier, UTF-8. NULL or "": a random one, which requires that `durable` is
    /// false.
    pub client_id: *const c_char,
    /// The keep alive interval in seconds, 1 to 65535; 0: 60.
    pub keepalive: c_int,
    /// The message that the broker publishes if the connection ends without a DISCONNECT; NULL:
    /// none. `tag` has to be 0, and `expiry_s` before MQTT 5, too.
    pub will: *const Publication,
    /// The user name, UTF-8; NULL: neither user name nor password.
    pub username: *const c_char,
    /// The password; NULL: none.
    pub password: *const c_char,
    /// The TLS options; NULL: no TLS.
    pub tls: *const OneshotTls,
    /// `PMQTT_PROTOCOL_V31`, `PMQTT_PROTOCOL_V311`, `PMQTT_PROTOCOL_V5` or `PMQTT_PROTOCOL_BEST`; 0:
    /// 3.1.1.
    pub protocol: c_int,
    /// The longest time that the call may take, in milliseconds; 0: 30000. Within this time, each
    /// step that `pmqtt_connect_timeout_set` lists may take 10 s at most.
    pub timeout_ms: c_int,
    /// false: a clean session. true: the broker keeps the session, and with it the messages for its
    /// subscriptions until the next call.
    pub durable: bool,
    /// The buffer for the description of a failure; may be NULL. The text is NUL-terminated, and
    /// truncated if it does not fit. It is not written on success, nor if the library does not know
    /// the version of the options.
    pub error: *mut c_char,
    /// The size of `error`, in bytes.
    pub error_size: usize,
}

/// How a one-shot uses TLS. All fields except `struct_size` may be 0.
///
/// All zeros are safe: the broker's certificate must lead to an authority of the system's store,
/// and be for the host.
///
/// @ingroup api_oneshot
#[repr(C)]
#[derive(Clone, Copy)]
pub struct OneshotTls {
    /// `sizeof(pmqtt_tls_options)`.
    pub struct_size: usize,
    /// A PEM file with the certificates of the authorities to trust; NULL: the system's store.
    pub ca_certs: *const c_char,
    /// A PEM file with the client's certificate, and those of the chain to its authority; NULL:
    /// none.
    pub certfile: *const c_char,
    /// A PEM file with the certificate's private key, not encrypted; NULL: `certfile` has it.
    pub keyfile: *const c_char,
    /// Cipher names of OpenSSL with colons between them; NULL: the choice of OpenSSL.
    pub ciphers: *const c_char,
    /// The name that the certificate must be for; NULL or "": the name of the host.
    pub server_name: *const c_char,
    /// 0: the highest version that both sides support, at least 1.2. `PMQTT_TLS_V1_0` to
    /// `PMQTT_TLS_V1_3`: only this version.
    pub tls_version: c_int,
    /// true: the client accepts a valid certificate for any name.
    pub insecure: bool,
    /// true: the client accepts any certificate, so anybody can listen.
    pub no_verify: bool,
}

impl OneshotOptions {
    /// # Safety
    /// `pointer` is NULL or points to as many bytes as its struct_size says.
    pub(super) unsafe fn read(pointer: *const OneshotOptions) -> Result<OneshotOptions> {
        if pointer.is_null() {
            // SAFETY: all bytes 0 are NULL, 0 and false.
            return Ok(unsafe { std::mem::zeroed() });
        }
        // SAFETY: the caller's promise is the same, and struct_size comes first.
        unsafe { sized::read(pointer, "options") }
    }

    /// # Safety
    /// The pointers are what the header says of them, and live through the call.
    pub(super) unsafe fn target<'a>(&self) -> Result<Target<'a>> {
        // SAFETY: the caller's promise is the same.
        let host = unsafe { optional_text(self.hostname, "hostname") }?;
        Ok(Target {
            address: Address::Host(Host {
                name: host.unwrap_or("localhost").into(),
                port: number(self.port, 65_535, "port")? as u16,
            }),
            keep_alive: match number(self.keepalive, 65_535, "keepalive")? {
                0 => KEEP_ALIVE,
                seconds => seconds as u16,
            },
            bind_address: None,
        })
    }

    pub(super) fn timeout(&self) -> Result<Duration> {
        match number(self.timeout_ms, c_int::MAX, "timeout_ms")? {
            0 => Ok(TIMEOUT),
            milliseconds => Ok(Duration::from_millis(milliseconds.into())),
        }
    }

    /// Gives a client what else there is.
    ///
    /// # Safety
    /// As for `target`.
    pub(super) unsafe fn prepare(&self, client: &Client) -> Result {
        // SAFETY: the caller's promise is the same.
        unsafe {
            let username = optional_text(self.username, "username")?;
            client.set_credentials(username, optional_bytes(self.password))?;
            if !self.will.is_null() {
                sized::read(self.will, "will")?.set_as_will(client, 0, "will")?;
            }
            if !self.tls.is_null() {
                sized::read(self.tls, "tls")?.prepare(client)?;
            }
        }
        Ok(())
    }
}

impl OneshotTls {
    /// # Safety
    /// The pointers are NULL or strings that live through the call.
    #[cfg(feature = "tls")]
    unsafe fn prepare(&self, client: &Client) -> Result {
        use crate::client::{Source, TlsOptions};

        // SAFETY: the caller's promise is the same.
        unsafe {
            if let Some(name) = optional_text(self.server_name, "tls: server_name")? {
                client.set_tls_server_name(Some(name));
            }
            if self.insecure {
                client.set_tls_insecure(true);
            }
            client.set_tls(&TlsOptions {
                authorities: optional_text(self.ca_certs, "tls: ca_certs")?.map(Source::File),
                certificate: optional_text(self.certfile, "tls: certfile")?.map(Source::File),
                key: optional_text(self.keyfile, "tls: keyfile")?.map(Source::File),
                verify: !self.no_verify,
                protocol: super::tls::protocol(self.tls_version)?,
                ciphers: optional_text(self.ciphers, "tls: ciphers")?,
            })
        }
    }

    #[cfg(not(feature = "tls"))]
    unsafe fn prepare(&self, _: &Client) -> Result {
        Err(super::tls::unsupported())
    }
}
