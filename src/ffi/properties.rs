//! Reading properties of MQTT 5, out of a packet or out of memory of the program.

use std::ffi::{c_char, c_int};
use std::ptr::null;

use super::{optional_bytes, put};
use crate::client::events::PropertyView;
use crate::codec::property::{USER_PROPERTY, property};
use crate::codec::{Value, next_property};

/// One property of a list. Its pointers refer to the bytes of the list, and are valid as long as
/// these. They are NULL where the property has no such value.
///
/// @ingroup api_properties
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PropertyEntry {
    /// The identifier, a PMQTT_PROP_ number.
    pub id: c_int,
    /// The value of a number; else 0.
    pub number: u32,
    /// The name of a user property, not NUL-terminated.
    pub name: *const c_char,
    /// The length of `name` in bytes.
    pub name_len: usize,
    /// The text or the binary data, or the value of a user property; not NUL-terminated.
    pub value: *const c_char,
    /// The length of `value` in bytes.
    pub value_len: usize,
}

/// A user property that the program sets.
///
/// @ingroup api_properties
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PropertyPair {
    /// UTF-8, not NULL, at most 65,535 bytes.
    pub name: *const c_char,
    /// UTF-8, not NULL, at most 65,535 bytes.
    pub value: *const c_char,
}

/// Reads the next property of a list.
///
/// ```c
/// pmqtt_property property;
/// size_t position = 0;
///
/// while (pmqtt_property_next(&list, &position, &property))
///     ...
/// ```
///
/// @param list      The list; NULL: no properties. The call is safe with any bytes. In a list
///                  that does not come from an event, a text may be no UTF-8.
/// @param position  Where the property begins: 0 for the first one. The call moves it to the next
///                  property. NULL gives false.
/// @param out       The property; may be NULL.
///
/// @return true: there is a property. false: the list ends here, or the bytes here are no property.
///   Nothing was written then.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-2.2.2.2]
///
/// @ingroup api_properties
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_property_next(
    list: *const PropertyView,
    position: *mut usize,
    out: *mut PropertyEntry,
) -> bool {
    // SAFETY: the pointers are what the header's contract says.
    unsafe { next(list, position, out) }.is_some()
}

/// Finds the first property of a list with an identifier.
///
/// @param list  As for `pmqtt_property_next`.
/// @param id    A PMQTT_PROP_ number.
/// @param out   The property; may be NULL.
///
/// @return true: there is one. false: there is none; nothing was written.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_properties
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_property_find(
    list: *const PropertyView,
    id: c_int,
    out: *mut PropertyEntry,
) -> bool {
    // SAFETY: the pointers are what the header's contract says.
    unsafe { find(list, out, |of, _| c_int::from(of) == id) }
}

/// Finds the first user property of a list with a name.
///
/// @param list  As for `pmqtt_property_next`.
/// @param name  The name; NULL gives false.
/// @param out   The property; may be NULL.
///
/// @return true: there is one. false: there is none; nothing was written.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-3.3.2.3.7]
///
/// @ingroup api_properties
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_property_user(
    list: *const PropertyView,
    name: *const c_char,
    out: *mut PropertyEntry,
) -> bool {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        let Some(wanted) = optional_bytes(name) else {
            return false;
        };
        find(list, out, |id, value| {
            id == USER_PROPERTY && matches!(value, Value::Pair(name, _) if name == wanted)
        })
    }
}

/// Returns the name of a property, for a log.
///
/// @param id  Any number, also an unknown one.
///
/// @return A constant string, for example "message expiry interval"; never NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_properties
#[unsafe(no_mangle)]
pub extern "C" fn pmqtt_property_name(id: c_int) -> *const c_char {
    let row = u8::try_from(id).ok().and_then(property);
    row.map_or(c"unknown property", |row| row.name).as_ptr()
}

/// # Safety
/// As for `listed`; the others are NULL or may be written.
#[inline(always)]
unsafe fn next(
    list: *const PropertyView,
    position: *mut usize,
    out: *mut PropertyEntry,
) -> Option<()> {
    // SAFETY: the caller's promise is the same.
    unsafe {
        let list = listed(list)?;
        let position = position.as_mut()?;
        let (found, behind) = next_property(list.get(*position..)?)?;
        *position = list.len() - behind.len();
        put(out, entry(found));
    }
    Some(())
}

/// # Safety
/// As for `listed`; `out` is NULL or may be written.
#[inline(always)]
unsafe fn find(
    list: *const PropertyView,
    out: *mut PropertyEntry,
    is_wanted: impl Fn(u8, Value) -> bool,
) -> bool {
    // SAFETY: the caller's promise is the same.
    let mut rest = unsafe { listed(list) }.unwrap_or_default();
    while let Some((found, behind)) = next_property(rest) {
        if is_wanted(found.0, found.1) {
            // SAFETY: the caller's promise is the same.
            unsafe { put(out, entry(found)) };
            return true;
        }
        rest = behind;
    }
    false
}

/// The bytes of a list. None: it is NULL, or cannot be one.
///
/// # Safety
/// `list` is NULL or points to a structure whose bytes live as long as the result.
#[inline(always)]
unsafe fn listed<'a>(list: *const PropertyView) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise is the same.
    let list = unsafe { list.as_ref() }?;
    if list.data.is_null() || list.len > isize::MAX as usize {
        return None;
    }
    // SAFETY: not NULL, and `len` bytes long by the caller's promise.
    Some(unsafe { std::slice::from_raw_parts(list.data.cast(), list.len) })
}

#[inline(always)]
fn entry((id, value): (u8, Value)) -> PropertyEntry {
    let nothing = PropertyEntry {
        id: id.into(),
        number: 0,
        name: null(),
        name_len: 0,
        value: null(),
        value_len: 0,
    };
    match value {
        Value::Number(number) => PropertyEntry { number, ..nothing },
        Value::Bytes(value) => PropertyEntry {
            value: value.as_ptr().cast(),
            value_len: value.len(),
            ..nothing
        },
        Value::Pair(name, value) => PropertyEntry {
            name: name.as_ptr().cast(),
            name_len: name.len(),
            value: value.as_ptr().cast(),
            value_len: value.len(),
            ..nothing
        },
    }
}
