//! Which interface an address belongs to. It is looked up for each attempt, as interfaces come and go.

use crate::sys;
use crate::transport::address::ScopedIp;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

/// It is an error if there is no such interface.
pub fn socket_address(address: &ScopedIp, port: u16) -> io::Result<SocketAddr> {
    match (address.ip, &address.zone) {
        (IpAddr::V6(ip), Some(zone)) => {
            let scope = sys::interface_index(zone)?;
            Ok(SocketAddrV6::new(ip, port, 0, scope).into())
        }
        (ip, _) => Ok(SocketAddr::new(ip, port)),
    }
}

/// Any port of `address`, to connect to `remote` from. A link-local address without a zone gets that of
/// the remote address.
pub fn local(address: &ScopedIp, remote: SocketAddr) -> io::Result<SocketAddr> {
    let mut local = socket_address(address, 0)?;
    if let (SocketAddr::V6(local), SocketAddr::V6(remote)) = (&mut local, remote)
        && address.zone.is_none()
    {
        local.set_scope_id(remote.scope_id());
    }
    Ok(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_zone_is_an_interface() {
        let at = |text: &str| socket_address(&text.parse().unwrap(), 1883);
        assert_eq!(at("10.0.0.1").unwrap(), socket("10.0.0.1:1883"));
        assert_eq!(at("fe80::1").unwrap(), socket("[fe80::1]:1883"));
        assert_eq!(at("fe80::1%1").unwrap(), socket("[fe80::1%1]:1883"));
        let error = at("fe80::1%nowhere").unwrap_err();
        assert_eq!(error.to_string(), "there is no interface nowhere");
    }

    #[test]
    fn a_bind_address_without_a_zone_is_in_that_of_the_remote_one() {
        let from =
            |text: &str, remote: &str| local(&text.parse().unwrap(), socket(remote)).unwrap();
        let remote = "[fe80::1%3]:1883";
        assert_eq!(from("fe80::2", remote), socket("[fe80::2%3]:0"));
        assert_eq!(from("fe80::2%1", remote), socket("[fe80::2%1]:0"));
        assert_eq!(from("fe80::2%1", "[fe80::1]:1883"), socket("[fe80::2%1]:0"));
        assert_eq!(from("127.0.0.1", "127.0.0.1:1"), socket("127.0.0.1:0"));
    }
}
