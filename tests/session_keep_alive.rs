//! PINGREQ, and the peer that does not answer.

mod support;

use pmqtt::session::Failure;
use support::peer::{Peer, message, pingresp};
use support::seconds;

const INTERVAL: u64 = 60;

fn peer() -> Peer {
    Peer::connected(|options| {
        options.keep_alive = INTERVAL as u16;
        options.retry_ms = 5_000;
    })
}

/// Lets a second pass and answers PINGREQ; returns what the session sends.
fn second(peer: &mut Peer) -> Vec<String> {
    let sent = peer.live(seconds(1)).unwrap();
    for _ in sent.iter().filter(|text| *text == "PINGREQ") {
        peer.hears(pingresp());
    }
    sent
}

/// Lets time pass until the session gives up its peer, and returns after how many seconds.
fn seconds_to_failure(peer: &mut Peer, mut each_second: impl FnMut(&mut Peer)) -> u64 {
    for count in 1.. {
        each_second(peer);
        match peer.live(seconds(1)) {
            Ok(_) => {}
            Err(failure) => {
                assert_eq!(failure, Failure::KeepAlive);
                return count;
            }
        }
        assert!(count < 1000, "the peer is never given up");
    }
    unreachable!()
}

#[test]
fn ten_idle_minutes_are_ten_pings_and_ten_wakes() {
    let mut peer = peer();
    let end = peer.now + seconds(600);
    let mut wakes = 0;
    while let Some(at) = peer.session.poll_timeout().filter(|&at| at <= end) {
        peer.now = at;
        wakes += 1;
        peer.time_out().unwrap();
        assert_eq!(peer.sent(), ["PINGREQ"]);
        peer.wait(std::time::Duration::from_millis(20));
        peer.hears(pingresp());
        peer.now = at;
    }
    assert_eq!(wakes, 10);
    assert_eq!(
        peer.session.ping_round_trip(),
        Some(std::time::Duration::from_millis(20))
    );
}

#[test]
fn zero_means_no_pings_and_no_wakes() {
    let mut peer = Peer::connected(|options| options.keep_alive = 0);
    assert_eq!(peer.session.poll_timeout(), None);
    assert!(peer.live(seconds(100_000)).unwrap().is_empty());
}

#[test]
fn traffic_both_ways_needs_no_ping() {
    let mut peer = peer();
    for _ in 0..300 {
        peer.publish(0, "out");
        peer.hears(message(0, 0, "in"));
        assert_eq!(second(&mut peer), ["PUBLISH q0 out"]);
    }
}

#[test]
fn traffic_one_way_needs_one_ping_an_interval() {
    let publish: fn(&mut Peer) = |peer| {
        peer.publish(0, "out");
    };
    let receive: fn(&mut Peer) = |peer| {
        peer.hears(message(0, 0, "in"));
    };
    for traffic in [publish, receive] {
        let mut peer = peer();
        let mut pings = 0;
        for _ in 0..600 {
            traffic(&mut peer);
            pings += second(&mut peer)
                .iter()
                .filter(|text| *text == "PINGREQ")
                .count();
        }
        assert_eq!(pings, 10);
    }
}

#[test]
fn a_dead_peer_is_found() {
    let mut peer = peer();
    assert_eq!(seconds_to_failure(&mut peer, |_| {}), 2 * INTERVAL);
}

#[test]
fn our_own_traffic_does_not_hide_a_dead_peer() {
    let mut peer = peer();
    let found = seconds_to_failure(&mut peer, |peer| {
        peer.publish(0, "out");
    });
    assert_eq!(found, 2 * INTERVAL);
}

#[test]
fn a_peer_that_sends_is_alive_even_if_its_answer_is_late() {
    let mut peer = peer();
    let mut pings = 0;
    for _ in 0..600 {
        peer.hears(message(0, 0, "in"));
        pings += peer.live(seconds(1)).unwrap().len();
    }
    // The peer must hear from us meanwhile, or it would end the connection [MQTT-3.1.2-24].
    assert_eq!(pings, 10);
    assert_eq!(peer.session.ping_round_trip(), None);
}

#[test]
fn a_peer_that_is_in_the_middle_of_a_large_packet_is_alive() {
    let mut peer = peer();
    for _ in 0..600 {
        peer.session.received(peer.now);
        peer.live(seconds(1)).unwrap();
    }
}

#[test]
fn a_ping_that_waits_for_the_socket_is_no_fault_of_the_peer() {
    let mut peer = peer();
    peer.publish(0, "large");
    let bytes = peer.take().len();
    peer.written(1);
    peer.wait(seconds(INTERVAL));
    peer.time_out().unwrap();
    let ping = peer.take().len();
    assert_eq!(ping, 2);
    // The ping is not late at once, nor while the socket takes a byte now and then.
    for _ in 1..bytes {
        peer.time_out().unwrap();
        peer.wait(seconds(INTERVAL - 1));
        peer.time_out().unwrap();
        peer.written(1);
    }
    peer.written(ping);
    peer.wait(seconds(INTERVAL - 1));
    peer.time_out().unwrap();
    peer.hears(pingresp());
    assert_eq!(peer.session.ping_round_trip(), Some(seconds(INTERVAL - 1)));
    assert!(!peer.session.has_output());
}

#[test]
fn a_peer_that_takes_nothing_is_found_however_often_we_try() {
    let mut peer = peer();
    for second in 1.. {
        peer.publish(0, "out");
        peer.take();
        peer.written(0);
        peer.wait(seconds(1));
        match peer.time_out() {
            Ok(()) => assert!(second < 2 * INTERVAL),
            Err(_) => return assert_eq!(second, 2 * INTERVAL),
        }
    }
}

#[test]
fn pings_do_not_pile_up_while_the_socket_is_blocked() {
    let mut peer = peer();
    peer.publish(0, "large");
    peer.take();
    peer.written(0);
    let mut waiting = 0;
    for _ in 0..600 {
        peer.session.received(peer.now);
        peer.time_out().unwrap();
        waiting += peer.take().len() / 2;
        assert!(peer.session.poll_timeout() > Some(peer.now));
        peer.wait(seconds(1));
    }
    assert_eq!(waiting, 9);
}

#[test]
fn a_new_connection_starts_the_time_anew() {
    let mut peer = peer();
    peer.live(seconds(INTERVAL)).unwrap();
    peer.reconnect(false);
    assert!(peer.live(seconds(INTERVAL - 1)).unwrap().is_empty());
    assert_eq!(peer.live(seconds(1)).unwrap(), ["PINGREQ"]);
}

/// Sends `bytes` bytes, of which the peer's TCP has acknowledged none.
fn fill_link(peer: &mut Peer, bytes: usize) {
    peer.is_slow = true;
    peer.publish(0, &"x".repeat(bytes));
    peer.sent();
}

#[test]
fn a_slow_link_is_no_dead_one() {
    for is_secured in [false, true] {
        let mut peer = peer();
        peer.is_secured = is_secured;
        // The link needs seven intervals for this.
        fill_link(&mut peer, 7 * INTERVAL as usize * 1000);
        let mut pings = 0;
        while peer.acknowledges(1000) > 0 {
            pings += peer.live(seconds(1)).unwrap().len();
        }
        assert_eq!(pings, 7);
        // The peer's time to answer begins here.
        let quarter = INTERVAL / 4;
        assert!(peer.live(seconds(INTERVAL - quarter)).unwrap().is_empty());
        peer.hears(pingresp());
        assert!(peer.live(seconds(10)).is_ok());
    }
}

#[test]
fn a_peer_that_stopped_behind_a_slow_link_is_found() {
    let mut peer = peer();
    peer.is_secured = true;
    fill_link(&mut peer, 2 * INTERVAL as usize * 1000);
    let mut arrived = 0;
    let found = seconds_to_failure(&mut peer, |peer| {
        arrived += u64::from(peer.acknowledges(1000) > 0);
    });
    assert!(arrived >= 2 * INTERVAL, "{arrived}, {found}");
    assert!(found > arrived + INTERVAL * 3 / 4 && found <= arrived + INTERVAL + 1);
}

#[test]
fn a_link_that_dies_with_bytes_in_it_is_found() {
    for dies_after in [0, 1, INTERVAL, INTERVAL + 7, 3 * INTERVAL - 1] {
        let mut peer = peer();
        fill_link(&mut peer, 1_000_000);
        let mut second = 0;
        let found = seconds_to_failure(&mut peer, |peer| {
            second += 1;
            if second <= dies_after {
                peer.acknowledges(1000);
            }
        });
        assert!(found <= dies_after + 2 * INTERVAL, "{dies_after}: {found}");
    }
}

#[test]
fn looks_at_a_slow_link_are_few() {
    let mut peer = peer();
    fill_link(&mut peer, 1_000_000);
    let mut wakes = 0;
    let end = peer.now + seconds(10 * INTERVAL);
    while let Some(at) = peer.session.poll_timeout().filter(|&at| at < end) {
        assert!(at > peer.now);
        peer.now = at;
        peer.acknowledges(1000);
        peer.time_out().unwrap();
        peer.sent();
        wakes += 1;
    }
    assert!(wakes <= 5 * 10, "{wakes}");
}

#[test]
fn a_look_that_is_late_costs_the_peer_nothing() {
    let mut peer = peer();
    fill_link(&mut peer, 1_000_000);
    peer.live(seconds(INTERVAL)).unwrap();
    // The program was suspended, and everything has arrived meanwhile.
    peer.acknowledges(10_000_000);
    peer.wait(seconds(100 * INTERVAL));
    assert!(peer.live(seconds(INTERVAL / 2)).is_ok());
}
