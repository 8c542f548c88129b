//! A descriptor that becomes readable at a deadline: a lazy timerfd.

use super::now;
use crate::sys::{Descriptor, check};
use crate::time::Moment;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// It never fires late, but may fire early, once for each time that it was armed. So a deadline that
/// moves later with each message, as in a busy client, costs no system call.
pub struct Timer {
    fd: Descriptor<File>,
    armed: Option<Moment>,
}

impl Timer {
    pub fn new() -> io::Result<Timer> {
        let flags = libc::TFD_CLOEXEC | libc::TFD_NONBLOCK;
        // SAFETY: timerfd_create takes no pointers.
        let fd = check(unsafe { libc::timerfd_create(libc::CLOCK_BOOTTIME, flags) })?;
        // SAFETY: `fd` is open and new, and nothing else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Timer {
            fd: Descriptor::new(File::from(fd)),
            armed: None,
        })
    }

    /// Fires at `deadline` on the clock of `now()`; at once if that has passed.
    pub fn arm(&mut self, deadline: Option<Moment>) -> io::Result<()> {
        let Some(deadline) = deadline else {
            return Ok(());
        };
        if self.armed.is_some_and(|armed| armed <= deadline) {
            return Ok(());
        }
        self.set(timespec(deadline))?;
        self.armed = Some(deadline);
        Ok(())
    }

    /// Stops the timer; the descriptor is not readable after this.
    pub fn disarm(&mut self) {
        if self.armed.take().is_some() {
            // It cannot fail: the descriptor is a timerfd, and the time is well-formed. The parent's
            // timer is left alone.
            let _ = self.set(NEVER);
        }
    }

    /// Notes whether the timer has fired; if so, the descriptor is not readable after this.
    pub fn drain(&mut self) {
        let due = self.armed.is_some_and(|at| at <= now());
        if due
            && let Ok(mut timer) = self.fd.get()
            && timer.read_exact(&mut [0; 8]).is_ok()
        {
            self.armed = None;
        }
    }

    fn set(&self, time: libc::timespec) -> io::Result<()> {
        let once = libc::itimerspec {
            it_interval: NEVER,
            it_value: time,
        };
        // SAFETY: the descriptor is a timerfd that we own, and `once` lives through the call, which
        // only reads it. A null last argument is allowed: the old setting is not returned.
        let result = unsafe {
            libc::timerfd_settime(
                self.fd.get()?.as_raw_fd(),
                libc::TFD_TIMER_ABSTIME,
                &once,
                ptr::null_mut(),
            )
        };
        check(result).map(drop)
    }
}

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// Disarms the timer: no moment is 0.
const NEVER: libc::timespec = libc::timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// 68 years after boot: the last second that a 32-bit time has.
const END_OF_TIME: u64 = i32::MAX as u64;

fn timespec(time: Moment) -> libc::timespec {
    let (seconds, nanos) = time.seconds();
    // The types of the fields differ between systems of 32 and 64 bits; the values fit in both.
    libc::timespec {
        tv_sec: seconds.min(END_OF_TIME) as _,
        tv_nsec: nanos as _,
    }
}
