//! What messages and SUBSCRIBEs belong to, until their outcomes come.

use std::collections::HashMap;

use crate::codec::NoMemory;

/// Memory for more tags than this is given back as soon as none is left.
const KEPT: usize = 256;

/// The tags by mid. A message without a tag is not in here.
#[derive(Default)]
pub struct Tags(HashMap<u64, Tag>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// The number that the program has given a message, and gets back.
    Number(u64),
    /// The message of the request with this id.
    Request(u64),
    /// The SUBSCRIBE for the responses to requests.
    ReplyTopic,
}

impl Tags {
    /// Makes room for one more.
    pub fn reserve(&mut self) -> Result<(), NoMemory> {
        self.0.try_reserve(1).map_err(|_| NoMemory)
    }

    pub fn set(&mut self, mid: u64, tag: Tag) {
        self.0.insert(mid, tag);
    }

    /// Whether a message may have a tag. The outcome of each message asks first.
    #[inline(always)]
    pub fn are_used(&self) -> bool {
        !self.0.is_empty()
    }

    /// The tag of a message that is done.
    pub fn take(&mut self, mid: u64) -> Option<Tag> {
        let tag = self.0.remove(&mid);
        if self.0.is_empty() && self.0.capacity() > KEPT {
            self.0 = HashMap::new();
        }
        tag
    }

    /// Gives back unused memory.
    pub fn trim(&mut self) {
        if self.0.is_empty() {
            self.0 = HashMap::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_is_given_back_once() {
        let mut tags = Tags::default();
        assert_eq!(tags.take(1), None);
        for mid in 1..=1000 {
            assert_eq!(tags.reserve(), Ok(()));
            tags.set(mid, Tag::Number(mid + 7));
        }
        for mid in 1..=1000 {
            tags.trim();
            let tag = Some(Tag::Number(mid + 7));
            assert_eq!((tags.take(mid), tags.take(mid)), (tag, None));
        }
    }

    #[test]
    fn memory_is_given_back() {
        let mut tags = Tags::default();
        tags.set(1, Tag::ReplyTopic);
        tags.trim();
        assert_eq!(tags.take(1), Some(Tag::ReplyTopic));
        assert!(!tags.are_used());
        tags.trim();
        assert_eq!(tags.0.capacity(), 0);
        (0..1000).for_each(|mid| tags.set(mid, Tag::Request(1)));
        (0..1000).for_each(|mid| {
            tags.take(mid);
        });
        assert_eq!(tags.0.capacity(), 0);
    }
}
