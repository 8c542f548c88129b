//! The calls of OpenSSL that its binding does not have, or cannot make safe.

use foreign_types::ForeignTypeRef;
use openssl::error::ErrorStack;
use openssl::ssl::{SslMode, SslRef, SslSession};
use std::ffi::{c_int, c_long, c_void};
use std::ptr::null_mut;

/// SSL_set_mode is a macro over SSL_ctrl.
const SSL_CTRL_MODE: c_int = 33;

unsafe extern "C" {
    fn SSL_ctrl(ssl: *mut c_void, command: c_int, number: c_long, pointer: *mut c_void) -> c_long;
    fn SSL_has_pending(ssl: *const c_void) -> c_int;
    fn SSL_get_wbio(ssl: *const c_void) -> *mut c_void;
    fn BIO_number_written(bio: *mut c_void) -> u64;
    fn SSL_set_read_ahead(ssl: *mut c_void, yes: c_int);
}

/// Offers to resume a session.
pub fn resume(ssl: &mut SslRef, session: &SslSession) -> Result<(), ErrorStack> {
    // SAFETY: OpenSSL requires that the session came from a connection of the same context, or of
    // one with the same method. All our contexts are made with the client method of TLS, and a
    // session is kept beside the context whose connections made it.
    unsafe { ssl.set_session(session) }
}

/// Sets modes for one connection, whosever its context is.
pub fn set_mode(ssl: &mut SslRef, mode: SslMode) {
    let bits = mode.bits() as c_long;
    // SAFETY: the reference is to a live SSL; this command takes the number alone.
    unsafe { SSL_ctrl(ssl.as_ptr().cast(), SSL_CTRL_MODE, bits, null_mut()) };
}

/// Takes from the socket what is there, and not a record at a time in two calls.
pub fn read_ahead(ssl: &mut SslRef) {
    // SAFETY: the reference is to a live SSL.
    unsafe { SSL_set_read_ahead(ssl.as_ptr().cast(), 1) }
}

/// Whether OpenSSL holds bytes that came from the socket, be they a whole record or not.
pub fn holds_bytes(ssl: &SslRef) -> bool {
    // SAFETY: the reference is to a live SSL, which is only looked at.
    unsafe { SSL_has_pending(ssl.as_ptr().cast()) == 1 }
}

/// How many bytes OpenSSL has given to the socket so far.
pub fn bytes_written(ssl: &SslRef) -> u64 {
    // SAFETY: the reference is to a live SSL, which is only looked at.
    let bio = unsafe { SSL_get_wbio(ssl.as_ptr().cast()) };
    if bio.is_null() {
        return 0;
    }
    // SAFETY: the SSL owns the BIO and is alive, and this only reads its counter.
    unsafe { BIO_number_written(bio) }
}
