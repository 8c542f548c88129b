//! Moments. Pure: the code that reads them knows which clock they are of.

use std::num::NonZeroU64;
use std::ops::{Add, Sub};
use std::time::Duration;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A moment, in nanoseconds since the origin of some clock: enough for 584 years. A client keeps more
/// than a dozen. An `Option<Moment>` takes eight bytes and one instruction to compare; an optional
/// `Duration` takes sixteen bytes and three instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(NonZeroU64);

impl Moment {
    /// No moment is earlier; an earlier result becomes this.
    pub const fn origin() -> Moment {
        Moment(NonZeroU64::MIN)
    }

    /// No moment is later; a later result becomes this.
    pub const fn never() -> Moment {
        Moment(NonZeroU64::MAX)
    }

    /// The moment that many seconds and nanoseconds after the origin; 0 counts as 1 ns.
    #[inline(always)]
    pub fn at(seconds: u64, nanos: u32) -> Moment {
        let seconds = seconds.saturating_mul(NANOS_PER_SECOND);
        Moment::of(seconds.saturating_add(nanos.into()))
    }

    /// Whole seconds since the origin, and the remaining nanoseconds.
    pub fn seconds(self) -> (u64, u32) {
        let nanos = self.0.get();
        (nanos / NANOS_PER_SECOND, (nanos % NANOS_PER_SECOND) as u32)
    }

    /// The time from `earlier` to this; zero if this is not later.
    #[inline(always)]
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.get().saturating_sub(earlier.0.get()))
    }

    #[inline(always)]
    fn of(nanos: u64) -> Moment {
        Moment(NonZeroU64::new(nanos).unwrap_or(NonZeroU64::MIN))
    }
}

impl Default for Moment {
    fn default() -> Moment {
        Moment::origin()
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    #[inline(always)]
    fn add(self, time: Duration) -> Moment {
        Moment(self.0.saturating_add(nanos(time)))
    }
}

impl Sub<Duration> for Moment {
    type Output = Moment;

    #[inline(always)]
    fn sub(self, time: Duration) -> Moment {
        Moment::of(self.0.get().saturating_sub(nanos(time)))
    }
}

#[inline(always)]
fn nanos(time: Duration) -> u64 {
    let seconds = time.as_secs().saturating_mul(NANOS_PER_SECOND);
    seconds.saturating_add(time.subsec_nanos().into())
}

/// For poll(2) and C: rounded up, so that no wait ends just before its deadline and is followed by many
/// waits of 0 ms. None, for ever, is -1.
pub fn milliseconds(time: Option<Duration>) -> i32 {
    let Some(time) = time else { return -1 };
    let rounded = time.as_nanos().div_ceil(1_000_000);
    i32::try_from(rounded).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_stay_between_the_origin_and_the_end() {
        let second = Duration::from_secs(1);
        let later = Moment::origin() + second;
        assert_eq!(later.since(Moment::origin()), second);
        assert_eq!(Moment::origin().since(later), Duration::ZERO);
        assert_eq!(later - 2 * second, Moment::origin());
        assert_eq!(later + Duration::MAX, Moment::never());
        assert_eq!(size_of::<Option<Moment>>(), 8);
    }

    #[test]
    fn timeouts_are_rounded_up_and_clamped() {
        assert_eq!(milliseconds(None), -1);
        assert_eq!(milliseconds(Some(Duration::ZERO)), 0);
        assert_eq!(milliseconds(Some(Duration::from_nanos(1))), 1);
        assert_eq!(milliseconds(Some(Duration::from_millis(7))), 7);
        assert_eq!(milliseconds(Some(Duration::from_micros(7001))), 8);
        assert_eq!(milliseconds(Some(Duration::MAX)), i32::MAX);
    }
}
