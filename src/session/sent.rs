//! How far the bytes of a connection have come, as its socket tells.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Bytes that the socket took so far, where these are not the session's own: under TLS they are more.
    pub written: Option<u64>,
    /// Those of them that the peer's TCP has not acknowledged. Where the system does not tell: 0.
    pub unacked: u64,
}
