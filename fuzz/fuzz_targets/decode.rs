//! A stream of packets from a peer that may send anything.

#![no_main]

#[path = "../../tests/codec/oracle.rs"]
mod oracle;

use libfuzzer_sys::fuzz_target;
use pmqtt::codec::{Role, Version, header};

fuzz_target!(|bytes: &[u8]| {
    for reader in [Role::Client, Role::Broker] {
        for version in [Version::V31, Version::V311, Version::V5] {
            let mut rest = bytes;
            while let Ok(Some(_)) = oracle::round_trip(rest, reader, version) {
                let header = header(rest, reader, version).unwrap().unwrap();
                rest = &rest[header.end..];
            }
        }
    }
});
