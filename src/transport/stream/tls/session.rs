//! The last session, and whose it is: a resumed one skips the check of the certificate, so it is
//! good for nobody else, and for nobody who was not checked as the next connection has to be.

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslRef, SslSession};
use parking_lot::Mutex;
use std::sync::LazyLock;

#[derive(Default)]
pub struct LastSession {
    last: Mutex<Option<(Giver, SslSession)>>,
}

/// Who gives a session.
#[derive(Clone, PartialEq, Eq)]
pub struct Giver {
    pub name: String,
    /// The certificate was to be for that name.
    pub name_is_checked: bool,
}

impl LastSession {
    /// Notes on a connection whom it is made with, and offers him the session that he gave.
    pub fn resume(&self, ssl: &mut SslRef, giver: Giver) -> Result<(), ErrorStack> {
        let result = match &*self.last.lock() {
            Some((last, session)) if *last == giver => crate::sys::resume(ssl, session),
            _ => Ok(()),
        };
        if let Some(index) = *GIVER {
            ssl.set_ex_data(index, giver);
        }
        result
    }

    /// A broker has given this one. It may be the connection before the present one's.
    pub fn keep(&self, ssl: &SslRef, session: SslSession) {
        let giver = GIVER.and_then(|index| ssl.ex_data(index));
        *self.last.lock() = giver.map(|giver| (giver.clone(), session));
    }
}

/// Where a connection of OpenSSL's has who it is made with; one for all of the process. Without it
/// no session is kept.
static GIVER: LazyLock<Option<Index<Ssl, Giver>>> = LazyLock::new(|| Ssl::new_ex_index().ok());
