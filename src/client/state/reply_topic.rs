//! The topic to which the responses to the program's requests go, and the subscription to it.

use rand::Rng;
use rand::distr::Alphanumeric;

use crate::codec::{MAX_STRING, topic};
use crate::sys::Random;

/// How many random characters end the topic, after a `/`: 95 bits.
const RANDOM: usize = 16;

/// It differs between two processes with one client id, so that neither gets the responses to the other.
pub struct ReplyTopic {
    topic: Box<str>,
    /// The last SUBSCRIBE for it that was not refused.
    asked: Option<Asked>,
    is_granted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Asked {
    mid: u64,
    connection: u16,
}

impl ReplyTopic {
    pub fn new(base: &str) -> ReplyTopic {
        let random = Random.sample_iter(Alphanumeric).take(RANDOM);
        let random: String = random.map(char::from).collect();
        ReplyTopic {
            topic: format!("{base}/{random}").into(),
            asked: None,
            is_granted: false,
        }
    }

    pub fn get(&self) -> &str {
        &self.topic
    }

    /// All topics of this client, of earlier processes and of this one, begin with this.
    pub fn prefix(&self) -> &str {
        &self.topic[..self.topic.len() - RANDOM]
    }

    pub fn has_base(&self, base: &str) -> bool {
        self.prefix().strip_suffix('/') == Some(base)
    }

    /// Whether SUBSCRIBE was sent on this connection, and not refused.
    pub fn is_asked(&self, connection: u16) -> bool {
        self.asked.is_some_and(|it| it.connection == connection)
    }

    /// Whether the broker has the subscription in its session.
    pub fn is_granted(&self) -> bool {
        self.is_granted
    }

    pub fn ask(&mut self, mid: u64, connection: u16) {
        self.asked = Some(Asked { mid, connection });
    }

    /// Whether this was the SUBSCRIBE for it.
    pub fn has_mid(&self, mid: u64) -> bool {
        self.asked.is_some_and(|it| it.mid == mid)
    }

    pub fn granted(&mut self) {
        self.is_granted = true;
    }

    /// The broker has refused, or the connection ended before it answered.
    pub fn refused(&mut self) {
        self.asked = None;
        self.is_granted = false;
    }

    /// The broker has no session. What was asked for on this connection is still to be answered.
    pub fn session_lost(&mut self) {
        self.is_granted = false;
    }
}

/// What the topic begins with: the broker's response information (section 3.1.2.11.6 of MQTT 5), or else the
/// client identifier.
pub fn base(response_info: Option<&str>, client_id: &str) -> String {
    let info = response_info.map(|info| info.trim_end_matches('/'));
    let info = info.filter(|info| !info.is_empty());
    // The program may use topics below the response information, too.
    let from_broker = info
        .map(|info| format!("{info}/pmqtt"))
        .filter(|it| fits(it));
    from_broker.unwrap_or_else(|| from_client(client_id))
}

fn fits(base: &str) -> bool {
    let is_name = topic::check_name(base.as_bytes()).is_ok();
    is_name && base.len() < MAX_STRING - RANDOM
}

/// A client identifier may be as long as a topic, and may have wildcards.
fn from_client(client_id: &str) -> String {
    let mut base = format!("pmqtt/reply/{}", client_id.replace(['+', '#'], "_"));
    let most = MAX_STRING - RANDOM - 1;
    let mut end = base.len().min(most);
    while !base.is_char_boundary(end) {
        end -= 1;
    }
    base.truncate(end);
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broker_chooses_the_base_or_else_the_client() {
        assert_eq!(base(None, "c"), "pmqtt/reply/c");
        assert_eq!(base(Some("r/7"), "c"), "r/7/pmqtt");
        assert_eq!(base(Some("r/7//"), "c"), "r/7/pmqtt");
        let long = "x".repeat(MAX_STRING);
        for unusable in ["", "/", "a/+", "#", &long] {
            assert_eq!(base(Some(unusable), "c"), "pmqtt/reply/c");
        }
    }

    #[test]
    fn each_client_id_gives_a_topic() {
        assert_eq!(base(None, "a+b/#"), "pmqtt/reply/a_b/_");
        assert_eq!(base(None, ""), "pmqtt/reply/");
        for id in ["x".repeat(MAX_STRING), "\u{20ac}".repeat(MAX_STRING / 3)] {
            let topic = ReplyTopic::new(&base(None, &id));
            assert_eq!(topic::check_name(topic.get().as_bytes()), Ok(()));
            assert!((MAX_STRING - 2..=MAX_STRING).contains(&topic.get().len()));
        }
    }

    #[test]
    fn two_topics_of_one_client_differ_behind_their_base() {
        let (one, other) = (ReplyTopic::new("a/b"), ReplyTopic::new("a/b"));
        assert_ne!(one.get(), other.get());
        assert_eq!((one.prefix(), other.prefix()), ("a/b/", "a/b/"));
        assert!(one.has_base("a/b") && !one.has_base("a") && !one.has_base("a/b/"));
    }

    #[test]
    fn a_subscription_is_granted_or_lost() {
        let mut topic = ReplyTopic::new("a");
        assert!(!topic.is_asked(1) && !topic.is_granted());
        topic.ask(7, 1);
        assert!(topic.is_asked(1) && !topic.is_asked(2) && !topic.is_granted());
        assert!(topic.has_mid(7) && !topic.has_mid(8));
        topic.granted();
        assert!(topic.is_granted());
        topic.session_lost();
        assert!(topic.is_asked(1) && !topic.is_granted());
        topic.granted();
        topic.refused();
        assert!(!topic.is_asked(1) && !topic.is_granted() && !topic.has_mid(7));
    }
}
