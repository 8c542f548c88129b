//! Requests to other clients, and their responses.

use std::ffi::{c_int, c_void};
use std::time::Duration;

use super::property_room::Room;
use super::publication::Publication;
use super::{put, run};
use crate::client::events::ResponseEvent;
use crate::client::{self, Asker, Error, Handle, Result};
use crate::codec::property::{self, Place};

/// A request of `pmqtt_request` has ended. The event's pointers are valid until the callback returns.
///
/// @ingroup api_request
#[allow(non_camel_case_types)]
pub type pmqtt_on_response =
    Option<extern "C" fn(client: *mut Handle, userdata: *mut c_void, event: *const ResponseEvent)>;

/// Publishes a request, a message that asks another client for a response (MQTT 5).
///
/// `callback` is called exactly once for each request: with the response, or with the reason why
/// none comes. `pmqtt_reinitialise` and `pmqtt_client_free` drop the requests that wait, and do not
/// call it.
///
/// The library sets the response topic and the correlation data of the message. It subscribes to
/// the response topic at QoS 1, before the first request of a connection goes out. After a
/// reconnect it does so again, unless the broker has kept the session. `on_subscribe` does not
/// report this. If the broker refuses the subscription, all requests that wait end with
/// `PMQTT_ERR_REJECTED`, and the next request tries it again.
///
/// The response topic is `pmqtt/reply/`, the client id and a random level; + and # of the client id
/// become _. If `request_response_information` of `pmqtt_connect_options` is set and the broker
/// states response information, the topic is that information, `pmqtt` and a random level. If
/// the broker states other information on a later connection, the topic changes, and responses to
/// earlier requests are lost.
///
/// - `on_publish` does not report the message of a request. A broker that has no subscriber for the
///   message (reason 0x10) does not end the request.
/// - A lost connection does not end a request, nor does `pmqtt_disconnect`. A message of QoS 1 or 2
///   goes out again on the next connection. A request waits for its time at most, and a loop call
///   reports `PMQTT_ERR_TIMEOUT`, with or without a connection.
/// - The time begins with this call. When a request ends without a response, a message that still
///   waits in the queue is not sent any more.
/// - `on_message` and handlers do not get responses, whatever their filters. A response that comes
///   late, twice or from a stranger is dropped, and counted in `responses_dropped` of
///   `pmqtt_stats`.
/// - The library acknowledges responses itself, also after `pmqtt_manual_ack_set`.
///
/// @param client       The client; not NULL.
/// @param publication  The message, copied with all that it points to; not NULL. `response_topic`,
///                     `correlation` and `tag` must not be set.
/// @param timeout_ms   How long to wait for the response, in milliseconds; at least 1.
/// @param callback     Gets the response; not NULL. A loop call runs it.
/// @param userdata     Passed to the callback in place of the client's `userdata`. May be NULL.
/// @param id           The number of the request, on success; may be NULL. No other request of the
///                     client gets the same one, and none gets 0.
///
/// @return `PMQTT_ERR_SUCCESS`: the callback follows, also if the message waits for a connection. Or
/// an error, after which the callback is not called; at most the subscription was made:
/// - `PMQTT_ERR_NO_CONN`: there is no connection, and the message has QoS 0 (unless `keep_qos0` is
///   set). Or no broker has stated
///   the response information or the client id that the program has asked for.
/// - `PMQTT_ERR_QUEUE_SIZE`: the queue is full, 65,536 requests wait for their responses, or all
///   packet identifiers are in use.
/// - `PMQTT_ERR_NOMEM`: there is no memory for the request.
/// - `PMQTT_ERR_INVAL`: an argument or a field is wrong.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: the message is too large, also for the broker.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client or its connection is not of MQTT 5. The broker does not
///   take the QoS, or a retained message. Or a field is set that only a later version of the library
///   knows.
///
/// Thread-safe; callback-safe; never blocks. Section 4.10 of MQTT 5.
///
/// @ingroup api_request
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_request(
    client: *mut Handle,
    publication: *const Publication,
    timeout_ms: c_int,
    callback: pmqtt_on_response,
    userdata: *mut c_void,
    id: *mut u64,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let Some(callback) = callback else {
                return Err(Error::inval("request: callback is NULL"));
            };
            let timeout = match u64::try_from(timeout_ms) {
                Ok(milliseconds @ 1..) => Duration::from_millis(milliseconds),
                _ => return Err(Error::inval("request: timeout_ms has to be at least 1")),
            };
            if !client.is_extended() {
                return Err(client::not_supported());
            }
            let publication = Publication::read(publication)?;
            check(&publication)?;
            let mut room = Room::new();
            let properties = publication.encode(&mut room, Place::Publish, "request")?;
            let managed = [property::RESPONSE_TOPIC, property::CORRELATION_DATA];
            if managed.iter().any(|id| properties.find(*id).is_some()) {
                return Err(managed_by_library("properties"));
            }
            let (message, limit) = publication.message_and_limit("request", Some(properties))?;
            let asker = Asker::new(callback, userdata);
            let request = client::Request {
                message,
                limit,
                timeout,
                asker,
            };
            put(id, client.request(request)?);
            Ok(())
        })
    }
}

/// Cancels a request that waits for its response. A loop call reports `PMQTT_ERR_CANCELLED` to its
/// callback.
///
/// The message of the request is not sent any more if it still waits in the queue. A response that
/// comes later is dropped.
///
/// @param client  The client; not NULL.
/// @param id      The number of the request.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NOT_FOUND`: no request with this number waits. Its callback was called, or follows.
/// - `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_request
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_request_cancel(client: *mut Handle, id: u64) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.cancel_request(id)) }
}

/// The library matches responses by what it sets itself.
fn check(publication: &Publication) -> Result {
    if !publication.response_topic.is_null() {
        return Err(managed_by_library("response_topic"));
    }
    if !publication.correlation.is_null() || publication.correlation_len > 0 {
        return Err(managed_by_library("correlation"));
    }
    if publication.tag != 0 {
        let text = "request: tag has to be 0, as on_publish does not report a request";
        return Err(Error::inval(text));
    }
    Ok(())
}

#[cold]
fn managed_by_library(field: &str) -> Error {
    let text = "the library sets response topic and correlation data";
    Error::inval(format!("request: {field}: {text}"))
}
