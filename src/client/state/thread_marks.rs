//! Marks of threads, of which there is rarely more than one.

use std::num::NonZeroUsize;

/// Distinguishes threads while they live.
pub type ThreadMark = NonZeroUsize;

/// The mark of the calling thread, without a system call.
pub fn thread_mark() -> ThreadMark {
    thread_local!(static MARK: u8 = const { 0 });
    // No address is 0.
    MARK.with(|mark| NonZeroUsize::new(std::ptr::from_ref(mark).addr()))
        .unwrap_or(NonZeroUsize::MIN)
}

/// A thread may be in the set several times. The first mark needs no allocation; each further one
/// has a box.
#[derive(Default)]
pub struct ThreadMarks {
    one: Option<ThreadMark>,
    others: Option<Box<ThreadMarks>>,
}

impl ThreadMarks {
    pub fn add(&mut self, mark: ThreadMark) {
        match self.one {
            None => self.one = Some(mark),
            Some(_) => self.others.get_or_insert_default().add(mark),
        }
    }

    /// Removes the mark once.
    pub fn remove(&mut self, mark: ThreadMark) {
        if self.one == Some(mark) {
            self.one = None;
        } else if let Some(others) = &mut self.others {
            others.remove(mark);
            self.others.take_if(|others| others.is_empty());
        }
    }

    pub fn contains(&self, mark: ThreadMark) -> bool {
        let others = self.others.as_ref();
        self.one == Some(mark) || others.is_some_and(|others| others.contains(mark))
    }

    pub fn is_empty(&self) -> bool {
        self.one.is_none() && self.others.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mark: usize) -> ThreadMark {
        ThreadMark::new(mark).unwrap()
    }

    #[test]
    fn each_is_in_it_as_often_as_it_was_added() {
        let mut marks = ThreadMarks::default();
        for mark in [1, 2, 1, 3] {
            marks.add(of(mark));
        }
        marks.remove(of(1));
        assert!(marks.contains(of(1)) && marks.contains(of(2)) && marks.contains(of(3)));
        marks.remove(of(1));
        assert!(!marks.contains(of(1)) && marks.contains(of(2)) && marks.contains(of(3)));
        marks.add(of(2));
        for mark in [2, 3] {
            marks.remove(of(mark));
        }
        assert!(marks.contains(of(2)) && !marks.contains(of(3)) && !marks.is_empty());
        marks.remove(of(2));
        assert!(marks.is_empty());
    }
}
