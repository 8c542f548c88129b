//! Which topics of this connection have a topic alias (section 3.3.2.3.4 of MQTT 5).
//!
//! A topic gets a number once its earlier uses would have saved what the number costs: a topic of six bytes
//! or more on its second use. If all numbers are taken, it gets the number of a topic that has saved less
//! than half as much lately. From time to time, the savings of all topics are halved. So a topic that is
//! no longer used loses its number.
//!
//! A topic without a number is known by its hash only. A topic with a number is compared byte by byte, so
//! no collision of hashes sends a wrong topic.

use std::num::NonZeroU16;

use crate::codec::Alias;

/// The bytes that the property takes in a PUBLISH.
const PROPERTY: u32 = 3;

/// More numbers would take more memory than they save bytes.
const MOST: u16 = 256;

/// A topic is in the group that its hash chooses.
const GROUP: usize = 8;

/// How many topics are remembered at most, for each number.
const REMEMBERED: usize = 4;

/// What a topic has saved is halved after this many messages, for each number. Then most topics worth a
/// number come several times before it happens, and topics that are equally frequent rarely replace each
/// other.
const HALF_LIFE: u32 = 16;

/// How many topics are compared to find the one that loses its number.
const COMPARED: usize = 4;

pub struct OutboundAliases {
    maximum: u16,
    /// In groups, whose number is a power of two. Empty before the first message.
    remembered: Vec<Remembered>,
    /// The topics with numbers, by number.
    numbered: Vec<Numbered>,
    /// Where the comparison goes on.
    hand: usize,
    /// How often the savings were halved.
    age: u32,
    /// The messages until that happens again.
    left: u32,
}

/// A vacant place is a topic that has saved nothing.
#[derive(Clone, Copy, Default)]
struct Remembered {
    hash: u64,
    /// The bytes that aliases would have saved, as of `age`.
    saved: u32,
    age: u32,
    number: Option<NonZeroU16>,
}

#[derive(Default)]
struct Numbered {
    hash: u64,
    topic: Vec<u8>,
}

impl OutboundAliases {
    /// `maximum`: the topic alias maximum of CONNACK.
    pub fn new(maximum: u16) -> OutboundAliases {
        let maximum = maximum.min(MOST);
        OutboundAliases {
            maximum,
            remembered: Vec::new(),
            numbered: Vec::new(),
            hand: 0,
            age: 0,
            left: HALF_LIFE * u32::from(maximum),
        }
    }

    /// How the next PUBLISH on the connection states its topic. If that PUBLISH is not sent after all, the caller
    /// has to begin a new table, because the broker does not know an alias that was set.
    pub fn choose(&mut self, topic: &[u8]) -> Alias {
        let saving = (topic.len() as u32).saturating_sub(PROPERTY);
        if saving == 0 || self.maximum == 0 {
            return Alias::None;
        }
        self.count_message();
        let hash = hash(topic);
        let Some(place) = self.find(hash) else {
            self.remember(hash, saving);
            return Alias::None;
        };
        let remembered = &mut self.remembered[place];
        let before = remembered.saved(self.age);
        remembered.saved = before.saturating_add(saving);
        remembered.age = self.age;
        if let Some(number) = remembered.number {
            return match self.numbered[index(number)].topic == topic {
                true => Alias::Use(number),
                false => Alias::None,
            };
        }
        match before >= PROPERTY {
            true => self.set(place, topic).map_or(Alias::None, Alias::Set),
            false => Alias::None,
        }
    }

    #[inline(always)]
    fn count_message(&mut self) {
        self.left -= 1;
        if self.left == 0 {
            self.age = self.age.wrapping_add(1);
            self.left = HALF_LIFE * u32::from(self.maximum);
        }
    }

    #[inline(always)]
    fn find(&self, hash: u64) -> Option<usize> {
        let start = self.group(hash);
        let group = self.remembered[start..].first_chunk::<GROUP>()?;
        let place = group.iter().position(|it| it.hash == hash)?;
        Some(start + place)
    }

    /// The first place of the group.
    #[inline(always)]
    fn group(&self, hash: u64) -> usize {
        hash as usize & self.remembered.len().saturating_sub(GROUP)
    }

    /// Remembers a topic in place of the one that has saved least. A topic with a number stays.
    fn remember(&mut self, hash: u64, saving: u32) {
        let mut least = self.least_of_group(hash);
        if least.is_none_or(|place| self.remembered[place].saved(self.age) > 0) && self.grow() {
            least = self.least_of_group(hash);
        }
        if let Some(place) = least {
            self.remembered[place] = Remembered {
                hash,
                saved: saving,
                age: self.age,
                number: None,
            };
        }
    }

    fn least_of_group(&self, hash: u64) -> Option<usize> {
        let start = self.group(hash);
        let places = start..self.remembered.len().min(start + GROUP);
        let unnumbered = places.filter(|&place| self.remembered[place].number.is_none());
        unnumbered.min_by_key(|&place| self.remembered[place].saved(self.age))
    }

    /// Doubles the number of groups. Returns false if there are enough.
    #[cold]
    fn grow(&mut self) -> bool {
        let size = (2 * self.remembered.len()).max(GROUP);
        let most = REMEMBERED * usize::from(self.maximum).next_power_of_two();
        if size > most.max(GROUP) {
            return false;
        }
        let before = std::mem::replace(&mut self.remembered, vec![Remembered::default(); size]);
        for it in before {
            // A group is divided between two groups, so each of them has a vacant place.
            if (it.number.is_some() || it.saved(self.age) > 0)
                && let Some(place) = self.least_of_group(it.hash)
            {
                self.remembered[place] = it;
            }
        }
        true
    }

    /// Gives a remembered topic a number. None: the topics with numbers save more.
    fn set(&mut self, place: usize, topic: &[u8]) -> Option<NonZeroU16> {
        let Remembered { hash, saved, .. } = self.remembered[place];
        let number = match self.numbered.len() < self.maximum.into() {
            true => self.next_number()?,
            false => self.number_worth_less(saved)?,
        };
        let numbered = &mut self.numbered[index(number)];
        numbered.topic.clear();
        numbered.topic.try_reserve_exact(topic.len()).ok()?;
        numbered.topic.extend_from_slice(topic);
        numbered.hash = hash;
        self.remembered[place].number = Some(number);
        Some(number)
    }

    fn next_number(&mut self) -> Option<NonZeroU16> {
        self.numbered.push(Numbered::default());
        NonZeroU16::new(self.numbered.len() as u16)
    }

    /// Takes a number from a topic that has saved less than half of `saved` lately.
    fn number_worth_less(&mut self, saved: u32) -> Option<NonZeroU16> {
        let from = self.hand;
        let size = self.numbered.len();
        self.hand = (from + COMPARED) % size;
        let compared = (from..from + COMPARED.min(size)).map(|at| (at % size) as u16 + 1);
        let owners = compared.filter_map(NonZeroU16::new).map(|number| {
            let owner = self.owner(number);
            let worth = owner.map_or(0, |place| self.remembered[place].saved(self.age));
            (worth, number, owner)
        });
        let (worth, number, owner) = owners.min_by_key(|&(worth, ..)| worth)?;
        if saved <= worth.saturating_mul(2).saturating_add(PROPERTY) {
            return None;
        }
        if let Some(place) = owner {
            self.remembered[place].number = None;
        }
        Some(number)
    }

    /// The topic with this number. None: there was no memory for it.
    fn owner(&self, number: NonZeroU16) -> Option<usize> {
        let place = self.find(self.numbered[index(number)].hash)?;
        (self.remembered[place].number == Some(number)).then_some(place)
    }
}

impl Remembered {
    #[inline(always)]
    fn saved(&self, age: u32) -> u32 {
        let halvings = age.wrapping_sub(self.age);
        self.saved.checked_shr(halvings).unwrap_or(0)
    }
}

fn index(number: NonZeroU16) -> usize {
    usize::from(number.get()) - 1
}

/// It reads 16 bytes at a time ("wyhash"). Nobody gains from topics that collide, so it has no secret.
#[inline(always)]
fn hash(topic: &[u8]) -> u64 {
    let (blocks, rest) = topic.as_chunks();
    let mut last = [0; 16];
    last[..rest.len()].copy_from_slice(rest);
    let blocks = blocks.iter().chain([&last]);
    blocks.fold(topic.len() as u64, |hash, block| fold(hash, *block))
}

#[inline(always)]
fn fold(hash: u64, block: [u8; 16]) -> u64 {
    const KEYS: [u64; 2] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db];
    let block = u128::from_le_bytes(block);
    let (low, high) = (
        block as u64 ^ KEYS[0] ^ hash,
        (block >> 64) as u64 ^ KEYS[1],
    );
    let product = u128::from(low) * u128::from(high);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};
    use std::collections::HashMap;

    /// A client's table, and that of its broker.
    struct Pair {
        ours: OutboundAliases,
        brokers: HashMap<NonZeroU16, Vec<u8>>,
    }

    impl Pair {
        fn new(maximum: u16) -> Pair {
            Pair {
                ours: OutboundAliases::new(maximum),
                brokers: HashMap::new(),
            }
        }

        /// Sends a topic; the broker has to understand it.
        fn send(&mut self, topic: &str) -> Alias {
            let topic = topic.as_bytes();
            let alias = self.ours.choose(topic);
            match alias {
                Alias::None => {}
                Alias::Set(number) => drop(self.brokers.insert(number, topic.to_vec())),
                Alias::Use(number) => assert_eq!(self.brokers[&number], topic),
            }
            alias
        }

        /// Sends each of these topics in turn, and counts the uses of an alias.
        fn uses(&mut self, topics: &[String], turns: usize) -> usize {
            let sent = (0..turns)
                .flat_map(|_| topics)
                .map(|topic| self.send(topic));
            sent.filter(|alias| matches!(alias, Alias::Use(_))).count()
        }
    }

    fn topics(name: &str, count: usize) -> Vec<String> {
        (0..count).map(|at| format!("plant/{name}/{at}")).collect()
    }

    /// Frequent and rare topics, short and long ones, and some that come once.
    fn random_topic(rng: &mut StdRng, step: usize) -> String {
        let rank = (1.0 / rng.random_range(0.001..1.0_f64)) as usize;
        match rng.random_range(0..10) {
            0 => format!("once/{step}"),
            1 => "t".repeat(rng.random_range(0..12)),
            2 => format!("{}/{rank}", "long".repeat(rank % 40)),
            // The frequent ones change.
            _ => format!("site/{}/sensor/{rank}", step / 5000),
        }
    }

    #[test]
    fn a_broker_gets_the_topic_that_was_sent() {
        for maximum in [0, 1, 2, 3, 10, 16, 100, 256, 1000, 65_535] {
            let mut rng = StdRng::seed_from_u64(maximum.into());
            let mut pair = Pair::new(maximum);
            let sent = (0..40_000).map(|step| pair.send(&random_topic(&mut rng, step)));
            let uses = sent.filter(|alias| matches!(alias, Alias::Use(_))).count();
            let highest = pair.brokers.keys().max().map_or(0, |number| number.get());
            assert_eq!(highest, maximum.min(MOST));
            assert_eq!(uses > 4_000, maximum > 0, "{uses} uses with {maximum}");
            let most = REMEMBERED * usize::from(highest).next_power_of_two();
            assert!(pair.ours.remembered.len() <= most.max(GROUP));
        }
    }

    #[test]
    fn a_topic_gets_its_number_on_its_second_use() {
        for topic in ["sixsix", "a/longer/topic", &"x".repeat(65_535)] {
            let mut pair = Pair::new(10);
            let sent = [(); 4].map(|()| pair.send(topic));
            let one = NonZeroU16::MIN;
            let expected = [
                Alias::None,
                Alias::Set(one),
                Alias::Use(one),
                Alias::Use(one),
            ];
            assert_eq!(sent, expected, "{}", topic.len());
        }
    }

    #[test]
    fn a_short_topic_gets_its_number_when_that_pays() {
        for (topic, uses) in [("five5", 2), ("four", 3)] {
            let mut pair = Pair::new(10);
            for _ in 0..uses {
                assert_eq!(pair.send(topic), Alias::None);
            }
            assert_eq!(pair.send(topic), Alias::Set(NonZeroU16::MIN));
        }
        for topic in ["", "1", "22", "333"] {
            let mut pair = Pair::new(10);
            assert!((0..1000).all(|_| pair.send(topic) == Alias::None));
        }
    }

    #[test]
    fn topics_that_come_once_take_no_number() {
        for maximum in [1, 10, 256] {
            let mut pair = Pair::new(maximum);
            let kept = topics("kept", maximum.into());
            pair.uses(&kept, 10);
            for at in 0..100_000 {
                let topic = format!("a/topic/that/comes/once/and/is/longer/than/those/{at}");
                assert_eq!(pair.send(&topic), Alias::None);
            }
            // A group may be too small for its topics, but few topics lose their number to that.
            let uses = pair.uses(&kept, 1);
            assert!(uses * 20 >= kept.len() * 19, "{uses} of {maximum}");
        }
    }

    #[test]
    fn new_topics_replace_old_ones() {
        for maximum in [1, 10, 256] {
            let mut pair = Pair::new(maximum);
            pair.uses(&topics("old", maximum.into()), 1000);
            let new = topics("new", maximum.into());
            pair.uses(&new, 50);
            let uses = pair.uses(&new, 1);
            assert!(uses * 20 >= new.len() * 19, "{uses} of {maximum}");
        }
    }

    #[test]
    fn equally_frequent_topics_keep_their_numbers() {
        for maximum in [1, 10, 256] {
            let mut pair = Pair::new(maximum);
            let many = topics("many", 2 * usize::from(maximum));
            pair.uses(&many, 20);
            let uses = pair.uses(&many, 10);
            let best = 10 * usize::from(maximum);
            assert!(uses * 20 >= best * 19, "{uses} of {best}");
        }
    }

    #[test]
    fn the_longer_of_two_topics_gets_the_number() {
        let mut pair = Pair::new(1);
        let longer = "a/topic/of/three/times/the/length";
        for _ in 0..10 {
            pair.send("short/topic");
        }
        let sent = (0..20).map(|_| (pair.send("short/topic"), pair.send(longer)));
        let Some((Alias::None, Alias::Use(_))) = sent.last() else {
            panic!("the shorter topic has the number");
        };
    }

    #[test]
    fn topics_whose_hashes_collide_are_told_apart() {
        // A half of a block that equals its key makes the product 0.
        let collision =
            |first: &str| [first.as_bytes(), b"\xdb\x28\xb4\xa0\xd1\x7e\x03\xe7"].concat();
        let [first, second] = ["plant/01", "plant/02"].map(collision);
        assert_eq!(hash(&first), hash(&second));
        let mut ours = OutboundAliases::new(10);
        let one = NonZeroU16::MIN;
        assert_eq!(ours.choose(&first), Alias::None);
        assert_eq!(ours.choose(&first), Alias::Set(one));
        assert!((0..100).all(|_| ours.choose(&second) == Alias::None));
        assert_eq!(ours.choose(&first), Alias::Use(one));
    }
}
