//! The server's messages: attributes like `r=...`, with commas between them (RFC 5802 section 7).

use std::str::Split;

use openssl::base64::{decode_block, encode_block};

use super::refusal::Refusal;

/// A server's first message takes some hundred bytes.
pub const MAX_LENGTH: usize = 4096;

/// The attributes with a meaning: where the message does not need one of them, it is no extension.
const DEFINED: &str = "anmrcsipve";

/// A message as text, and its attributes.
pub fn parse(message: &[u8]) -> Result<(&str, Attributes<'_>), Refusal> {
    if message.len() > MAX_LENGTH {
        return Err(Refusal::Malformed("it is longer than 4,096 bytes"));
    }
    let text = str::from_utf8(message).map_err(|_| Refusal::Malformed("it is not UTF-8"))?;
    if text.contains('\0') {
        return Err(Refusal::Malformed("it contains a null character"));
    }
    Ok((text, Attributes(text.split(','))))
}

pub struct Attributes<'a>(Split<'a, char>);

impl<'a> Attributes<'a> {
    /// The value of the next attribute, which must have this letter.
    pub fn next(&mut self, letter: char) -> Result<&'a str, Refusal> {
        let missing = Refusal::Missing(letter);
        match self.0.next().map(attribute) {
            Some(Err(refusal @ (Refusal::Server(_) | Refusal::Extension))) => Err(refusal),
            Some(Ok((found, value))) if found == letter => Ok(value),
            _ => Err(missing),
        }
    }

    /// All that may follow are extensions, which the client ignores.
    pub fn end(self) -> Result<(), Refusal> {
        for extension in self.0 {
            let (letter, _) = attribute(extension)?;
            if DEFINED.contains(letter) {
                return Err(Refusal::Malformed("an attribute is not in its place"));
            }
        }
        Ok(())
    }
}

/// Letter and value. An error of the server and an extension that the client must know end the
/// exchange wherever they are.
fn attribute(text: &str) -> Result<(char, &str), Refusal> {
    const MALFORMED: Refusal = Refusal::Malformed("an attribute is not a letter, = and a value");
    let (letter, value) = text.split_once('=').ok_or(MALFORMED)?;
    let &[letter] = letter.as_bytes() else {
        return Err(MALFORMED);
    };
    if !letter.is_ascii_alphabetic() || value.is_empty() {
        return Err(MALFORMED);
    }
    match letter {
        b'e' => Err(Refusal::Server(value.to_owned())),
        b'm' => Err(Refusal::Extension),
        _ => Ok((letter.into(), value)),
    }
}

/// The bytes that a value has in base64.
pub fn bytes(value: &str) -> Option<Vec<u8>> {
    let padding = value.bytes().rev().take_while(|&c| c == b'=').count();
    let digits = &value.as_bytes()[..value.len() - padding];
    let is_digit = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/');
    // This is all that OpenSSL refuses. It must not come to that: the crate would then empty the error
    // queue, in which there may be errors of the program.
    if padding > 2 || !value.len().is_multiple_of(4) || !digits.iter().all(is_digit) {
        return None;
    }
    // OpenSSL ignores the bits that no byte needs, so several values would have the same bytes.
    let bytes = decode_block(value).ok()?;
    (encode_block(&bytes) == value).then_some(bytes)
}

/// A `posit-number`: no sign, no zero in front.
pub fn number(value: &str) -> Option<u64> {
    let is_number = value.bytes().all(|c| c.is_ascii_digit()) && !value.starts_with('0');
    is_number.then(|| value.parse().ok())?
}
