//! The program's settings. They are checked at once: an error that can be found now does not wait for
//! the first connection.

use super::attached::{Attached, Psk};
use super::context::Context;
use super::queue::OwnQueue;
use super::words::text;
use crate::sys;
use crate::sys::tls_gate::Kept;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    SslContext, SslContextBuilder, SslMethod, SslOptions, SslSessionCacheMode, SslVerifyMode,
    SslVersion,
};
use openssl::x509::X509;
use std::sync::Arc;

#[derive(Clone)]
pub struct Settings {
    pub authorities: Authorities,
    pub identity: Option<Identity>,
    /// The chain of the broker's certificate must end at one of the authorities.
    pub verify: bool,
    /// None: the best version that both sides have, at least 1.2.
    pub protocol: Option<Protocol>,
    /// OpenSSL's names, separated by colons; those of TLS 1.3 may be among them.
    pub ciphers: Option<String>,
    pub psk: Option<Psk>,
    /// The program's own context, which replaces all other settings.
    pub context: Option<SslContext>,
}

/// Which authorities are trusted.
#[derive(Clone)]
pub enum Authorities {
    /// The system's certificate store.
    System,
    These(Vec<X509>),
}

/// The client's certificate, the chain to its authority, and its key.
#[derive(Clone)]
pub struct Identity {
    chain: Vec<X509>,
    key: PKey<Private>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Tls10,
    Tls11,
    Tls12,
    Tls13,
}

/// Fills a buffer with a key's password, and returns its length. None: there is no password.
pub type KeyPassword<'a> = &'a mut dyn FnMut(&mut [u8]) -> Option<usize>;

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            authorities: Authorities::System,
            identity: None,
            verify: true,
            protocol: None,
            ciphers: None,
            psk: None,
            context: None,
        }
    }
}

impl Authorities {
    /// `source` names where the bytes came from, for the error.
    pub fn from_pem(pem: &[u8], source: &str) -> Result<Authorities, String> {
        let _queue = OwnQueue::new();
        certificates(pem, source).map(Authorities::These)
    }
}

impl Identity {
    pub fn from_pem(
        certificate: (&[u8], &str),
        key: (&[u8], &str),
        password: KeyPassword,
    ) -> Result<Identity, String> {
        let mut queue = OwnQueue::new();
        let chain = certificates(certificate.0, certificate.1)?;
        let source = key.1;
        let key = private_key(key.0, source, password, &mut queue)?;
        let certified = chain[0]
            .public_key()
            .map_err(|error| text(certificate.1, &error))?;
        match certified.public_eq(&key) {
            true => Ok(Identity { chain, key }),
            false => Err(format!(
                "{source}: the key does not belong to {}",
                certificate.1
            )),
        }
    }
}

impl Settings {
    /// Makes what connections share. The error says which setting cannot be used.
    pub fn build(&self) -> Result<Context, String> {
        let _queue = OwnQueue::new();
        Ok(Context {
            ssl: Kept::new(match &self.context {
                Some(own) => own.clone(),
                None => self.context()?,
            }),
            is_programs_own: self.context.is_some(),
            session: Arc::default(),
            psk: self.psk.clone().map(Arc::new),
        })
    }

    fn context(&self) -> Result<SslContext, String> {
        let mut builder = SslContextBuilder::new(SslMethod::tls_client())
            .map_err(|error| text("context", &error))?;
        builder.set_options(SslOptions::NO_RENEGOTIATION);
        builder.set_verify(match self.verify {
            true => SslVerifyMode::PEER,
            false => SslVerifyMode::NONE,
        });
        self.set_protocol(&mut builder)
            .map_err(|error| text("tls_version", &error))?;
        self.set_authorities(&mut builder)
            .map_err(|error| text("ca_certs", &error))?;
        self.set_identity(&mut builder)?;
        self.set_ciphers(&mut builder)?;
        if self.psk.is_some() {
            sys::ask_for_psk::<Attached>(&mut builder);
        }
        builder
            .set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
        sys::tell_of_sessions::<Attached>(&mut builder);
        Ok(builder.build())
    }

    fn set_protocol(&self, builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        let Some(protocol) = self.protocol else {
            return builder.set_min_proto_version(Some(SslVersion::TLS1_2));
        };
        let version = match protocol {
            Protocol::Tls10 => SslVersion::TLS1,
            Protocol::Tls11 => SslVersion::TLS1_1,
            Protocol::Tls12 => SslVersion::TLS1_2,
            Protocol::Tls13 => SslVersion::TLS1_3,
        };
        if matches!(protocol, Protocol::Tls10 | Protocol::Tls11) {
            // OpenSSL 3 allows the SHA-1 and MD5 signatures of these versions at level 0 only.
            builder.set_security_level(0);
        }
        builder.set_min_proto_version(Some(version))?;
        builder.set_max_proto_version(Some(version))
    }

    fn set_authorities(&self, builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        match &self.authorities {
            // Without verification the authorities are not used.
            _ if !self.verify => Ok(()),
            Authorities::System => builder.set_default_verify_paths(),
            Authorities::These(certificates) => certificates
                .iter()
                .try_for_each(|certificate| builder.cert_store_mut().add_cert(certificate.clone())),
        }
    }

    fn set_identity(&self, builder: &mut SslContextBuilder) -> Result<(), String> {
        let Some(Identity { chain, key }) = &self.identity else {
            return Ok(());
        };
        let [leaf, others @ ..] = &chain[..] else {
            return Ok(());
        };
        builder
            .set_certificate(leaf)
            .map_err(|error| text("certfile", &error))?;
        for certificate in others {
            builder
                .add_extra_chain_cert(certificate.clone())
                .map_err(|error| text("certfile", &error))?;
        }
        builder
            .set_private_key(key)
            .map_err(|error| text("keyfile", &error))
    }

    fn set_ciphers(&self, builder: &mut SslContextBuilder) -> Result<(), String> {
        let Some(ciphers) = &self.ciphers else {
            return Ok(());
        };
        let (suites, others): (Vec<_>, Vec<_>) = ciphers
            .split(':')
            .partition(|name| name.starts_with("TLS_"));
        let named = |_| format!("ciphers: OpenSSL knows no cipher of {ciphers}");
        if !suites.is_empty() {
            builder.set_ciphersuites(&suites.join(":")).map_err(named)?;
        }
        if !others.is_empty() {
            builder.set_cipher_list(&others.join(":")).map_err(named)?;
        }
        Ok(())
    }
}

fn certificates(pem: &[u8], source: &str) -> Result<Vec<X509>, String> {
    match X509::stack_from_pem(pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(format!("{source}: there is no certificate in it")),
        Err(error) => Err(text(source, &error)),
    }
}

fn private_key(
    pem: &[u8],
    source: &str,
    password: KeyPassword,
    queue: &mut OwnQueue,
) -> Result<PKey<Private>, String> {
    let mut asked = false;
    let key = PKey::private_key_from_pem_callback(pem, |buffer| {
        asked = true;
        queue.lend(|| password(buffer)).ok_or_else(ErrorStack::get)
    });
    key.map_err(|_| match asked {
        true => format!("{source}: the key is encrypted, and the password is missing or wrong"),
        // OpenSSL itself would only say "unsupported".
        false => format!("{source}: there is no private key in it that OpenSSL can use"),
    })
}
