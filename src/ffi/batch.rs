//! Publishing a batch of messages.

use std::ffi::c_int;

use super::property_room::{Room, no_memory};
use super::publication::Publication;
use super::{put, run, sized};
use crate::client::{Handle, Result, Timed};
use crate::codec::Properties;
use crate::codec::property::Place;

/// Publishes several messages at once, each as `pmqtt_publish` does.
///
/// - The messages get consecutive `mid` numbers. No publish of another thread comes between.
/// - The call takes the client's lock once, so it costs less than single calls. Other threads wait
///   for the lock: a batch should have some thousands of messages at most.
/// - If the queue has no room for all, or memory is short, the client accepts the first ones. The
///   program may publish the rest later.
/// - A message may have each field of a `pmqtt_publication`. Its time limit, `expiry_s`, begins
///   with this call.
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
/// - `PMQTT_ERR_NOT_SUPPORTED`: a field is set that only MQTT 5 has, and the client is of an earlier
///   version. Or a field is set that only a later version of the library knows. Nothing was done.
///
/// A message that the broker's limits exclude (MQTT 5) ends the batch. The call returns
/// `PMQTT_ERR_PAYLOAD_SIZE` or `PMQTT_ERR_NOT_SUPPORTED`, and the client accepts the messages before
/// it.
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
            let mut encoded = Encoded::default();
            let messages = checked(publications, count, client.is_extended(), &mut encoded)?;
            let (taken, first, result) = client.publish_batch(&messages);
            put(accepted, taken);
            if taken > 0 {
                put(first_mid, first);
            }
            result
        })
    }
}

/// The properties of messages of MQTT 5, one after the other.
#[derive(Default)]
pub(super) struct Encoded {
    bytes: Vec<u8>,
    /// Where those of each message end.
    ends: Vec<usize>,
}

/// Messages of which each can be published. Their properties are in `encoded`.
///
/// # Safety
/// `publications` is NULL, or points to `count` of them, whose pointers live through the call.
pub(super) unsafe fn checked<'a>(
    publications: *const Publication,
    count: usize,
    is_extended: bool,
    encoded: &'a mut Encoded,
) -> Result<Vec<Timed<'a>>> {
    if is_extended {
        let mut room = Room::new();
        // SAFETY: the caller's promise is the same.
        let added = unsafe { each(publications, count, |it, _| encoded.add(it, &mut room)) }?;
        added.collect::<Result<()>>()?;
    }
    let encoded = &*encoded;
    // SAFETY: as above.
    let messages = unsafe {
        each(publications, count, |publication, index| {
            publication.timed(is_extended.then(|| encoded.get(index)))
        })
    }?;
    messages.collect()
}

impl Encoded {
    /// # Safety
    /// The publication's pointers live through the call.
    unsafe fn add(&mut self, publication: &Publication, room: &mut Room) -> Result {
        // SAFETY: the caller's promise is the same.
        let properties = unsafe { publication.encode(room, Place::Publish, "publish") }?.as_bytes();
        let reserved = self.bytes.try_reserve(properties.len());
        reserved.map_err(|_| no_memory())?;
        self.bytes.extend_from_slice(properties);
        self.ends.push(self.bytes.len());
        Ok(())
    }

    fn get(&self, index: usize) -> Properties<'_> {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Properties::of_checked(&self.bytes[start..self.ends[index]])
    }
}

/// Does something with each publication. An error tells which one is wrong.
///
/// # Safety
/// As for `checked`; it holds for each publication that `act` gets.
unsafe fn each<T>(
    publications: *const Publication,
    count: usize,
    mut act: impl FnMut(&Publication, usize) -> Result<T>,
) -> Result<impl Iterator<Item = Result<T>>> {
    const WHAT: &str = "publish: the array of messages";
    // SAFETY: the caller's promise is the same.
    let publications = unsafe { sized::read_all(publications, count, WHAT) }?;
    Ok(publications.enumerate().map(move |(index, publication)| {
        let done = publication.and_then(|publication| act(&publication, index));
        done.map_err(|error| error.after(format!("it is message {index}")))
    }))
}
