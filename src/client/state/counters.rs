//! What the driver counts.

#[derive(Default)]
pub struct Counters {
    pub messages_out: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    pub connections: u64,
}
