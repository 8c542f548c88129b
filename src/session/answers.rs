//! Counts the bytes of acknowledgements that wait for the socket. The broker's packets cause them,
//! so the client reads no more packets while the count is too high.

/// Above this count nothing is read, until no more than half of it is left.
const MOST: u32 = 1024 * 1024;

/// The size in bytes of each PUBACK, PUBREC, PUBREL and PUBCOMP.
const SIZE: u32 = 4;

/// Counts in two generations, because a mark for each answer would cost more than the answer. The
/// count is never less than what waits.
#[derive(Default)]
pub struct Answers {
    /// The end of the older generation in the output.
    end: u64,
    older: u32,
    younger: u32,
}

impl Answers {
    /// One more answer is in the output.
    #[inline(always)]
    pub fn add(&mut self) {
        self.younger += SIZE;
    }

    /// The socket has taken the output up to `written`. The output ends at `position`.
    pub fn written(&mut self, written: u64, position: u64) {
        if written >= self.end {
            self.older = std::mem::take(&mut self.younger);
            self.end = position;
        }
        // The answers of the older generation are among these bytes.
        let left = self.end.saturating_sub(written);
        self.older = self.older.min(left.try_into().unwrap_or(u32::MAX));
    }

    pub fn are_too_many(&self) -> bool {
        self.bytes() > MOST
    }

    pub fn are_few(&self) -> bool {
        self.bytes() <= MOST / 2
    }

    fn bytes(&self) -> u32 {
        self.older + self.younger
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_never_fewer_than_what_waits_and_none_when_all_is_written() {
        let mut answers = Answers::default();
        let mut position = 0;
        for written in [0, 40, 100, 100, 250, 400, 400] {
            for _ in 0..20 {
                answers.add();
                position += u64::from(SIZE);
            }
            answers.written(written, position);
            assert!(u64::from(answers.bytes()) >= position - written);
            assert!(answers.bytes() <= position as u32);
        }
        answers.written(position, position);
        assert_eq!(answers.bytes(), 0);
    }

    #[test]
    fn what_the_program_sends_does_not_count() {
        let mut answers = Answers::default();
        (0..MOST / SIZE).for_each(|_| answers.add());
        assert!(!answers.are_too_many() && !answers.are_few());
        answers.add();
        assert!(answers.are_too_many());
        // A message of the program stands between the generations.
        let (first, all) = (u64::from(MOST) + 4, u64::from(MOST) + 2_000_004);
        answers.written(1, all);
        answers.written(first, all);
        assert!(answers.are_too_many());
        answers.written(all, all);
        assert!(answers.are_few());
    }
}
