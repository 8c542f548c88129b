//! What a publication has besides topic and payload: plain fields that become properties.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::null;

use super::properties::PropertyPair;
use super::property_list::list;
use super::property_room::Room;
use super::{array, bytes, optional_bytes};
use crate::client::{Error, Result, events};
use crate::codec::property::{self, Place, property};
use crate::codec::{self, MAX_STRING, Properties, Value, topic};

/// The fields of a `pmqtt_publication`. All zeros: none of them is set.
#[derive(Clone, Copy)]
pub(super) struct Extras {
    pub content_type: *const c_char,
    pub response_topic: *const c_char,
    /// NULL: none. It may be of no bytes.
    pub correlation: *const c_void,
    pub correlation_len: usize,
    pub payload_is_utf8: bool,
    pub user_properties: *const PropertyPair,
    pub user_property_count: usize,
    /// 0: the one in `properties`, or no limit.
    pub expiry_s: u32,
    /// All others.
    pub properties: events::PropertyView,
}

impl Extras {
    pub(super) fn none() -> Extras {
        Extras {
            content_type: null(),
            response_topic: null(),
            correlation: null(),
            correlation_len: 0,
            payload_is_utf8: false,
            user_properties: null(),
            user_property_count: 0,
            expiry_s: 0,
            properties: Properties::NONE.into(),
        }
    }

    /// A field that only MQTT 5 can say. The library itself observes the expiry.
    #[inline(always)]
    pub fn field_of_mqtt5(&self) -> Option<&'static str> {
        let fields = [
            (!self.content_type.is_null(), "content_type"),
            (!self.response_topic.is_null(), "response_topic"),
            (
                !self.correlation.is_null() || self.correlation_len > 0,
                "correlation",
            ),
            (self.payload_is_utf8, "payload_is_utf8"),
            (self.user_property_count > 0, "user_properties"),
            (self.properties.len > 0, "properties"),
        ];
        fields
            .into_iter()
            .find_map(|(is_set, name)| is_set.then_some(name))
    }

    /// Encodes them, the expiry first. `what` names the function in an error.
    ///
    /// # Safety
    /// The pointers are what the header says of them, and live through the call.
    #[inline(always)]
    pub unsafe fn encode<'a>(
        &self,
        room: &'a mut Room,
        place: Place,
        what: &str,
    ) -> Result<Properties<'a>> {
        room.clear();
        if self.expiry_s > 0 {
            room.add(property::MESSAGE_EXPIRY, Value::Number(self.expiry_s))?;
        }
        if self.field_of_mqtt5().is_some() {
            // SAFETY: the caller's promise is the same.
            unsafe { self.encode_rest(room, place) }.map_err(|error| error.in_function(what))?;
        }
        Ok(Properties::of_checked(room.bytes()))
    }

    /// # Safety
    /// As for `encode`.
    unsafe fn encode_rest(&self, room: &mut Room, place: Place) -> Result {
        // SAFETY: the caller's promise is the same.
        unsafe {
            let list = list(&self.properties, place, "properties")?;
            if !list.is_empty() {
                self.begin_list(list, room)?;
            }
            if self.payload_is_utf8 {
                room.add(property::PAYLOAD_FORMAT, Value::Number(1))?;
            }
            if let Some(text) = optional_bytes(self.content_type) {
                check_text(text, || "content_type".into())?;
                room.add(property::CONTENT_TYPE, Value::Bytes(text))?;
            }
            if let Some(text) = optional_bytes(self.response_topic) {
                let check = topic::check_name(text);
                check.map_err(|why| Error::inval(format!("response_topic: {why}")))?;
                room.add(property::RESPONSE_TOPIC, Value::Bytes(text))?;
            }
            let correlation = bytes(self.correlation, self.correlation_len, "correlation")?;
            if !self.correlation.is_null() {
                check_length(correlation, || "correlation".into())?;
                room.add(property::CORRELATION_DATA, Value::Bytes(correlation))?;
            }
            let pairs = array(
                self.user_properties,
                self.user_property_count,
                "user_properties",
            )?;
            for (index, pair) in pairs.iter().enumerate() {
                let name = user_text(pair.name, index, "name")?;
                let value = user_text(pair.value, index, "value")?;
                room.add(property::USER_PROPERTY, Value::Pair(name, value))?;
            }
            for (id, value) in list {
                if id != property::MESSAGE_EXPIRY {
                    room.add(id, value)?;
                }
            }
        }
        Ok(())
    }

    /// Checks a list against the fields, and encodes its expiry before them.
    #[cold]
    fn begin_list(&self, list: Properties, room: &mut Room) -> Result {
        for (id, value) in list {
            let field = self.field(id);
            if let (Some(field), Some(row)) = (field, property(id)) {
                let text = format!("{field} and properties both have the {}", row.name());
                return Err(Error::inval(text));
            }
            if id == property::MESSAGE_EXPIRY {
                room.add(id, value)?;
            }
        }
        Ok(())
    }

    /// The field that has set a property. User properties may be in both, as they may repeat.
    fn field(&self, id: u8) -> Option<&'static str> {
        let (field, is_set) = match id {
            property::MESSAGE_EXPIRY => ("expiry_s", self.expiry_s > 0),
            property::PAYLOAD_FORMAT => ("payload_is_utf8", self.payload_is_utf8),
            property::CONTENT_TYPE => ("content_type", !self.content_type.is_null()),
            property::RESPONSE_TOPIC => ("response_topic", !self.response_topic.is_null()),
            property::CORRELATION_DATA => ("correlation", !self.correlation.is_null()),
            _ => return None,
        };
        is_set.then_some(field)
    }
}

/// # Safety
/// `pointer` is NULL or a string that lives as long as the result.
#[inline(always)]
unsafe fn user_text<'a>(pointer: *const c_char, index: usize, part: &str) -> Result<&'a [u8]> {
    let name = || format!("the {part} of user property {index}");
    if pointer.is_null() {
        return Err(wrong(&name(), "NULL"));
    }
    // SAFETY: not NULL, and NUL-terminated by the caller's promise.
    let text = unsafe { CStr::from_ptr(pointer) }.to_bytes();
    check_text(text, name)?;
    Ok(text)
}

#[cold]
fn wrong(name: &str, why: &str) -> Error {
    Error::inval(format!("{name} is {why}"))
}

#[inline(always)]
fn check_text(text: &[u8], name: impl Fn() -> String) -> Result {
    match codec::check_text(text) {
        Ok(()) => check_length(text, name),
        Err(_) => Err(wrong(&name(), "not well-formed UTF-8")),
    }
}

#[inline(always)]
fn check_length(bytes: &[u8], name: impl Fn() -> String) -> Result {
    match bytes.len() <= MAX_STRING {
        true => Ok(()),
        false => Err(wrong(&name(), "longer than 65,535 bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Code;
    use crate::ffi::property_room::SMALL;

    fn none() -> Extras {
        Extras::none()
    }

    fn pair(name: &CStr, value: &CStr) -> PropertyPair {
        PropertyPair {
            name: name.as_ptr(),
            value: value.as_ptr(),
        }
    }

    fn view(bytes: &[u8]) -> events::PropertyView {
        events::PropertyView {
            data: bytes.as_ptr().cast(),
            len: bytes.len(),
        }
    }

    fn encoded(extras: &Extras) -> Vec<u8> {
        let mut room = Room::new();
        // SAFETY: the pointers are those of the tests, which live.
        let properties = unsafe { extras.encode(&mut room, Place::Publish, "publish") }.unwrap();
        assert_eq!(
            Properties::check(properties.as_bytes(), Place::Publish),
            Ok(properties)
        );
        properties.as_bytes().to_vec()
    }

    #[track_caller]
    fn refused(extras: &Extras, words: &str) {
        let mut room = Room::new();
        // SAFETY: as above.
        let error = unsafe { extras.encode(&mut room, Place::Publish, "publish") }.unwrap_err();
        assert_eq!(error.code, Code::Inval);
        assert_eq!(error.text, format!("publish: {words}"));
    }

    #[test]
    fn nothing_takes_no_byte() {
        assert!(encoded(&none()).is_empty());
        assert_eq!(none().field_of_mqtt5(), None);
    }

    #[test]
    fn each_field_is_a_property_and_the_expiry_is_the_first() {
        let users = [pair(c"a", c"1"), pair(c"a", c"")];
        let rest = [0x26, 0, 1, b'z', 0, 0];
        let extras = Extras {
            content_type: c"text".as_ptr(),
            response_topic: c"r/1".as_ptr(),
            correlation: b"\0\xff".as_ptr().cast(),
            correlation_len: 2,
            payload_is_utf8: true,
            user_properties: users.as_ptr(),
            user_property_count: 2,
            expiry_s: 0x0102_0304,
            properties: view(&rest),
        };
        let mut wire = vec![0x02, 1, 2, 3, 4, 0x01, 1];
        wire.extend(b"\x03\0\x04text\x08\0\x03r/1\x09\0\x02\0\xff");
        wire.extend(b"\x26\0\x01a\0\x011\x26\0\x01a\0\0");
        wire.extend(rest);
        assert_eq!(encoded(&extras), wire);
    }

    #[test]
    fn only_the_expiry_is_for_each_version() {
        let expiry = Extras {
            expiry_s: 5,
            ..none()
        };
        assert_eq!(expiry.field_of_mqtt5(), None);
        assert_eq!(encoded(&expiry), [2, 0, 0, 0, 5]);
        let empty = Extras {
            correlation: b"".as_ptr().cast(),
            ..none()
        };
        assert_eq!(empty.field_of_mqtt5(), Some("correlation"));
        assert_eq!(encoded(&empty), [9, 0, 0]);
    }

    #[test]
    fn what_is_too_long_for_the_stack_is_on_the_heap() {
        let long = [b'a'; SMALL];
        for cut in SMALL - 20..SMALL {
            let mut value = long[..cut].to_vec();
            value.push(0);
            let value = CStr::from_bytes_with_nul(&value).unwrap();
            let users = [pair(c"n", value), pair(c"b", c"2"), pair(c"c", c"3")];
            let rest = [0x26, 0, 1, b'z', 0, 0];
            let extras = Extras {
                user_properties: users.as_ptr(),
                user_property_count: 3,
                properties: view(&rest),
                ..none()
            };
            let mut wire = b"\x26\0\x01n".to_vec();
            wire.extend((cut as u16).to_be_bytes());
            wire.extend(&long[..cut]);
            wire.extend(b"\x26\0\x01b\0\x012\x26\0\x01c\0\x013");
            wire.extend(rest);
            assert_eq!(encoded(&extras), wire);
        }
    }

    #[test]
    fn a_room_can_be_used_again() {
        let long = CStr::from_bytes_with_nul(&[&[b'a'; SMALL][..], b"\0"].concat())
            .unwrap()
            .to_owned();
        let mut room = Room::new();
        for text in [&*long, c"b", &*long] {
            let extras = Extras {
                content_type: text.as_ptr(),
                ..none()
            };
            // SAFETY: the text lives.
            let list = unsafe { extras.encode(&mut room, Place::Will, "will") }.unwrap();
            assert_eq!(list.bytes(property::CONTENT_TYPE), Some(text.to_bytes()));
        }
    }

    #[test]
    fn a_wrong_field_is_named() {
        let mut long = vec![b'a'; MAX_STRING + 1];
        long.push(0);
        let long = CStr::from_bytes_with_nul(&long).unwrap();
        let content_type = |text: &CStr| Extras {
            content_type: text.as_ptr(),
            ..none()
        };
        refused(
            &content_type(c"\xff"),
            "content_type is not well-formed UTF-8",
        );
        refused(
            &content_type(long),
            "content_type is longer than 65,535 bytes",
        );
        let topic = Extras {
            response_topic: c"a/#".as_ptr(),
            ..none()
        };
        let words = "response_topic: a topic name must not contain the wildcards + and # \
                     [MQTT311-3.3.2-2] [MQTT5-4.7.0-1]";
        refused(&topic, words);
        let correlation = Extras {
            correlation_len: 1,
            ..none()
        };
        refused(&correlation, "correlation is NULL, but its length is not 0");
        let correlation = Extras {
            correlation: long.as_ptr().cast(),
            correlation_len: MAX_STRING + 1,
            ..none()
        };
        refused(&correlation, "correlation is longer than 65,535 bytes");
        let users = Extras {
            user_property_count: 1,
            ..none()
        };
        refused(&users, "user_properties is NULL");
        let second = |second: PropertyPair, words| {
            let users = [pair(c"a", c"b"), second];
            let extras = Extras {
                user_properties: users.as_ptr(),
                user_property_count: 2,
                ..none()
            };
            refused(&extras, words);
        };
        second(
            pair(c"\xff", c""),
            "the name of user property 1 is not well-formed UTF-8",
        );
        second(
            pair(c"a", long),
            "the value of user property 1 is longer than 65,535 bytes",
        );
        let name = c"a".as_ptr();
        let value = null();
        second(
            PropertyPair { name, value },
            "the value of user property 1 is NULL",
        );
    }

    #[test]
    fn a_field_and_the_same_property_in_the_list_are_refused() {
        let number = 7_u8;
        let set = Extras {
            content_type: c"".as_ptr(),
            response_topic: c"r".as_ptr(),
            correlation: (&raw const number).cast(),
            correlation_len: 1,
            payload_is_utf8: true,
            ..none()
        };
        #[rustfmt::skip]
        let lists = [
            (&[1, 0][..], "payload_is_utf8 and properties both have the payload format indicator"),
            (&[3, 0, 0], "content_type and properties both have the content type"),
            (&[8, 0, 1, b'a'], "response_topic and properties both have the response topic"),
            (&[9, 0, 0], "correlation and properties both have the correlation data"),
        ];
        for (list, words) in lists {
            refused(
                &Extras {
                    properties: view(list),
                    ..set
                },
                words,
            );
            assert_eq!(
                encoded(&Extras {
                    properties: view(list),
                    ..none()
                }),
                list
            );
        }
    }

    #[test]
    fn the_expiry_of_a_list_is_encoded_first() {
        let list = [9, 0, 0, 2, 0, 0, 0, 1];
        let extras = Extras {
            properties: view(&list),
            ..none()
        };
        assert_eq!(encoded(&extras), [2, 0, 0, 0, 1, 9, 0, 0]);
        let extras = Extras {
            content_type: c"".as_ptr(),
            ..extras
        };
        assert_eq!(encoded(&extras), [2, 0, 0, 0, 1, 3, 0, 0, 9, 0, 0]);
        let twice = Extras {
            expiry_s: 1,
            ..extras
        };
        let words = "expiry_s and properties both have the message expiry interval";
        refused(&twice, words);
    }
}
