//! When to look whether the time of a message is over that waits.
//!
//! A round looks at all that waits. It begins when the first limit may be over, and `PAUSE` after the one
//! before at the earliest. While no message has a limit there is none.

use std::time::Duration;

use super::slot::Slot;
use crate::time::Moment;

/// From the beginning of a round to that of the next one.
const PAUSE: Duration = Duration::from_millis(500);

/// What is known of the messages that wait and have a time limit.
#[derive(Default)]
pub struct Limits {
    count: u32,
    /// None of those that the round has passed is over before, nor one that came since.
    first: Moment,
    /// The next round begins no sooner.
    pause: Moment,
    /// Where the round goes on; None: none is under way.
    at: Option<u32>,
}

impl Limits {
    /// A message came that waits, and has a limit.
    pub fn add(&mut self, until: Moment) {
        if self.count == 0 {
            self.first = until;
            self.at = None;
        }
        self.pass(until);
        self.count += 1;
    }

    /// What was so before waits no more.
    pub fn forget(&mut self, before: &Slot) {
        self.count -= u32::from(before.until().is_some());
    }

    /// What waits has moved, to `start` and behind.
    pub fn moved(&mut self, start: u32) {
        self.at = self.at.and(Some(start));
    }

    /// When there is something to look at.
    pub fn due(&self) -> Option<Moment> {
        (self.count > 0).then(|| match self.at {
            Some(_) => Moment::origin(),
            None => self.first.max(self.pause),
        })
    }

    /// Where to look, which is from `start` on for a round that begins.
    pub fn begin(&mut self, start: u32, now: Moment) -> u32 {
        *self.at.get_or_insert_with(|| {
            self.first = Moment::never();
            self.pause = now + PAUSE;
            start
        })
    }

    /// The round has passed one that is not over before `until`.
    pub fn pass(&mut self, until: Moment) {
        self.first = self.first.min(until);
    }

    /// Where the round goes on; None: it is over.
    pub fn go_on(&mut self, at: Option<u32>) {
        self.at = at;
    }
}
