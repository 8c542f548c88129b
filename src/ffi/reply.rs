//! Responses to the requests of other clients.

use std::ffi::{CString, c_int, c_void};

use super::property_room::Room;
use super::publication::Publication;
use super::{bytes, run};
use crate::client::events::{MessageEvent, PropertyView};
use crate::client::{self, Client, Code, Error, Handle, Result};
use crate::codec::property::{self, Place};
use crate::codec::{Properties, PropertyList};

/// Publishes the response to a request (MQTT 5), in `on_message` or in the callback of a filter.
///
/// The library publishes to the response topic of the request, with its correlation data. After the
/// callback has returned, the request is gone: `pmqtt_reply_address` keeps what a later response
/// needs.
///
/// @param client   The client; not NULL. It may be another one than has got the request.
/// @param request  The request; not NULL.
/// @param reply    The response, copied with all that it points to; not NULL. `topic` and
///                 `correlation` must be NULL. `on_publish` reports its outcome, with its `tag`.
///
/// @return As `pmqtt_publish_message`. In addition:
/// - `PMQTT_ERR_NOT_FOUND`: the message has no response topic, so it is no request.
/// - `PMQTT_ERR_INVAL`: `topic` or `correlation` is not NULL, or the response topic has wildcards.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client is not of MQTT 5.
///
/// Thread-safe; callback-safe; never blocks. Section 4.10 of MQTT 5.
///
/// @ingroup api_request
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_reply(
    client: *mut Handle,
    request: *const MessageEvent,
    reply: *const Publication,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| match request.as_ref() {
            None => Err(Error::inval("reply: the request is NULL")),
            Some(request) => send(client, &request.properties, reply),
        })
    }
}

/// Copies where the response to a request goes, for `pmqtt_reply_to` after the callback has returned.
///
/// The address is a list of properties: the response topic, and the correlation data if there is
/// any. So the program may read it with `pmqtt_property_find`, store it as bytes, and send it to
/// another process. It refers to nothing of the library's, and needs no free.
///
/// @param request  The request; not NULL.
/// @param buf      Receives the address; not NULL.
/// @param size     The size of `buf` in bytes. `request->properties.len` is enough.
/// @param address  `buf` and the length of the address, on success; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NOT_FOUND`: the message has no response topic, so it is no request.
/// - `PMQTT_ERR_INVAL`: an argument is NULL, or the address does not fit into `buf`.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_request
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_reply_address(
    request: *const MessageEvent,
    buf: *mut c_void,
    size: usize,
    address: *mut PropertyView,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    match unsafe { copy_address(request, buf, size, address) } {
        Ok(()) => Code::Success as c_int,
        Err(error) => error.code as c_int,
    }
}

/// Publishes the response to a request whose address `pmqtt_reply_address` has copied.
///
/// @param client   The client; not NULL.
/// @param address  The address; not NULL. The properties of the request itself will do, too.
/// @param reply    As for `pmqtt_reply`.
///
/// @return As `pmqtt_reply`; `PMQTT_ERR_INVAL` also if `address` is not well-formed.
///
/// Thread-safe; callback-safe; never blocks. Section 4.10 of MQTT 5.
///
/// @ingroup api_request
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_reply_to(
    client: *mut Handle,
    address: *const PropertyView,
    reply: *const Publication,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| match address.as_ref() {
            None => Err(Error::inval("reply: the address is NULL")),
            Some(address) => send(client, address, reply),
        })
    }
}

/// # Safety
/// The pointers are what the header says of them.
unsafe fn send(client: &Client, address: &PropertyView, reply: *const Publication) -> Result {
    const WHAT: &str = "reply";
    if !client.is_extended() {
        return Err(client::not_supported());
    }
    // SAFETY: the caller's promise is the same.
    unsafe {
        let address = properties(address)?;
        let topic = response_topic(address)?;
        let mut publication = Publication::read(reply)?;
        if !publication.topic.is_null() || !publication.correlation.is_null() {
            let text = "reply: topic and correlation have to be NULL: the request has them";
            return Err(Error::inval(text));
        }
        let topic = CString::new(topic).unwrap_or_default();
        publication.topic = topic.as_ptr();
        if let Some(data) = address.bytes(property::CORRELATION_DATA) {
            publication.correlation = client::address(data);
            publication.correlation_len = data.len();
        }
        let mut room = Room::new();
        let properties = publication.encode(&mut room, Place::Publish, WHAT)?;
        let message = publication.timed(Some(properties))?;
        let (_, _, result) = client.publish_batch(&[message]);
        result
    }
}

/// # Safety
/// As for `send`.
unsafe fn copy_address(
    request: *const MessageEvent,
    buf: *mut c_void,
    size: usize,
    out: *mut PropertyView,
) -> Result {
    // SAFETY: the caller's promise is the same.
    let request = unsafe { request.as_ref() };
    let Some(request) = request.filter(|_| !buf.is_null() && !out.is_null()) else {
        return Err(Error::inval("reply_address: an argument is NULL"));
    };
    // SAFETY: the caller's promise is the same.
    let given = unsafe { properties(&request.properties) }?;
    let mut address = PropertyList::default();
    // A list that was decoded has no value that is too long.
    let _ = address.bytes(property::RESPONSE_TOPIC, response_topic(given)?);
    if let Some(data) = given.bytes(property::CORRELATION_DATA) {
        let _ = address.bytes(property::CORRELATION_DATA, data);
    }
    let address = address.get();
    if address.len() > size {
        let text = format!("reply_address: the address needs {} bytes", address.len());
        return Err(Error::inval(text));
    }
    // SAFETY: `buf` has `size` bytes and `out` may be written, by the caller's promise; neither is NULL.
    unsafe {
        let from = address.as_bytes().as_ptr();
        buf.cast::<u8>()
            .copy_from_nonoverlapping(from, address.len());
        let written = std::slice::from_raw_parts(buf.cast::<u8>(), address.len());
        out.write(Properties::of_checked(written).into());
    }
    Ok(())
}

/// # Safety
/// The bytes of the list live as long as the result.
unsafe fn properties<'a>(list: &PropertyView) -> Result<Properties<'a>> {
    // SAFETY: the caller's promise is the same.
    let bytes = unsafe { bytes(list.data, list.len, "reply: the list of properties") }?;
    let checked = Properties::check(bytes, Place::Delivery);
    checked.map_err(|error| Error::inval(format!("reply: {error}")))
}

fn response_topic(properties: Properties<'_>) -> Result<&[u8]> {
    let topic = properties.bytes(property::RESPONSE_TOPIC);
    topic.ok_or_else(|| {
        let text = "reply: the message has no response topic, so it is no request";
        Error::new(Code::NotFound, text)
    })
}
