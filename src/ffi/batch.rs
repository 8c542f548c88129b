//! Publishing messages in a row.

use std::ffi::c_int;

use super::oneshot_options::Publication;
use super::{put, run, sized};
use crate::client::{Handle, Result, check_message};
use crate::codec::Publishable;

/// Publishes messages in a row, as `pmqtt_publish` does one after the other: their mids follow each other, and no
/// publish of another thread comes between. It costs less, as it takes the client's lock once; other threads wait
/// for that, so that a batch should be of some thousands at the most.
///
/// Where the queue has no room for all, or there is no memory, the first ones are taken, and the rest may be
/// published later.
///
/// @param client        The client; not NULL.
/// @param publications  `count` messages, copied; may be NULL when count is 0.
/// @param count         May be 0.
/// @param accepted      Where is put how many were taken, from the first on; may be NULL. Fewer than count: the
///                      queue is full, or there is no memory.
/// @param first_mid     Where the first one's mid is put, when one or more were taken; may be NULL. The next one has
///                      the next number, and so on. Both are written also where the call fails for want of a
///                      connection, room or memory.
///
/// @return `PMQTT_ERR_SUCCESS`: all were taken. `PMQTT_ERR_NO_CONN`: of those that were taken, QoS 0 was dropped, QoS
/// 1 and 2 queued. `PMQTT_ERR_QUEUE_SIZE`: the queue is full, `on_writable` tells when there is room.
/// `PMQTT_ERR_NOMEM`: there is no memory for a message. `PMQTT_ERR_INVAL`: an argument or a message is wrong;
/// `PMQTT_ERR_PAYLOAD_SIZE`: a message is too large; nothing was done then.
///
/// Thread-safe; callback-safe; never blocks.
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
            let messages = checked(publications, count)?;
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
) -> Result<Vec<Publishable<'a>>> {
    const WHAT: &str = "publish: the array of messages";
    // SAFETY: the caller's promise is the same.
    let publications = unsafe { sized::read_all(publications, count, WHAT) }?;
    let messages = publications.enumerate().map(|(index, publication)| {
        // SAFETY: the caller's promise is the same.
        let message = publication.and_then(|publication| unsafe { publication.message("publish") });
        message
            .and_then(check_message)
            .map_err(|error| error.after(format!("it is message {index}")))
    });
    messages.collect()
}
