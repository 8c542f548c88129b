//! How long to wait before connecting again.

use std::time::Duration;

use super::defaults::whole_milliseconds;
use crate::sys::Random;
use crate::time::Moment;
use rand::Rng;

/// The delay doubles with each failure, from `min` to `max`. Each wait is drawn from the upper half
/// of the delay. So a thousand clients of one broker do not return at the same moment.
pub struct Backoff {
    min_ms: u32,
    max_ms: u32,
    next_ms: u32,
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
            connected_at: None,
        }
    }

    /// The broker accepted a connection.
    pub fn connected(&mut self, now: Moment) {
        self.connected_at = Some(now);
    }

    /// A connection or an attempt ended. Only a connection that has lasted at least as long as the
    /// next delay resets the delay to `min`. So the client does not hammer a broker that accepts
    /// and drops.
    pub fn ended(&mut self, now: Moment) {
        if self.has_lasted(now) {
            self.next_ms = self.min_ms;
        }
        self.connected_at = None;
    }

    /// Whether the connection has lasted that long.
    pub fn has_lasted(&self, now: Moment) -> bool {
        self.connected_at
            .is_some_and(|at| now.since(at) >= self.next())
    }

    /// How long to wait before the next attempt.
    pub fn wait(&mut self) -> Duration {
        let wait = self.next();
        self.next_ms = self.next_ms.saturating_mul(2).min(self.max_ms);
        wait.mul_f64(Random.random_range(0.5..=1.0))
    }

    fn next(&self) -> Duration {
        Duration::from_millis(self.next_ms.into())
    }
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
        backoff.connected(Moment::origin() + 10 * SECOND);
        backoff.ended(Moment::origin() + 11 * SECOND);
        assert!(backoff.wait() >= 2 * SECOND);
        backoff.connected(Moment::origin() + 20 * SECOND);
        backoff.ended(Moment::origin() + 40 * SECOND);
        assert!(backoff.wait() <= SECOND);
    }
}
