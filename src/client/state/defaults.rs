//! The values that apply while the program has set none.

use std::ffi::CString;
use std::time::Duration;

use rand::Rng;
use rand::distr::Alphanumeric;

use crate::client::error::{Error, Result};
use crate::codec::{MAX_STRING, Version};
use crate::session::Options;
use crate::sys::Random;

const CONNECT_TIMEOUT_MS: u32 = 10_000;
const MAX_INFLIGHT: u16 = 20;
const MAX_QUEUED_BYTES: usize = 64 * 1024 * 1024;
const RETRY_MS: u32 = 5_000;

/// The versions that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    pub newest: Version,
    /// MQTT 3.1.1 where the broker does not speak MQTT 5.
    pub falls_back: bool,
}

impl Versions {
    /// The latest version that the broker speaks, MQTT 5 or 3.1.1.
    pub fn best() -> Versions {
        Versions {
            newest: Version::V5,
            falls_back: true,
        }
    }
}

impl From<Version> for Versions {
    fn from(newest: Version) -> Versions {
        Versions {
            newest,
            falls_back: false,
        }
    }
}

/// The options of a new session.
pub fn options(client_id: CString, clean_session: bool, versions: Versions) -> Options {
    Options {
        version: versions.newest,
        falls_back: versions.falls_back,
        client_id,
        clean_session,
        keep_alive: 60,
        will: None,
        credentials: None,
        handshake_timeout_ms: CONNECT_TIMEOUT_MS,
        max_inflight: MAX_INFLIGHT,
        max_queued_messages: 0,
        max_queued_bytes: MAX_QUEUED_BYTES,
        retry_ms: RETRY_MS,
        manual_ack: false,
        max_packet_size: u32::MAX,
        ack_at_once: false,
    }
}

/// The client id to use: a random one if the program gave none.
pub fn client_id(id: Option<&str>, clean_session: bool) -> Result<CString> {
    match id.filter(|id| !id.is_empty()) {
        Some(id) if id.len() > MAX_STRING => Err(Error::inval(
            "client id: it must not be longer than 65,535 bytes",
        )),
        Some(id) => Ok(terminated(id)),
        None if clean_session => Ok(terminated(&random_id())),
        None => Err(Error::inval(
            "client id: it is needed where clean_session is false [MQTT-3.1.3-7]",
        )),
    }
}

/// 22 characters, since MQTT 3.1 allows 23, with 95 random bits.
fn random_id() -> String {
    let random = Random.sample_iter(Alphanumeric).take(16);
    format!("pmqtt-{}", random.map(char::from).collect::<String>())
}

/// A client id comes from C, so it has no NUL byte.
fn terminated(id: &str) -> CString {
    CString::new(id).unwrap_or_default()
}

/// A setting in milliseconds, rounded up: at most 49 days, and 0 only for 0.
pub fn whole_milliseconds(time: Duration) -> u32 {
    let milliseconds = time.as_nanos().div_ceil(1_000_000);
    milliseconds.try_into().unwrap_or(u32::MAX)
}
