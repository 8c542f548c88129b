//! Lines for `on_log`. They wait until the call that has the driver delivers them, in order and
//! with no lock held.

use std::collections::VecDeque;
use std::ffi::CString;
use std::fmt;

use crate::client::one_line::one_line;

#[derive(Clone, Copy)]
#[repr(i32)]
pub enum Level {
    Info = 1,
    Warning = 4,
    Err = 8,
    Debug = 16,
}

/// The levels whose lines are wanted. The number of each level is one bit.
#[derive(Clone, Copy)]
pub struct Levels(i32);

impl Levels {
    /// A level and all more important ones. None: there is no such level.
    pub fn from(level: i32) -> Option<Levels> {
        match level {
            // Debug has the highest number, but is the least important level.
            16 => Some(Levels::default()),
            1 | 2 | 4 | 8 => Some(Levels(16 - level)),
            _ => None,
        }
    }

    #[inline(always)]
    pub fn have(self, level: Level) -> bool {
        self.0 & level as i32 != 0
    }
}

impl Default for Levels {
    fn default() -> Levels {
        Levels(31)
    }
}

/// At most this many bytes of lines wait; each line counts for its text and `BESIDE`. The broker
/// can cause lines faster than a slow callback takes them.
const MOST: usize = 1024 * 1024;
const BESIDE: usize = 64;

/// The lines that wait. Without lines, it takes no memory.
#[derive(Default)]
pub struct LogLines(Option<Box<Lines>>);

#[derive(Default)]
struct Lines {
    waiting: VecDeque<(Level, CString)>,
    bytes: usize,
    /// How many lines were left out behind those that wait. While it is above 0, each new line is
    /// left out.
    left_out: usize,
}

impl LogLines {
    pub fn push(&mut self, level: Level, text: fmt::Arguments) {
        let lines = self.0.get_or_insert_default();
        if lines.bytes >= MOST || lines.left_out > 0 {
            lines.left_out += 1;
            return;
        }
        let text = one_line(text.to_string().into()).into_owned();
        let text = CString::new(text).unwrap_or_default();
        lines.bytes += text.count_bytes() + BESIDE;
        lines.waiting.push_back((level, text));
    }

    pub fn pop(&mut self) -> Option<(Level, CString)> {
        let lines = self.0.as_mut()?;
        if let Some((level, text)) = lines.waiting.pop_front() {
            lines.bytes -= text.count_bytes() + BESIDE;
            return Some((level, text));
        }
        let left_out = lines.left_out;
        self.0 = None;
        (left_out > 0).then(|| {
            let text =
                format!("{left_out} log lines are left out: on_log was slower than they came");
            (Level::Warning, CString::new(text).unwrap_or_default())
        })
    }

    pub fn is_empty(&self) -> bool {
        let lines = self.0.as_ref();
        lines.is_none_or(|lines| lines.waiting.is_empty() && lines.left_out == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_has_those_that_matter_more() {
        let order = [Level::Debug, Level::Info, Level::Warning, Level::Err];
        for (index, from) in order.iter().enumerate() {
            let levels = Levels::from(*from as i32).expect("a level");
            let wanted = order.map(|level| levels.have(level));
            assert_eq!(wanted, [0, 1, 2, 3].map(|at| at >= index), "{index}");
        }
        let notice = Levels::from(2).expect("a level");
        assert!(notice.have(Level::Warning) && !notice.have(Level::Info));
        for none in [-1, 0, 3, 15, 17, 32, i32::MIN, i32::MAX] {
            assert!(Levels::from(none).is_none(), "{none}");
        }
    }

    #[test]
    fn what_waits_is_bounded_and_what_is_left_out_is_told() {
        let mut lines = LogLines::default();
        let text = "x".repeat(1000 - BESIDE);
        for _ in 0..2000 {
            lines.push(Level::Debug, format_args!("{text}"));
        }
        let kept = MOST.div_ceil(1000);
        for _ in 0..kept {
            assert_eq!(lines.pop().expect("a line").1.as_bytes(), text.as_bytes());
            lines.push(Level::Debug, format_args!("not in between"));
        }
        let (_, told) = lines.pop().expect("a line");
        let expected = format!("{} log lines are left out", 2000);
        assert!(told.to_str().unwrap().starts_with(&expected), "{told:?}");
        assert!(lines.is_empty() && lines.pop().is_none());
        lines.push(Level::Info, format_args!("again"));
        assert_eq!(lines.pop().expect("a line").1.as_bytes(), b"again");
    }
}
