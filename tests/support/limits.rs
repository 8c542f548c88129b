//! What the model broker of MQTT 5 states in CONNACK, and what it then demands of each packet.

use pmqtt::codec::{Packet, PropertyList, QoS, property};
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

#[derive(Clone)]
pub struct Limits {
    pub receive_maximum: usize,
    packet_size: usize,
    qos: QoS,
    has_retain: bool,
    keep_alive: Option<u32>,
}

impl Limits {
    pub fn none() -> Limits {
        Limits {
            receive_maximum: 65_535,
            packet_size: usize::MAX,
            qos: QoS::ExactlyOnce,
            has_retain: true,
            keep_alive: None,
        }
    }

    pub fn random(rng: &mut StdRng) -> Limits {
        let none = Limits::none();
        let mut pick = |least, most| *[least, most].choose(rng).expect("two");
        let receive_maximum = pick(0, none.receive_maximum);
        let packet_size = pick(0, none.packet_size);
        Limits {
            receive_maximum: match receive_maximum {
                0 => rng.random_range(1..=4),
                any => any,
            },
            packet_size: match packet_size {
                0 => rng.random_range(20..=30),
                any => any,
            },
            qos: match rng.random_range(0..8) {
                0 => QoS::AtMostOnce,
                1 => QoS::AtLeastOnce,
                _ => QoS::ExactlyOnce,
            },
            has_retain: rng.random_ratio(3, 4),
            keep_alive: rng.random_ratio(1, 4).then(|| rng.random_range(0..=2)),
        }
    }

    /// The properties of CONNACK.
    pub fn properties(&self) -> PropertyList {
        let mut list = PropertyList::default();
        let none = Limits::none();
        if self.receive_maximum < none.receive_maximum {
            list.number(property::RECEIVE_MAXIMUM, self.receive_maximum as u32);
        }
        if self.packet_size < none.packet_size {
            list.number(property::MAXIMUM_PACKET_SIZE, self.packet_size as u32);
        }
        if self.qos < none.qos {
            list.number(property::MAXIMUM_QOS, self.qos as u32);
        }
        if !self.has_retain {
            list.number(property::RETAIN_AVAILABLE, 0);
        }
        if let Some(seconds) = self.keep_alive {
            list.number(property::SERVER_KEEP_ALIVE, seconds);
        }
        list
    }

    /// The client keeps to what CONNACK has stated.
    pub fn check(&self, packet: &Packet, size: usize) {
        assert!(size <= self.packet_size, "{size}: {packet:?}");
        if let Packet::Publish(publish) = packet {
            assert!(publish.qos <= self.qos, "{publish:?}");
            assert!(self.has_retain || !publish.retain, "{publish:?}");
        }
    }
}
