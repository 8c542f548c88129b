//! The answers that a peer can make a session queue are bounded.

mod support;

use std::time::Duration;

use pmqtt::codec::Ack::{self, PubRec, PubRel};
use pmqtt::session::Failure;
use support::peer::{Peer, ack, message, pingresp};

const MOST: usize = 1024 * 1024;
const SIZE: usize = 4;
const SECOND: Duration = Duration::from_secs(1);

/// The peer sends packets until the session stops reading; returns how many it could send.
fn flood(peer: &mut Peer, packet: impl Fn(u16) -> Vec<u8>) -> usize {
    let mut count = 0;
    while peer.session.admits_input() {
        peer.hears(packet(count as u16 % 100 + 1));
        count += 1;
        assert!(count <= MOST, "there is no bound");
    }
    count
}

fn flooded(keep_alive: u16) -> Peer {
    let mut peer = Peer::connected(|options| options.keep_alive = keep_alive);
    flood(&mut peer, |number| ack(PubRel, number));
    peer
}

#[test]
fn each_answer_that_is_owed_counts() {
    let packets: [fn(u16) -> Vec<u8>; 4] = [
        |number| ack(PubRel, number),
        |number| ack(PubRec, number),
        |number| message(1, number, ""),
        |number| message(2, number, ""),
    ];
    for packet in packets {
        let mut peer = Peer::connected(|_| {});
        assert_eq!(flood(&mut peer, packet), MOST / SIZE + 1);
        assert_eq!(peer.take().len(), MOST + SIZE);
    }
}

#[test]
fn what_the_program_sends_does_not_count() {
    let mut peer = Peer::connected(|_| {});
    for _ in 0..20 {
        peer.publish(0, &"x".repeat(MOST / 10));
    }
    assert!(peer.session.admits_input());
    assert_eq!(
        flood(&mut peer, |number| ack(PubRel, number)),
        MOST / SIZE + 1
    );
}

#[test]
fn half_of_them_written_makes_room() {
    let mut peer = flooded(0);
    let bytes = peer.take().len();
    peer.written(bytes - MOST / 2 - SIZE);
    assert!(!peer.session.admits_input());
    peer.written(SIZE);
    assert!(peer.session.admits_input());
    let more = flood(&mut peer, |number| ack(PubRel, number));
    assert_eq!(more, MOST / 2 / SIZE + 1);
}

#[test]
fn a_peer_that_reads_slowly_is_never_too_much_behind() {
    let mut peer = Peer::connected(|_| {});
    let (mut taken, mut number, mut stops) = (0, 0, 0);
    for _ in 0..20 {
        while peer.session.admits_input() {
            // As many as one read can bring.
            for _ in 0..1000 {
                number = number % 100 + 1;
                peer.hears(ack(Ack::PubRel, number));
            }
        }
        stops += 1;
        assert!(peer.session.queued_bytes() <= MOST + 1000 * SIZE);
        while peer.session.is_input_paused() {
            if taken == 0 {
                taken = peer.take().len();
            }
            let count = taken.min(100_000);
            taken -= count;
            peer.written(count);
        }
    }
    assert_eq!(stops, 20);
}

#[test]
fn a_peer_that_takes_nothing_is_given_up() {
    for (keep_alive, seconds) in [(10, 10), (0, 60)] {
        let mut peer = flooded(keep_alive);
        let bytes = peer.take().len();
        peer.written(1000);
        peer.wait(seconds * SECOND - SECOND);
        peer.time_out().expect("there is time");
        // If the socket takes one byte of them, the peer is alive.
        peer.written(1);
        peer.wait(seconds * SECOND - SECOND);
        peer.time_out().expect("there is time");
        let at = peer.session.poll_timeout().expect("it is given up at");
        assert!(at <= peer.now + SECOND);
        peer.wait(SECOND);
        assert_eq!(peer.time_out(), Err(Failure::NoneTaken));
        assert!(peer.session.is_input_paused() && bytes > MOST);
    }
}

#[test]
fn a_ping_that_was_not_read_is_not_late() {
    let mut peer = flooded(10);
    let bytes = peer.take().len();
    let mut left = bytes;
    // It takes some bytes each second, for longer than any answer may take.
    for _ in 0..40 {
        peer.wait(SECOND);
        peer.written(1000);
        left -= 1000;
        peer.time_out().expect("it takes some");
    }
    assert!(peer.session.is_input_paused());
    peer.written(left);
    let pings = peer.take();
    peer.written(pings.len());
    assert!(peer.session.admits_input());
    peer.wait(9 * SECOND);
    peer.time_out().expect("it may be on its way");
    peer.hears(pingresp());
    peer.wait(9 * SECOND);
    peer.time_out().expect("it was answered");
}
