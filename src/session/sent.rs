//! How far the bytes of a connection have come, according to its socket.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Bytes that the socket has taken so far, if they differ from the session's own: TLS adds
    /// bytes.
    pub written: Option<u64>,
    /// How many of these bytes the peer's TCP has not acknowledged; 0 where the system does not
    /// tell.
    pub unacked: u64,
}
