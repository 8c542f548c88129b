//! Lines for `on_log`. They wait until whoever has the driver hands them over, in order and with no
//! lock held.

use std::collections::VecDeque;
use std::ffi::CString;
use std::fmt;

#[derive(Clone, Copy)]
#[repr(i32)]
pub enum Level {
    Info = 1,
    Warning = 4,
    Err = 8,
    Debug = 16,
}

/// Those that wait; none takes no memory.
#[derive(Default)]
pub struct LogLines(Option<Box<Lines>>);

type Lines = VecDeque<(Level, CString)>;

impl LogLines {
    pub fn push(&mut self, level: Level, text: fmt::Arguments) {
        let text = text.to_string().replace('\0', "");
        let text = CString::new(text).unwrap_or_default();
        self.0.get_or_insert_default().push_back((level, text));
    }

    pub fn pop(&mut self) -> Option<(Level, CString)> {
        let next = self.0.as_mut()?.pop_front();
        if next.is_none() {
            self.0 = None;
        }
        next
    }

    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|lines| lines.is_empty())
    }
}
