//! How long to wait before connecting again.

use std::time::Duration;

use super::defaults::whole_milliseconds;
use crate::sys::Random;
use crate::time::Moment;
use rand::Rng;

/// So many refusals in a row that another attempt would not change make the delay the longest one.
const REFUSALS: u8 = 3;

/// The delay doubles with each failure, from `min` to `max`. Each wait is drawn from the upper half
/// of the delay. So a thousand clients of one broker do not return at the same moment.
///
/// | a connection or an attempt ends         | the delay        | the refusals    |
/// |-----------------------------------------|------------------|-----------------|
/// | refused for good                        | doubles          | one more        |
/// | the same, after it has lasted `max`     | `min` again      | this one        |
/// | otherwise                               | doubles          | as many         |
/// | otherwise, after it has lasted          | `min` again      | none            |
///
/// While there are `REFUSALS` of them, each delay is `max`.
pub struct Backoff {
    min_ms: u32,
    max_ms: u32,
    next_ms: u32,
    refusals: u8,
    connected_at: Option<Moment>,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff::new(Duration::from_secs(1), Duration::from_secs(120))
    }
}

impl Backoff {
    pub fn new(min: Duration, max: Duration) -> Backoff {
        let min_ms = whole_milliseconds(min);
        Backoff {
            min_ms,
            max_ms: whole_milliseconds(max),
            next_ms: min_ms,
            refusals: 0,
            connected_at: None,
        }
    }

    /// The broker accepted a connection.
    pub fn connected(&mut self, now: Moment) {
        self.connected_at = Some(now);
    }

    /// A connection or an attempt ended. Only a connection that has lasted at least as long as the
    /// next delay resets the delay to `min`. So the client does not hammer a broker that accepts
    /// and drops. `for_good`: the broker will refuse the same client again. A session that was taken over has
    /// often lasted as long as the other client has waited, so such a connection has to last longer.
    pub fn ended(&mut self, for_good: bool, now: Moment) {
        let least_ms = if for_good { self.max_ms } else { self.next_ms };
        if self.has_lasted_for(least_ms, now) {
            self.next_ms = self.min_ms;
            self.refusals = 0;
        }
        if for_good {
            self.refusals = self.refusals.saturating_add(1);
        }
        self.connected_at = None;
    }

    /// Whether the connection has lasted as long as the next delay.
    pub fn has_lasted(&self, now: Moment) -> bool {
        self.has_lasted_for(self.next_ms, now)
    }

    /// What the broker has refused has changed: the next attempt may have another end.
    pub fn changed(&mut self) {
        self.refusals = 0;
    }

    /// Whether the broker has refused the client for good, several times in a row.
    pub fn is_refused(&self) -> bool {
        self.refusals >= REFUSALS
    }

    /// How long to wait before the next attempt.
    pub fn wait(&mut self) -> Duration {
        let wait_ms = match self.is_refused() {
            true => self.max_ms,
            false => self.next_ms,
        };
        self.next_ms = self.next_ms.saturating_mul(2).min(self.max_ms);
        milliseconds(wait_ms).mul_f64(Random.random_range(0.5..=1.0))
    }

    fn has_lasted_for(&self, least_ms: u32, now: Moment) -> bool {
        let connected_at = self.connected_at;
        connected_at.is_some_and(|at| now.since(at) >= milliseconds(least_ms))
    }
}

fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(count.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn doubles_up_to_the_maximum_with_jitter() {
        let mut backoff = Backoff::new(SECOND, 8 * SECOND);
        for seconds in [1, 2, 4, 8, 8] {
            let wait = backoff.wait();
            assert!(wait <= seconds * SECOND && wait * 2 >= seconds * SECOND);
        }
    }

    #[test]
    fn only_a_connection_that_held_resets_it() {
        let mut backoff = Backoff::new(SECOND, 8 * SECOND);
        backoff.wait();
        backoff.wait();
        assert!(!lasts(&mut backoff, false, SECOND));
        assert!(backoff.wait() >= 2 * SECOND);
        assert!(lasts(&mut backoff, false, 20 * SECOND));
        assert!(backoff.wait() <= SECOND);
    }

    /// A connection of this length ends. Returns whether it has lasted.
    fn lasts(backoff: &mut Backoff, for_good: bool, time: Duration) -> bool {
        let start = Moment::origin() + 10 * SECOND;
        backoff.connected(start);
        let has_lasted = backoff.has_lasted(start + time);
        backoff.ended(for_good, start + time);
        has_lasted
    }

    /// The client is refused for good so many times; returns the last wait.
    fn refused(backoff: &mut Backoff, times: u8) -> Duration {
        let mut wait = Duration::ZERO;
        for _ in 0..times {
            backoff.ended(true, Moment::origin());
            wait = backoff.wait();
        }
        wait
    }

    #[test]
    fn the_third_refusal_for_good_makes_it_the_longest() {
        let mut backoff = Backoff::new(SECOND, 100 * SECOND);
        assert!(refused(&mut backoff, 2) <= 2 * SECOND && !backoff.is_refused());
        // What says nothing about the refusals neither counts nor ends the row.
        backoff.ended(false, Moment::origin());
        assert!(backoff.wait() <= 4 * SECOND);
        for _ in 0..300 {
            assert!(refused(&mut backoff, 1) >= 50 * SECOND && backoff.is_refused());
        }
    }

    #[test]
    fn it_is_not_once_something_has_changed() {
        let mut backoff = Backoff::new(SECOND, 100 * SECOND);
        refused(&mut backoff, 3);
        backoff.changed();
        assert!(refused(&mut backoff, 2) <= 16 * SECOND && !backoff.is_refused());
        assert!(refused(&mut backoff, 1) >= 50 * SECOND);
    }

    #[test]
    fn nor_after_a_connection_that_has_lasted() {
        let mut backoff = Backoff::new(SECOND, 100 * SECOND);
        refused(&mut backoff, 3);
        lasts(&mut backoff, false, SECOND);
        assert!(backoff.is_refused() && backoff.wait() >= 50 * SECOND);
        lasts(&mut backoff, false, 16 * SECOND);
        assert!(!backoff.is_refused() && backoff.wait() <= SECOND);
    }

    /// Two clients of one identifier: each ends the connection of the other when it connects.
    #[test]
    fn sessions_that_are_taken_over_again_and_again_are_refusals() {
        let mut backoff = Backoff::new(SECOND, 100 * SECOND);
        for seconds in [1, 2, 4] {
            lasts(&mut backoff, true, seconds * SECOND);
            backoff.wait();
        }
        assert!(backoff.is_refused());
        for _ in 0..9 {
            lasts(&mut backoff, true, 99 * SECOND);
            assert!(backoff.wait() >= 50 * SECOND);
        }
        // One take-over in a long time is none of them.
        lasts(&mut backoff, true, 100 * SECOND);
        assert!(!backoff.is_refused() && backoff.wait() <= SECOND);
    }
}
