//! The handshake: a connected socket becomes a secured one, or there is a reason why not.

use super::attached::Attached;
use super::context::Tls;
use super::queue::Visit;
use super::session::Giver;
use super::stream::TlsStream;
use super::words::{NO_TLS, reason, text, words};
use crate::sys::tls_gate::{self, Kept};
use crate::sys::{self, Watch};
use crate::transport::address::ScopedIp;
use crate::transport::error::{Error, Stage};
use crate::transport::stream::Stream;
use crate::transport::stream::tcp::Tcp;
use openssl::error::ErrorStack;
use openssl::ssl::{ErrorCode, Ssl, SslMode, SslRef, SslStream, SslVerifyMode};
use openssl::x509::verify::X509CheckFlags;
use parking_lot::Mutex;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

/// A handshake that has no socket yet.
///
/// Whatever can fail is done here: once a loop may watch the socket, a failure must not close it.
pub struct Prepared {
    ssl: Kept<Ssl>,
    name: String,
    refusal: Arc<Mutex<Option<String>>>,
}

/// A handshake that is under way.
pub struct Handshake {
    stream: Option<Kept<SslStream<Tcp>>>,
    /// The name that the certificate has to be for.
    name: String,
    /// Why the certificate was refused.
    refusal: Arc<Mutex<Option<String>>>,
    wants_write: bool,
}

impl Prepared {
    pub fn new(tls: &Tls, host: &str) -> Result<Prepared, Error> {
        let name = tls.peer.server_name.as_deref().unwrap_or(host);
        let _visit = Visit::enter().ok_or_else(process_ends)?;
        let name = name_for_tls(name);
        let refusal = Arc::new(Mutex::new(None));
        match prepare(tls, &name, &refusal) {
            Ok(ssl) => Ok(Prepared {
                ssl: Kept::new(ssl),
                name,
                refusal,
            }),
            Err(error) => Err(Error::new(Stage::Tls, text(&name, &error))),
        }
    }

    /// Begins over a connected socket. It fails, and closes the socket, only if there is no memory or
    /// the process is ending.
    pub fn start(self, tcp: Tcp) -> Result<Handshake, Error> {
        let _visit = Visit::enter().ok_or_else(process_ends)?;
        let Prepared { ssl, name, refusal } = self;
        match SslStream::new(ssl.into_inner(), tcp) {
            Ok(stream) => Ok(Handshake {
                stream: Some(Kept::new(stream)),
                name,
                refusal,
                wants_write: false,
            }),
            Err(error) => Err(Error::new(Stage::Tls, text(&name, &error))),
        }
    }
}

impl Handshake {
    /// Once the handshake is done: the secured stream, and a description of its security.
    pub fn advance(&mut self) -> Result<Option<(TlsStream, String)>, Error> {
        let Some(stream) = &mut self.stream else {
            return Ok(None);
        };
        let Some(_visit) = Visit::enter() else {
            tls_gate::rest();
            return Ok(None);
        };
        match stream.connect() {
            Ok(()) => Ok(self.stream.take().map(|stream| {
                let how = describe_session(stream.ssl());
                (TlsStream::new(stream), how)
            })),
            Err(error) => match error.code() {
                ErrorCode::WANT_READ => {
                    self.wants_write = false;
                    Ok(None)
                }
                ErrorCode::WANT_WRITE => {
                    self.wants_write = true;
                    Ok(None)
                }
                _ => Err(self.failure(error)),
            },
        }
    }

    pub fn watch(&self) -> Option<Watch> {
        let stream = self.stream.as_ref()?;
        Some(Watch {
            read: !self.wants_write,
            ..stream.get_ref().watch(self.wants_write)
        })
    }

    fn failure(&self, error: openssl::ssl::Error) -> Error {
        let refusal = self.refusal.lock().take();
        let words = match (refusal, error.ssl_error()) {
            (Some(refusal), _) => refusal,
            (None, Some(stack)) => self.refused(stack),
            (None, None) => self.broken_off(error.io_error()),
        };
        Error::new(Stage::Tls, format!("{}: {words}", self.name))
    }

    /// One side has refused the other. A program's own context reports no reason by itself, so this
    /// asks for the result of the check.
    fn refused(&self, stack: &ErrorStack) -> String {
        match &self.stream {
            Some(stream) if reason(stack) == "certificate verify failed" => {
                let why = stream.ssl().verify_result().error_string();
                format!("the broker's certificate: {why}")
            }
            _ => words(stack),
        }
    }

    /// The broker has ended the connection. If it never sent any TLS, it may not speak TLS.
    fn broken_off(&self, error: Option<&io::Error>) -> String {
        let how = match error {
            Some(error) => error.to_string(),
            None => "the broker closed the connection".to_owned(),
        };
        let stream = self.stream.as_ref();
        match stream.is_some_and(|stream| stream.ssl().current_cipher().is_none()) {
            true => format!("{how}; {NO_TLS}"),
            false => how,
        }
    }
}

/// TLS states an address without brackets, and without its zone, which has a meaning on this machine
/// only (RFC 4007, section 11).
fn name_for_tls(host: &str) -> String {
    let name = host.trim_start_matches('[').trim_end_matches([']', '.']);
    match name.parse::<ScopedIp>() {
        Ok(address) => address.ip.to_string(),
        Err(_) => name.to_owned(),
    }
}

fn process_ends() -> Error {
    Error::new(Stage::Tls, "the process ends".to_owned())
}

fn prepare(tls: &Tls, name: &str, refusal: &Arc<Mutex<Option<String>>>) -> Result<Ssl, ErrorStack> {
    let mut ssl = Ssl::new(&tls.context.ssl)?;
    // A write may take one record only, and the rest may be at another address when it is written. An
    // idle connection frees its buffers.
    sys::set_mode(
        &mut ssl,
        SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            | SslMode::RELEASE_BUFFERS,
    );
    sys::read_ahead(&mut ssl);
    let ip = name.parse::<IpAddr>().ok();
    if ip.is_none() {
        // RFC 6066: an address is not a server name.
        ssl.set_hostname(name)?;
    }
    let is_checked = ssl.verify_mode().contains(SslVerifyMode::PEER);
    let name_is_checked = is_checked && !tls.peer.any_name;
    if name_is_checked {
        let param = ssl.param_mut();
        param.set_hostflags(X509CheckFlags::NO_PARTIAL_WILDCARDS);
        match ip {
            Some(ip) => param.set_ip(ip)?,
            None => param.set_host(name)?,
        }
    }
    if !tls.peer.alpn().is_empty() {
        ssl.set_alpn_protos(tls.peer.alpn())?;
    }
    // A program's own context may have its own callback.
    if is_checked && !tls.context.is_programs_own {
        sys::tell_of_refusals::<Attached>(&mut ssl);
    }
    let giver = Giver {
        name: name.to_owned(),
        name_is_checked,
    };
    tls.context.session.resume(&mut ssl, &giver)?;
    let attached = Attached {
        giver,
        session: Arc::clone(&tls.context.session),
        psk: tls.context.psk.clone(),
        refusal: Arc::clone(refusal),
    };
    attached.attach(&mut ssl);
    Ok(ssl)
}

/// For example `TLSv1.3, TLS_AES_256_GCM_SHA384`.
fn describe_session(ssl: &SslRef) -> String {
    let cipher = ssl
        .current_cipher()
        .map_or("no cipher", |cipher| cipher.name());
    let resumed = if ssl.session_reused() {
        ", a session resumed"
    } else {
        ""
    };
    format!("{}, {cipher}{resumed}", ssl.version_str())
}
