//! The last session, and which peer gave it. A resumed session skips the check of the certificate. So
//! it is offered only to the name that gave it, and only if that name was checked in the same way.

use crate::sys::tls_gate::Kept;
use openssl::error::ErrorStack;
use openssl::ssl::{SslRef, SslSession};
use parking_lot::Mutex;

#[derive(Default)]
pub struct LastSession {
    last: Mutex<Option<(Giver, Kept<SslSession>)>>,
}

/// The peer that gave a session.
#[derive(Clone, PartialEq, Eq)]
pub struct Giver {
    pub name: String,
    /// The certificate had to be for that name.
    pub name_is_checked: bool,
}

impl LastSession {
    /// Offers the session that this peer gave.
    pub fn resume(&self, ssl: &mut SslRef, giver: &Giver) -> Result<(), ErrorStack> {
        match &*self.last.lock() {
            Some((last, session)) if last == giver => crate::sys::resume(ssl, session),
            _ => Ok(()),
        }
    }

    pub fn keep(&self, giver: Giver, session: SslSession) {
        *self.last.lock() = Some((giver, Kept::new(session)));
    }
}
