//! Marks of threads, of which there is hardly ever more than one.

/// A thread may be in here several times. The first has its place, others a box each.
#[derive(Default)]
pub struct Marks {
    /// 0: none, as no thread has that mark.
    one: usize,
    others: Option<Box<Marks>>,
}

impl Marks {
    pub fn add(&mut self, mark: usize) {
        match self.one {
            0 => self.one = mark,
            _ => self.others.get_or_insert_default().add(mark),
        }
    }

    /// Takes it out once.
    pub fn remove(&mut self, mark: usize) {
        if self.one == mark {
            self.one = 0;
        } else if let Some(others) = &mut self.others {
            others.remove(mark);
            self.others.take_if(|others| others.is_empty());
        }
    }

    pub fn contains(&self, mark: usize) -> bool {
        let others = self.others.as_ref();
        self.one == mark || others.is_some_and(|others| others.contains(mark))
    }

    pub fn is_empty(&self) -> bool {
        self.one == 0 && self.others.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_in_it_as_often_as_it_was_added() {
        let mut marks = Marks::default();
        for mark in [1, 2, 1, 3] {
            marks.add(mark);
        }
        marks.remove(1);
        assert!(marks.contains(1) && marks.contains(2) && marks.contains(3));
        marks.remove(1);
        assert!(!marks.contains(1) && marks.contains(2) && marks.contains(3));
        marks.add(2);
        for mark in [2, 3] {
            marks.remove(mark);
        }
        assert!(marks.contains(2) && !marks.contains(3) && !marks.is_empty());
        marks.remove(2);
        assert!(marks.is_empty());
    }
}
