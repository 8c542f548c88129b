//! Which addresses are tried, and in what order.

use crate::transport::address::ScopedIp;
use crate::transport::error::{Error, Stage};
use std::net::{IpAddr, SocketAddr};

/// The host's `addresses` that can be reached from the bind address, alternating between the families
/// (RFC 8305, section 4): a family that does not answer costs one step, not its whole list.
pub fn candidates(
    addresses: &[SocketAddr],
    host: &str,
    bind: Option<&ScopedIp>,
) -> Result<Vec<SocketAddr>, Error> {
    let usable: Vec<SocketAddr> = match bind {
        None => addresses.to_vec(),
        Some(bind) => of_family(addresses, bind.ip.is_ipv6()),
    };
    if usable.is_empty() {
        return Err(none_usable(host, bind));
    }
    Ok(interleave(&usable))
}

fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let v6_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let mut first = of_family(addresses, v6_first).into_iter();
    let mut second = of_family(addresses, !v6_first).into_iter();
    let mut ordered = Vec::with_capacity(addresses.len());
    while ordered.len() < addresses.len() {
        ordered.extend(first.next());
        ordered.extend(second.next());
    }
    ordered
}

fn of_family(addresses: &[SocketAddr], v6: bool) -> Vec<SocketAddr> {
    let wanted = addresses.iter().filter(|address| address.is_ipv6() == v6);
    wanted.copied().collect()
}

fn none_usable(host: &str, bind: Option<&ScopedIp>) -> Error {
    match bind {
        None => Error::new(Stage::Dns, format!("{host}: the name has no address")),
        Some(bind) => {
            let family = family(bind.ip);
            let message = format!("{host}: no {family} address for bind address {bind}");
            Error::new(Stage::Tcp, message)
        }
    }
}

fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv6() { "IPv6" } else { "IPv4" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(addresses: &[&str], bind: Option<&str>) -> Result<Vec<String>, String> {
        let addresses: Vec<SocketAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
        let bind: Option<ScopedIp> = bind.map(|ip| ip.parse().unwrap());
        let ordered = candidates(&addresses, "broker.example", bind.as_ref())
            .map_err(|error| error.to_string())?;
        Ok(ordered.iter().map(SocketAddr::to_string).collect())
    }

    #[test]
    fn families_take_turns_and_the_first_one_begins() {
        assert_eq!(
            order(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1"], None).unwrap(),
            ["[::1]:1", "1.0.0.1:1", "[::2]:1", "[::3]:1"]
        );
        assert_eq!(
            order(&["1.0.0.1:1", "[::1]:1", "1.0.0.2:1"], None).unwrap(),
            ["1.0.0.1:1", "[::1]:1", "1.0.0.2:1"]
        );
    }

    #[test]
    fn a_bind_address_leaves_only_its_family() {
        let both = ["[::1]:1", "1.0.0.1:1", "1.0.0.2:1"];
        assert_eq!(
            order(&both, Some("1.2.3.4")).unwrap(),
            ["1.0.0.1:1", "1.0.0.2:1"]
        );
        assert_eq!(
            order(&["[::1]:1"], Some("1.2.3.4")).unwrap_err(),
            "tcp: broker.example: no IPv4 address for bind address 1.2.3.4"
        );
    }

    #[test]
    fn no_address_at_all_is_an_error_of_the_name() {
        assert_eq!(
            order(&[], None).unwrap_err(),
            "dns: broker.example: the name has no address"
        );
    }
}
