//! The options of the queue.

use std::ffi::c_int;

use super::constants::{
    PMQTT_WHEN_FULL_DROP_OLDEST, PMQTT_WHEN_FULL_DROP_QOS0, PMQTT_WHEN_FULL_REFUSE,
};
use super::{run, sized};
use crate::client::{Error, Handle, Result, WhenFull};

/// How the queue treats messages that wait. All fields except `struct_size` may be 0, the default.
///
/// @ingroup api_options
#[repr(C)]
#[derive(Clone, Copy)]
pub struct QueueOptions {
    /// `sizeof(pmqtt_queue_options)`.
    pub struct_size: usize,
    /// What the client does with a new message if the queue is full.
    /// - `PMQTT_WHEN_FULL_REFUSE` (0): refuses it with `PMQTT_ERR_QUEUE_SIZE`.
    /// - `PMQTT_WHEN_FULL_DROP_OLDEST`: drops the messages that have waited longest.
    /// - `PMQTT_WHEN_FULL_DROP_QOS0`: drops waiting messages of QoS 0.
    ///
    /// If dropping cannot make enough room, the client refuses the new message and drops none.
    pub when_full: c_int,
    /// true: a new message replaces the waiting message of the same topic. The new message goes to
    /// the end of the queue.
    pub newest_only: bool,
    /// true: a message of QoS 0 that is published without a connection waits for the next
    /// connection. It keeps its place in the order of all waiting messages. `pmqtt_publish` then
    /// returns `PMQTT_ERR_SUCCESS`.
    pub keep_qos0: bool,
}

/// Sets how the queue treats messages that wait for a connection or for room in the window.
///
/// The setting takes effect with the next publish. The call itself drops no message.
///
/// - The client drops or replaces only messages that were never sent.
/// - The outcome of a dropped message is `PMQTT_ERR_DROPPED` in `on_publish`. `messages_dropped` of
///   `pmqtt_stats` counts it.
/// - An outcome that waits to be reported counts as 32 bytes in the queue. Equal outcomes of
///   messages with consecutive `mid` numbers count as one outcome.
///
/// With `keep_qos0`, the client keeps messages of QoS 0 in the queue:
/// - A kept message counts as one of QoS 1 for `pmqtt_max_queued_messages_set` and
///   `pmqtt_max_queued_bytes_set`.
/// - While one waits, later messages of QoS 0 wait behind it, so that the order stays.
/// - Once it is handed to a connection, it is like any other message of QoS 0.
///
/// Each publish costs a little more while an option is set. `newest_only` costs a hash of the topic
/// per publish, and 16 to 64 bytes of memory per topic. No limit counts these bytes.
///
/// @param client   The client; not NULL.
/// @param options  Copied; NULL: the defaults.
///
/// @return `PMQTT_ERR_SUCCESS`, or:
/// - `PMQTT_ERR_INVAL`: `client` is NULL, no version has this `struct_size`, or `when_full` is none
///   of the three constants.
/// - `PMQTT_ERR_NOT_SUPPORTED`: a field is set that only a later version of the library knows.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_options
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_queue_options_set(
    client: *mut Handle,
    options: *const QueueOptions,
) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_queue_options(match options.is_null() {
                true => Default::default(),
                false => sized::read(options, "queue_options_set")?.checked()?,
            });
            Ok(())
        })
    }
}

impl QueueOptions {
    fn checked(self) -> Result<crate::client::QueueOptions> {
        let when_full = match self.when_full {
            PMQTT_WHEN_FULL_REFUSE => WhenFull::Refuse,
            PMQTT_WHEN_FULL_DROP_OLDEST => WhenFull::DropOldest,
            PMQTT_WHEN_FULL_DROP_QOS0 => WhenFull::DropQos0,
            other => {
                let text = format!("queue_options_set: there is no when_full {other}");
                return Err(Error::inval(text));
            }
        };
        Ok(crate::client::QueueOptions {
            when_full,
            newest_only: self.newest_only,
            keep_qos0: self.keep_qos0,
        })
    }
}
