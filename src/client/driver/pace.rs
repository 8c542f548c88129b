//! How long a pass has run. Reading the clock for each callback would cost more than a fast
//! callback. So it is read after 1, 2, 4 ... callbacks while they are fast.

use std::time::Duration;

use crate::sys;
use crate::time::Moment;

/// A pass ends after this time, plus the callbacks that run until the next look at the clock.
const BUDGET: Duration = Duration::from_millis(5);

/// After this time, output that is due leaves, even in the middle of a pass.
const PAUSE: Duration = Duration::from_millis(1);

/// At most this many callbacks run between two looks at the clock, and only while they are fast.
/// They are fast while the callbacks between two looks take less than `FAST`.
const MOST: u8 = 32;
const FAST: Duration = Duration::from_micros(100);

/// The greatest stride that a pass begins with, after a pass with fast callbacks.
const FIRST: u8 = 8;

pub struct Pace {
    /// Callbacks until the next look.
    left: u32,
    stride: u8,
    /// When the clock was read last.
    now: Moment,
    pause_at: Moment,
    end: Moment,
    /// The results of that look, which are read after each callback.
    is_pause_due: bool,
    is_over: bool,
}

impl Pace {
    pub fn new(now: Moment) -> Pace {
        Pace::after(1, now)
    }

    /// The pace of a pass that follows a pass with this stride at its end.
    pub fn after(stride: u8, now: Moment) -> Pace {
        let stride = stride.clamp(1, FIRST);
        Pace {
            left: stride.into(),
            stride,
            now,
            pause_at: now + PAUSE,
            end: now + BUDGET,
            is_pause_due: false,
            is_over: false,
        }
    }

    /// A callback has run. Returns true if the clock was read, so that the results below may be
    /// new.
    #[inline(always)]
    pub fn tick(&mut self) -> bool {
        self.left = self.left.wrapping_sub(1);
        let is_time = self.left == 0;
        if is_time {
            self.look();
        }
        is_time
    }

    /// Whether a pause is due, for work that is due in the middle of a pass.
    #[inline(always)]
    pub fn is_pause_due(&self) -> bool {
        self.is_pause_due
    }

    /// The pause is over.
    pub fn go_on(&mut self) {
        self.pause_at = self.now + PAUSE;
        self.is_pause_due = false;
    }

    /// Whether the pass has to end.
    #[inline(always)]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The pass has to end now: a callback has forked this child, and all that was read is the parent's.
    #[cold]
    pub fn stop(&mut self) {
        self.is_pause_due = true;
        self.is_over = true;
    }

    /// How many callbacks run between two looks at the clock.
    pub fn stride(&self) -> u8 {
        self.stride
    }

    /// The time of the last look.
    pub fn now(&self) -> Moment {
        self.now
    }

    #[cold]
    fn look(&mut self) {
        self.advance(sys::now());
    }

    fn advance(&mut self, now: Moment) {
        self.stride = match now.since(self.now) < FAST {
            true => (2 * self.stride).min(MOST),
            false => 1,
        };
        self.left = self.stride.into();
        self.now = now;
        self.is_pause_due = now >= self.pause_at;
        self.is_over = now >= self.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often the clock is read in a pass of `count` callbacks that take `time` each.
    fn looks(count: u32, time: Duration) -> u32 {
        let mut pace = Pace::new(Moment::origin());
        let mut looks = 0;
        let mut now = Moment::origin();
        for _ in 0..count {
            now = now + time;
            pace.left -= 1;
            if pace.left == 0 {
                looks += 1;
                pace.advance(now);
            }
        }
        looks
    }

    #[test]
    fn fast_callbacks_pay_for_few_looks_and_slow_ones_for_one_each() {
        assert_eq!(looks(1000, Duration::ZERO), 5 + (1000 - 31) / 32);
        assert_eq!(looks(1000, Duration::from_millis(1)), 1000);
    }

    #[test]
    fn it_pauses_and_ends_in_time() {
        let start = Moment::origin();
        let mut pace = Pace::new(start);
        pace.advance(start + PAUSE / 2);
        assert!(!pace.is_pause_due());
        pace.advance(start + PAUSE);
        assert!(pace.is_pause_due() && !pace.is_over());
        pace.go_on();
        assert!(!pace.is_pause_due());
        pace.advance(start + BUDGET);
        assert!(pace.is_pause_due() && pace.is_over());
    }
}
