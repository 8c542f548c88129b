//! What the systems call differently about sockets.

/// The flag for a send that must answer EPIPE and raise no SIGPIPE. Apple's sockets are told so once,
/// by SO_NOSIGPIPE, which socket2 sets on each socket it makes.
pub const NO_SIGNAL: libc::c_int = if cfg!(target_vendor = "apple") {
    0
} else {
    libc::MSG_NOSIGNAL
};
