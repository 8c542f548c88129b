//! Which broker a connection accepts. Each connection reads these settings anew, so changing them costs
//! nothing.

/// Who the broker has to be, and what it is offered.
#[derive(Clone, Default)]
pub struct Peer {
    /// Accepts a valid certificate for any name.
    pub any_name: bool,
    /// Replaces the host's name in SNI and in the check of the certificate.
    pub server_name: Option<String>,
    alpn: Vec<u8>,
}

impl Peer {
    /// Offers protocols by ALPN, in order of preference.
    pub fn offer(&mut self, protocols: &[Vec<u8>]) -> Result<(), String> {
        self.alpn = wire_format(protocols)?;
        Ok(())
    }

    /// What is offered, in the wire format: each name follows its length.
    pub fn alpn(&self) -> &[u8] {
        &self.alpn
    }
}

fn wire_format(protocols: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let mut wire = Vec::new();
    for protocol in protocols {
        match u8::try_from(protocol.len()) {
            Ok(length @ 1..) => wire.push(length),
            _ => return Err("alpn: a name has 1 to 255 bytes".to_owned()),
        }
        wire.extend_from_slice(protocol);
    }
    Ok(wire)
}
