//! Which hosts serve a domain, and in what order they are tried: SRV records (RFC 2782).

use crate::sys::{self, Random};
use crate::transport::address::Host;
use domain::base::iana::Rcode;
use domain::base::{Message, ParsedName};
use domain::rdata::Srv;
use rand::Rng;
use std::fmt;
use std::io;

/// How many hosts of an answer are used: an answer causes at most this many look-ups.
const MOST_HOSTS: usize = 16;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    /// MQTT over TLS.
    pub secure: bool,
    /// None: this machine's own domain.
    pub domain: Option<Box<str>>,
}

struct Record {
    priority: u16,
    weight: u16,
    host: Host,
}

/// The 1 to 16 hosts that serve a domain, the first choice first. It blocks.
pub fn find(service: &Service) -> io::Result<Vec<Host>> {
    let Some(domain) = &service.domain else {
        let name = sys::full_host_name()?;
        let domain = domain_of(&name)?;
        let hosts = look_up(service, domain);
        return hosts.map_err(|error| io::Error::new(error.kind(), format!("{domain}: {error}")));
    };
    look_up(service, domain)
}

fn look_up(service: &Service, domain: &str) -> io::Result<Vec<Host>> {
    let answer = sys::look_up_srv(&format!("{}.{domain}", service.label()))?;
    let records = records(&answer)?;
    Ok(in_order(records, random))
}

/// A number from 0 to `most`.
fn random(most: u32) -> u32 {
    Random.random_range(0..=most)
}

impl Service {
    /// The names that IANA has assigned to MQTT, and to MQTT over TLS.
    fn label(&self) -> &'static str {
        match self.secure {
            false => "_mqtt._tcp",
            true => "_secure-mqtt._tcp",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.domain {
            Some(domain) => write!(f, "{}.{domain}", self.label()),
            None => write!(f, "{} of the local domain", self.label()),
        }
    }
}

/// The domain of a machine with this name.
fn domain_of(name: &str) -> io::Result<&str> {
    let domain = name.split_once('.').map_or("", |(_, domain)| domain);
    match domain.is_empty() {
        false => Ok(domain),
        true => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("this machine, {name}, is in no domain; name one"),
        )),
    }
}

/// Reads a name server's answer. It may come from anybody, so nothing in it is trusted.
fn records(answer: &[u8]) -> io::Result<Vec<Record>> {
    let answer = Message::from_octets(answer).map_err(malformed)?;
    match answer.header().rcode() {
        Rcode::NOERROR => {}
        Rcode::NXDOMAIN => return Err(io::Error::other("there is no such name")),
        code => return Err(io::Error::other(format!("the name server says {code}"))),
    }
    let services = answer.answer().map_err(malformed)?;
    let services = services.limit_to_in::<Srv<ParsedName<&[u8]>>>();
    let services: Vec<_> = services.collect::<Result<_, _>>().map_err(malformed)?;
    if services.is_empty() {
        return Err(io::Error::other("the name has no SRV record"));
    }
    // A target of `.` says so, in the words of the RFC, "decidedly".
    if services.iter().all(|srv| srv.data().target().is_root()) {
        return Err(io::Error::other(
            "the domain says that it has no such service",
        ));
    }
    let records: Vec<_> = services
        .iter()
        .map(|srv| srv.data())
        .filter(|srv| is_host_name(srv.target()))
        .map(|srv| Record {
            priority: srv.priority(),
            weight: srv.weight(),
            host: Host {
                name: srv.target().to_string().into(),
                port: srv.port(),
            },
        })
        .collect();
    match records.is_empty() {
        false => Ok(records),
        true => Err(io::Error::other("no target in the answer is a host name")),
    }
}

fn malformed(why: impl fmt::Display) -> io::Error {
    io::Error::other(format!("the answer is malformed: {why}"))
}

/// Whether a host may have this name. DNS allows any byte in a name; logs and getaddrinfo do not.
fn is_host_name(name: &ParsedName<&[u8]>) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !name.is_root() && name.iter().all(|label| label.iter().all(allowed))
}

/// Sorts by priority, the lowest first; equal priorities are drawn at random by their weights. Returns
/// at most 16 hosts. `random` returns a number from 0 to its argument, both included.
fn in_order(mut records: Vec<Record>, mut random: impl FnMut(u32) -> u32) -> Vec<Host> {
    let mut ordered = Vec::new();
    while ordered.len() < MOST_HOSTS
        && let Some(priority) = records.iter().map(|record| record.priority).min()
    {
        let equals = || (0..records.len()).filter(|&at| records[at].priority == priority);
        let weight = |at: usize| u32::from(records[at].weight);
        let lot = random(equals().map(weight).sum());
        let mut sum = 0;
        // Records of weight 0 are drawn on lot 0: very seldom, but not never.
        let drawn = equals().find(|&at| {
            sum += weight(at);
            sum >= lot && (lot > 0 || weight(at) == 0)
        });
        let drawn = drawn.or_else(|| equals().next()).unwrap_or(0);
        ordered.push(records.remove(drawn).host);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};
    use simple_dns::rdata::{A, RData, SRV};
    use simple_dns::{CLASS, Label, Name, Packet, RCODE, ResourceRecord};

    fn srv(priority: u16, weight: u16, target: Name<'_>) -> RData<'_> {
        RData::SRV(SRV {
            priority,
            weight,
            port: 1883,
            target,
        })
    }

    fn answer(rcode: RCODE, data: Vec<RData>) -> Vec<u8> {
        let mut packet = Packet::new_reply(7);
        *packet.rcode_mut() = rcode;
        let name = Name::new("_mqtt._tcp.test.example").unwrap();
        packet.answers = data
            .into_iter()
            .map(|data| ResourceRecord::new(name.clone(), CLASS::IN, 60, data))
            .collect();
        packet.build_bytes_vec().unwrap()
    }

    fn named(name: &str) -> Name<'_> {
        Name::new(name).unwrap()
    }

    fn refusal(answer: &[u8]) -> String {
        records(answer).err().expect("an error").to_string()
    }

    /// Records of (name, priority, weight), put in order.
    fn order(of: &[(&str, u16, u16)], random: impl FnMut(u32) -> u32) -> Vec<String> {
        let records = of.iter().map(|&(name, priority, weight)| Record {
            priority,
            weight,
            host: Host {
                name: name.into(),
                port: 1,
            },
        });
        let ordered = in_order(records.collect(), random);
        ordered
            .into_iter()
            .map(|host| String::from(host.name))
            .collect()
    }

    #[test]
    fn an_answer_is_read_with_what_else_is_in_it() {
        let address = RData::A(A { address: 1 });
        let bytes = answer(
            RCODE::NoError,
            vec![address, srv(1, 2, named("a_1.example"))],
        );
        let records = records(&bytes).unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].priority, records[0].weight), (1, 2));
        assert_eq!(records[0].host.to_string(), "a_1.example port 1883");
    }

    #[test]
    fn an_answer_without_a_target_says_why() {
        let missing = refusal(&answer(RCODE::NameError, vec![]));
        assert_eq!(missing, "there is no such name");
        let failing = refusal(&answer(RCODE::ServerFailure, vec![]));
        assert_eq!(failing, "the name server says SERVFAIL");
        let address = RData::A(A { address: 1 });
        let other = refusal(&answer(RCODE::NoError, vec![address]));
        assert_eq!(other, "the name has no SRV record");
        let nothing = refusal(&answer(RCODE::NoError, vec![srv(0, 0, named("."))]));
        assert_eq!(nothing, "the domain says that it has no such service");
    }

    #[test]
    fn a_target_that_is_no_host_name_is_passed_over() {
        let strange: &[&[u8]] = &[b"a b", b"a\n", b"a\0", b"a.b", b"\xff", b"a/b"];
        for label in strange {
            let name = Name::new_with_labels(&[Label::new(*label).unwrap()]);
            let targets = vec![
                srv(0, 0, name.clone()),
                srv(1, 0, named("good.example")),
                srv(2, 0, named(".")),
            ];
            let kept = records(&answer(RCODE::NoError, targets)).unwrap();
            assert_eq!(kept.len(), 1);
            assert_eq!(&*kept[0].host.name, "good.example");
            assert_eq!(
                refusal(&answer(RCODE::NoError, vec![srv(0, 0, name)])),
                "no target in the answer is a host name"
            );
        }
    }

    #[test]
    fn no_answer_makes_it_panic_or_hang() {
        let targets = vec![srv(1, 2, named("a.example")), srv(3, 4, named("b.example"))];
        let good = answer(RCODE::NoError, targets);
        for end in 0..good.len() {
            assert!(records(&good[..end]).is_err(), "cut off at {end}");
        }
        let mut random = StdRng::seed_from_u64(1);
        for _ in 0..20_000 {
            let mut bytes = good.clone();
            for _ in 0..random.random_range(1..4) {
                let index = random.random_range(0..bytes.len());
                bytes[index] = random.random();
            }
            for record in records(&bytes).unwrap_or_default() {
                let name = record.host.name;
                let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                assert!(!name.is_empty() && name.chars().all(plain), "{name:?}");
            }
        }
        // A name that points at itself.
        let mut looping = answer(RCODE::NoError, vec![srv(1, 2, named("aa"))]);
        let target = looping.len() - 4;
        looping[target..target + 2].copy_from_slice(&[0xc0, target as u8]);
        assert!(records(&looping).is_err());
    }

    #[test]
    fn the_lowest_priority_comes_first() {
        let records = [("c", 30, 9), ("a", 10, 0), ("b", 20, 65_535)];
        assert_eq!(order(&records, |most| most), ["a", "b", "c"]);
    }

    #[test]
    fn the_lot_falls_on_the_first_whose_running_sum_is_not_below_it() {
        let records = [("a", 1, 10), ("b", 1, 20), ("zero", 1, 0)];
        for (lot, first) in [(0, "zero"), (1, "a"), (10, "a"), (11, "b"), (30, "b")] {
            let mut lots = vec![lot];
            let mut asked = Vec::new();
            let ordered = order(&records, |most| {
                asked.push(most);
                lots.pop().unwrap_or(0)
            });
            assert_eq!(ordered[0], first, "lot {lot}");
            assert_eq!(ordered.len(), 3);
            assert_eq!(asked[0], 30);
        }
    }

    #[test]
    fn a_lot_is_within_its_bounds() {
        for most in [0, 1, 2, u32::MAX] {
            assert!((0..100).all(|_| random(most) <= most));
        }
        let ones = (0..1000).filter(|_| random(1) == 1).count();
        assert!((300..700).contains(&ones), "{ones} of 1000");
    }

    #[test]
    fn of_a_long_answer_the_first_choices_are_used() {
        let names: Vec<String> = (0..3000).map(|number| number.to_string()).collect();
        let records = names.iter().enumerate();
        let records: Vec<_> = records
            .map(|(at, name)| (&**name, 3000 - at as u16, 1))
            .collect();
        let best: Vec<String> = names.iter().rev().take(MOST_HOSTS).cloned().collect();
        assert_eq!(order(&records, |most| most), best);
    }

    #[test]
    fn weights_are_shares() {
        let mut random = StdRng::seed_from_u64(2);
        let records = [("zero", 1, 0), ("one", 1, 1), ("three", 1, 3)];
        let mut firsts = [0; 3];
        for _ in 0..10_000 {
            let ordered = order(&records, |most| random.random_range(0..=most));
            let index = records.iter().position(|r| r.0 == ordered[0]).unwrap();
            firsts[index] += 1;
        }
        // Of the lots 0 to 4, one draws `zero`, one `one` and three `three`.
        for (count, share) in firsts.into_iter().zip([0.2, 0.2, 0.6]) {
            let expected = 10_000.0 * share;
            assert!((f64::from(count) - expected).abs() < 300.0, "{firsts:?}");
        }
    }

    #[test]
    fn a_machine_s_domain_is_what_follows_the_first_dot() {
        assert_eq!(domain_of("node.lan.example").unwrap(), "lan.example");
        for lonely in ["node", "node.", ""] {
            let error = domain_of(lonely).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
