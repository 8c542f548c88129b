//! Requests before the CONNACK of MQTT 5.

mod support;

use pmqtt::codec::property;
use pmqtt::session::Outcome;
use support::extended::{self, NONE, wish};
use support::peer::Peer;

/// A connection without an answer so far, on which these filters are asked for one by one.
fn asking(filters: &[&str]) -> Peer {
    let mut peer = extended::peer(|_| {});
    peer.open();
    for filter in filters {
        peer.session.subscribe(&[(filter, wish(0))], NONE).unwrap();
    }
    peer
}

#[test]
fn they_go_out_after_connack_in_their_order() {
    let mut peer = asking(&["a/#", "$share/g/b"]);
    assert_eq!(peer.session.unsubscribe(&["c"], NONE), Ok(3));
    assert!(peer.sent().is_empty());
    assert!(peer.session.has_unwritten() && peer.session.unsettled() == 3);
    let sent = extended::accept(&mut peer, false, &[]);
    let expected = [
        "SUBSCRIBE #1 a/#:0",
        "SUBSCRIBE #2 $share/g/b:0",
        "UNSUBSCRIBE #3 c",
    ];
    assert_eq!(sent, expected);
}

/// [MQTT5-3.2.2-15]
#[test]
fn what_the_broker_does_not_take_has_its_outcome_and_is_not_sent() {
    let long = "x".repeat(30);
    let mut peer = asking(&["+", "a", "$share/g/a", &long]);
    peer.session.unsubscribe(&[&long], NONE).unwrap();
    let limits = [
        (property::WILDCARD_AVAILABLE, 0),
        (property::SHARED_AVAILABLE, 0),
        (property::MAXIMUM_PACKET_SIZE, 32),
    ];
    assert_eq!(
        extended::accept(&mut peer, false, &limits),
        ["SUBSCRIBE #2 a:0"]
    );
    let expected = [
        Outcome::SubscribeUnfit {
            mid: 1,
            reason: 0xa2,
        },
        Outcome::SubscribeUnfit {
            mid: 3,
            reason: 0x9e,
        },
        Outcome::SubscribeUnfit {
            mid: 4,
            reason: 0x95,
        },
        Outcome::UnsubscribeUnfit {
            mid: 5,
            reason: 0x95,
        },
    ];
    assert_eq!(peer.outcomes(), expected);
    assert_eq!(peer.hears(extended::suback(2, &[0])), "subscribed 2 [0]");
    assert!(peer.session.is_settled());
}

#[test]
fn they_are_lost_with_their_connection() {
    let mut peer = asking(&["a"]);
    peer.session.close();
    assert_eq!(peer.outcomes(), [Outcome::SubscribeLost { mid: 1 }]);
    peer.open();
    assert!(extended::accept(&mut peer, false, &[]).is_empty());
}

#[test]
fn what_is_refused_is_not_kept_to_subscribe_again() {
    let mut peer = extended::peer(|_| {});
    peer.session.set_resubscribe(true);
    peer.open();
    peer.session.subscribe(&[("+", wish(0))], NONE).unwrap();
    let limits = [(property::WILDCARD_AVAILABLE, 0)];
    assert!(extended::accept(&mut peer, false, &limits).is_empty());
    assert!(extended::reconnect(&mut peer, false, &[]).is_empty());
}
