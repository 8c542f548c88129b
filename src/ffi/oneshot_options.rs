//! What one-shots are given, and what it means to a client.

use std::ffi::{c_char, c_int, c_void};
use std::time::Duration;

use super::messages::message;
use super::{number, optional_bytes, optional_text, sized};
use crate::client::{Address, Client, Host, Result, Target};
use crate::codec::Message;

const KEEP_ALIVE: u16 = 60;
const TIMEOUT: Duration = Duration::from_secs(30);

/// A message to publish, or a will. Everything but `struct_size` and topic may be 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Publication {
    /// `sizeof(pmqtt_publication)`. It is the stride of an array too, and the same for each element.
    pub struct_size: usize,
    /// UTF-8; not NULL, 1 to 65,535 bytes, no wildcards.
    pub topic: *const c_char,
    /// NULL with a length of 0: an empty payload.
    pub payload: *const c_void,
    /// Bytes, at the most 268,435,455 with topic and header, and 65,535 in a will.
    pub payload_len: usize,
    /// 0, 1 or 2.
    pub qos: c_int,
    /// The broker keeps the message for later subscribers.
    pub retain: bool,
}

/// How a one-shot connects. Everything but `struct_size` may be 0, which is what NULL in place of
/// the whole means too: to the broker of this host, without TLS. Not used after the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct OneshotOptions {
    /// `sizeof(pmqtt_oneshot_options)`.
    pub struct_size: usize,
    /// Name or address, UTF-8, not empty; NULL: localhost.
    pub hostname: *const c_char,
    /// 1 to 65535; 0: 1883, or 8883 with TLS.
    pub port: c_int,
    /// UTF-8; NULL or "": one is generated at random, which needs durable to be false.
    pub client_id: *const c_char,
    /// Seconds, 1 to 65535; 0: 60.
    pub keepalive: c_int,
    /// What the broker publishes when the connection ends without a DISCONNECT; NULL: nothing.
    pub will: *const Publication,
    /// UTF-8; NULL: neither user name nor password.
    pub username: *const c_char,
    /// NULL: none.
    pub password: *const c_char,
    /// NULL: no TLS.
    pub tls: *const OneshotTls,
    /// `PMQTT_PROTOCOL_V31` or `PMQTT_PROTOCOL_V311`; 0: 3.1.1.
    pub protocol: c_int,
    /// How long the call may take, in milliseconds, over 0; 0: 30000. Each step of connecting may
    /// take 10 s of it, as with `pmqtt_connect`.
    pub timeout_ms: c_int,
    /// false: a clean session. true: the broker keeps the client's session, and with it what comes
    /// for its subscriptions until the next call.
    pub durable: bool,
    /// Where a failure is told in words, NUL-terminated, and cut where it does not fit; left alone
    /// on success, and where the options are none of a version that the library knows. May be NULL.
    pub error: *mut c_char,
    /// The size of error, in bytes.
    pub error_size: usize,
}

/// How a one-shot uses TLS. Everything but `struct_size` may be 0, and is safe then: the broker's
/// certificate has to lead to an authority of the system's store, and to be for the host.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct OneshotTls {
    /// `sizeof(pmqtt_tls_options)`.
    pub struct_size: usize,
    /// A file with the certificates of the authorities to trust, PEM; NULL: the system's store.
    pub ca_certs: *const c_char,
    /// A file with the client's certificate and those that lead to its authority, PEM; NULL: none.
    pub certfile: *const c_char,
    /// A file with the certificate's key, PEM and not encrypted; NULL: it stands in certfile.
    pub keyfile: *const c_char,
    /// OpenSSL's names with colons between them; NULL: its choice.
    pub ciphers: *const c_char,
    /// The name that the certificate has to be for; NULL or "": the host's.
    pub server_name: *const c_char,
    /// 0: the best that both sides have, 1.2 at least; `PMQTT_TLS_V1_0` to `PMQTT_TLS_V1_3`: this
    /// one alone.
    pub tls_version: c_int,
    /// true: a good certificate for any name will do.
    pub insecure: bool,
    /// true: any certificate will do, and anybody can listen.
    pub no_verify: bool,
}

impl Publication {
    /// # Safety
    /// The pointers are what the header says of them, and live through the call.
    pub(super) unsafe fn message<'a>(&self, function: &str) -> Result<Message<'a>> {
        let Publication {
            struct_size: _,
            topic,
            payload,
            payload_len,
            qos,
            retain,
        } = *self;
        // SAFETY: the caller's promise is the same.
        unsafe { message(function, topic, payload, payload_len, qos, retain) }
    }
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
                let will = sized::read(self.will, "will")?;
                client.set_will(&will.message("will")?)?;
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
