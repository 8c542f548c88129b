//! The stages of connecting that are over, for a log: how each ended, and how long it took.

use crate::time::Moment;
use crate::transport::error::Stage;
use std::fmt;
use std::time::Duration;

pub struct Milestones {
    /// When the present stage began.
    since: Moment,
    passed: Vec<Milestone>,
}

/// Shown as `tcp: connected to 127.0.0.1:1883 (0.2 ms)`.
pub struct Milestone {
    stage: Stage,
    outcome: String,
    took: Duration,
}

/// Shown to a tenth. By integers: what prints floats is 11 KB of code.
pub struct Milliseconds(pub Duration);

impl Milestones {
    pub fn new(now: Moment) -> Milestones {
        Milestones {
            since: now,
            passed: Vec::new(),
        }
    }

    /// A stage is over, and the next one begins.
    pub fn pass(&mut self, stage: Stage, outcome: String, now: Moment) {
        self.passed.push(Milestone {
            stage,
            outcome,
            took: now.since(self.since),
        });
        self.since = now;
    }

    /// Those that nobody has taken yet.
    pub fn take(&mut self) -> Vec<Milestone> {
        std::mem::take(&mut self.passed)
    }
}

impl fmt::Display for Milestone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Milestone {
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

/// As words.
pub fn list<T: ToString>(items: &[T]) -> String {
    items
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
