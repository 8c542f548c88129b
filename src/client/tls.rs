//! What a program wants of TLS. It is checked when it is set, and takes effect with the next
//! connection.

use std::fs;
use std::sync::Arc;

use openssl::ssl::SslContext;
use parking_lot::{Mutex, MutexGuard};

use super::error::{Code, Error, Result};
use super::state::State;
use super::turn::Frame;
use super::{Client, events};
use crate::transport::Tls;
use crate::transport::tls::{
    Authorities, Context, Identity, KeyPassword, Peer, Protocol, Psk, Settings,
};

#[derive(Default)]
pub struct Security {
    settings: Settings,
    /// The settings are the program's, and not only what holds while it has a context of its own.
    is_set: bool,
    /// Made of the settings; None while connections are not secured.
    context: Option<Context>,
    peer: Peer,
    key_password: Option<events::KeyPassword>,
    /// Held while a context is made, so that of two changes at a time neither is lost.
    change: Arc<Mutex<()>>,
}

impl Security {
    /// What the next connection is secured with.
    pub fn tls(&self) -> Option<Tls> {
        Some(Tls {
            context: self.context.clone()?,
            peer: self.peer.clone(),
        })
    }
}

/// Where certificates and keys come from.
pub enum Source<'a> {
    File(&'a str),
    Pem(&'a str),
}

/// What `tls_set` is given.
pub struct TlsOptions<'a> {
    /// None: the system's store.
    pub authorities: Option<Source<'a>>,
    pub certificate: Option<Source<'a>>,
    /// None: it stands beside the certificate.
    pub key: Option<Source<'a>>,
    pub verify: bool,
    pub protocol: Option<Protocol>,
    pub ciphers: Option<&'a str>,
}

impl Client {
    pub fn set_tls(&self, options: &TlsOptions) -> Result {
        let authorities = match &options.authorities {
            None => Authorities::System,
            Some(source) => {
                let pem = source.read("ca_certs")?;
                Authorities::from_pem(&pem, &source.name("ca_certs")).map_err(refused)?
            }
        };
        let identity = identity(options, &mut |buffer| self.ask_password(buffer))?;
        self.secure(Box::new(|settings| {
            settings.authorities = authorities;
            settings.identity = identity;
            settings.verify = options.verify;
            settings.protocol = options.protocol;
            settings.ciphers = options.ciphers.map(str::to_owned);
            settings.context = None;
        }))?;
        self.lock().security().is_set = true;
        Ok(())
    }

    pub fn set_tls_psk(&self, identity: &str, key: &[u8]) -> Result {
        if identity.is_empty() || key.is_empty() {
            return Err(Error::inval(
                "tls_psk_set: identity and key must not be empty",
            ));
        }
        let psk = Psk {
            identity: identity.as_bytes().to_vec(),
            key: key.to_vec(),
        };
        self.secure(Box::new(|settings| {
            settings.psk = Some(psk);
            settings.context = None;
        }))?;
        self.lock().security().is_set = true;
        Ok(())
    }

    /// The program's own context; None: back to what the other functions set, if that is anything.
    pub fn set_tls_context(&self, context: Option<SslContext>) -> Result {
        let mut state = self.lock();
        let security = state.security();
        if context.is_none() && !security.is_set {
            security.settings.context = None;
            security.context = None;
            return Ok(());
        }
        drop(state);
        self.secure(Box::new(|settings| settings.context = context))
    }

    pub fn set_tls_key_password(&self, callback: Option<events::KeyPassword>) {
        self.lock().security().key_password = callback;
    }

    pub fn set_tls_insecure(&self, insecure: bool) {
        self.lock().security().peer.any_name = insecure;
    }

    pub fn set_tls_server_name(&self, name: Option<&str>) {
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        self.lock().security().peer.server_name = name;
    }

    pub fn set_tls_alpn(&self, protocols: &[Vec<u8>]) -> Result {
        let offered = self.lock().security().peer.offer(protocols);
        offered.map_err(refused)
    }

    /// Asks the program for the password of its key, with no lock held.
    fn ask_password(&self, buffer: &mut [u8]) -> Option<usize> {
        let mut state = Frame::new(self, self.lock());
        let callback = state.security.as_ref()?.key_password?;
        let (client, userdata) = (state.handle(), state.callbacks.userdata());
        let length = MutexGuard::unlocked(&mut state, || {
            callback(client, userdata, buffer.as_mut_ptr().cast(), buffer.len())
        });
        usize::try_from(length).ok().filter(|&n| n <= buffer.len())
    }

    /// Turns TLS on. Files may have to be read for the context, so it is made without the lock.
    fn secure(&self, change: Box<dyn FnOnce(&mut Settings) + '_>) -> Result {
        let only = Arc::clone(&self.lock().security().change);
        let _only = only.lock();
        let mut settings = self.lock().security().settings.clone();
        change(&mut settings);
        let context = settings.build().map_err(refused)?;
        let mut state = self.lock();
        let security = state.security();
        security.settings = settings;
        security.context = Some(context);
        Ok(())
    }
}

impl State {
    fn security(&mut self) -> &mut Security {
        self.security.get_or_insert_default()
    }
}

impl Source<'_> {
    fn read(&self, what: &str) -> Result<Vec<u8>> {
        match self {
            Source::Pem(pem) => Ok(pem.as_bytes().to_vec()),
            Source::File(path) => {
                fs::read(path).map_err(|error| Error::os(&format!("tls: {what} {path}"), &error))
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
            Some(_) => Err(Error::inval(
                "tls: a keyfile is of no use without a certfile",
            )),
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
