//! Lines for `on_log`. They wait until whoever has the driver hands them over, in order and with
//! no lock held.

use std::collections::VecDeque;
use std::ffi::CString;
use std::fmt;

use super::callbacks::call;
use super::events::LogLine;
use super::state::{Guard, State};

#[derive(Clone, Copy)]
#[repr(i32)]
pub enum Level {
    Info = 1,
    Notice = 2,
    Warning = 4,
    Err = 8,
    Debug = 16,
}

pub type Lines = VecDeque<(Level, CString)>;

impl State {
    /// Whether lines are wanted: ask before making one that costs more than a constant.
    pub fn logs(&self) -> bool {
        self.callbacks.log.is_some()
    }

    pub fn log(&mut self, level: Level, text: fmt::Arguments) {
        if self.logs() {
            let text = text.to_string().replace('\0', "");
            let text = CString::new(text).unwrap_or_default();
            let lines = self.log_lines.get_or_insert_default();
            lines.push_back((level, text));
        }
    }
}

/// Hands over the lines that wait.
pub fn deliver(state: &mut Guard) {
    while let Some((level, text)) = next(state) {
        let line = LogLine {
            level: level as i32,
            text: text.as_ptr(),
        };
        let callback = state.callbacks.log;
        call(state, callback, &line);
    }
}

fn next(state: &mut State) -> Option<(Level, CString)> {
    let next = state.log_lines.as_mut()?.pop_front();
    if next.is_none() {
        state.log_lines = None;
    }
    next
}
