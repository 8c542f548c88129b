//! What the driver counts.

#[derive(Default)]
pub struct Counters {
    pub messages_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub connections: u32,
    /// Messages whose outcome is that nobody knows what became of them.
    pub in_doubt: u16,
    /// Connections in a row that ended with the same message as the oldest without an answer, and the last byte
    /// of its sequence number: as good as the whole, for words that hold of any message.
    pub stalls: u8,
    pub stalled_at: u8,
}
