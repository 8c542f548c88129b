//! What CONNACK of MQTT 5 states, for one connection.

mod support;

use pmqtt::codec::{Properties, QoS, property};
use pmqtt::session::{Failure, Negotiated};
use support::extended::{self, connected, reconnect};
use support::peer::{self, Peer};
use support::seconds;

fn negotiated(peer: &Peer) -> Negotiated {
    peer.session.negotiated().expect("it is MQTT 5").clone()
}

#[test]
fn a_broker_that_states_nothing_takes_all() {
    let peer = connected(|options| options.keep_alive = 60, &[]);
    assert_eq!(negotiated(&peer), Negotiated::unstated(60, u32::MAX));
    assert!(negotiated(&peer).takes_all());
    let older = Peer::connected(|_| {});
    assert_eq!(older.session.negotiated(), None);
}

#[test]
fn what_it_states_applies_to_its_connection_only() {
    let mut peer = extended::peer(|options| options.keep_alive = 60);
    peer.open();
    let mut stated = extended::numbers(&[
        (property::SESSION_EXPIRY, 5),
        (property::RECEIVE_MAXIMUM, 6),
        (property::MAXIMUM_PACKET_SIZE, 700),
        (property::MAXIMUM_QOS, 1),
        (property::RETAIN_AVAILABLE, 0),
        (property::WILDCARD_AVAILABLE, 0),
        (property::SUBSCRIPTION_IDS_AVAILABLE, 0),
        (property::SHARED_AVAILABLE, 0),
        (property::TOPIC_ALIAS_MAXIMUM, 8),
        (property::SERVER_KEEP_ALIVE, 9),
    ]);
    let info = extended::text(property::RESPONSE_INFO, "answers/");
    let reference = extended::text(property::SERVER_REFERENCE, "other");
    stated.append(info.get()).append(reference.get());
    peer.accept(false, stated.get());
    let expected = Negotiated {
        session_expiry: 5,
        receive_maximum: 6,
        max_packet_size: 700,
        max_qos: QoS::AtLeastOnce,
        has_retain: false,
        has_wildcards: false,
        has_subscription_ids: false,
        has_shared: false,
        topic_alias_maximum: 8,
        keep_alive: 9,
        response_info: Some("answers/".into()),
        server_reference: Some("other".into()),
    };
    assert_eq!(negotiated(&peer), expected);
    assert!(!negotiated(&peer).takes_all());
    peer.session.close();
    peer.open();
    peer.accept(true, Properties::NONE);
    assert_eq!(negotiated(&peer), Negotiated::unstated(60, u32::MAX));
}

#[test]
fn the_keep_alive_of_the_broker_replaces_that_of_the_client() {
    let mut peer = connected(
        |options| options.keep_alive = 60,
        &[(property::SERVER_KEEP_ALIVE, 5)],
    );
    assert_eq!(peer.live(seconds(5)), Ok(vec!["PINGREQ".into()]));
    peer.hears(peer::pingresp());
    assert_eq!(peer.live(seconds(20)), Err(Failure::KeepAlive));
    // The next CONNECT states the client's own again.
    peer.session.close();
    extended::open_with(&mut peer, |connect| assert_eq!(connect.keep_alive, 60));
    extended::accept(&mut peer, true, &[]);
    assert_eq!(peer.live(seconds(59)), Ok(vec![]));
    assert_eq!(peer.live(seconds(1)), Ok(vec!["PINGREQ".into()]));
}

#[test]
fn the_broker_may_turn_keep_alive_off_and_on() {
    let mut peer = connected(
        |options| options.keep_alive = 5,
        &[(property::SERVER_KEEP_ALIVE, 0)],
    );
    assert_eq!(peer.session.poll_timeout(), None);
    peer.session.close();
    peer.configure(|options| options.keep_alive = 0);
    peer.open();
    extended::accept(&mut peer, true, &[(property::SERVER_KEEP_ALIVE, 3)]);
    assert_eq!(peer.live(seconds(3)), Ok(vec!["PINGREQ".into()]));
    peer.hears(peer::pingresp());
    assert!(reconnect(&mut peer, true, &[]).is_empty());
    assert_eq!(peer.session.poll_timeout(), None);
}
