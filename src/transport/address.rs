//! The address of a broker, as the program states it.

use std::fmt;
use std::net::{AddrParseError, IpAddr, Ipv6Addr};
use std::str::FromStr;

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
    /// A name or an address; an IPv6 address may have a zone, and stand in brackets or not.
    pub name: Box<str>,
    pub port: u16,
}

/// An IP address and, where it is stated, its interface: `fe80::1%eth0`. Only an IPv6 address can have
/// a zone (RFC 4007, section 11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopedIp {
    pub ip: IpAddr,
    /// The name or the number of an interface. There may be no such interface.
    pub zone: Option<Box<str>>,
}

/// The longest label of a domain name, and the longest name (RFC 1035).
const MAX_LABEL: usize = 63;
const MAX_NAME: usize = 253;

impl Address {
    /// The error says why there cannot be such an address.
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
    /// The address, if the name is one.
    pub(super) fn literal(&self) -> Option<ScopedIp> {
        let inside = self.name.strip_prefix('[');
        match inside.and_then(|name| name.strip_suffix(']')) {
            Some(inside) => inside.parse().ok().filter(|it: &ScopedIp| it.ip.is_ipv6()),
            None => self.name.parse().ok(),
        }
    }
}

impl FromStr for ScopedIp {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<ScopedIp, AddrParseError> {
        let (ip, zone) = match text.split_once('%') {
            Some((ip, zone)) => (ip.parse::<Ipv6Addr>()?.into(), Some(zone.into())),
            None => (text.parse()?, None),
        };
        Ok(ScopedIp { ip, zone })
    }
}

impl fmt::Display for ScopedIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            Some(zone) => write!(f, "{}%{zone}", self.ip),
            None => self.ip.fmt(f),
        }
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
        for ip in ["10.0.0.1", "::1", "fe80::1%2", "fe80::1%eth0", "::1%a%b]"] {
            assert_eq!(written(ip).unwrap(), ip);
        }
        for ip in ["::1", "fe80::1%2", "fe80::1%eth0", "fe80::1%"] {
            assert_eq!(written(&format!("[{ip}]")).unwrap(), ip);
        }
        for name in [
            "localhost",
            "10.0.0.1:5",
            "",
            "%",
            "%lo",
            "[%lo]",
            "[",
            "]",
            "[]",
        ] {
            assert_eq!(written(name), None, "{name}");
        }
        for name in [
            "[10.0.0.1]",
            "10.0.0.1%lo",
            "[::1",
            "::1]",
            "[[::1]]",
            "[::1]:5",
        ] {
            assert_eq!(written(name), None, "{name}");
        }
    }
}
