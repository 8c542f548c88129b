//! The calling thread's queue of OpenSSL's errors.

use std::ffi::{CStr, CString, c_char, c_int, c_ulong};
use std::ptr::null;

/// ERR_TXT_MALLOCED: the queue owns the text and frees it.
const MALLOCED: c_int = 1;
/// ERR_TXT_STRING: there is a text.
const STRING: c_int = 2;

/// ERR_SYSTEM_FLAG: the rest of the code is an `errno`.
const SYSTEM: c_ulong = 1 << 31;
const SYSTEM_LIBRARY: c_int = 2;
const LIBRARY_SHIFT: u32 = 23;

unsafe extern "C" {
    fn ERR_peek_error() -> c_ulong;
    fn ERR_clear_error();
    fn ERR_get_error_all(
        file: *mut *const c_char,
        line: *mut c_int,
        function: *mut *const c_char,
        data: *mut *const c_char,
        flags: *mut c_int,
    ) -> c_ulong;
    fn ERR_new();
    fn ERR_set_debug(file: *const c_char, line: c_int, function: *const c_char);
    fn ERR_set_error(library: c_int, reason: c_int, format: *const c_char, ...);
    fn ERR_set_error_data(data: *mut c_char, flags: c_int);
    fn CRYPTO_strdup(text: *const c_char, file: *const c_char, line: c_int) -> *mut c_char;
}

/// Errors that were taken out of a queue, the oldest first.
pub struct TakenErrors(Vec<TakenError>);

struct TakenError {
    code: c_ulong,
    file: CString,
    line: c_int,
    function: CString,
    data: Data,
}

enum Data {
    None,
    Copied(CString),
    /// The code that raised the error keeps it for ever.
    Static(&'static CStr),
}

pub fn has_errors() -> bool {
    // SAFETY: the call takes no argument, and looks at the thread's own queue.
    unsafe { ERR_peek_error() != 0 }
}

pub fn clear_errors() {
    // SAFETY: the call takes no argument, and changes the thread's own queue only.
    unsafe { ERR_clear_error() }
}

/// Empties the queue.
pub fn take_errors() -> TakenErrors {
    TakenErrors(std::iter::from_fn(take_error).collect())
}

fn take_error() -> Option<TakenError> {
    let (mut file, mut function, mut data) = (null(), null(), null());
    let (mut line, mut flags) = (0, 0);
    // SAFETY: each pointer is to a variable of its type. The texts that they point to afterwards are
    // NUL-terminated or NULL, and stay until the next call on this thread's queue.
    unsafe {
        let code = ERR_get_error_all(&mut file, &mut line, &mut function, &mut data, &mut flags);
        (code != 0).then(|| TakenError {
            code,
            file: copy(file),
            line,
            function: copy(function),
            data: match flags & (STRING | MALLOCED) {
                _ if data.is_null() => Data::None,
                STRING => Data::Static(CStr::from_ptr(data)),
                both if both & STRING != 0 => Data::Copied(copy(data)),
                _ => Data::None,
            },
        })
    }
}

/// # Safety
/// `text` is NULL, or NUL-terminated.
unsafe fn copy(text: *const c_char) -> CString {
    match text.is_null() {
        true => CString::default(),
        // SAFETY: not NULL, and the caller promises that it is NUL-terminated.
        false => unsafe { CStr::from_ptr(text) }.to_owned(),
    }
}

/// Adds the errors to the queue.
pub fn put_errors(errors: TakenErrors) {
    errors.0.iter().for_each(put_error);
}

fn put_error(error: &TakenError) {
    // ERR_GET_LIB and ERR_GET_REASON.
    let (library, reason) = match error.code & SYSTEM {
        0 => (
            (error.code >> LIBRARY_SHIFT) as c_int & 0xff,
            (error.code & ((1 << LIBRARY_SHIFT) - 1)) as c_int,
        ),
        _ => (SYSTEM_LIBRARY, (error.code & (SYSTEM - 1)) as c_int),
    };
    // SAFETY: the texts are NUL-terminated. OpenSSL copies file and function. Without a format it needs
    // no arguments. Data lives for ever, or is OpenSSL's own memory, which it frees.
    unsafe {
        ERR_new();
        ERR_set_debug(error.file.as_ptr(), error.line, error.function.as_ptr());
        ERR_set_error(library, reason, null());
        match &error.data {
            Data::None => {}
            Data::Static(data) => ERR_set_error_data(data.as_ptr().cast_mut(), STRING),
            Data::Copied(data) => {
                let copy = CRYPTO_strdup(data.as_ptr(), null(), 0);
                if !copy.is_null() {
                    ERR_set_error_data(copy, STRING | MALLOCED);
                }
            }
        }
    }
}
