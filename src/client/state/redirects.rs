//! Where brokers have sent the client, with reason 0x9C or 0x9D and a server reference (section 4.11 of MQTT 5).
//! Pure.
//!
//! |                     | 0x9C: use another server                    | 0x9D: server moved        |
//! |---------------------|---------------------------------------------|---------------------------|
//! | the program follows | attempts go there, until one of them fails  | the target of the program |
//! |                     |                                             | is replaced               |
//! | it does not         | nothing changes                             | nothing changes           |

use std::fmt;

use crate::codec::reason;
use crate::transport::{Host, ScopedIp};

/// So many redirects are followed in a row, since brokers may send the client in a circle.
const MOST: u8 = 5;

#[derive(Default)]
pub struct Redirects {
    /// While the program is being told of it, and until the connection has ended.
    offer: Option<Offer>,
    /// Where attempts go instead of the target.
    detour: Option<Host>,
    /// How many were followed since the last wait for a reconnect, or the last connection that has lasted.
    hops: u8,
}

struct Offer {
    reason: u8,
    host: Option<Host>,
    is_followed: bool,
}

/// Why a redirect cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The program is not being told of one.
    NoOffer,
    /// The reference does not name a host.
    NoHost,
    TooMany,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoOffer => f.write_str("no redirect is being reported"),
            Refusal::NoHost => f.write_str("the reference names no host"),
            Refusal::TooMany => write!(f, "{MOST} redirects in a row were followed"),
        }
    }
}

impl Redirects {
    /// The program is about to be told. `lasted`: of a connection that has lasted. Returns how many were followed in
    /// a row.
    pub fn offer(&mut self, reason: u8, host: Option<Host>, lasted: bool) -> u8 {
        if lasted {
            self.hops = 0;
        }
        self.offer = Some(Offer {
            reason,
            host,
            is_followed: false,
        });
        self.hops
    }

    /// The program follows.
    pub fn follow(&mut self) -> Result<(), Refusal> {
        let offer = self.offer.as_mut().ok_or(Refusal::NoOffer)?;
        if offer.host.is_none() {
            return Err(Refusal::NoHost);
        }
        if self.hops >= MOST {
            return Err(Refusal::TooMany);
        }
        offer.is_followed = true;
        Ok(())
    }

    /// The program has been told. Returns whether it follows.
    pub fn told(&mut self) -> bool {
        self.offer.take_if(|offer| !offer.is_followed);
        self.offer.is_some()
    }

    /// The connection has ended that the followed redirect came from. Returns the new target of the program, if the
    /// redirect is for good.
    pub fn go(&mut self) -> Option<Host> {
        let offer = self.offer.take()?;
        self.hops += 1;
        self.detour = None;
        match offer.reason {
            reason::MOVED => offer.host,
            _ => {
                self.detour = offer.host;
                None
            }
        }
    }

    /// A connection or an attempt has ended, and the client follows no redirect. `was_accepted`: by the broker.
    pub fn ended(&mut self, was_accepted: bool) {
        self.hops = 0;
        if !was_accepted {
            self.detour = None;
        }
    }

    /// The program has replaced or given up the connection.
    pub fn superseded(&mut self) {
        self.offer = None;
    }

    /// The program has set another target.
    pub fn reset(&mut self) {
        *self = Redirects::default();
    }

    pub fn is_followed(&self) -> bool {
        self.offer.is_some()
    }

    pub fn detour(&self) -> Option<&Host> {
        self.detour.as_ref()
    }
}

/// The first server of a reference, if it is in the form that the specification recommends: names of which each may
/// have a port, with spaces between them. A name with colons stands in brackets. Port 0: it has none.
pub fn first_server(reference: &str) -> Option<Host> {
    let first = reference.split(' ').find(|item| !item.is_empty())?;
    let (name, port) = match first.strip_prefix('[') {
        Some(inside) => {
            let (address, port) = inside.split_once(']')?;
            let address: ScopedIp = address.parse().ok()?;
            let is_global = address.ip.is_ipv6() && address.zone.is_none();
            (is_global.then(|| address.ip.to_string())?, port)
        }
        None => {
            let end = first.find(':').unwrap_or(first.len());
            let (name, port) = first.split_at(end);
            (is_name(name).then(|| name.to_owned())?, port)
        }
    };
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|it| it.is_ascii_digit()) => {
            digits.parse().ok().filter(|&port| port > 0)?
        }
        None if port.is_empty() => 0,
        _ => return None,
    };
    let name = name.into();
    Some(Host { name, port })
}

/// Whether a look-up may be asked for it. The text comes from the network.
fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !name.is_empty() && name.len() <= 255 && name.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, port: u16) -> Option<Host> {
        let name = name.into();
        Some(Host { name, port })
    }

    fn followed(redirects: &mut Redirects, reason: u8, name: &str) -> Option<Host> {
        redirects.offer(reason, host(name, 1), false);
        assert_eq!(redirects.follow(), Ok(()));
        assert!(redirects.told() && redirects.is_followed());
        redirects.go()
    }

    #[test]
    fn the_first_server_of_a_reference_is_taken() {
        for (reference, name, port) in [
            ("a", "a", 0),
            ("a:1883", "a", 1883),
            ("b-2.example.com:65535 c:1", "b-2.example.com", 65535),
            ("  10.0.0.1:1 ", "10.0.0.1", 1),
            ("[::1]", "::1", 0),
            ("[2001:db8::1]:8883 x", "2001:db8::1", 8883),
            ("under_score.", "under_score.", 0),
        ] {
            assert_eq!(first_server(reference), host(name, port), "{reference}");
        }
        for reference in [
            "",
            " ",
            ":1",
            "a:",
            "a:0",
            "a:65536",
            "a:+1",
            "a:1:2",
            "a: 1",
            "::1",
            "[::1",
            "[]:1",
            "[a]:1",
            "[10.0.0.1]",
            "[::1]1",
            "[fe80::1%eth0]",
            "mqtt://a",
            "a/b",
            "a%20b",
            "a@b",
            "a\tb",
            "\u{e4}",
        ] {
            assert_eq!(first_server(reference), None, "{reference}");
        }
        assert_eq!(first_server(&"a".repeat(256)), None);
    }

    #[test]
    fn another_server_is_used_until_it_fails() {
        let mut redirects = Redirects::default();
        assert_eq!(followed(&mut redirects, reason::ANOTHER_SERVER, "a"), None);
        assert_eq!(redirects.detour(), host("a", 1).as_ref());
        redirects.ended(true);
        assert_eq!(redirects.detour(), host("a", 1).as_ref());
        redirects.ended(false);
        assert_eq!(redirects.detour(), None);
    }

    #[test]
    fn a_server_that_moved_is_the_new_target() {
        let mut redirects = Redirects::default();
        followed(&mut redirects, reason::ANOTHER_SERVER, "a");
        let target = followed(&mut redirects, reason::MOVED, "b");
        assert_eq!((target, redirects.detour()), (host("b", 1), None));
    }

    #[test]
    fn the_hops_in_a_row_have_a_limit() {
        let mut redirects = Redirects::default();
        for hops in 0..MOST {
            assert_eq!(redirects.hops, hops);
            followed(&mut redirects, reason::ANOTHER_SERVER, "a");
        }
        assert_eq!(
            redirects.offer(reason::ANOTHER_SERVER, host("a", 1), false),
            MOST
        );
        assert_eq!(redirects.follow(), Err(Refusal::TooMany));
        assert!(!redirects.told());
        // A connection that has lasted ends the row, and so does a wait.
        assert_eq!(redirects.offer(reason::MOVED, host("a", 1), true), 0);
        assert_eq!(redirects.follow(), Ok(()));
        redirects.hops = MOST;
        redirects.ended(false);
        assert_eq!(redirects.offer(reason::MOVED, host("a", 1), false), 0);
    }

    #[test]
    fn only_what_is_offered_can_be_followed() {
        let mut redirects = Redirects::default();
        assert_eq!(redirects.follow(), Err(Refusal::NoOffer));
        redirects.offer(reason::MOVED, None, false);
        assert_eq!(redirects.follow(), Err(Refusal::NoHost));
        assert!(!redirects.told() && redirects.go().is_none());
        redirects.offer(reason::MOVED, host("a", 1), false);
        redirects.superseded();
        assert_eq!(redirects.follow(), Err(Refusal::NoOffer));
    }
}
