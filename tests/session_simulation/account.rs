//! The account of requests and outcomes: each mid has exactly one outcome, and the true one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pmqtt::codec::QoS;
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
    /// Messages that were given up.
    given_up: BTreeSet<u64>,
    pub expired: u64,
    /// QoS 0 messages in a socket that the session could not know to be there.
    doubtful: BTreeSet<u64>,
    /// A publish was refused, and `Outcome::Writable` was not reported since.
    waits_for_room: bool,
    /// The number of refusals, minus the number of `Outcome::Writable`.
    refused: usize,
}

impl Account {
    pub fn asked(&mut self, mid: u64, asked: Asked) {
        assert_eq!(self.pending.insert(mid, asked), None);
    }

    /// The session has answered a publish.
    pub fn publish(&mut self, qos: QoS, number: u64, answer: Result<u64, PublishError>) {
        match answer {
            Err(error @ (PublishError::NoMemory | PublishError::Unfit(_))) => panic!("{error:?}"),
            Err(PublishError::QueueFull) => {
                self.waits_for_room = true;
                self.refused += 1;
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

    /// `Event::Published` of a mid. Returns the number of the message.
    pub fn settled(&mut self, mid: u64) -> u64 {
        match self.pending.remove(&mid) {
            Some(Asked::Publish(QoS::AtLeastOnce | QoS::ExactlyOnce, number)) => number,
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
                    if why == GivenUp::Expired {
                        let until = self.limits[&number];
                        assert!(until <= now && now.since(until) <= LATE, "{number}");
                        self.expired += 1;
                    }
                    self.given_up.insert(number);
                }
                other => panic!("given up {mid}: {other:?}"),
            },
            Outcome::SubscribeLost { mid } => self.finish(mid, Asked::Subscribe),
            Outcome::UnsubscribeLost { mid } => self.finish(mid, Asked::Unsubscribe),
            Outcome::Writable => {
                self.waits_for_room = false;
                self.refused = self.refused.checked_sub(1).expect("one was refused");
            }
        }
    }

    fn at_most_once(&mut self, mid: u64) -> u64 {
        match self.pending.remove(&mid) {
            Some(Asked::Publish(QoS::AtMostOnce, number)) => number,
            other => panic!("the outcome of {mid}: {other:?}"),
        }
    }

    /// A socket has all bytes of these QoS 0 messages.
    pub fn is_in_socket(&mut self, numbers: &[u64]) {
        self.in_socket.extend(numbers);
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
            .filter(|(_, number)| !self.given_up.contains(number))
            .collect()
    }

    pub fn given_up(&self) -> &BTreeSet<u64> {
        &self.given_up
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
