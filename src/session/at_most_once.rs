//! Which QoS 0 messages are among the bytes of the output, in the order of their ends.

/// A list that is emptied from its front. It is no ring, because each QoS 0 message pays for one
/// push and one pop. The marks move to the start of the memory when that pays.
#[derive(Default)]
pub struct AtMostOnce {
    marks: Vec<Mark>,
    /// The marks before this index are removed.
    first: usize,
}

/// The memory that the mark of a message takes. Up to half of it is unused capacity.
pub const MARK: usize = 2 * size_of::<Mark>();

#[derive(Clone, Copy)]
struct Mark {
    /// The end of the message, counted from the first byte of the connection.
    end: u64,
    mid: u64,
}

impl AtMostOnce {
    #[inline(always)]
    pub fn push(&mut self, end: u64, mid: u64) {
        if self.marks.len() == self.marks.capacity() {
            self.make_room();
        }
        self.marks.push(Mark { end, mid });
    }

    /// Whether the first message ends at `position` or before.
    #[inline(always)]
    pub fn is_passed(&self, position: u64) -> bool {
        let first = self.marks.get(self.first);
        first.is_some_and(|mark| mark.end <= position)
    }

    /// Removes the first message and returns its mid, if it ends at `position` or before.
    #[inline(always)]
    pub fn pop_passed(&mut self, position: u64) -> Option<u64> {
        let mark = *self.marks.get(self.first)?;
        if mark.end > position {
            return None;
        }
        self.first += 1;
        if self.first == self.marks.len() {
            self.marks.clear();
            self.first = 0;
        }
        Some(mark.mid)
    }

    pub fn len(&self) -> usize {
        self.marks.len() - self.first
    }

    pub fn into_mids(self) -> impl Iterator<Item = u64> {
        let marks = self.marks.into_iter().skip(self.first);
        marks.map(|mark| mark.mid)
    }

    pub fn shrink(&mut self) {
        self.forget_first();
        self.marks.shrink_to_fit();
    }

    /// Moves the marks only if at least three were removed for each of them.
    #[cold]
    fn make_room(&mut self) {
        match self.first > self.marks.len() / 4 * 3 {
            true => self.forget_first(),
            false => self.marks.reserve(1),
        }
    }

    fn forget_first(&mut self) {
        self.marks.drain(..self.first);
        self.first = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Compares with a queue of the standard library.
    #[test]
    fn it_is_a_queue() {
        let (mut ours, mut queue) = (AtMostOnce::default(), VecDeque::new());
        for round in 0..2000_u64 {
            for step in 0..round % 13 {
                let end = round * 100 + step;
                ours.push(end, end + 7);
                queue.push_back((end, end + 7));
            }
            let position = round * 100 + round % 11 - (round % 3).min(round % 11);
            while queue.front().is_some_and(|&(end, _)| end <= position) {
                assert!(ours.is_passed(position));
                assert_eq!(
                    ours.pop_passed(position),
                    queue.pop_front().map(|(_, mid)| mid)
                );
            }
            assert!(!ours.is_passed(position));
            assert_eq!(ours.pop_passed(position), None);
            assert_eq!(ours.len(), queue.len());
            if round % 100 == 0 {
                ours.shrink();
            }
        }
        assert!(ours.into_mids().eq(queue.into_iter().map(|(_, mid)| mid)));
    }
}
