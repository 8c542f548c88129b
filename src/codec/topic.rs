//! Topic names and topic filters: what is well-formed, and which filter matches which name
//! (section 4.7).

use super::MAX_STRING;

/// The topic of a PUBLISH that was read: valid, and followed by a NUL byte in the read
/// buffer, so that C gets it without a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic<'a>(&'a str);

impl<'a> Topic<'a> {
    /// `terminated` ends with a NUL byte; what stands before it is the caller's to check.
    pub(super) fn new(terminated: &'a str) -> Self {
        debug_assert!(terminated.ends_with('\0'));
        Topic(terminated)
    }

    pub fn as_str(self) -> &'a str {
        &self.0[..self.0.len() - 1]
    }

    /// With its NUL byte.
    pub fn terminated(self) -> &'a str {
        self.0
    }
}

/// Why text cannot be a topic name.
pub fn check_name(name: &str) -> Result<(), &'static str> {
    check_text(name)?;
    if name.bytes().any(|byte| matches!(byte, b'+' | b'#')) {
        return Err("a topic name must not contain the wildcards + and # [MQTT-3.3.2-2]");
    }
    Ok(())
}

/// Why text cannot be a topic filter.
pub fn check_filter(filter: &str) -> Result<(), &'static str> {
    check_text(filter)?;
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        if level.contains('#') && (level != "#" || levels.peek().is_some()) {
            return Err("# must be the last level and stand alone in it [MQTT-4.7.1-2]");
        }
        if level.contains('+') && level != "+" {
            return Err("+ must stand alone in its level [MQTT-4.7.1-3]");
        }
    }
    Ok(())
}

fn check_text(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("a topic must have at least one character [MQTT-4.7.3-1]");
    }
    if text.len() > MAX_STRING {
        return Err("a topic must not be longer than 65,535 bytes [MQTT-4.7.3-3]");
    }
    if text.as_bytes().contains(&0) {
        return Err("a topic must not contain U+0000 [MQTT-4.7.3-2]");
    }
    Ok(())
}

/// Whether `filter` matches `name`; both have passed their checks.
pub fn matches(filter: &str, name: &str) -> bool {
    // [MQTT-4.7.2-1]: a filter that starts with a wildcard does not see $-topics.
    if name.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut names = levels(name);
    for level in levels(filter) {
        if level == b"#" {
            // Matches the parent too, so it does not matter whether a level is left.
            return true;
        }
        match names.next() {
            Some(name) if level == b"+" || level == name => {}
            _ => return false,
        }
    }
    names.next().is_none()
}

/// As bytes, which are faster to split than text.
fn levels(topic: &str) -> impl Iterator<Item = &[u8]> {
    topic.as_bytes().split(|&byte| byte == b'/')
}
