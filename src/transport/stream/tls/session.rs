//! The last session, and whose it is. A resumed session skips the check of the certificate. So it is
//! offered only to the name that gave it, and only where that name was checked in the same way.

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
    /// Notes with a connection who its peer is, and offers the session that this peer gave.
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

    /// Keeps a session that a broker has given, perhaps on the connection before the present one.
    pub fn keep(&self, ssl: &SslRef, session: SslSession) {
        let giver = GIVER.and_then(|index| ssl.ex_data(index));
        *self.last.lock() = giver.map(|giver| (giver.clone(), session));
    }
}

/// The index under which an OpenSSL connection stores its giver, one for the process. Without it no
/// session is kept.
static GIVER: LazyLock<Option<Index<Ssl, Giver>>> = LazyLock::new(|| Ssl::new_ex_index().ok());
