//! Publishing a batch of messages.

use std::ffi::c_int;

use super::oneshot_options::Publication;
use super::{put, run, sized};
use crate::client::{Handle, Result, Timed, check_message};

/// Publishes several messages at once, each as `pmqtt_publish` does.
///
/// - The messages get consecutive `mid` numbers. No publish of another thread comes between.
/// - The call takes the client's lock once, so it costs less than single calls. Other threads wait
///   for the lock: a batch should have some thousands of messages at most.
/// - If the queue has no room for all, or memory is short, the client accepts the first ones. The
///   program may publish the rest later.
/// - A message may have a time limit, `expiry_s`. It begins with this call.
///
/// @param client        The client; not NULL.
/// @param publications  `count` messages, copied; may be NULL if `count` is 0.
/// @param count         The number of messages; may be 0.
/// @param accepted      The number of messages that got a `mid`, from the first on; may be NULL.
///                      QoS 0 that was dropped for lack of a connection counts too. The number is
///                      less than `count` if the queue is full or memory is short.
/// @param first_mid     The `mid` of the first message, if `accepted` is at least 1; may be NULL.
///                      Both outputs are also written with `PMQTT_ERR_NO_CONN`,
///                      `PMQTT_ERR_QUEUE_SIZE` and `PMQTT_ERR_NOMEM`.
///
/// @return `PMQTT_ERR_SUCCESS`: all were accepted. Or:
/// - `PMQTT_ERR_NO_CONN`: there is no connection, or `pmqtt_disconnect` was called. Of the first
///   `accepted` messages, QoS 0 was dropped (unless `keep_qos0` is set); QoS 1 and 2 were queued.
/// - `PMQTT_ERR_QUEUE_SIZE`: the queue is full. `on_writable` reports when there is room for the
///   first message that was not accepted.
/// - `PMQTT_ERR_NOMEM`: there is no memory for a message.
/// - `PMQTT_ERR_INVAL`: an argument or a message is wrong; nothing was done.
/// - `PMQTT_ERR_PAYLOAD_SIZE`: a message is too large; nothing was done.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_publish
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_publish_batch(
    client: *mut Handle,
    publications: *const Publication,
    count: usize,
    accepted: *mut usize,
    first_mid: *mut u64,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let messages = checked(publications, count, client.is_extended())?;
            let (taken, first, result) = client.publish_batch(&messages);
            put(accepted, taken);
            if taken > 0 {
                put(first_mid, first);
            }
            result
        })
    }
}

/// Messages of which each can be published.
///
/// # Safety
/// `publications` is NULL, or points to `count` of them, whose pointers live through the call.
pub(super) unsafe fn checked<'a>(
    publications: *const Publication,
    count: usize,
    is_extended: bool,
) -> Result<Vec<Timed<'a>>> {
    const WHAT: &str = "publish: the array of messages";
    // SAFETY: the caller's promise is the same.
    let publications = unsafe { sized::read_all(publications, count, WHAT) }?;
    let messages = publications.enumerate().map(|(index, publication)| {
        // SAFETY: the caller's promise is the same.
        let message =
            publication.and_then(|publication| unsafe { timed(&publication, is_extended) });
        message.map_err(|error| error.after(format!("it is message {index}")))
    });
    messages.collect()
}

/// # Safety
/// The publication's pointers live through the call.
unsafe fn timed<'a>(publication: &Publication, is_extended: bool) -> Result<Timed<'a>> {
    // SAFETY: the caller's promise is the same.
    let message = unsafe { publication.message("publish") }?;
    Ok(Timed {
        message: check_message(message, is_extended)?,
        limit: publication.limit(),
    })
}
