//! What the driver counts.

#[derive(Default)]
pub struct Counters {
    pub messages_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub connections: u32,
    /// QoS 2 messages with an unknown outcome: the broker lost the session while it had them.
    pub in_doubt: u16,
    /// How many connections in a row ended with the same oldest message without an answer, and the
    /// last byte of its sequence number. One byte suffices, because the text about it is true of
    /// any message.
    pub stalls: u8,
    pub stalled_at: u8,
}
