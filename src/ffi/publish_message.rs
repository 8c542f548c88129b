//! Publishing a message with all that MQTT 5 can say of it.

use std::ffi::c_int;

use super::property_room::Room;
use super::publication::Publication;
use super::{put, run};
use crate::client::Handle;
use crate::codec::property::Place;

/// Publishes a message, as `pmqtt_publish` does, with all fields of a `pmqtt_publication`.
///
/// @param client       The client; not NULL.
/// @param publication  The message, copied with all that it points to; not NULL.
/// @param mid          As for `pmqtt_publish`.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_NO_CONN`: there is no connection, or `pmqtt_disconnect` was called. QoS 0 was
///   dropped (unless `keep_qos0` is set); QoS 1 and 2 were queued.
/// - `PMQTT_ERR_QUEUE_SIZE`: the queue is full; nothing was done. `on_writable` reports when there
///   is room.
/// - `PMQTT_ERR_NOMEM`: there is no memory for the message; nothing was done.
/// - `PMQTT_ERR_INVAL`: an argument or a field is wrong. Or a property is both in a field and in
///   `properties`, or the library manages a property of the list. `pmqtt_last_error` names it.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: the message is too large, also for the broker.
/// - `PMQTT_ERR_NOT_SUPPORTED`: a field is set that only MQTT 5 has, and the client is of an earlier
///   version. The broker does not take the QoS, or a retained message. Or a field is set that only
///   a later version of the library knows.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-3.3.2.3]
///
/// @ingroup api_publish
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_publish_message(
    client: *mut Handle,
    publication: *const Publication,
    mid: *mut u64,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let publication = Publication::read(publication)?;
            let mut room = Room::new();
            let properties = match client.is_extended() {
                true => Some(publication.encode(&mut room, Place::Publish, "publish")?),
                false => None,
            };
            let message = publication.timed(properties)?;
            let (taken, first, result) = client.publish_batch(&[message]);
            if taken > 0 {
                put(mid, first);
            }
            result
        })
    }
}
