//! When to check the time limits of messages that wait.
//!
//! A round checks all messages that wait. It begins when the first limit may be over, and at the
//! earliest `PAUSE` after the beginning of the previous round. While no message has a limit,
//! there are no rounds.

use std::time::Duration;

use super::slot::Slot;
use crate::time::Moment;

/// From the beginning of a round to that of the next one.
const PAUSE: Duration = Duration::from_millis(500);

/// The schedule for the messages that wait and have a time limit.
#[derive(Default)]
pub struct Limits {
    count: u32,
    /// No limit that the round has passed, or that was added since, ends before this moment.
    first: Moment,
    /// The next round begins no sooner.
    pause: Moment,
    /// Where the round goes on; None: none is under way.
    at: Option<u32>,
}

impl Limits {
    /// Counts a message that waits and has a limit.
    pub fn add(&mut self, until: Moment) {
        if self.count == 0 {
            self.first = until;
            self.at = None;
        }
        self.pass(until);
        self.count += 1;
    }

    /// The message with this former slot no longer waits.
    pub fn forget(&mut self, before: &Slot) {
        self.count -= u32::from(before.until().is_some());
    }

    /// The messages that wait were moved to `start` and behind. The round starts there again.
    pub fn moved(&mut self, start: u32) {
        self.at = self.at.and(Some(start));
    }

    /// When the next check is due; None: no message has a limit.
    pub fn due(&self) -> Option<Moment> {
        (self.count > 0).then(|| match self.at {
            Some(_) => Moment::origin(),
            None => self.first.max(self.pause),
        })
    }

    /// Where to check next: at `start` if a round begins.
    pub fn begin(&mut self, start: u32, now: Moment) -> u32 {
        *self.at.get_or_insert_with(|| {
            self.first = Moment::never();
            self.pause = now + PAUSE;
            start
        })
    }

    /// The round has passed a message whose limit is `until`.
    pub fn pass(&mut self, until: Moment) {
        self.first = self.first.min(until);
    }

    /// Where the round goes on; None: it is over.
    pub fn go_on(&mut self, at: Option<u32>) {
        self.at = at;
    }
}
