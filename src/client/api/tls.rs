//! The TLS settings of a program.

use std::fs;
use std::sync::Arc;

use openssl::ssl::SslContext;
use zeroize::Zeroizing;

use crate::client::driver::deliver;
use crate::client::error::{Code, Error, Result};
use crate::client::events;
use crate::client::handle::Client;
use crate::client::state::State;
use crate::client::state::security::Security;
use crate::client::turn::Frame;
use crate::sys::tls_gate::{self, Inside};
use crate::transport::tls::{Authorities, Identity, KeyPassword, Protocol, Psk, Settings};

/// Where certificates and keys come from.
pub enum Source<'a> {
    File(&'a str),
    Pem(&'a str),
}

/// The arguments of `tls_set`.
pub struct TlsOptions<'a> {
    /// None: the system's store.
    pub authorities: Option<Source<'a>>,
    pub certificate: Option<Source<'a>>,
    /// None: the key comes from the same source as the certificate.
    pub key: Option<Source<'a>>,
    pub verify: bool,
    pub protocol: Option<Protocol>,
    pub ciphers: Option<&'a str>,
}

impl Client {
    pub fn set_tls(&self, options: &TlsOptions) -> Result {
        let _inside = enter()?;
        let authorities = match &options.authorities {
            None => Authorities::System,
            Some(source) => {
                let pem = source.read("ca_certs")?;
                Authorities::from_pem(&pem, &source.name("ca_certs")).map_err(refused)?
            }
        };
        let identity = identity(options, &mut |buffer| self.ask_password(buffer))?;
        self.change_tls(Change::Set(Box::new(|settings| {
            settings.authorities = authorities;
            settings.identity = identity;
            settings.verify = options.verify;
            settings.protocol = options.protocol;
            settings.ciphers = options.ciphers.map(str::to_owned);
        })))
    }

    pub fn set_tls_psk(&self, identity: &str, key: &[u8]) -> Result {
        if identity.is_empty() || key.is_empty() {
            return Err(Error::inval(
                "tls_psk_set: identity and key must not be empty",
            ));
        }
        let psk = Psk {
            identity: identity.as_bytes().to_vec(),
            key: Zeroizing::new(key.to_vec()),
        };
        self.change_tls(Change::Set(Box::new(|settings| settings.psk = Some(psk))))
    }

    /// Sets the program's own context. None: the settings of the other functions apply again, if
    /// there are any.
    pub fn set_tls_context(&self, context: Option<SslContext>) -> Result {
        self.change_tls(Change::Context(context))
    }

    pub fn set_tls_key_password(&self, callback: Option<events::KeyPassword>) {
        security(&mut self.lock()).key_password = callback;
    }

    pub fn set_tls_insecure(&self, insecure: bool) {
        security(&mut self.lock()).peer.any_name = insecure;
    }

    pub fn set_tls_server_name(&self, name: Option<&str>) {
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        security(&mut self.lock()).peer.server_name = name;
    }

    pub fn set_tls_alpn(&self, protocols: &[Vec<u8>]) -> Result {
        let offered = security(&mut self.lock()).peer.offer(protocols);
        offered.map_err(refused)
    }

    /// Asks the program for the password of its key, with no lock held.
    fn ask_password(&self, buffer: &mut [u8]) -> Option<usize> {
        let mut state = Frame::new(self, self.lock());
        let callback = state.security.as_ref()?.key_password?;
        deliver::key_password(&mut state, callback, buffer)
    }

    /// Changes the settings, and makes the context of the next connection. Does so without the lock
    /// of the client, because it may have to read files. Only one change runs at a time, from its
    /// beginning to its end.
    fn change_tls(&self, change: Change) -> Result {
        let _inside = enter()?;
        let only = Arc::clone(&security(&mut self.lock()).change);
        let _only = only.lock();
        let mut state = self.lock();
        let mut settings = security(&mut state).settings.clone();
        let mut is_set = security(&mut state).is_set;
        drop(state);
        match change {
            Change::Set(set) => {
                set(&mut settings);
                settings.context = None;
                is_set = true;
            }
            Change::Context(context) => settings.context = context,
        }
        let context = match is_set || settings.context.is_some() {
            true => Some(settings.build().map_err(refused)?),
            false => None,
        };
        let mut state = self.lock();
        state.changed();
        let security = security(&mut state);
        security.settings = settings;
        security.is_set = is_set;
        security.context = context;
        Ok(())
    }
}

/// A change of the settings.
enum Change<'a> {
    /// The program sets options, and gives up a context of its own.
    Set(Box<dyn FnOnce(&mut Settings) + 'a>),
    /// The program's own context; None: it has none from now on.
    Context(Option<SslContext>),
}

fn enter() -> Result<Inside> {
    tls_gate::enter_first().ok_or_else(|| refused("the process ends".to_owned()))
}

fn security(state: &mut State) -> &mut Security {
    state.security.get_or_insert_default()
}

impl Source<'_> {
    /// Zeroized, because it may be a key.
    fn read(&self, what: &str) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            Source::Pem(pem) => Ok(pem.as_bytes().to_vec().into()),
            Source::File(path) => {
                let pem = fs::read(path);
                pem.map_err(|error| Error::os(&format!("tls: {what} {path}"), &error))
                    .map(Zeroizing::new)
            }
        }
    }

    fn name(&self, what: &str) -> String {
        match self {
            Source::Pem(_) => what.to_owned(),
            Source::File(path) => format!("{what} {path}"),
        }
    }
}

fn identity(options: &TlsOptions, password: KeyPassword) -> Result<Option<Identity>> {
    let Some(certificate) = &options.certificate else {
        return match options.key {
            None => Ok(None),
            Some(_) => Err(Error::inval("tls: a keyfile needs a certfile")),
        };
    };
    let chain = certificate.read("certfile")?;
    let key = options.key.as_ref().unwrap_or(certificate);
    let key_pem = key.read("keyfile")?;
    Identity::from_pem(
        (&chain, &certificate.name("certfile")),
        (&key_pem, &key.name("keyfile")),
        password,
    )
    .map(Some)
    .map_err(refused)
}

fn refused(why: String) -> Error {
    Error::new(Code::Tls, format!("tls: {why}"))
}
