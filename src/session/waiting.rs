//! What a program wants to become of messages that wait, and what became of those that were given up.
//!
//! It is made when a program first wants anything of the kind. Places in the queue are sequence numbers,
//! which may be out of date: whoever takes one up looks whether it still is what it was.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use super::limits::Limits;
use crate::codec::NoMemory;

/// What an untold end counts for: an entry, of which up to half are free.
pub const ENDED: usize = 2 * size_of::<Ended>();

/// So many entries of the table may be out of date, beside one a message.
const STALE: usize = 64;

/// Memory for more untold ends than this is given back.
const KEPT: usize = 256;

/// What becomes of messages that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueOptions {
    pub when_full: WhenFull,
    /// A message replaces the one of its topic that waits.
    pub newest_only: bool,
    /// QoS 0 waits for the next connection.
    pub keep_qos0: bool,
}

/// What becomes of a message that the queue has no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    #[default]
    Refuse,
    /// It takes the place of those that have waited longest.
    DropOldest,
    /// It takes the place of those of QoS 0 that have waited longest.
    DropQos0,
}

/// Why a message was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// For another one, as `QueueOptions` have it.
    Dropped,
    /// The program has cancelled it; at QoS 1 it may have been sent.
    Cancelled,
    /// Its time was over before it was sent.
    Expired,
}

/// Messages that were given up, of mids in a row.
#[derive(Clone, Copy)]
struct Ended {
    mid: u64,
    count: u32,
    why: GivenUp,
}

#[derive(Default)]
pub struct Waiting {
    pub options: QueueOptions,
    /// No message before this one waits, and none of QoS 0 before that.
    pub oldest: u32,
    pub oldest_qos0: u32,
    /// How many of QoS 0 wait.
    pub qos0: u32,
    /// Places of messages that were given up, behind the first one in the queue.
    pub holes: u32,
    /// How much is to be wasted before packets are packed again.
    pub repack_at: usize,
    pub limits: Limits,
    /// How many were dropped, cancelled, and not sent in time.
    pub dropped: u64,
    pub cancelled: u64,
    pub expired: u64,
    /// How many are cancelled, and wait for an answer.
    pub unanswered: u32,
    /// The last message of a topic, by the topic's hash.
    newest: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    hashes: RandomState,
    ended: VecDeque<Ended>,
}

impl Waiting {
    /// What was the last message of a topic.
    pub fn newest(&self, topic: &[u8]) -> Option<u32> {
        self.newest.get(&self.hash(topic)).copied()
    }

    pub fn reserve_newest(&mut self) -> Result<(), NoMemory> {
        self.newest.try_reserve(1).map_err(|_| NoMemory)
    }

    pub fn set_newest(&mut self, topic: &[u8], seq: u32) {
        self.newest.insert(self.hash(topic), seq);
    }

    /// Whether more of the table is out of date than is worth its memory, where so many messages wait.
    pub fn is_stale(&self, messages: usize) -> bool {
        self.newest.len() > 2 * messages + STALE
    }

    /// Empties the table, which so many messages will be entered in.
    pub fn forget_newest(&mut self, messages: usize) {
        self.newest.clear();
        self.newest.shrink_to(2 * (2 * messages + STALE));
    }

    /// A message was given up. How many entries more that takes.
    pub fn push_ended(&mut self, mid: u64, why: GivenUp) -> usize {
        if let Some(last) = self.ended.back_mut()
            && last.why == why
            && last.mid + u64::from(last.count) == mid
            && last.count < u32::MAX
        {
            last.count += 1;
            return 0;
        }
        self.ended.push_back(Ended { mid, count: 1, why });
        1
    }

    /// The next message that was given up, and whether that was the last of its entry.
    pub fn pop_ended(&mut self) -> Option<(u64, GivenUp, bool)> {
        let ended = self.ended.front_mut()?;
        let (mid, why) = (ended.mid, ended.why);
        ended.mid += 1;
        ended.count -= 1;
        let is_last = ended.count == 0;
        if is_last {
            self.ended.pop_front();
            if self.ended.is_empty() && self.ended.capacity() > KEPT {
                self.ended = VecDeque::new();
            }
        }
        Some((mid, why, is_last))
    }

    /// How many entries are to be told.
    pub fn untold(&self) -> usize {
        self.ended.len()
    }

    fn hash(&self, topic: &[u8]) -> u64 {
        self.hashes.hash_one(topic)
    }
}

/// The keys are hashes already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
