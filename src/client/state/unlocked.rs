//! What a call can read of a client without the lock.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::sys;

/// No generation of a process has these bits.
const BROKEN: u32 = 1 << 31;
const RULED: u32 = 1 << 30;
const EXTENDED: u32 = 1 << 29;

/// How the messages of a client go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The client accepts calls, is of MQTT 3, and has no queue options.
    Plain,
    /// The same in MQTT 5.
    Extended,
    /// Any other client.
    Ruled,
}

pub struct Unlocked {
    /// How often the state was locked. The driver at its work does not count, nor does a lock that
    /// only publishes.
    generation: AtomicU32,
    /// Messages that came from the broker and were delivered, also where no callback was set.
    messages_in: AtomicU64,
    /// The generation of the process that made the client. With `BROKEN` once a panic was caught,
    /// with `RULED` once the program has set queue options, and with `EXTENDED` in MQTT 5.
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
    /// The caller has just taken the lock, so no other thread counts at the same time. Therefore a
    /// load and a store suffice.
    #[inline(always)]
    pub fn advance(&self) {
        let next = self.generation.load(Ordering::Relaxed).wrapping_add(1);
        self.generation.store(next, Ordering::Release);
    }

    /// The caller has the driver, so no other thread counts at the same time.
    #[inline(always)]
    pub fn count_message(&self) {
        let messages = self.messages_in().wrapping_add(1);
        self.messages_in.store(messages, Ordering::Relaxed);
    }

    pub fn messages_in(&self) -> u64 {
        self.messages_in.load(Ordering::Relaxed)
    }

    /// Whether the client accepts calls: this process made it, and no panic has broken it. Each
    /// call checks this.
    #[inline(always)]
    pub fn is_usable(&self) -> bool {
        self.home.load(Ordering::Relaxed) & !(RULED | EXTENDED) == sys::generation()
    }

    /// Each publish asks for it, so it is one comparison for most.
    #[inline(always)]
    pub fn way(&self) -> Way {
        match self.home.load(Ordering::Relaxed) ^ sys::generation() {
            0 => Way::Plain,
            EXTENDED => Way::Extended,
            _ => Way::Ruled,
        }
    }

    pub fn set_ruled(&self) {
        self.home.fetch_or(RULED, Ordering::Relaxed);
    }

    /// Whether messages may have properties.
    #[inline(always)]
    pub fn is_extended(&self) -> bool {
        self.home.load(Ordering::Relaxed) & EXTENDED != 0
    }

    pub fn set_extended(&self) {
        self.home.fetch_or(EXTENDED, Ordering::Relaxed);
    }

    /// Whether a parent of this process made the client.
    pub fn is_inherited(&self) -> bool {
        self.home.load(Ordering::Relaxed) & !(BROKEN | RULED | EXTENDED) != sys::generation()
    }

    /// A panic was caught, so nothing in the client is reliable.
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
