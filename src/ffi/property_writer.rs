//! Writes properties of MQTT 5 into memory of the program.

use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;

use super::property_room::append;
use super::{bytes, optional_bytes, put};
use crate::client::Code;
use crate::client::events::PropertyView;
use crate::codec::{Value, check_property, property_len, write_property};

/// Writes a list of properties into memory of the program. `PMQTT_PROPERTY_WRITER` initialises it.
///
/// ```c
/// char room[200];
/// pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);
/// pmqtt_properties list;
///
/// pmqtt_property_add_bytes(&writer, PMQTT_PROP_CONTENT_TYPE, "text/plain", 10);
/// pmqtt_property_add_pair(&writer, "site", "north");
/// rc = pmqtt_property_finish(&writer, &list);
/// ```
///
/// The first call that fails sets `rc`. From then on, the calls do nothing, so that one check of
/// `pmqtt_property_finish` is enough.
///
/// @ingroup api_properties
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PropertyWriter {
    /// The memory for the list.
    pub buf: *mut c_void,
    /// The size of `buf`, in bytes.
    pub size: usize,
    /// How many bytes are written; 0 at first.
    pub len: usize,
    /// `PMQTT_ERR_SUCCESS`, or the error of the first call that failed.
    pub rc: c_int,
}

/// Appends a number.
///
/// On failure, `rc` of the writer is set, and nothing is written:
/// - `PMQTT_ERR_INVAL`: no property has this identifier, its value is no number, or it must not have
///   this value.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: the property does not fit into the rest of `buf`.
///
/// @param writer  The writer; NULL: the call does nothing.
/// @param id      The PMQTT_PROP_ number of a property whose value is a number.
/// @param number  The value.
///
/// Thread-safe for different writers; callback-safe; never blocks. [MQTT5-2.2.2.2]
///
/// @ingroup api_properties
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_property_add_number(
    writer: *mut PropertyWriter,
    id: c_int,
    number: u32,
) {
    // SAFETY: the pointers are what the header's contract says.
    unsafe { add(writer, id, Some(Value::Number(number))) }
}

/// Appends a text or binary data.
///
/// On failure, `rc` of the writer is set, and nothing is written:
/// - `PMQTT_ERR_INVAL`:
///   - No property has this identifier, or its value is neither a text nor binary data.
///   - The value is NULL with a length over 0, or is over 65,535 bytes.
///   - The value is a text that is not UTF-8 or contains U+0000, or a response topic that is no
///     valid topic.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: the property does not fit into the rest of `buf`.
///
/// @param writer  The writer; NULL: the call does nothing.
/// @param id      The PMQTT_PROP_ number of a property whose value is a text or binary data.
/// @param value   The value. NULL with a length of 0: empty.
/// @param len     The length of the value in bytes, at most 65,535.
///
/// Thread-safe for different writers; callback-safe; never blocks. [MQTT5-2.2.2.2]
///
/// @ingroup api_properties
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_property_add_bytes(
    writer: *mut PropertyWriter,
    id: c_int,
    value: *const c_void,
    len: usize,
) {
    // SAFETY: the pointers are what the header's contract says.
    unsafe { add(writer, id, bytes(value, len, "").ok().map(Value::Bytes)) }
}

/// Appends a user property. Several may have the same name.
///
/// On failure, `rc` of the writer is set, and nothing is written:
/// - `PMQTT_ERR_INVAL`: name or value is NULL, is over 65,535 bytes or is not UTF-8.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: the property does not fit into the rest of `buf`.
///
/// @param writer  The writer; NULL: the call does nothing.
/// @param name    The name: UTF-8, NUL-terminated; not NULL.
/// @param value   The value: UTF-8, NUL-terminated; not NULL.
///
/// Thread-safe for different writers; callback-safe; never blocks. [MQTT5-2.2.2.2]
///
/// @ingroup api_properties
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_property_add_pair(
    writer: *mut PropertyWriter,
    name: *const c_char,
    value: *const c_char,
) {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        let pair = optional_bytes(name).zip(optional_bytes(value));
        let value = pair.map(|(name, value)| Value::Pair(name, value));
        add(writer, super::PMQTT_PROP_USER_PROPERTY, value);
    }
}

/// Makes a list of what a writer has written.
///
/// The list refers to `buf` of the writer, and is valid as long as `buf` stays unchanged. The call
/// that takes the list checks whether its packet may have each property, and how often.
///
/// @param writer  The writer; not NULL.
/// @param out     The list; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: `writer` or `out` is NULL, or an earlier call has failed with this error.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: the properties did not fit into `buf`.
///
/// Thread-safe for different writers; callback-safe; never blocks.
///
/// @ingroup api_properties
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_property_finish(
    writer: *const PropertyWriter,
    out: *mut PropertyView,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        match writer.as_ref() {
            Some(writer) if !out.is_null() => {
                if writer.rc == Code::Success as c_int {
                    let (data, len) = (writer.buf.cast_const(), writer.len);
                    let list = PropertyView { data, len };
                    put(out, list);
                }
                writer.rc
            }
            _ => Code::Inval as c_int,
        }
    }
}

/// None: the program gave no value.
///
/// # Safety
/// `writer` is NULL or points to a writer, whose `buf` is NULL or has `size` bytes.
unsafe fn add(writer: *mut PropertyWriter, id: c_int, value: Option<Value>) {
    // SAFETY: the caller's promise is the same.
    let Some(writer) = (unsafe { writer.as_mut() }) else {
        return;
    };
    if writer.rc == Code::Success as c_int {
        // SAFETY: the caller's promise is the same.
        match unsafe { write(writer, id, value) } {
            Ok(()) => (),
            Err(code) => writer.rc = code as c_int,
        }
    }
}

/// # Safety
/// As for `add`.
unsafe fn write(writer: &mut PropertyWriter, id: c_int, value: Option<Value>) -> Result<(), Code> {
    let id = u8::try_from(id).map_err(|_| Code::Inval)?;
    let value = value.ok_or(Code::Inval)?;
    check_property(id, value).map_err(|_| Code::Inval)?;
    let needed = property_len(id, value);
    let left = writer.size.checked_sub(writer.len);
    if writer.buf.is_null() || left.is_none_or(|left| left < needed) {
        return Err(Code::PayloadSize);
    }
    // SAFETY: `buf` is not NULL, and has `size` bytes by the caller's promise.
    let mut room = unsafe {
        let start = writer.buf.cast::<MaybeUninit<u8>>().add(writer.len);
        std::slice::from_raw_parts_mut(start, needed)
    };
    write_property(id, value, |piece| append(&mut room, piece));
    writer.len += needed;
    Ok(())
}
