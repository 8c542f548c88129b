//! What a program names as its broker.

use std::fmt;
use std::net::SocketAddr;

/// Where a broker is.
#[derive(Clone, Debug)]
pub enum Address {
    Host(Host),
    /// The hosts that the domain's SRV records name (RFC 2782). None: this machine's own domain.
    Domain(Option<Box<str>>),
}

/// A port of a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Host {
    /// A name or an address; an IPv6 address may stand in brackets or not.
    pub name: Box<str>,
    pub port: u16,
}

/// The longest label of a domain name, and the longest name (RFC 1035).
const MAX_LABEL: usize = 63;
const MAX_NAME: usize = 253;

impl Address {
    /// An error says why there can be no such address.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Address::Host(host) if host.name.is_empty() => Err("the host name is empty".to_owned()),
            Address::Domain(Some(domain)) if !is_domain(domain) => {
                Err(format!("{domain} is no domain name"))
            }
            Address::Host(_) | Address::Domain(_) => Ok(()),
        }
    }
}

fn is_domain(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| (1..=MAX_LABEL).contains(&label.len());
    name.len() <= MAX_NAME && name.split('.').all(is_label)
}

impl Host {
    /// The socket address, where the name is a literal one. Brackets and a numeric scope are allowed.
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

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Host(host) => host.fmt(f),
            Address::Domain(Some(domain)) => write!(f, "the brokers of {domain}"),
            Address::Domain(None) => f.write_str("the brokers of the local domain"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_labels_of_their_length() {
        let fits = |name: &str| Address::Domain(Some(name.into())).check().is_ok();
        let (label, name) = ("x".repeat(MAX_LABEL), "x.".repeat(MAX_NAME / 2));
        assert!(fits("example.com") && fits("example.com.") && fits("com"));
        assert!(fits(&label) && fits(&format!("{name}x")));
        assert!(!fits(".") && !fits("a..b") && !fits(".a") && !fits("a.."));
        assert!(!fits(&format!("{label}x")) && !fits(&format!("{name}xx")));
    }

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
