//! Figures about a client.

use crate::client::handle::Client;

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
    /// Messages of QoS 1 and 2 that were sent and are not settled.
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
    /// Messages that the program has cancelled.
    pub messages_cancelled: u64,
    /// Messages whose `expiry_s` was over before they were sent.
    pub messages_expired: u64,
}

impl Client {
    pub fn stats(&self) -> Statistics {
        let state = self.lock();
        let (session, counters) = (&state.session, &state.counters);
        let round_trip = session.ping_round_trip().unwrap_or_default();
        Statistics {
            struct_size: size_of::<Statistics>(),
            connected: state.is_connected(),
            in_flight: session.in_flight() as u64,
            queued_messages: session.queued() as u64,
            queued_bytes: session.queued_bytes() as u64,
            unsettled: session.unsettled() as u64,
            messages_in: self.unlocked.messages_in(),
            messages_out: counters.messages_out,
            bytes_in: counters.bytes_in,
            bytes_out: counters.bytes_out,
            connections: counters.connections.into(),
            ping_round_trip_us: round_trip.as_micros() as u64,
            acks_held: session.acks_held() as u64,
            messages_dropped: session.dropped(),
            messages_cancelled: session.cancelled(),
            messages_expired: session.expired(),
        }
    }
}
