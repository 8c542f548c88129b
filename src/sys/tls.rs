//! The one call of OpenSSL that its binding cannot make safe.

use openssl::error::ErrorStack;
use openssl::ssl::{SslRef, SslSession};

/// Offers to resume a session.
pub fn resume(ssl: &mut SslRef, session: &SslSession) -> Result<(), ErrorStack> {
    // SAFETY: OpenSSL requires that the session came from a connection of the same context, or of
    // one with the same method. All our contexts are made with the client method of TLS, and a
    // session is kept beside the context whose connections made it.
    unsafe { ssl.set_session(session) }
}
