//! Reads the primitive fields of a packet body. Each error is the text that the caller passes.

use super::plain::{is_plain, zero_or_not_ascii};
use super::{Malformed, PacketId};

pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes }
    }

    pub fn remaining(&self) -> &'a [u8] {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn u8(&mut self, short: &'static str) -> Result<u8, Malformed> {
        let (&value, after) = self.bytes.split_first().ok_or(Malformed::packet(short))?;
        self.bytes = after;
        Ok(value)
    }

    pub fn u16(&mut self, short: &'static str) -> Result<u16, Malformed> {
        let (value, after) = self
            .bytes
            .split_first_chunk()
            .ok_or(Malformed::packet(short))?;
        self.bytes = after;
        Ok(u16::from_be_bytes(*value))
    }

    pub fn packet_id(&mut self) -> Result<PacketId, Malformed> {
        let id = self.u16("the packet ends before its packet identifier")?;
        PacketId::new(id).ok_or(Malformed::packet(
            "packet identifier 0 [MQTT311-2.3.1-1] [MQTT5-2.2.1-3]",
        ))
    }

    pub fn u32(&mut self, short: &'static str) -> Result<u32, Malformed> {
        let (value, after) = self
            .bytes
            .split_first_chunk()
            .ok_or(Malformed::packet(short))?;
        self.bytes = after;
        Ok(u32::from_be_bytes(*value))
    }

    /// A variable byte integer, in as few bytes as it needs [MQTT5-1.5.5-1].
    #[inline(always)]
    pub fn var_int(&mut self, short: &'static str) -> Result<usize, Malformed> {
        match self.bytes.split_first() {
            Some((&byte, after)) if byte < 0x80 => {
                self.bytes = after;
                Ok(byte.into())
            }
            _ => self.longer_var_int(short),
        }
    }

    #[inline(never)]
    fn longer_var_int(&mut self, short: &'static str) -> Result<usize, Malformed> {
        self.long_var_int(short)
    }

    /// `var_int` where most are longer than a byte: without a call, its caller saves no registers.
    #[inline(always)]
    pub fn long_var_int(&mut self, short: &'static str) -> Result<usize, Malformed> {
        let mut number = 0;
        for place in 0..4 {
            let byte = self.u8(short)?;
            number |= usize::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return match byte {
                    0 if place > 0 => Err(Malformed::packet(
                        "a variable byte integer in more bytes than it needs [MQTT5-1.5.5-1]",
                    )),
                    _ => Ok(number),
                };
            }
        }
        Err(Malformed::packet(
            "a variable byte integer of more than 4 bytes (1.5.5)",
        ))
    }

    pub fn bytes(&mut self, length: usize, short: &'static str) -> Result<&'a [u8], Malformed> {
        let (value, after) = self
            .bytes
            .split_at_checked(length)
            .ok_or(Malformed::packet(short))?;
        self.bytes = after;
        Ok(value)
    }

    /// Binary data behind a two-byte length.
    pub fn binary(&mut self, short: &'static str) -> Result<&'a [u8], Malformed> {
        let length = self.u16(short)? as usize;
        self.bytes(length, short)
    }

    pub fn string(&mut self, short: &'static str) -> Result<&'a str, Malformed> {
        let bytes = self.binary(short)?;
        check_text(bytes)?;
        std::str::from_utf8(bytes).map_err(|_| Malformed::packet(NO_UTF8))
    }
}

const NO_UTF8: &str = "a string is not well-formed UTF-8 [MQTT311-1.5.3-1] [MQTT5-1.5.4-1]";

/// The error of bytes that are no topic name for the reason in `text`.
#[cold]
pub fn not_a_topic(bytes: &[u8], text: &'static str) -> Malformed {
    match check_text(bytes) {
        Ok(()) => Malformed::topic(text),
        Err(error) => error,
    }
}

/// Whether bytes can be a string. It is called for each text of a message.
#[inline(always)]
pub fn check_text(bytes: &[u8]) -> Result<(), Malformed> {
    match is_plain(bytes, zero_or_not_ascii) {
        true => Ok(()),
        false => check_text_closely(bytes),
    }
}

#[inline(never)]
fn check_text_closely(bytes: &[u8]) -> Result<(), Malformed> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(Malformed::packet(NO_UTF8));
    }
    match bytes.contains(&0) {
        true => Err(Malformed::packet(
            "a string contains U+0000 [MQTT311-1.5.3-2] [MQTT5-1.5.4-2]",
        )),
        false => Ok(()),
    }
}
