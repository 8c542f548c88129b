//! Reading one of the system's clocks.

use crate::time::Moment;

/// What `clock` shows, or `None` where the system has no such clock.
#[inline(always)]
pub fn read(clock: libc::clockid_t) -> Option<Moment> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec that lives through the call, which only writes to it.
    let result = unsafe { libc::clock_gettime(clock, &mut time) };
    super::check(result).ok()?;
    Some(Moment::at(time.tv_sec as u64, time.tv_nsec as u32))
}
