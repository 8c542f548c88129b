//! The stages of connecting that have ended, for the log: the outcome and the time of each.

use crate::time::Moment;
use crate::transport::error::Stage;
use std::fmt;
use std::time::Duration;

/// Collects what the log says about a connection that is being made.
pub struct Progress {
    /// When the present stage began.
    since: Moment,
    passed: Vec<PassedStage>,
}

/// A stage that is over. Shown as `tcp: connected to 127.0.0.1:1883 (0.2 ms)`.
pub struct PassedStage {
    stage: Stage,
    outcome: String,
    took: Duration,
}

/// A time, shown to a tenth of a millisecond. It uses integers, as printing a float takes 11 KB of
/// code.
pub struct Milliseconds(pub Duration);

impl Progress {
    pub fn new(now: Moment) -> Progress {
        Progress {
            since: now,
            passed: Vec::new(),
        }
    }

    /// Ends the present stage; the next one begins.
    pub fn pass(&mut self, stage: Stage, outcome: String, now: Moment) {
        self.passed.push(PassedStage {
            stage,
            outcome,
            took: now.since(self.since),
        });
        self.since = now;
    }

    /// The stages that have ended since the last call.
    pub fn take(&mut self) -> Vec<PassedStage> {
        std::mem::take(&mut self.passed)
    }
}

impl fmt::Display for PassedStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PassedStage {
            stage,
            outcome,
            took,
        } = self;
        write!(f, "{stage}: {outcome} ({})", Milliseconds(*took))
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.as_micros() as u64 / 100;
        write!(f, "{}.{} ms", tenths / 10, tenths % 10)
    }
}

/// Joins the items with commas.
pub fn list<T: ToString>(items: &[T]) -> String {
    items
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
