//! What OpenSSL's callbacks need to know of a connection: they get the connection only.

use super::session::{Giver, LastSession};
use super::words::describe;
use crate::sys::Listener;
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslRef, SslSession};
use openssl::x509::X509StoreContextRef;
use parking_lot::Mutex;
use std::sync::{Arc, LazyLock};
use zeroize::Zeroizing;

pub struct Attached {
    pub giver: Giver,
    /// Keeps the session that this connection provides.
    pub session: Arc<LastSession>,
    pub psk: Option<Arc<Psk>>,
    /// Why the certificate was refused.
    pub refusal: Arc<Mutex<Option<String>>>,
}

/// A key that both sides have: TLS-PSK.
#[derive(Clone)]
pub struct Psk {
    pub identity: Vec<u8>,
    pub key: Zeroizing<Vec<u8>>,
}

impl Attached {
    /// Without an index the callbacks find nothing and do nothing.
    pub fn attach(self, ssl: &mut SslRef) {
        if let Some(index) = *INDEX {
            ssl.set_ex_data(index, self);
        }
    }

    fn of(ssl: &SslRef) -> Option<&Attached> {
        INDEX.and_then(|index| ssl.ex_data(index))
    }
}

impl Listener for Attached {
    /// `ssl` may be older than the client's present connection, so the giver is its own.
    fn new_session(ssl: &SslRef, session: SslSession) {
        if let Some(own) = Attached::of(ssl) {
            own.session.keep(own.giver.clone(), session);
        }
    }

    fn psk(ssl: &SslRef, identity: &mut [u8], key: &mut [u8]) -> usize {
        let psk = Attached::of(ssl).and_then(|own| own.psk.as_ref());
        let fits =
            |psk: &&Arc<Psk>| psk.identity.len() < identity.len() && psk.key.len() <= key.len();
        let Some(psk) = psk.filter(fits) else {
            return 0;
        };
        identity[..psk.identity.len()].copy_from_slice(&psk.identity);
        identity[psk.identity.len()] = 0;
        key[..psk.key.len()].copy_from_slice(&psk.key);
        psk.key.len()
    }

    fn refused(ssl: &SslRef, context: &X509StoreContextRef) {
        if let Some(own) = Attached::of(ssl) {
            *own.refusal.lock() = Some(describe(context));
        }
    }
}

/// OpenSSL's index of it, one for the process.
static INDEX: LazyLock<Option<Index<Ssl, Attached>>> = LazyLock::new(|| Ssl::new_ex_index().ok());
