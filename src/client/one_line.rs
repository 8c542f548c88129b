//! Text for people, on one line.
//!
//! Topics, client ids, and the names of hosts and certificates come from elsewhere. A control
//! character in them could begin a line of its own in a log, or control a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Writes each control character (C0, DEL and C1) as its number, like `\x0a`.
pub fn one_line(text: Cow<str>) -> Cow<str> {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut line = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        // Writing to a string cannot fail.
        let _ = match c.is_control() {
            true => write!(line, "\\x{:02x}", u32::from(c)),
            false => line.write_char(c),
        };
    }
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_control_characters_is_not_copied() {
        for text in ["", "tcp: lost", "Größe/温度/\u{1f600}", "a\\x0ab ~"] {
            assert!(matches!(one_line(text.into()), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn each_control_character_is_written_as_its_number() {
        assert_eq!(one_line("a\nb\r\t\0".into()), r"a\x0ab\x0d\x09\x00");
        assert_eq!(one_line("\u{1b}[31m\u{7f}".into()), r"\x1b[31m\x7f");
        assert_eq!(one_line("ü\u{80}\u{9b}\u{a0}".into()), "ü\\x80\\x9b\u{a0}");
        for c in '\0'..='\u{9f}' {
            let line = one_line(c.to_string().into()).into_owned();
            assert!(!line.contains(char::is_control));
        }
    }
}
