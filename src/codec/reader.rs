//! Reads the primitive fields of a packet body. Each error is the text that the caller passes.

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
        let (&value, after) = self.bytes.split_first().ok_or(Malformed(short))?;
        self.bytes = after;
        Ok(value)
    }

    pub fn u16(&mut self, short: &'static str) -> Result<u16, Malformed> {
        let (value, after) = self.bytes.split_first_chunk().ok_or(Malformed(short))?;
        self.bytes = after;
        Ok(u16::from_be_bytes(*value))
    }

    pub fn packet_id(&mut self) -> Result<PacketId, Malformed> {
        let id = self.u16("the packet ends before its packet identifier")?;
        PacketId::new(id).ok_or(Malformed("packet identifier 0 [MQTT-2.3.1-1]"))
    }

    /// Binary data behind a two-byte length.
    pub fn binary(&mut self, short: &'static str) -> Result<&'a [u8], Malformed> {
        let length = self.u16(short)? as usize;
        let (value, after) = self
            .bytes
            .split_at_checked(length)
            .ok_or(Malformed(short))?;
        self.bytes = after;
        Ok(value)
    }

    pub fn string(&mut self, short: &'static str) -> Result<&'a str, Malformed> {
        let text = utf8(self.binary(short)?)?;
        if text.as_bytes().contains(&0) {
            return Err(Malformed("a string contains U+0000 [MQTT-1.5.3-2]"));
        }
        Ok(text)
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes)
        .map_err(|_| Malformed("a string is not well-formed UTF-8 [MQTT-1.5.3-1]"))
}
