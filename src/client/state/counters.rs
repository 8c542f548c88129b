//! What the driver counts.

#[derive(Default)]
pub struct Counters {
    pub messages_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub connections: u32,
    /// Messages whose outcome is that nobody knows what became of them.
    pub in_doubt: u32,
}
