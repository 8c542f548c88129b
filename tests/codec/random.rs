//! Packets with random damage, and random bytes: nothing panics, and what is decoded is encoded to the
//! same bytes.

use std::panic::catch_unwind;

use pmqtt::codec::{Role, Version};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::mqtt5_list::is_list;
use super::mqtt5_table::{PACKETS, PROPERTIES};
use super::oracle::round_trip;
use super::vectors::vectors;

/// Bytes at which something begins, ends or changes its meaning.
const EDGES: &[u8] = b"\x00\x01\x02\x03\x04\x7f\x80\xc2\xed\xff/+#$";

const ROUNDS: usize = 100_000;

#[test]
fn damaged_packets() {
    let vectors: Vec<_> = vectors().collect();
    check(20_000, |rng| {
        let vector = vectors.choose(rng).unwrap();
        let mut bytes = vector.bytes.clone();
        for _ in 0..rng.random_range(1..=3) {
            damage(&mut bytes, rng);
        }
        (bytes, vector.reader, vector.version)
    });
}

#[test]
fn random_bytes() {
    check(500, |rng| {
        let mut bytes = vec![0; rng.random_range(0..24)];
        rng.fill(&mut bytes[..]);
        fit_length(&mut bytes);
        let reader = *[Role::Client, Role::Broker].choose(rng).unwrap();
        let version = *[Version::V31, Version::V311, Version::V5]
            .choose(rng)
            .unwrap();
        (bytes, reader, version)
    });
}

/// Properties in any order and number, some of them damaged.
#[test]
fn damaged_properties() {
    let mut rng = StdRng::seed_from_u64(5);
    let mut lists = 0;
    for _ in 0..ROUNDS {
        let packet = PACKETS.choose(&mut rng).unwrap();
        let here = PROPERTIES
            .iter()
            .filter(|property| property.belongs_in(packet));
        let here: Vec<_> = here.collect();
        let mut bytes = Vec::new();
        for _ in 0..rng.random_range(0..4) {
            bytes.extend(here.choose(&mut rng).unwrap().bytes());
        }
        if rng.random() {
            damage(&mut bytes, &mut rng);
        }
        let is_list = catch_unwind(|| is_list(&bytes, packet.place))
            .unwrap_or_else(|_| panic!("{bytes:02x?} in {}", packet.name));
        lists += usize::from(is_list && !bytes.is_empty());
    }
    assert!(lists >= 20_000, "only {lists} lists were read");
}

/// If fewer than `least` packets can be read, the input is too random to test much.
fn check(least: usize, mut input: impl FnMut(&mut StdRng) -> (Vec<u8>, Role, Version)) {
    let mut rng = StdRng::seed_from_u64(311);
    let mut packets = 0;
    for _ in 0..ROUNDS {
        let (bytes, reader, version) = input(&mut rng);
        let result = catch_unwind(|| round_trip(&bytes, reader, version))
            .unwrap_or_else(|_| panic!("{reader:?} reads {bytes:02x?} as {version:?}"));
        packets += usize::from(matches!(result, Ok(Some(_))));
    }
    assert!(packets >= least, "only {packets} packets were read");
}

fn damage(bytes: &mut Vec<u8>, rng: &mut StdRng) {
    let at = rng.random_range(0..=bytes.len());
    let edge = *EDGES.choose(rng).unwrap();
    match rng.random_range(0..4) {
        0 => bytes.insert(at, edge),
        1 => bytes.truncate(at),
        2 if at < bytes.len() => bytes[at] = edge,
        _ if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
        _ => {}
    }
    if rng.random() {
        fit_length(bytes);
    }
}

/// Without this most packets would have a wrong length, and their bodies would not be tested.
fn fit_length(bytes: &mut [u8]) {
    let length = bytes.len().saturating_sub(2) as u8;
    if let Some(digit) = bytes.get_mut(1) {
        *digit = length;
    }
}
