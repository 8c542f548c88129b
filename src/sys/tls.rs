//! The calls of OpenSSL that its binding does not have, or cannot make safe.

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::ssl::{SslContextBuilder, SslMode, SslRef, SslSession, SslVerifyMode};
use openssl::x509::{X509StoreContext, X509StoreContextRef};
use std::ffi::{c_char, c_int, c_long, c_uchar, c_uint, c_void};
use std::ptr::null_mut;
use std::slice;

/// SSL_set_mode is a macro over SSL_ctrl.
const SSL_CTRL_MODE: c_int = 33;

unsafe extern "C" {
    fn SSL_ctrl(ssl: *mut c_void, command: c_int, number: c_long, pointer: *mut c_void) -> c_long;
    fn SSL_has_pending(ssl: *const c_void) -> c_int;
    fn SSL_get_wbio(ssl: *const c_void) -> *mut c_void;
    fn BIO_number_written(bio: *mut c_void) -> u64;
    fn SSL_set_read_ahead(ssl: *mut c_void, yes: c_int);
    fn SSL_CTX_sess_set_new_cb(context: *mut c_void, callback: NewSession);
    fn SSL_CTX_set_psk_client_callback(context: *mut c_void, callback: PskClient);
    fn SSL_set_verify(ssl: *mut c_void, mode: c_int, callback: Verify);
}

type NewSession = unsafe extern "C" fn(ssl: *mut c_void, session: *mut c_void) -> c_int;
type PskClient = unsafe extern "C" fn(
    ssl: *mut c_void,
    hint: *const c_char,
    identity: *mut c_char,
    identity_size: c_uint,
    key: *mut c_uchar,
    key_size: c_uint,
) -> c_uint;
type Verify = unsafe extern "C" fn(good: c_int, context: *mut c_void) -> c_int;

/// What OpenSSL asks and reports during its calls. The binding has such callbacks too, but keeps them
/// in a map that lives as long as the process, and that valgrind reports as a leak.
pub trait Listener {
    /// The broker has given a session.
    fn new_session(ssl: &SslRef, session: SslSession);

    /// Writes the identity, with a NUL behind it, and the key. Returns the length of the key; 0: no
    /// key.
    fn psk(ssl: &SslRef, identity: &mut [u8], key: &mut [u8]) -> usize;

    /// A certificate is refused, and the handshake ends.
    fn refused(ssl: &SslRef, context: &X509StoreContextRef);
}

/// Reports each new session to `L`.
pub fn tell_of_sessions<L: Listener>(builder: &mut SslContextBuilder) {
    unsafe extern "C" fn callback<L: Listener>(ssl: *mut c_void, session: *mut c_void) -> c_int {
        // SAFETY: OpenSSL passes a live SSL, and a session whose reference the callee owns if it
        // returns 1.
        unsafe {
            L::new_session(
                SslRef::from_ptr(ssl.cast()),
                SslSession::from_ptr(session.cast()),
            )
        };
        1
    }
    // SAFETY: the context is live; the callback has the type that OpenSSL calls it with.
    unsafe { SSL_CTX_sess_set_new_cb(builder.as_ptr().cast(), callback::<L>) }
}

/// Asks `L` for the pre-shared key.
pub fn ask_for_psk<L: Listener>(builder: &mut SslContextBuilder) {
    unsafe extern "C" fn callback<L: Listener>(
        ssl: *mut c_void,
        _hint: *const c_char,
        identity: *mut c_char,
        identity_size: c_uint,
        key: *mut c_uchar,
        key_size: c_uint,
    ) -> c_uint {
        // SAFETY: OpenSSL passes a live SSL and two buffers of these sizes, which it has cleared.
        unsafe {
            let identity = slice::from_raw_parts_mut(identity.cast(), identity_size as usize);
            let key = slice::from_raw_parts_mut(key, key_size as usize);
            let length = L::psk(SslRef::from_ptr(ssl.cast()), identity, key);
            length.min(key.len()) as c_uint
        }
    }
    // SAFETY: the context is live; the callback has the type that OpenSSL calls it with.
    unsafe { SSL_CTX_set_psk_client_callback(builder.as_ptr().cast(), callback::<L>) }
}

/// Verifies the peer of one connection, and reports to `L` why it refuses a certificate.
pub fn tell_of_refusals<L: Listener>(ssl: &mut SslRef) {
    unsafe extern "C" fn callback<L: Listener>(good: c_int, context: *mut c_void) -> c_int {
        // SAFETY: OpenSSL passes a live context.
        let context = unsafe { X509StoreContextRef::from_ptr(context.cast()) };
        if good == 0
            && let Ok(index) = X509StoreContext::ssl_idx()
            && let Some(ssl) = context.ex_data(index)
        {
            L::refused(ssl, context);
        }
        good
    }
    // SAFETY: the reference is to a live SSL; the callback has the type that OpenSSL calls it with.
    unsafe {
        SSL_set_verify(
            ssl.as_ptr().cast(),
            SslVerifyMode::PEER.bits(),
            callback::<L>,
        )
    }
}

/// Offers to resume a session.
pub fn resume(ssl: &mut SslRef, session: &SslSession) -> Result<(), ErrorStack> {
    // SAFETY: OpenSSL requires that the session came from a connection of the same context, or of one
    // with the same method. All our contexts use the client method of TLS, and a session is kept beside
    // the context whose connections made it.
    unsafe { ssl.set_session(session) }
}

/// Sets modes for one connection, whoever owns its context.
pub fn set_mode(ssl: &mut SslRef, mode: SslMode) {
    let bits = mode.bits() as c_long;
    // SAFETY: the reference is to a live SSL; this command takes only the number.
    unsafe { SSL_ctrl(ssl.as_ptr().cast(), SSL_CTRL_MODE, bits, null_mut()) };
}

/// Reads all that the socket has, instead of one record in two calls.
pub fn read_ahead(ssl: &mut SslRef) {
    // SAFETY: the reference is to a live SSL.
    unsafe { SSL_set_read_ahead(ssl.as_ptr().cast(), 1) }
}

/// Whether OpenSSL holds bytes from the socket, a whole record or not.
pub fn holds_bytes(ssl: &SslRef) -> bool {
    // SAFETY: the reference is to a live SSL, which is only read.
    unsafe { SSL_has_pending(ssl.as_ptr().cast()) == 1 }
}

/// How many bytes OpenSSL has written to the socket so far.
pub fn bytes_written(ssl: &SslRef) -> u64 {
    // SAFETY: the reference is to a live SSL, which is only read.
    let bio = unsafe { SSL_get_wbio(ssl.as_ptr().cast()) };
    if bio.is_null() {
        return 0;
    }
    // SAFETY: the SSL owns the BIO and is live, and this only reads its counter.
    unsafe { BIO_number_written(bio) }
}
