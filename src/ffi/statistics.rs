//! The statistics of a client.

use std::ffi::c_int;

use super::{run, sized};
use crate::client::{Figures, Handle};

/// A snapshot of a client's statistics. The program sets `struct_size` before `pmqtt_stats`, which
/// fills that many bytes.
///
/// @ingroup api_diagnosis
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Statistics {
    /// `sizeof(pmqtt_statistics)`.
    pub struct_size: usize,
    /// true: the client is connected, as `pmqtt_is_connected` tells.
    pub connected: bool,
    /// Messages of QoS 1 and 2 that were sent on the present connection, and still need an answer
    /// of the broker.
    pub in_flight: u64,
    /// Messages that wait for room in the window or for a connection: QoS 1 and 2, and kept QoS 0.
    pub queued_messages: u64,
    /// Bytes that are kept for messages, or wait for the socket.
    pub queued_bytes: u64,
    /// What `pmqtt_drain` would wait for: QoS 0 not written, QoS 1 and 2 not settled, SUBSCRIBE and
    /// UNSUBSCRIBE without an answer.
    pub unsettled: u64,
    /// Messages that came from the broker and were delivered, also where no callback was set.
    pub messages_in: u64,
    /// Messages published with success: QoS 0 written, QoS 1 and 2 acknowledged by the broker.
    pub messages_out: u64,
    /// Bytes of MQTT packets that were received.
    pub bytes_in: u64,
    /// Bytes of MQTT packets that were written.
    pub bytes_out: u64,
    /// Connections that the broker has accepted, the first one included.
    pub connections: u64,
    /// Microseconds from the last PINGREQ to its PINGRESP; 0 before the first.
    pub ping_round_trip_us: u64,
    /// Acknowledgements by `pmqtt_ack` that wait for those of earlier messages.
    pub acks_held: u64,
    /// Messages that were dropped from the queue (`pmqtt_queue_options_set`).
    pub messages_dropped: u64,
    /// Messages that the program has cancelled, and those of requests that ended before their message was
    /// acknowledged.
    pub messages_cancelled: u64,
    /// Messages whose `expiry_s` was over before they were sent.
    pub messages_expired: u64,
    /// Messages whose outcome is `PMQTT_ERR_REJECTED`: the broker refused them, or does not take such
    /// messages (MQTT 5).
    pub messages_rejected: u64,
    /// Messages on the response topic of `pmqtt_request` that no request waits for: late and doubled
    /// responses, and those of strangers.
    pub responses_dropped: u64,
}

/// Takes a snapshot of a client's statistics.
///
/// @param client  The client; not NULL.
/// @param out     The statistics; not NULL. The program sets `struct_size` before the call, and the
///                call fills that many bytes. Fields that this version of the library does not know
///                become 0.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: an argument is NULL, or no version of the
/// structure has this `struct_size`.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_diagnosis
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_stats(client: *const Handle, out: *mut Statistics) -> c_int {
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            sized::fill(out, Statistics::from(client.figures()), "stats")
        })
    }
}

impl From<Figures> for Statistics {
    fn from(figures: Figures) -> Statistics {
        Statistics {
            struct_size: size_of::<Statistics>(),
            connected: figures.connected,
            in_flight: figures.in_flight as u64,
            queued_messages: figures.queued_messages as u64,
            queued_bytes: figures.queued_bytes as u64,
            unsettled: figures.unsettled as u64,
            messages_in: figures.messages_in,
            messages_out: figures.messages_out,
            bytes_in: figures.bytes_in,
            bytes_out: figures.bytes_out,
            connections: figures.connections.into(),
            ping_round_trip_us: figures.ping_round_trip.as_micros() as u64,
            acks_held: figures.acks_held as u64,
            messages_dropped: figures.messages_dropped,
            messages_cancelled: figures.messages_cancelled,
            messages_expired: figures.messages_expired,
            messages_rejected: figures.messages_rejected,
            responses_dropped: figures.responses_dropped,
        }
    }
}
