//! The settings of an episode, which its seed decides, and those of the environment.

use std::ffi::c_int;
use std::sync::OnceLock;
use std::time::Duration;

use pmqtt::ffi;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How long a client may take to connect, or to write DISCONNECT.
pub const CONNECT_TIMEOUT: Duration = Duration::from_millis(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The program runs the client with loop calls.
    OneThread,
    /// `pmqtt_loop_start` runs the client.
    LoopThread,
}

/// How a client ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything is reported before it is freed.
    Complete,
    /// It is freed before everything is reported.
    Abrupt,
    /// A callback frees it; in one thread, the one with this number.
    Inside(u32),
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub kind: Kind,
    pub seed: u64,
    pub calls: u32,
    pub ending: Ending,
    /// Another thread of the program also makes calls.
    pub second_thread: bool,
    pub event_fd: bool,
    pub on_interest: bool,
    pub manual_ack: bool,
    pub clean_session: bool,
    /// The queue options, which some episodes set.
    pub queue: Queue,
}

/// The queue options. The default is that of the library.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    pub is_set: bool,
    /// 0: any number.
    pub max_messages: c_int,
    pub when_full: c_int,
    pub newest_only: bool,
    pub keep_qos0: bool,
    /// Batches have a time limit, and the program pauses for longer than that.
    pub expires: bool,
}

impl Queue {
    fn new(random: &mut StdRng) -> Queue {
        if random.random() {
            return Queue::default();
        }
        let when_full = [
            ffi::PMQTT_WHEN_FULL_REFUSE,
            ffi::PMQTT_WHEN_FULL_DROP_OLDEST,
            ffi::PMQTT_WHEN_FULL_DROP_QOS0,
        ];
        Queue {
            is_set: true,
            max_messages: random.random_range(0..6),
            when_full: when_full[random.random_range(0..3)],
            newest_only: random.random_ratio(1, 3),
            keep_qos0: random.random(),
            // Each such episode takes more than a second.
            expires: random.random_ratio(1, 100),
        }
    }

    /// Whether messages make room for others.
    pub fn drops(&self) -> bool {
        self.newest_only || self.when_full != ffi::PMQTT_WHEN_FULL_REFUSE
    }
}

impl Settings {
    pub fn new(kind: Kind, seed: u64) -> Settings {
        let mut random = StdRng::seed_from_u64(seed ^ 0x5e77);
        let ending = match random.random_range(0..20) {
            0 => Ending::Abrupt,
            1 => Ending::Inside(random.random_range(1..20)),
            _ => Ending::Complete,
        };
        let only_player = matches!(ending, Ending::Inside(_));
        Settings {
            kind,
            seed,
            calls: random.random_range(10..50),
            ending,
            second_thread: kind == Kind::LoopThread && !only_player && random.random(),
            event_fd: random.random_ratio(1, 5),
            on_interest: random.random_ratio(1, 3),
            manual_ack: random.random_ratio(1, 5),
            clean_session: random.random_ratio(1, 2),
            queue: Queue::new(&mut random),
        }
    }
}

/// The factor by which limits of time may be exceeded: the clock goes on while other processes have
/// the processors.
pub fn slack() -> u32 {
    static SLACK: OnceLock<u32> = OnceLock::new();
    *SLACK.get_or_init(|| match std::env::var_os("PMQTT_TEST_SLOW") {
        None => 10,
        Some(_) => 100,
    })
}

/// How long a call with this limit may take. On two processors that hundreds of threads share, a
/// thread was observed to wait for more than four seconds.
pub fn allowed(limit: Duration) -> Duration {
    limit.max(Duration::from_secs(1)) * slack()
}

/// A number of the environment.
pub fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: a number")))
}
