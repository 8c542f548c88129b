//! A session of MQTT 5 on connections of both versions: what continues from one to the other.

mod support;

use pmqtt::codec::Ack::{PubAck, PubComp, PubRec};
use pmqtt::codec::{Version, property};
use pmqtt::session::{GivenUp, Outcome};
use support::extended::{self, accept};
use support::peer::{self, Peer};
use support::seconds;

/// A session of both versions without a connection.
fn best() -> Peer {
    extended::peer(|options| {
        options.falls_back = true;
        options.retry_ms = 1000;
    })
}

/// Begins a connection of MQTT 5, and goes on with one of MQTT 3.1.1, which the broker accepts.
fn fall_back(peer: &mut Peer, session_present: bool) -> Vec<String> {
    peer.open();
    assert!(peer.session.may_fall_back());
    peer.session.fall_back(false);
    peer.open();
    assert_eq!(peer.version(), Version::V311);
    accept(peer, session_present, &[])
}

/// On a connection of this version: #1 waits for PUBACK, #2 and #4 for PUBCOMP, #3 for PUBREC.
fn under_way(version: Version) -> Peer {
    let mut peer = best();
    match version {
        Version::V5 => {
            peer.open();
            accept(&mut peer, false, &[]);
        }
        _ => drop(fall_back(&mut peer, false)),
    }
    for (qos, payload) in [(1, "a"), (2, "b"), (2, "c"), (2, "d")] {
        peer.publish(qos, payload);
    }
    peer.hears(peer::ack(PubRec, 2));
    peer.hears(peer::ack(PubRec, 4));
    peer.sent();
    peer.session.close();
    peer
}

fn in_doubt(mid: u64) -> Outcome {
    let why = GivenUp::InDoubt;
    Outcome::GivenUp { mid, why }
}

const RESUMED: [&str; 4] = [
    "PUBREL #2",
    "PUBREL #4",
    "PUBLISH q1 #1 dup a",
    "PUBLISH q2 #3 dup c",
];

fn finish(peer: &mut Peer) {
    for (kind, number, event) in [
        (PubAck, 1, "published 1"),
        (PubComp, 2, "published 2"),
        (PubRec, 3, "nothing"),
        (PubComp, 3, "published 3"),
        (PubComp, 4, "published 4"),
    ] {
        assert_eq!(peer.hears(peer::ack(kind, number)), event);
    }
    peer.sent();
    assert!(peer.session.is_idle());
}

#[test]
fn with_the_session_all_goes_on_in_the_other_version() {
    let mut peer = under_way(Version::V5);
    assert_eq!(fall_back(&mut peer, true), RESUMED);
    finish(&mut peer);

    let mut peer = under_way(Version::V311);
    peer.open();
    assert_eq!(accept(&mut peer, true, &[]), RESUMED);
    finish(&mut peer);
}

#[test]
fn without_it_the_version_of_the_connection_decides() {
    let mut peer = under_way(Version::V5);
    // As in each session of MQTT 3: PUBREL, and PUBCOMP leaves it in doubt.
    let expected = [
        "PUBLISH q1 #1 dup a",
        "PUBREL #2",
        "PUBLISH q2 #3 dup c",
        "PUBREL #4",
    ];
    assert_eq!(fall_back(&mut peer, false), expected);
    assert_eq!(peer.hears(peer::ack(PubComp, 2)), "in doubt 2");
    peer.session.close();
    // The one that is left is in doubt at once.
    peer.open();
    let renewed = ["PUBLISH q1 #5 a", "PUBLISH q2 #6 c"];
    assert_eq!(accept(&mut peer, false, &[]).len(), renewed.len());
    assert_eq!(peer.outcomes(), [in_doubt(4)]);
}

/// A message that was renewed for MQTT 5, and was not sent there, is new to MQTT 3.1.1, too.
#[test]
fn what_is_new_stays_new() {
    let mut peer = under_way(Version::V5);
    peer.configure(|options| options.max_inflight = 1);
    peer.open();
    assert_eq!(accept(&mut peer, false, &[]), ["PUBLISH q1 #1 a"]);
    assert_eq!(peer.outcomes(), [in_doubt(2), in_doubt(4)]);
    peer.session.close();
    assert_eq!(fall_back(&mut peer, true), ["PUBLISH q1 #1 dup a"]);
    assert_eq!(peer.hears(peer::ack(PubAck, 1)), "published 1");
    assert_eq!(peer.sent(), ["PUBLISH q2 #3 c"]);
}

#[test]
fn no_packet_is_sent_again_on_a_connection_of_either_version() {
    for version in [Version::V5, Version::V311] {
        let mut peer = under_way(Version::V5);
        match version {
            Version::V5 => {
                peer.open();
                accept(&mut peer, true, &[]);
            }
            _ => drop(fall_back(&mut peer, true)),
        }
        peer.try_publish_for(seconds(5), 1, b"limited")
            .expect("a connection");
        peer.sent();
        assert!(peer.live(seconds(100)).expect("no failure").is_empty());
        peer.configure(|options| options.retry_ms = 500);
        assert!(peer.live(seconds(100)).expect("no failure").is_empty());
    }
}

#[test]
fn only_an_attempt_without_a_disconnect_goes_on() {
    let mut peer = best();
    assert!(!peer.session.may_fall_back());
    peer.open();
    assert!(peer.session.may_fall_back());
    assert!(peer.session.disconnect(peer.now));
    assert!(!peer.session.may_fall_back());
    peer.session.close();
    fall_back(&mut peer, false);
    assert!(!peer.session.may_fall_back());
    peer.session.close();
    // Not remembered.
    peer.open();
    assert_eq!(peer.version(), Version::V5);
    peer.session.fall_back(true);
    peer.session.close();
    // Remembered.
    peer.open();
    assert_eq!(peer.version(), Version::V311);
    assert!(!peer.session.may_fall_back());
}

/// The broker's identifier and keep alive, on a connection of MQTT 5 and on one of MQTT 3.1.1 after it.
#[test]
fn the_assigned_identifier_stays_and_the_keep_alive_of_the_broker_does_not() {
    let mut peer = best();
    peer.configure(|options| options.keep_alive = 60);
    extended::set_connect_options(&mut peer, |options| options.is_id_assigned = true);
    extended::open_with(&mut peer, |connect| assert_eq!(connect.client_id, ""));
    let mut stated = extended::text(property::ASSIGNED_CLIENT_ID, "chosen");
    stated.number(property::SERVER_KEEP_ALIVE, 5);
    peer.accept(false, stated.get());
    assert_eq!(peer.session.agreed().keep_alive, 5);
    peer.session.close();
    extended::open_with(&mut peer, |connect| {
        assert_eq!((connect.client_id, connect.keep_alive), ("chosen", 60));
    });
    peer.session.fall_back(true);
    extended::open_with(&mut peer, |connect| {
        assert_eq!(connect.version, Version::V311);
        assert_eq!((connect.client_id, connect.keep_alive), ("chosen", 60));
    });
    accept(&mut peer, false, &[]);
    assert_eq!(peer.session.agreed().keep_alive, 60);
    assert_eq!(peer.session.client_id(), c"chosen");
    assert_eq!(peer.live(seconds(59)).expect("no failure").len(), 0);
    assert_eq!(peer.live(seconds(2)).expect("no failure"), ["PINGREQ"]);
}
