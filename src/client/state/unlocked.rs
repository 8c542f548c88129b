//! What is known of a client without its lock.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::sys;

/// No process has these in its generation.
const BROKEN: u32 = 1 << 31;
const RULED: u32 = 1 << 30;

pub struct Unlocked {
    /// How often the state was locked by other than the driver at its work, and not just to publish.
    generation: AtomicU32,
    /// Messages that callbacks were given.
    messages_in: AtomicU64,
    /// The generation of the process that has made the client, `BROKEN` once a panic was caught, and `RULED` once
    /// the program has said what becomes of messages that wait.
    home: AtomicU32,
}

impl Default for Unlocked {
    fn default() -> Unlocked {
        Unlocked {
            generation: AtomicU32::default(),
            messages_in: AtomicU64::default(),
            home: AtomicU32::new(sys::generation()),
        }
    }
}

impl Unlocked {
    /// The caller has just got the lock, so that nobody else counts at the same time, and the number
    /// needs no addition that other threads may make too.
    #[inline(always)]
    pub fn advance(&self) {
        let next = self.generation.load(Ordering::Relaxed).wrapping_add(1);
        self.generation.store(next, Ordering::Release);
    }

    /// The caller has the driver, so that nobody else counts at the same time.
    #[inline(always)]
    pub fn count_message(&self) {
        let messages = self.messages_in().wrapping_add(1);
        self.messages_in.store(messages, Ordering::Relaxed);
    }

    pub fn messages_in(&self) -> u64 {
        self.messages_in.load(Ordering::Relaxed)
    }

    /// Whether the client takes calls: it is this process's own, and no panic has broken it. Each call asks.
    #[inline(always)]
    pub fn is_usable(&self) -> bool {
        self.home.load(Ordering::Relaxed) & !RULED == sys::generation()
    }

    /// Whether it takes calls, and messages that wait do nothing but that: each publish asks.
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.home.load(Ordering::Relaxed) == sys::generation()
    }

    pub fn set_ruled(&self) {
        self.home.fetch_or(RULED, Ordering::Relaxed);
    }

    /// Whether a parent of this process has made it.
    pub fn is_inherited(&self) -> bool {
        self.home.load(Ordering::Relaxed) & !(BROKEN | RULED) != sys::generation()
    }

    /// A panic was caught: nothing in the client can be relied upon.
    pub fn set_broken(&self) {
        self.home.fetch_or(BROKEN, Ordering::Relaxed);
    }

    pub fn reset(&self) {
        self.messages_in.store(0, Ordering::Relaxed);
    }

    #[inline(always)]
    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }
}
