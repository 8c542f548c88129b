//! The callbacks for messages whose topic matches a filter.

use std::ffi::{c_char, c_int, c_void};

use super::on_message::pmqtt_on_message;
use super::{run, sized, text};
use crate::client::{Error, Handle, Handler};

/// A callback for the messages of a topic filter, with its own `userdata`.
///
/// @ingroup api_callbacks
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MessageHandler {
    /// `sizeof(pmqtt_message_handler)`.
    pub struct_size: usize,
    /// The topic filter: UTF-8, copied, well-formed (section 4.7); not NULL.
    pub filter: *const c_char,
    /// The callback; not NULL. A loop call runs it.
    pub callback: pmqtt_on_message,
    /// Passed to the callback in place of the client's `userdata`. May be NULL.
    pub userdata: *mut c_void,
    /// Called with `userdata` when the library does not use it any more; NULL: none. It is called
    /// exactly once for each `pmqtt_message_handler_add` that succeeded. `free` of the C library
    /// may be used.
    pub release: Option<extern "C" fn(userdata: *mut c_void)>,
}

/// Adds a handler for messages whose topic matches a filter. The call does not subscribe.
///
/// - If several filters match, the callback of each is called, in the order in which they were
///   added.
/// - `on_message` is called only if no filter matches.
/// - A shared subscription, `$share/group/filter`, matches what `filter` matches.
/// - A filter has one handler. A new handler replaces the old one and takes its place in the order.
///   `pmqtt_message_callback_add` and `pmqtt_subscribe_with` replace a handler in the same way.
///   `pmqtt_message_callback_remove` removes a handler.
/// - The library looks for the next handler after each callback. If a callback adds, replaces or
///   removes a later handler of the order, this already takes effect for the same message.
/// - A callback that removes its own handler and adds it again is called again with the same
///   message. One that replaces its own handler is not.
/// - After `pmqtt_reinitialise`, no further handler is called for the message.
/// - A client can have any number of handlers. This call, `pmqtt_message_callback_remove` and each
///   message take time in proportion to it.
///
/// A handler ends in the call that replaces or removes it, in `pmqtt_reinitialise` and in
/// `pmqtt_client_free`. When that call returns, another thread may still run the callback, or begin
/// to run it, for one message. The library calls `release` when nothing uses `userdata` any more:
/// - If no thread runs the callback: in the call that ends the handler, before that call returns.
/// - Otherwise: in the thread that runs the callback, after the callback has returned.
///
/// A callback may therefore end its own handler. `release` runs with no lock held, and may call any
/// function, as a callback may. Only a `pmqtt_client_free` outside of callbacks waits for
/// `release`. When it returns, all handlers of the client are released. Without `release`,
/// `userdata` must live until such a `pmqtt_client_free` has returned. A handler that `release`
/// adds inside `pmqtt_client_free` is released at once. In a child of the process that created the
/// client, `release` is not called.
///
/// @param client   The client; not NULL.
/// @param handler  Copied; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: an argument, the filter or the callback is NULL, the filter is not
///   well-formed, or no version has this `struct_size`.
/// - `PMQTT_ERR_NOT_SUPPORTED`: a field is set that only a later version of the library knows.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_message_handler_add(
    client: *mut Handle,
    handler: *const MessageHandler,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            if handler.is_null() {
                return Err(Error::inval("message_handler_add: the handler is NULL"));
            }
            let given = sized::read(handler, "message_handler_add")?;
            let filter = text(given.filter, "message_handler_add: the filter")?;
            let callback = given
                .callback
                .ok_or_else(|| Error::inval("message_handler_add: the callback is NULL"))?;
            client.add_handler("message_handler_add", filter, || {
                Handler::with_userdata(callback, given.userdata, given.release)
            })
        })
    }
}

/// Adds a callback for messages whose topic matches a filter. The call does not subscribe.
///
/// It does the same as `pmqtt_message_handler_add`, with the client's `userdata`.
///
/// @param client    The client; not NULL.
/// @param filter    UTF-8, copied, well-formed (MQTT 3.1.1, section 4.7); not NULL.
/// @param callback  Not NULL. Replaces the callback that the same filter has.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_message_callback_add(
    client: *mut Handle,
    filter: *const c_char,
    callback: pmqtt_on_message,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let filter = text(filter, "message_callback_add: the filter")?;
            let callback = callback
                .ok_or_else(|| Error::inval("message_callback_add: the callback is NULL"))?;
            client.add_handler("message_callback_add", filter, || Handler::new(callback))
        })
    }
}

/// Removes the callback of a filter, which `pmqtt_message_callback_add` or
/// `pmqtt_message_handler_add` added.
///
/// When this call returns, another thread may still run the callback, or begin to run it, for one
/// message. After that, the callback is not called any more.
///
/// @param client  The client; not NULL.
/// @param filter  The filter as it was added; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NOT_FOUND`: the filter has no callback.
/// - `PMQTT_ERR_INVAL`: an argument is wrong.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_callbacks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_message_callback_remove(
    client: *mut Handle,
    filter: *const c_char,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            client.remove_handler(text(filter, "message_callback_remove: the filter")?)
        })
    }
}
