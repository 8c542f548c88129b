//! Lines for `on_log`. They are kept until no lock is held, and then handed over in order.

use std::collections::VecDeque;
use std::ffi::CString;
use std::fmt;

use super::callbacks::call;
use super::events::LogLine;
use super::state::{Guard, State};
use super::thread_mark;

#[derive(Clone, Copy)]
#[repr(i32)]
pub enum Level {
    Info = 1,
    Notice = 2,
    Warning = 4,
    Err = 8,
    Debug = 16,
}

#[derive(Default)]
pub struct Log {
    lines: VecDeque<(Level, CString)>,
    /// The thread that hands lines over right now.
    deliverer: Option<usize>,
}

impl State {
    /// Whether lines are wanted: ask before making one that costs more than a constant.
    pub fn logs(&self) -> bool {
        self.callbacks.log.is_some()
    }

    pub fn log(&mut self, level: Level, text: fmt::Arguments) {
        // What a log callback causes is not logged: it would never come to an end.
        if self.logs() && self.log.deliverer != Some(thread_mark()) {
            let text = text.to_string().replace('\0', "");
            self.log
                .lines
                .push_back((level, CString::new(text).unwrap_or_default()));
        }
    }

    pub fn has_log_lines(&self) -> bool {
        !self.log.lines.is_empty()
    }
}

/// Hands over the lines that wait, unless another thread is at it, which will take them too.
/// The caller is in a frame, since the callback may end the client.
pub fn deliver(state: &mut Guard) {
    if state.log.deliverer.is_some() {
        return;
    }
    while let Some((level, text)) = state.log.lines.pop_front() {
        state.log.deliverer = Some(thread_mark());
        let line = LogLine {
            level: level as i32,
            text: text.as_ptr(),
        };
        let callback = state.callbacks.log;
        call(state, callback, &line);
        state.log.deliverer = None;
    }
}
