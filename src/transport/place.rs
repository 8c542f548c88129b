//! What a program names as its broker.

use std::fmt;
use std::net::SocketAddr;

/// Where a broker is.
#[derive(Clone, Debug)]
pub enum Place {
    Host(Host),
    /// Where the domain's SRV records say (RFC 2782); None: this machine's own domain.
    Domain(Option<String>),
}

/// A port of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// A name or an address; an IPv6 address may stand in brackets or not.
    pub name: String,
    pub port: u16,
}

impl Host {
    /// The address, where the name is one that is written out, with brackets or without, with a
    /// numeric scope or without.
    pub(super) fn literal(&self) -> Option<SocketAddr> {
        let Host { name, port } = self;
        let plain = format!("{name}:{port}").parse();
        plain.or_else(|_| format!("[{name}]:{port}").parse()).ok()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} port {}", self.name, self.port)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Host(host) => host.fmt(f),
            Place::Domain(Some(domain)) => write!(f, "the brokers of {domain}"),
            Place::Domain(None) => f.write_str("the brokers of the local domain"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_written_out_needs_no_look_up() {
        let written = |name: &str| {
            let host = Host {
                name: name.into(),
                port: 1883,
            };
            host.literal().map(|address| address.to_string())
        };
        assert_eq!(written("10.0.0.1").unwrap(), "10.0.0.1:1883");
        assert_eq!(written("::1").unwrap(), "[::1]:1883");
        assert_eq!(written("[::1]").unwrap(), "[::1]:1883");
        assert_eq!(written("fe80::1%2").unwrap(), "[fe80::1%2]:1883");
        assert_eq!(written("localhost"), None);
        assert_eq!(written("10.0.0.1:5"), None);
        assert_eq!(written(""), None);
    }
}
