//! Random numbers, even if the system has none: in a jail without /dev/urandom, or with a filter of
//! system calls. Nothing secret depends on them: TLS has its own source.

use rand::rngs::OsRng;
use rand::{RngCore, TryRngCore};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// The system's random numbers or, without them, numbers that differ between processes and calls.
pub struct Random;

impl RngCore for Random {
    fn next_u64(&mut self) -> u64 {
        OsRng.try_next_u64().unwrap_or_else(|_| makeshift())
    }

    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_ne_bytes()[..chunk.len()]);
        }
    }
}

/// A hash of what is almost never the same twice: the time, the process, the address of its memory, and
/// the number of calls.
fn makeshift() -> u64 {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let mut hasher = DefaultHasher::new();
    let local = 0_u8;
    let addresses = [&raw const CALLS as usize, &raw const local as usize];
    let clocks = [libc::CLOCK_REALTIME, libc::CLOCK_MONOTONIC].map(super::clock::read);
    addresses.hash(&mut hasher);
    std::process::id().hash(&mut hasher);
    CALLS.fetch_add(1, Ordering::Relaxed).hash(&mut hasher);
    for now in clocks.into_iter().flatten() {
        now.seconds().hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn makeshift_numbers_are_spread_over_all_bits_and_never_repeat() {
        let numbers: BTreeSet<u64> = (0..1000).map(|_| makeshift()).collect();
        assert_eq!(numbers.len(), 1000);
        for bit in 0..64 {
            let ones = numbers.iter().filter(|&n| n >> bit & 1 == 1).count();
            assert!((350..650).contains(&ones), "bit {bit}: {ones} of 1000");
        }
    }
}
