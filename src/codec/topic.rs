//! Topic names and topic filters: which are well-formed, and which filter matches which name (section
//! 4.7). Shared subscriptions are defined by MQTT 5 (section 4.8.2 there); brokers have them for
//! clients of 3.1.1 too.

use std::fmt;

use super::plain::{LOW, is_plain, zero_or_not_ascii, zeros};
use super::{MAX_STRING, NoMemory};

/// The topic of a PUBLISH that was read: valid, and followed by a NUL byte in the read
/// buffer, so that C gets it without a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic<'a>(&'a [u8]);

impl<'a> Topic<'a> {
    /// `terminated` ends with a NUL byte; the caller checks the bytes before it.
    pub(super) fn new(terminated: &'a [u8]) -> Self {
        debug_assert!(terminated.ends_with(&[0]));
        Topic(terminated)
    }

    /// UTF-8.
    pub fn as_bytes(self) -> &'a [u8] {
        &self.0[..self.0.len() - 1]
    }

    /// With its NUL byte.
    pub fn terminated(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Display for Topic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

/// Keeps a topic beyond its packet.
#[derive(Debug, Default)]
pub struct TopicBuf(Vec<u8>);

impl TopicBuf {
    /// Keeps another topic. If there is no memory for it, it keeps none.
    pub fn set(&mut self, topic: Topic) -> Result<(), NoMemory> {
        self.0.clear();
        self.0.try_reserve_exact(topic.terminated().len())?;
        self.0.extend_from_slice(topic.terminated());
        Ok(())
    }

    /// None: it keeps no topic.
    pub fn get(&self) -> Option<Topic<'_>> {
        (!self.0.is_empty()).then(|| Topic::new(&self.0))
    }
}

/// Why bytes cannot be a topic name. It is called for each message, so it reads a name of plain ASCII
/// once, eight bytes at a time.
#[inline(always)]
pub fn check_name(name: &[u8]) -> Result<(), &'static str> {
    match is_plain(name, remarkable) {
        true => Ok(()),
        false => check_name_closely(name),
    }
}

#[cold]
fn check_name_closely(name: &[u8]) -> Result<(), &'static str> {
    let name = str::from_utf8(name)
        .map_err(|_| "the topic is not well-formed UTF-8 [MQTT311-1.5.3-1] [MQTT5-1.5.4-1]")?;
    check_text(name)?;
    if name.bytes().any(|byte| matches!(byte, b'+' | b'#')) {
        return Err(
            "a topic name must not contain the wildcards + and # [MQTT311-3.3.2-2] [MQTT5-4.7.0-1]",
        );
    }
    Ok(())
}

/// Not 0 if one of the eight bytes is NUL, `+`, `#` or not ASCII. A name with such bytes may still be
/// valid: `check_name_closely` decides.
#[inline(always)]
fn remarkable(bytes: [u8; 8]) -> u64 {
    // `+` and `#` differ in one bit, which is cleared in all bytes.
    let wildcards = (u64::from_le_bytes(bytes) & (LOW * 0xf7)) ^ (LOW * 0x23);
    zero_or_not_ascii(bytes) | zeros(wildcards)
}

/// The prefix of a shared subscription; its group and its filter follow.
const SHARE: &str = "$share/";

/// Why text cannot be a topic filter.
pub fn check_filter(filter: &str) -> Result<(), &'static str> {
    check_text(filter)?;
    match filter.strip_prefix(SHARE) {
        None => check_levels(filter),
        Some(shared) => check_shared(shared),
    }
}

fn check_shared(shared: &str) -> Result<(), &'static str> {
    let (group, filter) = shared.split_once('/').unwrap_or((shared, ""));
    if group.is_empty() {
        return Err(
            "$share/ must be followed by a group of at least one character [MQTT5-4.8.2-1]",
        );
    }
    if group.contains(['+', '#']) {
        return Err("the group after $share/ must not contain + and # [MQTT5-4.8.2-2]");
    }
    if filter.is_empty() {
        return Err("the group after $share/ must be followed by / and a filter [MQTT5-4.8.2-2]");
    }
    check_levels(filter)
}

fn check_levels(filter: &str) -> Result<(), &'static str> {
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        if level.contains('#') && (level != "#" || levels.peek().is_some()) {
            return Err(
                "# must be the last level and stand alone in it [MQTT311-4.7.1-2] [MQTT5-4.7.1-1]",
            );
        }
        if level.contains('+') && level != "+" {
            return Err("+ must stand alone in its level [MQTT311-4.7.1-3] [MQTT5-4.7.1-2]");
        }
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("a topic must have at least one character [MQTT311-4.7.3-1] [MQTT5-4.7.3-1]");
    }
    if text.len() > MAX_STRING {
        return Err(
            "a topic must not be longer than 65,535 bytes [MQTT311-4.7.3-3] [MQTT5-4.7.3-3]",
        );
    }
    if text.as_bytes().contains(&0) {
        return Err("a topic must not contain U+0000 [MQTT311-4.7.3-2] [MQTT5-4.7.3-2]");
    }
    Ok(())
}

/// Whether a filter is that of a shared subscription.
pub fn is_shared(filter: &str) -> bool {
    filter.starts_with(SHARE)
}

/// Whether a filter has wildcards.
pub fn has_wildcards(filter: &str) -> bool {
    filter.contains(['+', '#'])
}

/// Whether `filter` matches `name`; both have passed their checks.
///
/// A shared subscription matches what the filter behind its group matches. A broker without shared
/// subscriptions takes it for an ordinary filter, and a message for that has to find its callback too.
pub fn matches(filter: &str, name: &[u8]) -> bool {
    let shared = filter.strip_prefix(SHARE);
    let behind = shared.and_then(|shared| shared.split_once('/'));
    behind.is_some_and(|(_, filter)| levels_match(filter, name)) || levels_match(filter, name)
}

fn levels_match(filter: &str, name: &[u8]) -> bool {
    // [MQTT311-4.7.2-1] [MQTT5-4.7.2-1]: a filter that starts with a wildcard does not see $-topics.
    if name.starts_with(b"$") && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut filter, mut name) = (filter.as_bytes(), name);
    loop {
        // A name has no wildcards, so that each of the filter's is where they differ.
        let same = filter.iter().zip(name).take_while(|(a, b)| a == b).count();
        (filter, name) = (&filter[same..], &name[same..]);
        match filter {
            [] => return name.is_empty(),
            [b'#', ..] => return true,
            [b'+', behind @ ..] => {
                let end = name.iter().position(|&byte| byte == b'/');
                (filter, name) = (behind, &name[end.unwrap_or(name.len())..]);
            }
            // # matches the parent, too.
            _ => return filter == b"/#" && name.is_empty(),
        }
    }
}
