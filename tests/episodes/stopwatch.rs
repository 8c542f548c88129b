//! The time that a call takes, without the time in which this thread had no processor.

use std::cell::OnceCell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

thread_local! {
    /// The file in which Linux reports how long this thread has waited for a processor.
    static STATISTICS: OnceCell<Option<File>> = const { OnceCell::new() };
}

#[derive(Clone, Copy)]
pub struct Stopwatch {
    began: Instant,
    waited: Duration,
}

impl Stopwatch {
    pub fn start() -> Stopwatch {
        Stopwatch {
            waited: waited_for_processor(),
            began: Instant::now(),
        }
    }

    pub fn elapsed(&self) -> Duration {
        let elapsed = self.began.elapsed();
        elapsed.saturating_sub(waited_for_processor() - self.waited)
    }
}

/// Zero if the system does not report it.
fn waited_for_processor() -> Duration {
    let nanoseconds = STATISTICS.with(|file| {
        let open = || File::open("/proc/thread-self/schedstat").ok();
        let file = file.get_or_init(open).as_ref()?;
        let mut text = [0; 100];
        let size = file.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(&text[..size]).ok()?;
        text.split_whitespace().nth(1)?.parse().ok()
    });
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
