//! The account of requests and outcomes: each mid has exactly one outcome, and the true one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pmqtt::codec::{QoS, reason};
use pmqtt::session::{GivenUp, Outcome, PublishError};
use pmqtt::time::Moment;

/// Rounds are half a second apart, and steps up to 20 ms; the program may reconnect meanwhile.
const LATE: Duration = Duration::from_millis(600);

/// The request of a mid. Messages are numbers.
#[derive(Debug, PartialEq)]
pub enum Asked {
    Publish(QoS, u64),
    Subscribe,
    Unsubscribe,
}

#[derive(Default)]
pub struct Account {
    /// The messages that the session has accepted.
    pub published: Vec<(QoS, u64)>,
    /// The requests without an outcome.
    pending: BTreeMap<u64, Asked>,
    /// QoS 0 messages of which a socket has every byte.
    in_socket: BTreeSet<u64>,
    /// The time limits of messages.
    limits: BTreeMap<u64, Moment>,
    /// Messages of QoS 1 and 2 that were written on any connection.
    written: BTreeSet<u64>,
    /// Messages that were given up, and why.
    given_up: BTreeMap<u64, GivenUp>,
    /// Messages that the broker has refused.
    refused: BTreeSet<u64>,
    pub expired: u64,
    /// QoS 0 messages in a socket that the session could not know to be there.
    doubtful: BTreeSet<u64>,
    /// A publish was refused, and `Outcome::Writable` was not reported since.
    waits_for_room: bool,
    /// How often a publish was refused, minus the number of `Outcome::Writable`.
    turned_away: usize,
}

impl Account {
    pub fn asked(&mut self, mid: u64, asked: Asked) {
        assert_eq!(self.pending.insert(mid, asked), None);
    }

    /// The session has answered a publish.
    pub fn publish(&mut self, qos: QoS, number: u64, answer: Result<u64, PublishError>) {
        match answer {
            Err(PublishError::NoMemory) => panic!("there is memory"),
            Err(PublishError::Unfit(_)) => {}
            Err(PublishError::QueueFull) => {
                self.waits_for_room = true;
                self.turned_away += 1;
            }
            Err(PublishError::NotConnected { .. }) if qos == QoS::AtMostOnce => {}
            Ok(mid) | Err(PublishError::NotConnected { mid }) => {
                self.published.push((qos, number));
                self.asked(mid, Asked::Publish(qos, number));
            }
        }
    }

    /// The message is not sent at `until` or later.
    pub fn limit(&mut self, number: u64, until: Moment) {
        self.limits.insert(number, until);
    }

    /// The broker has answered a mid for good. Returns the QoS and the number of the message.
    pub fn settled(&mut self, mid: u64, reason: u8) -> (QoS, u64) {
        match self.pending.remove(&mid) {
            Some(Asked::Publish(qos, number)) if qos != QoS::AtMostOnce => {
                if reason >= reason::FAILURE {
                    self.refused.insert(number);
                }
                (qos, number)
            }
            other => panic!("published {mid}: {other:?}"),
        }
    }

    pub fn finish(&mut self, mid: u64, expected: Asked) {
        assert_eq!(self.pending.remove(&mid), Some(expected));
    }

    pub fn outcome(&mut self, outcome: Outcome, now: Moment) {
        match outcome {
            Outcome::Written { mid } => {
                let number = self.at_most_once(mid);
                assert!(self.in_socket.contains(&number), "{number} is not written");
            }
            Outcome::Lost { mid } => {
                let number = self.at_most_once(mid);
                let is_written = self.in_socket.contains(&number);
                assert!(!is_written || self.doubtful.contains(&number));
            }
            Outcome::GivenUp { mid, why } => match self.pending.remove(&mid) {
                Some(Asked::Publish(_, number)) => {
                    assert!(!self.in_socket.contains(&number), "{number} was sent");
                    if matches!(why, GivenUp::Dropped | GivenUp::Expired) {
                        // [MQTT5-4.3.3-7]
                        assert!(!self.written.contains(&number), "{number} was sent");
                    }
                    if why == GivenUp::InDoubt {
                        assert!(self.written.contains(&number), "{number} was not sent");
                    }
                    if why == GivenUp::Expired {
                        let until = self.limits[&number];
                        assert!(until <= now && now.since(until) <= LATE, "{number}");
                        self.expired += 1;
                    }
                    self.given_up.insert(number, why);
                }
                other => panic!("given up {mid}: {other:?}"),
            },
            Outcome::SubscribeLost { mid } => self.finish(mid, Asked::Subscribe),
            Outcome::UnsubscribeLost { mid } => self.finish(mid, Asked::Unsubscribe),
            Outcome::SubscribeUnfit { mid, .. } => self.finish(mid, Asked::Subscribe),
            Outcome::UnsubscribeUnfit { mid, .. } => self.finish(mid, Asked::Unsubscribe),
            Outcome::NotResubscribed => panic!("the client does not subscribe again"),
            Outcome::Writable => {
                self.waits_for_room = false;
                self.turned_away = self.turned_away.checked_sub(1).expect("one was refused");
            }
        }
    }

    fn at_most_once(&mut self, mid: u64) -> u64 {
        match self.pending.remove(&mid) {
            Some(Asked::Publish(QoS::AtMostOnce, number)) => number,
            other => panic!("the outcome of {mid}: {other:?}"),
        }
    }

    /// A socket has all bytes of these messages. Returns those of QoS 0.
    pub fn is_in_socket(&mut self, messages: &[(QoS, u64)]) -> Vec<u64> {
        let is_unanswered = |(qos, _): &&(QoS, u64)| *qos == QoS::AtMostOnce;
        let (numbers, others): (Vec<_>, Vec<_>) = messages.iter().partition(is_unanswered);
        let numbers: Vec<u64> = numbers.into_iter().map(|(_, number)| number).collect();
        self.in_socket.extend(&numbers);
        self.written.extend(others.iter().map(|(_, number)| number));
        numbers
    }

    /// The connection was replaced before the session learned that these messages were written.
    pub fn doubt(&mut self, numbers: &[u64]) {
        self.doubtful.extend(numbers);
    }

    /// The messages without an outcome: mid, QoS and number.
    pub fn messages(&self) -> impl Iterator<Item = (u64, QoS, u64)> {
        self.pending.iter().filter_map(|(&mid, asked)| match asked {
            &Asked::Publish(qos, number) => Some((mid, qos, number)),
            Asked::Subscribe | Asked::Unsubscribe => None,
        })
    }

    /// The messages that the session has accepted and not given up.
    pub fn due(&self) -> Vec<(QoS, u64)> {
        let published = self.published.iter().copied();
        published
            .filter(|(_, number)| !self.given_up.contains_key(number))
            .filter(|(_, number)| !self.refused.contains(number))
            .collect()
    }

    /// Whether the session has reported that a message was never sent.
    pub fn is_unsent(&self, number: u64) -> bool {
        let why = self.given_up.get(&number);
        why.is_some_and(|why| matches!(why, GivenUp::Dropped | GivenUp::Expired))
    }

    /// Whether a message has ended otherwise than by the broker's acceptance. It may have arrived all the same.
    pub fn has_failed(&self, number: u64) -> bool {
        self.given_up.contains_key(&number) || self.refused.contains(&number)
    }

    /// How many requests have no outcome.
    pub fn unsettled(&self) -> usize {
        self.pending.len()
    }

    pub fn is_settled(&self) -> bool {
        self.pending.is_empty() && !self.waits_for_room
    }
}

/// Checks that the sent messages arrived as their QoS requires, and in order. `all`: no message of
/// QoS 1 and 2 may be missing; `once`: no message of QoS 2 may arrive twice.
pub fn check_delivery(sent: &[(QoS, u64)], arrived: &[(QoS, u64)], all: bool, once: bool) {
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
        let numbers = |list: &[(QoS, u64)]| -> Vec<u64> {
            let of_qos = list.iter().filter(|(other, _)| *other == qos);
            of_qos.map(|&(_, number)| number).collect()
        };
        let (sent, arrived) = (numbers(sent), numbers(arrived));
        let mut seen = BTreeSet::new();
        let first: Vec<u64> = arrived
            .iter()
            .copied()
            .filter(|&it| seen.insert(it))
            .collect();
        assert!(first.is_sorted(), "{qos:?} out of order: {arrived:?}");
        assert!(first.iter().all(|number| sent.contains(number)));
        if all && qos != QoS::AtMostOnce {
            assert_eq!(first, sent, "{qos:?} lost");
        }
        if qos == QoS::AtMostOnce || once && qos == QoS::ExactlyOnce {
            assert_eq!(first, arrived, "{qos:?} twice");
        }
    }
}
