//! What a program wants of TLS. It is checked when it is set, and takes effect with the next
//! connection.

use std::fs;

use openssl::ssl::SslContext;

use super::Client;
use super::error::{Code, Error, Result};
use crate::transport::Tls;
use crate::transport::tls::{Authorities, Identity, KeyPassword, Protocol, Psk, Settings};

#[derive(Default)]
pub struct Security {
    settings: Settings,
    /// None while connections are not secured.
    tls: Option<Tls>,
}

impl Security {
    pub fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
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
        self.secure(|settings| {
            settings.authorities = authorities;
            settings.identity = identity;
            settings.verify = options.verify;
            settings.protocol = options.protocol;
            settings.ciphers = options.ciphers.map(str::to_owned);
            settings.context = None;
        })
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
        self.secure(|settings| {
            settings.psk = Some(psk);
            settings.context = None;
        })
    }

    /// The program's own context; None: back to what the other functions set.
    pub fn set_tls_context(&self, context: Option<SslContext>) -> Result {
        self.secure(|settings| settings.context = context)
    }

    pub fn set_tls_insecure(&self, insecure: bool) -> Result {
        self.adjust(|settings| settings.verify_name = !insecure)
    }

    pub fn set_tls_server_name(&self, name: Option<&str>) -> Result {
        let name = name.filter(|name| !name.is_empty()).map(str::to_owned);
        self.adjust(|settings| settings.server_name = name)
    }

    pub fn set_tls_alpn(&self, protocols: Vec<Vec<u8>>) -> Result {
        self.adjust(|settings| settings.alpn = protocols)
    }

    /// Asks the program for the password of its key, with no lock held.
    fn ask_password(&self, buffer: &mut [u8]) -> Option<usize> {
        let state = self.lock();
        let callback = state.callbacks.key_password?;
        let (client, userdata) = (state.handle(), state.callbacks.userdata());
        drop(state);
        let length = callback(client, userdata, buffer.as_mut_ptr().cast(), buffer.len());
        usize::try_from(length).ok().filter(|&n| n <= buffer.len())
    }

    /// Changes what holds once TLS is on.
    fn adjust(&self, change: impl FnOnce(&mut Settings)) -> Result {
        let is_on = self.lock().security.tls.is_some();
        self.apply(change, is_on)
    }

    /// Turns TLS on.
    fn secure(&self, change: impl FnOnce(&mut Settings)) -> Result {
        self.apply(change, true)
    }

    fn apply(&self, change: impl FnOnce(&mut Settings), on: bool) -> Result {
        let mut settings = self.lock().security.settings.clone();
        change(&mut settings);
        // The system's store has to be read for it, so it is done without the lock, and only once
        // there is a use for it.
        let tls = match on {
            true => Some(settings.build().map_err(refused)?),
            false => settings.check().map(|()| None).map_err(refused)?,
        };
        self.lock().security = Security { settings, tls };
        Ok(())
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
