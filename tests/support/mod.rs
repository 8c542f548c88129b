//! What the session's tests share: a scripted peer, a model broker and a network.

// Every test is a separate crate, and uses only a part of this.
#![allow(dead_code)]

pub mod broker;
pub mod extended;
pub mod limits;
pub mod peer;
pub mod pipe;
pub mod stored;
pub mod text;

use std::time::Duration;

use pmqtt::codec::{PacketId, Version};
use pmqtt::session::Options;

/// The default options of the tests: no keep alive, no retry, no limits.
pub fn options() -> Options {
    Options {
        version: Version::V311,
        falls_back: false,
        client_id: c"client".into(),
        clean_session: true,
        keep_alive: 0,
        will: None,
        credentials: None,
        handshake_timeout_ms: 10_000,
        max_inflight: 20,
        max_queued_messages: 0,
        max_queued_bytes: 0,
        retry_ms: 0,
        manual_ack: false,
        max_packet_size: u32::MAX,
        ack_at_once: false,
    }
}

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub fn id(number: u16) -> PacketId {
    PacketId::new(number).expect("a packet identifier is not 0")
}
