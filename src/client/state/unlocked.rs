//! What is known of a client without its lock.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

#[derive(Default)]
pub struct Unlocked {
    /// How often the state was locked by other than the driver at its work, and not just to publish.
    generation: AtomicU32,
    /// Messages that callbacks were given.
    messages_in: AtomicU64,
    /// A panic was caught: nothing in the client can be relied upon.
    broken: AtomicBool,
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

    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    pub fn set_broken(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    pub fn reset(&self) {
        self.messages_in.store(0, Ordering::Relaxed);
    }

    #[inline(always)]
    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }
}
