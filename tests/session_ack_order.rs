//! The application's acknowledgements are sent in the order of arrival; PUBACKs and PUBRECs are ordered
//! separately.

mod support;

use pmqtt::codec::Ack::PubRel;
use pmqtt::codec::QoS::{AtLeastOnce, ExactlyOnce};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use support::peer::{Peer, ack, message, message_again};

fn manual() -> Peer {
    Peer::connected(|options| {
        options.clean_session = false;
        options.manual_ack = true;
    })
}

#[test]
fn an_early_acknowledgement_waits_for_those_before_it() {
    let mut peer = manual();
    for number in 1..=4 {
        peer.hears(message(1, number, "a"));
    }
    for early in [3, 2] {
        assert!(peer.acknowledge(early, AtLeastOnce));
        assert!(!peer.acknowledge(early, AtLeastOnce), "it is done");
    }
    assert!(peer.sent().is_empty());
    assert_eq!(peer.session.acks_held(), 2);
    assert!(peer.acknowledge(1, AtLeastOnce));
    assert_eq!(peer.sent(), ["PUBACK #1", "PUBACK #2", "PUBACK #3"]);
    assert_eq!(peer.session.acks_held(), 0);
    assert!(peer.acknowledge(4, AtLeastOnce));
    assert_eq!(peer.sent(), ["PUBACK #4"]);
    assert!(peer.session.is_idle());
}

#[test]
fn the_two_orders_do_not_wait_for_each_other() {
    let mut peer = manual();
    for (qos, number) in [(2, 1), (1, 2), (2, 3), (1, 4)] {
        peer.hears(message(qos, number, "a"));
    }
    assert!(peer.acknowledge(2, AtLeastOnce));
    assert!(peer.acknowledge(3, ExactlyOnce));
    assert!(peer.acknowledge(4, AtLeastOnce));
    assert_eq!(peer.sent(), ["PUBACK #2", "PUBACK #4"]);
    assert!(peer.acknowledge(1, ExactlyOnce));
    assert_eq!(peer.sent(), ["PUBREC #1", "PUBREC #3"]);
}

#[test]
fn at_once_is_at_once() {
    let mut peer = manual();
    peer.configure(|options| options.ack_at_once = true);
    for (qos, number) in [(2, 1), (1, 2), (2, 3), (1, 4)] {
        peer.hears(message(qos, number, "a"));
    }
    assert!(peer.acknowledge(3, ExactlyOnce));
    assert!(peer.acknowledge(4, AtLeastOnce));
    assert_eq!(peer.sent(), ["PUBREC #3", "PUBACK #4"]);
    assert!(!peer.acknowledge(3, ExactlyOnce));
    assert!(peer.acknowledge(1, ExactlyOnce));
    assert!(peer.acknowledge(2, AtLeastOnce));
    assert_eq!(peer.sent(), ["PUBREC #1", "PUBACK #2"]);
}

#[test]
fn what_is_held_ends_with_the_connection_at_qos_1() {
    let mut peer = manual();
    peer.hears(message(1, 1, "a"));
    peer.hears(message(1, 2, "b"));
    assert!(peer.acknowledge(2, AtLeastOnce));
    peer.reconnect(true);
    assert_eq!(peer.session.acks_held(), 0);
    assert_eq!(peer.hears(message_again(1, 2, "b")), "message q1 #2 dup b");
    assert_eq!(peer.hears(message_again(1, 1, "a")), "message q1 #1 dup a");
    assert!(peer.acknowledge(1, AtLeastOnce));
    assert!(peer.sent().is_empty());
    assert!(peer.acknowledge(2, AtLeastOnce));
    assert_eq!(peer.sent(), ["PUBACK #2", "PUBACK #1"]);
}

#[test]
fn what_is_held_at_qos_2_goes_out_when_the_broker_sends_the_message_again() {
    let mut peer = manual();
    for number in 1..=3 {
        peer.hears(message(2, number, "a"));
    }
    assert!(peer.acknowledge(3, ExactlyOnce));
    peer.session.close();
    assert!(peer.acknowledge(2, ExactlyOnce), "without a connection too");
    assert!(peer.connect(true).is_empty());
    assert_eq!(peer.session.acks_held(), 2);
    // In the order in which the broker sends the messages now.
    assert_eq!(peer.hears(message_again(2, 2, "a")), "nothing");
    assert_eq!(peer.sent(), ["PUBREC #2"]);
    assert_eq!(peer.hears(message_again(2, 1, "a")), "nothing");
    assert_eq!(peer.hears(message_again(2, 3, "a")), "nothing");
    assert!(peer.sent().is_empty());
    assert!(peer.acknowledge(1, ExactlyOnce));
    assert_eq!(peer.sent(), ["PUBREC #1", "PUBREC #3"]);
    for number in 1..=3 {
        peer.hears(ack(PubRel, number));
    }
    assert!(!peer.sent().is_empty());
    assert!(peer.session.is_idle());
}

#[test]
fn a_session_that_the_broker_forgot_holds_nothing() {
    let mut peer = manual();
    peer.hears(message(2, 1, "a"));
    peer.hears(message(2, 2, "b"));
    assert!(peer.acknowledge(2, ExactlyOnce));
    peer.reconnect(false);
    assert_eq!(peer.session.acks_held(), 0);
    assert_eq!(peer.hears(message(2, 2, "c")), "message q2 #2 c");
    assert!(peer.acknowledge(2, ExactlyOnce));
    assert_eq!(peer.sent(), ["PUBREC #2"]);
}

/// What the library acknowledges or the broker releases holds back no acknowledgement.
#[test]
fn what_is_settled_otherwise_holds_nothing_up() {
    let mut peer = manual();
    for number in 1..=3 {
        peer.hears(message(2, number, "a"));
    }
    peer.hears(ack(PubRel, 1));
    peer.configure(|options| options.manual_ack = false);
    peer.hears(message_again(2, 2, "a"));
    assert_eq!(peer.sent(), ["PUBCOMP #1", "PUBREC #2"]);
    assert!(peer.acknowledge(3, ExactlyOnce));
    assert_eq!(peer.sent(), ["PUBREC #3"]);
}

#[test]
fn any_order_of_acknowledgements_comes_out_in_the_order_of_arrival() {
    for seed in 0..200 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut peer = manual();
        let mut came: Vec<(u16, u8)> = (1..=20).map(|n| (n, rng.random_range(1..=2))).collect();
        came.shuffle(&mut rng);
        for &(number, qos) in &came {
            peer.hears(message(qos, number, ""));
        }
        let mut acknowledged = came.clone();
        acknowledged.shuffle(&mut rng);
        for &(number, qos) in &acknowledged {
            let level = if qos == 1 { AtLeastOnce } else { ExactlyOnce };
            assert!(peer.acknowledge(number, level));
        }
        let sent = peer.sent();
        for (qos, name) in [(1, "PUBACK"), (2, "PUBREC")] {
            let of_qos = came.iter().filter(|came| came.1 == qos);
            let expected: Vec<_> = of_qos.map(|(n, _)| format!("{name} #{n}")).collect();
            let sent: Vec<_> = sent.iter().filter(|it| it.starts_with(name)).collect();
            assert!(sent.into_iter().eq(&expected), "seed {seed}");
        }
        assert_eq!(peer.session.acks_held(), 0);
    }
}
