//! The last session, and whose it is: a resumed one skips the check of the certificate, so it is
//! good for nobody else.

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslRef, SslSession};
use parking_lot::Mutex;
use std::sync::LazyLock;

#[derive(Default)]
pub struct LastSession {
    last: Mutex<Option<(String, SslSession)>>,
}

impl LastSession {
    /// Notes on a connection whom it is made with, and offers him the session that he gave.
    pub fn resume(&self, ssl: &mut SslRef, name: &str) -> Result<(), ErrorStack> {
        ssl.set_ex_data(NAME.clone()?, name.to_owned());
        match &*self.last.lock() {
            Some((giver, session)) if giver == name => crate::sys::resume(ssl, session),
            _ => Ok(()),
        }
    }

    /// A broker has given this one. It may be the connection before the present one's.
    pub fn keep(&self, ssl: &SslRef, session: SslSession) {
        let name = NAME.as_ref().ok().and_then(|&index| ssl.ex_data(index));
        *self.last.lock() = name.map(|name| (name.clone(), session));
    }
}

/// Where a connection of OpenSSL's has the name that was asked for; one for all of the process.
static NAME: LazyLock<Result<Index<Ssl, String>, ErrorStack>> = LazyLock::new(Ssl::new_ex_index);
