//! The queue options of the program, and the messages that were given up.
//!
//! It is allocated when a program first uses queue options, time limits or cancelling. Its
//! sequence numbers may be out of date, so each reader checks the message there.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use super::limits::Limits;
use crate::codec::NoMemory;

/// The bytes that an entry of unreported ends counts for: twice its size, because up to half of
/// the entries are free.
pub const ENDED: usize = 2 * size_of::<Ended>();

/// How many entries of the table may be out of date, in addition to one per message.
const STALE: usize = 64;

/// Memory for more unreported ends than this is given back once all are reported.
const KEPT: usize = 256;

/// How the queue treats messages that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueOptions {
    pub when_full: WhenFull,
    /// A message replaces a waiting message of the same topic.
    pub newest_only: bool,
    /// QoS 0 messages wait for the next connection.
    pub keep_qos0: bool,
}

/// What happens to a message that the queue has no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    #[default]
    Refuse,
    /// It replaces the messages that have waited longest.
    DropOldest,
    /// It replaces the QoS 0 messages that have waited longest.
    DropQos0,
}

/// Why a message was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// Another message replaced it, according to `QueueOptions`.
    Dropped,
    /// The program has cancelled it; at QoS 1 it may have been sent.
    Cancelled,
    /// Its time limit ended before it was sent.
    Expired,
    /// The broker had it, and lost the session. It may have passed the message on.
    InDoubt,
    /// The broker does not take it, for this reason.
    Unfit(u8),
}

/// Messages with consecutive mids that were given up.
#[derive(Clone, Copy)]
struct Ended {
    mid: u64,
    count: u32,
    why: GivenUp,
}

#[derive(Default)]
pub struct Waiting {
    pub options: QueueOptions,
    /// No message before `oldest` waits, and no QoS 0 message before `oldest_qos0`.
    pub oldest: u32,
    pub oldest_qos0: u32,
    /// How many QoS 0 messages wait.
    pub qos0: u32,
    /// How many slots behind the first belong to messages that were given up.
    pub holes: u32,
    /// How many bytes may be wasted before packets are packed again.
    pub repack_at: usize,
    pub limits: Limits,
    /// How many messages were dropped, cancelled, and not sent in time.
    pub dropped: u64,
    pub cancelled: u64,
    pub expired: u64,
    /// How many cancelled messages still wait for an answer.
    pub unanswered: u32,
    /// The last message of a topic, by the topic's hash.
    newest: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    hashes: RandomState,
    ended: VecDeque<Ended>,
}

impl Waiting {
    /// The last message of a topic. It may be out of date.
    pub fn newest(&self, topic: &[u8]) -> Option<u32> {
        self.newest.get(&self.hash(topic)).copied()
    }

    pub fn reserve_newest(&mut self) -> Result<(), NoMemory> {
        self.newest.try_reserve(1).map_err(|_| NoMemory)
    }

    pub fn set_newest(&mut self, topic: &[u8], seq: u32) {
        self.newest.insert(self.hash(topic), seq);
    }

    /// Whether too many entries of the table are out of date, for this number of messages.
    pub fn is_stale(&self, messages: usize) -> bool {
        self.newest.len() > 2 * messages + STALE
    }

    /// Empties the table, and leaves memory for this number of messages.
    pub fn forget_newest(&mut self, messages: usize) {
        self.newest.clear();
        self.newest.shrink_to(2 * (2 * messages + STALE));
    }

    /// Records a message that was given up. Returns how many entries this adds.
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

    /// Takes out the next message that was given up, and whether it was the last of its entry.
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

    /// How many entries are not reported yet.
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
