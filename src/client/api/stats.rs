//! Figures about a client.

use std::time::Duration;

use crate::client::handle::Client;

/// A snapshot. `ffi::Statistics` says what each figure is.
pub struct Figures {
    pub connected: bool,
    pub in_flight: usize,
    pub queued_messages: usize,
    pub queued_bytes: usize,
    pub unsettled: usize,
    pub messages_in: u64,
    pub messages_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub connections: u32,
    /// Zero before the first PINGRESP.
    pub ping_round_trip: Duration,
    pub acks_held: usize,
    pub messages_dropped: u64,
    pub messages_cancelled: u64,
    pub messages_expired: u64,
    pub messages_rejected: u64,
    pub responses_dropped: u64,
}

impl Client {
    pub fn figures(&self) -> Figures {
        let state = self.lock();
        let (session, counters) = (&state.session, &state.counters);
        Figures {
            connected: state.is_connected(),
            in_flight: session.in_flight(),
            queued_messages: session.queued(),
            queued_bytes: session.queued_bytes(),
            unsettled: session.unsettled(),
            messages_in: self.unlocked.messages_in(),
            messages_out: counters.messages_out,
            bytes_in: counters.bytes_in,
            bytes_out: counters.bytes_out,
            connections: counters.connections,
            ping_round_trip: session.ping_round_trip().unwrap_or_default(),
            acks_held: session.acks_held(),
            messages_dropped: session.dropped(),
            messages_cancelled: session.cancelled(),
            messages_expired: session.expired(),
            messages_rejected: session.rejected(),
            responses_dropped: state.requester().map_or(0, |it| it.dropped),
        }
    }
}
