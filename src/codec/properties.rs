//! The properties of a packet, as bytes that were checked once. Reading them cannot fail.

use std::num::NonZeroU16;

use super::plain::{is_end_plain, zero_or_not_ascii};
use super::property::{self, Kind, Place, Property, kind, property};
use super::reader::{Reader, check_text, not_a_topic};
use super::{MAX_REMAINING_LENGTH, MAX_STRING, Malformed, TooLong, reason, topic};
use zeroize::Zeroize;

/// Without the length in front of them. Empty: there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Properties<'a>(&'a [u8]);

const SHORT: &str = "the packet ends inside its properties";

/// What `Properties::take` has read.
pub(super) struct Taken<'a> {
    pub properties: Properties<'a>,
    pub topic_alias: Option<NonZeroU16>,
    /// The bytes behind the properties.
    pub behind: &'a [u8],
}

/// The value of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Number(u32),
    /// UTF-8 if the property is a text.
    Bytes(&'a [u8]),
    /// Name and value, both UTF-8.
    Pair(&'a [u8], &'a [u8]),
}

impl<'a> Properties<'a> {
    pub const NONE: Properties<'static> = Properties(&[]);

    /// Checks a list of the program's.
    pub fn check(bytes: &'a [u8], place: Place) -> Result<Properties<'a>, Malformed> {
        check(bytes, place)?;
        Ok(Properties(bytes))
    }

    /// Reads properties with the length in front of them.
    #[inline(always)]
    pub(super) fn read(reader: &mut Reader<'a>, place: Place) -> Result<Properties<'a>, Malformed> {
        let length = reader.var_int(SHORT)?;
        match length {
            0 => Ok(Properties::NONE),
            _ => Properties::check(reader.bytes(length, SHORT)?, place),
        }
    }

    /// Reads the properties at the front of a PUBLISH's bytes, with the length in front of them. The topic alias and
    /// the subscription identifiers are for the client alone: it takes them out of the list.
    #[inline(always)]
    pub(super) fn take(bytes: &'a mut [u8], place: Place) -> Result<Taken<'a>, Malformed> {
        let mut reader = Reader::new(bytes);
        let length = reader.var_int(SHORT)?;
        let start = bytes.len() - reader.remaining().len();
        if length == 0 {
            return Ok(Taken {
                properties: Properties::NONE,
                topic_alias: None,
                behind: &bytes[start..],
            });
        }
        let seen = check(reader.bytes(length, SHORT)?, place)?;
        let (list, behind) = bytes[start..].split_at_mut(length);
        let (length, topic_alias) = match seen & FOR_CLIENT {
            0 => (length, None),
            _ => remove_for_client(list),
        };
        Ok(Taken {
            properties: Properties(&list[..length]),
            topic_alias,
            behind,
        })
    }

    /// The caller has checked each property.
    pub fn of_checked(bytes: &'a [u8]) -> Properties<'a> {
        Properties(bytes)
    }

    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    #[inline(always)]
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether a packet has at most `most` bytes, if these are the end of it behind a body of `head` bytes.
    pub fn fit(self, head: usize, most: u32) -> bool {
        let length = head + section_len(Some(self));
        1 + var_int_len(length) + length <= most as usize
    }

    /// The first property with this identifier.
    pub fn find(self, id: u8) -> Option<Value<'a>> {
        self.into_iter()
            .find_map(|(of, value)| (of == id).then_some(value))
    }

    pub fn number(self, id: u8) -> Option<u32> {
        match self.find(id)? {
            Value::Number(number) => Some(number),
            Value::Bytes(_) | Value::Pair(..) => None,
        }
    }

    /// A text or binary data.
    pub fn bytes(self, id: u8) -> Option<&'a [u8]> {
        match self.find(id)? {
            Value::Bytes(bytes) => Some(bytes),
            Value::Number(_) | Value::Pair(..) => None,
        }
    }

    pub fn text(self, id: u8) -> Option<&'a str> {
        str::from_utf8(self.bytes(id)?).ok()
    }
}

impl<'a> IntoIterator for Properties<'a> {
    type Item = (u8, Value<'a>);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        Iter(self.0)
    }
}

pub struct Iter<'a>(&'a [u8]);

impl<'a> Iterator for Iter<'a> {
    type Item = (u8, Value<'a>);

    fn next(&mut self) -> Option<(u8, Value<'a>)> {
        let (property, rest) = next_property(self.0)?;
        self.0 = rest;
        Some(property)
    }
}

/// The first property of a list, and the bytes behind it. None at the end, and for bytes that are no
/// property, which a list from elsewhere may have.
#[inline(always)]
pub fn next_property(list: &[u8]) -> Option<((u8, Value<'_>), &[u8])> {
    let mut reader = Reader::new(list);
    let id = reader.u8("").ok()?;
    let value = value(&mut reader, kind(id)?).ok()?;
    Some(((id, value), reader.remaining()))
}

/// How many bytes properties and their length take in a packet. None: a packet of MQTT 3.
#[inline(always)]
pub(super) fn section_len(properties: Option<Properties>) -> usize {
    match properties {
        None => 0,
        Some(properties) => var_int_len(properties.len()) + properties.len(),
    }
}

/// How many bytes a variable byte integer takes (section 1.5.5).
#[inline(always)]
pub fn var_int_len(number: usize) -> usize {
    match number {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

#[inline(always)]
fn value<'a>(reader: &mut Reader<'a>, kind: Kind) -> Result<Value<'a>, Malformed> {
    const SHORT: &str = "a property is longer than its packet";
    Ok(match kind {
        Kind::Byte => Value::Number(reader.u8(SHORT)?.into()),
        Kind::U16 => Value::Number(reader.u16(SHORT)?.into()),
        Kind::U32 => Value::Number(reader.u32(SHORT)?),
        Kind::VarInt => Value::Number(reader.long_var_int(SHORT)? as u32),
        Kind::Text | Kind::Binary => Value::Bytes(reader.binary(SHORT)?),
        Kind::Pair => Value::Pair(reader.binary(SHORT)?, reader.binary(SHORT)?),
    })
}

/// Checks a list. Returns a bit for each identifier in it.
fn check(list: &[u8], place: Place) -> Result<u64, Malformed> {
    let mut seen = 0_u64;
    // A bit for each property that may still come.
    let mut left = place.properties();
    let once = place.once();
    let mut at = 0;
    while let Some(&id) = list.get(at) {
        let bit = 1 << (id & 63);
        let Some(kind) = kind(id).filter(|_| left & bit != 0) else {
            return Err(misplaced(id, place));
        };
        let plain = match kind {
            Kind::Pair => plain_text(list, at + 1).and_then(|value| plain_text(list, value)),
            Kind::Text if id != property::RESPONSE_TOPIC => plain_text(list, at + 1),
            _ => None,
        };
        at = match plain {
            Some(end) => end,
            None => check_one(list, at + 1, id, kind)?,
        };
        seen |= bit;
        left &= !(bit & once);
    }
    if seen & AUTH_DATA_ONLY == 1 << property::AUTH_DATA {
        let text = "authentication data without a method (3.1.2.11.10)";
        return Err(Malformed::protocol(text).of_property(property::AUTH_DATA));
    }
    Ok(seen)
}

/// Removes the properties that are for the client alone, and moves the others together. Returns the length of
/// the rest, and the topic alias.
#[inline(never)]
fn remove_for_client(list: &mut [u8]) -> (usize, Option<NonZeroU16>) {
    let (mut start, mut length, mut topic_alias) = (0, 0, None);
    while let Some(((id, value), behind)) = next_property(&list[start..]) {
        if let (property::TOPIC_ALIAS, Value::Number(number)) = (id, value) {
            topic_alias = NonZeroU16::new(number as u16);
        }
        let end = list.len() - behind.len();
        if FOR_CLIENT & 1 << id == 0 {
            list.copy_within(start..end, length);
            length += end - start;
        }
        start = end;
    }
    (length, topic_alias)
}

const FOR_CLIENT: u64 = 1 << property::TOPIC_ALIAS | 1 << property::SUBSCRIPTION_ID;

const AUTH_DATA_ONLY: u64 = 1 << property::AUTH_DATA | 1 << property::AUTH_METHOD;

#[cold]
fn misplaced(id: u8, place: Place) -> Malformed {
    match property(id).is_some_and(|row| row.is_allowed(place)) {
        false => Malformed::packet("a property that does not belong in the packet (2.2.2.2)"),
        true => Malformed::protocol("a property more than once in a packet (2.2.2.2)"),
    }
    .of_property(id)
}

/// The end of the text whose length is at this place, if it is whole and of plain ASCII, as nearly all are.
#[inline(always)]
fn plain_text(list: &[u8], at: usize) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes(*list.get(at..)?.first_chunk()?));
    let end = at + 2 + length;
    is_end_plain(list.get(..end)?, length, zero_or_not_ascii).then_some(end)
}

/// Checks the value at this place of a list. Returns its end.
#[inline(never)]
fn check_one(list: &[u8], at: usize, id: u8, kind: Kind) -> Result<usize, Malformed> {
    let mut reader = Reader::new(&list[at..]);
    let checked = value(&mut reader, kind).and_then(|value| match property(id) {
        Some(row) => check_value(id, row, value),
        None => Ok(()),
    });
    match checked {
        Ok(()) => Ok(list.len() - reader.remaining().len()),
        Err(error) => Err(error.of_property(id)),
    }
}

fn check_value(id: u8, row: &Property, value: Value) -> Result<(), Malformed> {
    match value {
        Value::Number(0) if id == property::TOPIC_ALIAS => Err(Malformed {
            reason: reason::ALIAS_INVALID,
            ..Malformed::protocol("topic alias 0 [MQTT5-3.3.2-8]")
        }),
        Value::Number(number) if row.takes(number) => Ok(()),
        Value::Number(_) => Err(Malformed::protocol("a property with a forbidden value")),
        Value::Bytes(topic) if id == property::RESPONSE_TOPIC => {
            topic::check_name(topic).map_err(|text| not_a_topic(topic, text))
        }
        Value::Bytes(text) if row.kind == Kind::Text => check_text(text),
        Value::Bytes(_) => Ok(()),
        Value::Pair(name, value) => {
            check_text(name)?;
            check_text(value)
        }
    }
}

/// Whether a property can have a value that the program gives it. In which packets it may be is not
/// known here.
pub fn check_property(id: u8, value: Value) -> Result<(), Malformed> {
    let unknown = Malformed::packet("no property has this identifier (2.2.2.2)");
    let row = property(id).ok_or(unknown)?;
    let is_of_its_kind = match value {
        Value::Number(_) => matches!(row.kind, Kind::Byte | Kind::U16 | Kind::U32 | Kind::VarInt),
        Value::Bytes(_) => matches!(row.kind, Kind::Text | Kind::Binary),
        Value::Pair(..) => row.kind == Kind::Pair,
    };
    let is_too_long = match value {
        Value::Number(_) => false,
        Value::Bytes(bytes) => bytes.len() > MAX_STRING,
        Value::Pair(name, value) => name.len().max(value.len()) > MAX_STRING,
    };
    match (is_of_its_kind, is_too_long) {
        (false, _) => Err(Malformed::packet(
            "the property has a value of another type",
        )),
        (_, true) => Err(Malformed::packet(
            "a value is longer than 65,535 bytes (1.5)",
        )),
        _ => check_value(id, row, value),
    }
    .map_err(|error| error.of_property(id))
}

/// How many bytes a property takes in a list.
#[inline(always)]
pub fn property_len(id: u8, value: Value) -> usize {
    1 + match value {
        Value::Number(number) => encoded_number(id, number).len,
        Value::Bytes(bytes) => 2 + bytes.len(),
        Value::Pair(name, value) => 4 + name.len() + value.len(),
    }
}

/// Appends a property, piece by piece. Its value passes `check_property`.
#[inline(always)]
pub fn write_property(id: u8, value: Value, mut append: impl FnMut(&[u8])) {
    append(&[id]);
    let mut string = |bytes: &[u8]| {
        append(&(bytes.len() as u16).to_be_bytes());
        append(bytes);
    };
    match value {
        Value::Bytes(bytes) => string(bytes),
        Value::Pair(name, value) => {
            string(name);
            string(value);
        }
        Value::Number(number) => append(&encoded_number(id, number)),
    }
}

/// A number in the form of its property.
#[inline(always)]
fn encoded_number(id: u8, number: u32) -> Encoded {
    let (bytes, len) = match kind(id) {
        Some(Kind::Byte) => (number << 24, 1),
        Some(Kind::U16) => (number << 16, 2),
        Some(Kind::VarInt) => return var_int(number as usize),
        _ => (number, 4),
    };
    Encoded {
        bytes: bytes.to_be_bytes(),
        len,
    }
}

/// A list of properties that grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertyList(Vec<u8>);

impl PropertyList {
    /// Takes over a list that was checked.
    pub fn of(properties: Properties) -> PropertyList {
        PropertyList(properties.0.to_vec())
    }

    /// An empty list that has room for so many bytes.
    pub fn with_capacity(bytes: usize) -> PropertyList {
        PropertyList(Vec::with_capacity(bytes))
    }

    /// What it holds was checked as it was added.
    pub fn get(&self) -> Properties<'_> {
        Properties(&self.0)
    }

    /// Appends a number in the form of its property. The caller knows that it has this value.
    pub fn number(&mut self, id: u8, number: u32) -> &mut PropertyList {
        write_property(id, Value::Number(number), |bytes| self.0.extend(bytes));
        self
    }

    /// Appends a text or binary data.
    pub fn bytes(&mut self, id: u8, bytes: &[u8]) -> Result<&mut PropertyList, TooLong> {
        if bytes.len() > MAX_STRING {
            return Err(TooLong("property"));
        }
        write_property(id, Value::Bytes(bytes), |bytes| self.0.extend(bytes));
        Ok(self)
    }

    pub fn append(&mut self, properties: Properties) -> &mut PropertyList {
        self.0.extend(properties.0);
        self
    }
}

/// For a list with authentication data.
impl Zeroize for PropertyList {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// A number as it is in a packet.
pub struct Encoded {
    bytes: [u8; 4],
    len: usize,
}

/// A variable byte integer. `number` is at most `MAX_REMAINING_LENGTH`.
#[inline(always)]
pub fn var_int(mut number: usize) -> Encoded {
    debug_assert!(number <= MAX_REMAINING_LENGTH);
    let mut bytes = [0; 4];
    let mut len = 0;
    while number > 0x7f && len < 3 {
        bytes[len] = number as u8 | 0x80;
        number >>= 7;
        len += 1;
    }
    bytes[len] = number as u8;
    Encoded {
        bytes,
        len: len + 1,
    }
}

impl std::ops::Deref for Encoded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
