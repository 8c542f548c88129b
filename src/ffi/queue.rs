//! What becomes of messages that wait.

use std::ffi::c_int;

use super::constants::{
    PMQTT_WHEN_FULL_DROP_OLDEST, PMQTT_WHEN_FULL_DROP_QOS0, PMQTT_WHEN_FULL_REFUSE,
};
use super::{run, sized};
use crate::client::{Error, Handle, Result, WhenFull};

/// What becomes of messages that wait. Everything but `struct_size` may be 0, which is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct QueueOptions {
    /// `sizeof(pmqtt_queue_options)`.
    pub struct_size: usize,
    /// What becomes of a message that the queue has no room for. `PMQTT_WHEN_FULL_REFUSE` (0):
    /// `PMQTT_ERR_QUEUE_SIZE`. `PMQTT_WHEN_FULL_DROP_OLDEST`: the messages that have waited longest make room.
    /// `PMQTT_WHEN_FULL_DROP_QOS0`: those of QoS 0 do. Where that is not enough it is refused, and none is
    /// dropped.
    pub when_full: c_int,
    /// true: a message replaces the one of the same topic that waits. It takes a place at the end.
    pub newest_only: bool,
    /// true: QoS 0 that is published without a connection waits for the next one, in its place among the others.
    /// `pmqtt_publish` is `PMQTT_ERR_SUCCESS` then.
    pub keep_qos0: bool,
}

/// Sets what becomes of messages that wait in the queue: for a connection, or for room in the window. Takes
/// effect with the next publish, and drops nothing by itself.
///
/// Only messages that were never written on any connection are dropped or replaced. The outcome of each is
/// `PMQTT_ERR_DROPPED` in `on_publish`, and `messages_dropped` of `pmqtt_stats` counts them. An outcome that is not
/// told yet counts for 32 bytes in the queue; those of mids in a row count once.
///
/// QoS 0 that is kept counts as QoS 1 does, for `pmqtt_max_queued_messages_set` and
/// `pmqtt_max_queued_bytes_set`. As long as any waits, later QoS 0 waits behind it, so that the order stays.
/// From the moment when it is handed to a connection it is as any other of QoS 0.
///
/// Each publish costs a little more while an option is set. With newest_only it costs a hash of the topic, and
/// a topic takes 16 to 64 bytes of memory beside its message, which no limit counts.
///
/// @param client   The client; not NULL.
/// @param options  Copied; NULL: the defaults.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL, struct_size is that of no version, or when_full
/// is none of the three; `PMQTT_ERR_NOT_SUPPORTED`: a field is set that only a later version knows.
///
/// Thread-safe; callback-safe; never blocks.
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

/// Cancels a message that is not settled: its outcome is `PMQTT_ERR_CANCELLED` in `on_publish`.
///
/// - One that was never sent leaves the queue.
/// - One of QoS 1 that was sent may have arrived, or arrive yet. It keeps its packet identifier and its place in the
///   window, and is sent again where MQTT demands that, until the broker answers or loses the session. Nobody is
///   told of that any more.
/// - One of QoS 2 that was sent cannot be cancelled: its handshake has to go on. [MQTT-4.3.3]
///
/// @param client  The client; not NULL.
/// @param mid     The message's number.
///
/// @return `PMQTT_ERR_SUCCESS`: the outcome follows. `PMQTT_ERR_BUSY`: the message is of QoS 2, and was sent.
/// `PMQTT_ERR_NOT_FOUND`: there is none of that number, it is settled or cancelled, or of QoS 0 and with a
/// connection. `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_cancel(client: *mut Handle, mid: u64) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe { run(client, |client| client.cancel(mid)) }
}

/// Cancels all messages that were never sent, as `pmqtt_cancel` does each.
///
/// @param client  The client; not NULL.
///
/// @return `PMQTT_ERR_SUCCESS`; `PMQTT_ERR_INVAL`: client is NULL.
///
/// Thread-safe; callback-safe; never blocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_queue_clear(client: *mut Handle) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.clear_queue();
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
