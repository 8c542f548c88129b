//! The C ABI and nothing else: null checks, panic guard, type conversion. The doc comments in
//! here are the manual: cbindgen copies them into include/pmqtt.h.

// The contract at the head of the header says what C has to observe, for all functions.
#![allow(clippy::missing_safety_doc)]

// The header has the functions in this order, in which a program uses them. The blank lines keep
// rustfmt from sorting them.
mod constants;

mod lifetime;

mod options;

mod will;

mod queue_options;

mod connect_options;

mod connection;

mod disconnect;

mod negotiated;

mod loops;

mod publication;

mod publish;

mod publish_message;

mod batch;

mod unsettled;

mod subscribe;

mod subscription;

mod request;

mod reply;

mod property_ids;

mod properties;

mod property_writer;

mod property_list;
mod property_room;

mod extras;

mod on_connection;

mod redirect;

mod on_message;

mod handlers;

mod on_outcome;

mod on_log;

mod on_interest;

mod tls;

mod auth;

mod oneshot;
mod oneshot_options;

mod report;
mod statistics;

mod floors;
mod sized;

pub use auth::*;
pub use batch::*;
pub use connect_options::*;
pub use connection::*;
pub use constants::*;
pub use disconnect::*;
pub use handlers::*;
pub use lifetime::*;
pub use loops::*;
pub use negotiated::*;
pub use on_connection::*;
pub use on_interest::*;
pub use on_log::*;
pub use on_message::*;
pub use on_outcome::*;
pub use oneshot::*;
pub use oneshot_options::*;
pub use options::*;
pub use properties::*;
pub use property_ids::*;
pub use property_writer::*;
pub use publication::*;
pub use publish::*;
pub use publish_message::*;
pub use queue_options::*;
pub use redirect::*;
pub use reply::*;
pub use report::*;
pub use request::*;
pub use statistics::*;
pub use subscribe::*;
pub use subscription::*;
pub use tls::*;
pub use unsettled::*;
pub use will::*;

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::client::{Client, Code, Error, Handle, Result, Way};
use crate::codec::QoS;

/// Runs the body of a function that can fail. A panic does not leave this function, and the
/// client refuses further work after one.
///
/// # Safety
/// `client` is NULL, or came from `pmqtt_client_new` and was not freed before this call began.
unsafe fn run(client: *const Handle, mut body: impl FnMut(&Arc<Client>) -> Result) -> c_int {
    // SAFETY: the caller's promise is the same.
    unsafe { guard(client, &mut body) }
}

/// How a message of this client goes. A call that finds the client unusable, or NULL, takes the way with all checks.
///
/// # Safety
/// As for `run`.
#[inline(always)]
unsafe fn way(client: *const Handle) -> Way {
    // SAFETY: `pmqtt_client_free` was not called before this call began, so there is a client if it is not NULL.
    let client = unsafe { client.cast::<Client>().as_ref() };
    client.map_or(Way::Ruled, Client::way)
}

/// `run` for a client that accepts calls, compiled for each body.
///
/// # Safety
/// As for `run`.
#[inline(always)]
unsafe fn run_usable(client: *const Handle, body: impl FnOnce(&Arc<Client>) -> Result) -> c_int {
    // SAFETY: the caller's promise is the same.
    match unsafe { reference(client) } {
        Some(client) => run_on(&client, body),
        None => Code::Inval as c_int,
    }
}

/// `run`, compiled for each body.
///
/// # Safety
/// As for `run`.
#[inline(always)]
unsafe fn run_inlined(client: *const Handle, body: impl FnOnce(&Arc<Client>) -> Result) -> c_int {
    // SAFETY: the caller's promise is the same.
    let Some(client) = (unsafe { reference(client) }) else {
        return Code::Inval as c_int;
    };
    match client.is_usable() {
        true => run_on(&client, body),
        false => client.refusal().code as c_int,
    }
}

/// `run` with a client that accepts calls.
#[inline(always)]
fn run_on(client: &Arc<Client>, body: impl FnOnce(&Arc<Client>) -> Result) -> c_int {
    match catch_unwind(AssertUnwindSafe(|| body(client))) {
        Ok(Ok(())) => Code::Success as c_int,
        Ok(Err(error)) => {
            let code = error.code as c_int;
            client.set_last_error(error);
            code
        }
        Err(_) => {
            client.set_broken();
            Code::Panic as c_int
        }
    }
}

/// `run`, compiled once for all functions because it is not generic.
///
/// # Safety
/// As for `run`.
unsafe fn guard(client: *const Handle, body: &mut dyn FnMut(&Arc<Client>) -> Result) -> c_int {
    // SAFETY: the caller's promise is the same.
    unsafe { run_inlined(client, body) }
}

/// Runs the body of a function that reads a value. Returns `otherwise` for NULL and after a
/// panic.
///
/// # Safety
/// As for `run`.
unsafe fn read<T>(client: *const Handle, otherwise: T, body: impl Fn(&Arc<Client>) -> T) -> T {
    let mut value = None;
    let read = |client: &Arc<Client>| {
        value = Some(body(client));
        Ok(())
    };
    // SAFETY: the caller's promise is the same.
    unsafe { run(client, read) };
    value.unwrap_or(otherwise)
}

/// A text that says why a client accepts no calls.
///
/// # Safety
/// As for `run`.
unsafe fn refusal(client: *const Handle) -> String {
    // SAFETY: the caller's promise is the same.
    match unsafe { reference(client) } {
        Some(client) if !client.is_usable() => client.refusal().text.clone().into_owned(),
        _ => String::new(),
    }
}

/// A separate reference for the call, so that a callback may free the client during it.
///
/// # Safety
/// As for `run`.
unsafe fn reference(client: *const Handle) -> Option<Arc<Client>> {
    if client.is_null() {
        return None;
    }
    // SAFETY: the pointer came from `Arc::into_raw`. Only `pmqtt_client_free` gives back the
    // reference of that pointer, and it was not called before this call began.
    unsafe {
        let client = client.cast::<Client>();
        Arc::increment_strong_count(client);
        Some(Arc::from_raw(client))
    }
}

/// UTF-8 text; NULL is an error.
///
/// # Safety
/// `pointer` is NULL or points to a NUL-terminated string that lives through the call.
unsafe fn text<'a>(pointer: *const c_char, what: &str) -> Result<&'a str> {
    // SAFETY: the caller's promise is the same.
    unsafe { optional_text(pointer, what) }?.ok_or_else(|| Error::inval(format!("{what} is NULL")))
}

/// UTF-8 text that may be NULL.
///
/// # Safety
/// As for `text`.
unsafe fn optional_text<'a>(pointer: *const c_char, what: &str) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and NUL-terminated by the caller's promise.
    let text = unsafe { CStr::from_ptr(pointer) };
    match text.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Error::inval(format!("{what} is not well-formed UTF-8"))),
    }
}

/// The bytes of a NUL-terminated string that may be NULL.
///
/// # Safety
/// As for `text`.
#[inline(always)]
unsafe fn optional_bytes<'a>(pointer: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: NUL-terminated by the caller's promise.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

/// `length` bytes; NULL stands for none.
///
/// # Safety
/// `pointer` is NULL or points to `length` bytes that live through the call.
#[inline(always)]
unsafe fn bytes<'a>(pointer: *const c_void, length: usize, what: &str) -> Result<&'a [u8]> {
    if length == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() || length > isize::MAX as usize {
        return Err(no_bytes(pointer, what));
    }
    // SAFETY: not NULL, and `length` bytes long by the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), length) })
}

#[cold]
fn no_bytes(pointer: *const c_void, what: &str) -> Error {
    match pointer.is_null() {
        true => Error::inval(format!("{what} is NULL, but its length is not 0")),
        false => Error::new(Code::PayloadSize, format!("{what} is too long")),
    }
}

/// An array; NULL is an error.
///
/// # Safety
/// `pointer` is NULL or points to `count` values that live through the call.
unsafe fn array<'a, T>(pointer: *const T, count: usize, what: &str) -> Result<&'a [T]> {
    if pointer.is_null() && count > 0 {
        return Err(Error::inval(format!("{what} is NULL")));
    }
    if count == 0 {
        return Ok(&[]);
    }
    if count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Error::inval(format!("{what} has too many entries")));
    }
    // SAFETY: not NULL, and `count` values long by the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// Writes a result to `out`, unless that is NULL.
///
/// # Safety
/// `out` is NULL or points to a value that may be written.
unsafe fn put<T>(out: *mut T, value: T) {
    if !out.is_null() {
        // SAFETY: not NULL, and writable by the caller's promise.
        unsafe { out.write(value) };
    }
}

/// Writes as much of a text as fits, and a NUL.
///
/// # Safety
/// `buf` is NULL or points to `len` bytes that may be written.
unsafe fn put_text(buf: *mut c_char, len: usize, text: &str) {
    if buf.is_null() || len == 0 {
        return;
    }
    let mut fits = text.len().min(len - 1);
    while !text.is_char_boundary(fits) {
        fits -= 1;
    }
    // SAFETY: `buf` has `len` bytes by the caller's promise. `fits` is less than `len`, and at most
    // the length of the text.
    unsafe {
        buf.copy_from_nonoverlapping(text.as_ptr().cast(), fits);
        buf.add(fits).write(0);
    }
}

#[inline(always)]
fn qos(value: c_int) -> Result<QoS> {
    const LEVELS: [QoS; 3] = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce];
    match LEVELS.get(value as usize) {
        Some(level) => Ok(*level),
        None => Err(wrong_qos(value)),
    }
}

#[cold]
fn wrong_qos(value: c_int) -> Error {
    Error::inval(format!("QoS {value} is none of 0, 1 and 2"))
}

/// A number from 0 to `most`.
fn number(value: c_int, most: c_int, what: &str) -> Result<u32> {
    match u32::try_from(value) {
        Ok(number) if value <= most => Ok(number),
        _ => Err(Error::inval(format!(
            "{what} {value} is not between 0 and {most}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null_mut;

    fn last_error(client: *const Handle) -> String {
        let mut text = [0_u8; 200];
        // SAFETY: the client lives, and the buffer has the given size.
        unsafe { pmqtt_last_error(client, text.as_mut_ptr().cast(), text.len()) };
        let text = CStr::from_bytes_until_nul(&text).unwrap();
        text.to_str().unwrap().to_owned()
    }

    #[test]
    fn after_a_panic_there_are_words() {
        let mut client = null_mut();
        // SAFETY: the client is created, used and freed, in this order.
        unsafe {
            pmqtt_client_new(&mut client, std::ptr::null(), true, null_mut(), 0);
            assert_eq!(last_error(client), "no error");
            assert_eq!(run(client, |_| panic!("a test")), PMQTT_ERR_PANIC);
            assert_eq!(pmqtt_disconnect(client), PMQTT_ERR_PANIC);
            assert!(last_error(client).contains("has failed"));
            pmqtt_client_free(client);
        }
    }
}
