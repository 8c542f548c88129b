//! The events of an episode. A line lasts as long as one thread goes on.

use std::fmt::{Arguments, Write};
use std::thread::{self, ThreadId};

/// The most bytes that are kept of an episode that does not end.
const LONGEST: usize = 30_000;

#[derive(Default)]
pub struct Trace {
    text: String,
    /// The threads in the order of their first event, and the one that wrote last.
    threads: Vec<ThreadId>,
    last: Option<ThreadId>,
}

impl Trace {
    pub fn write(&mut self, what: Arguments) {
        if self.text.len() > LONGEST {
            return;
        }
        let this = thread::current().id();
        if self.last.replace(this) != Some(this) {
            let number = self.number(this);
            let _ = write!(self.text, "\n  thread {number}:");
        }
        let _ = write!(self.text, "{what}");
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    fn number(&mut self, thread: ThreadId) -> usize {
        let known = self.threads.iter().position(|&known| known == thread);
        known.unwrap_or_else(|| {
            self.threads.push(thread);
            self.threads.len() - 1
        })
    }
}
