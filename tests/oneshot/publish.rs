//! Publishing: all messages, in order, at the same time, and an end that says how far it came.

use std::ffi::{c_int, c_void};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use pmqtt::client::Handle;
use pmqtt::client::events::MessageEvent;
use pmqtt::ffi::*;

use crate::call::{Call, Message, publication, timed};
use crate::distance::far_from;
use crate::mosquitto::Mosquitto;
use crate::played::{DISCONNECT, PUBACK, PUBLISH_QOS_1, PUBLISH_QOS_2, PUBREL, Peer, play};

#[test]
fn what_is_published_arrives_in_order() {
    let broker = Mosquitto::start();
    let mut ready = publication(c"t", b"ready", 0);
    ready.retain = true;
    assert_eq!(Call::to(broker.port).publish_one(&ready), PMQTT_ERR_SUCCESS);

    let numbers: Vec<_> = (0..3000u32).map(u32::to_be_bytes).collect();
    for qos in 0..=2 {
        let messages: Vec<_> = numbers.iter().map(|n| publication(c"t", n, qos)).collect();
        let (sender, is_ready) = channel();
        let mut receiver = Receiver {
            ready: sender,
            wanted: numbers.len(),
            messages: Vec::new(),
        };
        let port = broker.port;
        let receiving = thread::spawn(move || {
            let code = Call::to(port).follow(Some(on_message), qos, &mut receiver);
            (code, receiver.messages)
        });
        is_ready.recv().expect("the retained message");
        let call = Call::to(port);
        assert_eq!(
            call.publish(&messages),
            PMQTT_ERR_SUCCESS,
            "qos {qos} {}",
            call.words()
        );
        let (code, received) = receiving.join().expect("the receiver");
        assert_eq!(code, PMQTT_ERR_SUCCESS);
        assert!(received.iter().all(|message| message.qos == qos));
        assert!(
            received
                .iter()
                .map(|m| &m.payload[..])
                .eq(numbers.iter().map(|n| &n[..]))
        );
    }
}

struct Receiver {
    ready: Sender<()>,
    wanted: usize,
    messages: Vec<Message>,
}

extern "C" fn on_message(client: *mut Handle, userdata: *mut c_void, event: *const MessageEvent) {
    // SAFETY: the user data is the receiver, the client and the event are the library's.
    unsafe {
        let receiver = &mut *userdata.cast::<Receiver>();
        assert_eq!(pmqtt_user_data(client), userdata);
        let message = Message::new(&*event);
        if message.retain {
            receiver.ready.send(()).expect("the test waits");
            return;
        }
        receiver.messages.push(message);
        if receiver.messages.len() == receiver.wanted {
            assert_eq!(pmqtt_disconnect(client), PMQTT_ERR_SUCCESS);
        }
    }
}

#[test]
fn no_message_waits_for_the_acknowledgement_of_another() {
    const COUNT: u16 = 10_000;
    let (port, broker) = play(|listener| {
        let mut peer = Peer::answer(listener, 0);
        for id in 1..=COUNT {
            assert_eq!(peer.expect(PUBLISH_QOS_1)[3..5], id.to_be_bytes());
        }
        let acknowledgements = (1..=COUNT).flat_map(|id| {
            let [high, low] = id.to_be_bytes();
            [PUBACK, 2, high, low]
        });
        peer.send(&acknowledgements.collect::<Vec<_>>());
        peer.expect(DISCONNECT);
    });
    let messages: Vec<_> = (0..COUNT).map(|_| publication(c"t", b"", 1)).collect();
    assert_eq!(Call::to(port).publish(&messages), PMQTT_ERR_SUCCESS);
    broker.join().expect("the broker");
}

/// Without a distance only the broker decides how much faster it is: mosquitto itself takes some 5
/// microseconds for a message.
#[test]
fn many_at_once_are_much_faster_than_one_by_one() {
    const MANY: usize = 10_000;
    const SINGLE: usize = 20;
    let broker = Mosquitto::start();
    let port = far_from(broker.port);
    let messages: Vec<_> = (0..MANY).map(|_| publication(c"t", b"x", 1)).collect();
    let (code, many) = timed(|| Call::to(port).publish(&messages));
    assert_eq!(code, PMQTT_ERR_SUCCESS);
    let ((), single) = timed(|| {
        for message in &messages[..SINGLE] {
            assert_eq!(Call::to(port).publish_one(message), PMQTT_ERR_SUCCESS);
        }
    });
    let one_by_one = single / SINGLE as u32 * MANY as u32;
    assert!(
        20 * many <= one_by_one,
        "{MANY}: {many:?}; {SINGLE}: {single:?}"
    );
}

#[test]
fn more_than_the_queue_may_hold_is_published_too() {
    let broker = Mosquitto::start();
    let payload = vec![b'x'; 1 << 20];
    let messages: Vec<_> = (0..100).map(|_| publication(c"t", &payload, 1)).collect();
    let call = Call::to(broker.port).with(|options| options.timeout_ms = 60_000);
    assert_eq!(
        call.publish(&messages),
        PMQTT_ERR_SUCCESS,
        "{}",
        call.words()
    );
}

#[test]
fn no_message_is_a_visit() {
    let (port, broker) = play(|listener| {
        let mut peer = Peer::answer(listener, 0);
        peer.expect(DISCONNECT);
        peer.expect_end();
    });
    assert_eq!(Call::to(port).publish(&[]), PMQTT_ERR_SUCCESS);
    broker.join().expect("the broker");
}

#[test]
fn a_refusal_is_told_in_its_own_words_and_not_tried_again() {
    const CODE: u8 = 3;
    let (port, broker) = play(|listener| {
        Peer::answer(listener, CODE).expect_end();
        listener.set_nonblocking(true).expect("a listener");
        assert!(listener.accept().is_err());
    });
    let call = Call::to(port);
    let code = call.publish(&[publication(c"t", b"", 1)]);
    assert_eq!(code, PMQTT_ERR_CONN_REFUSED);
    let words = pmqtt::client::error::connack_string(CODE.into());
    assert!(
        call.words().contains(words.to_str().expect("words")),
        "{}",
        call.words()
    );
    broker.join().expect("the broker");
}

/// A broker that refuses MQTT 5, or closes: the call goes on with MQTT 3.1.1.
#[test]
fn the_best_version_of_the_broker_is_found() {
    for is_refused in [true, false] {
        let (port, broker) = play(move |listener| {
            match is_refused {
                true => Peer::answer(listener, 1).expect_end(),
                false => drop(Peer::accept(listener)),
            }
            let mut peer = Peer::answer(listener, 0);
            let publish = peer.expect(PUBLISH_QOS_1);
            peer.send(&[0x40, 2, publish[3], publish[4]]);
            peer.expect(DISCONNECT);
        });
        let call = Call::to(port).with(|options| options.protocol = PMQTT_PROTOCOL_BEST);
        let code = call.publish(&[publication(c"t", b"", 1)]);
        assert_eq!(code, PMQTT_ERR_SUCCESS, "{}", call.words());
        broker.join().expect("the broker");
    }
}

#[test]
fn a_lost_connection_is_an_error_that_says_how_far_it_came() {
    let (port, broker) = play(|listener| {
        let mut peer = Peer::answer(listener, 0);
        for _ in 0..3 {
            let publish = peer.expect(PUBLISH_QOS_1);
            if publish[3..5] != [0, 3] {
                peer.send(&[0x40, 2, publish[3], publish[4]]);
            }
        }
    });
    let call = Call::to(port);
    let messages: [_; 3] = std::array::from_fn(|_| publication(c"t", b"", 1));
    assert_eq!(call.publish(&messages), PMQTT_ERR_CONN_LOST);
    assert!(
        call.words().ends_with("; 2 of 3 messages are settled"),
        "{}",
        call.words()
    );
    broker.join().expect("the broker");
}

/// A program that publishes again after that may have the message arrive twice.
#[test]
fn a_connection_lost_before_pubcomp_leaves_the_message_in_doubt() {
    let (port, broker) = play(|listener| {
        let mut peer = Peer::answer(listener, 0);
        let publish = peer.expect(PUBLISH_QOS_2);
        peer.send(&[0x50, 2, publish[3], publish[4]]);
        peer.expect(PUBREL);
    });
    let call = Call::to(port);
    let code = call.publish_one(&publication(c"t", b"", 2));
    assert_eq!(code, PMQTT_ERR_IN_DOUBT);
    assert!(
        call.words().ends_with("; 0 of 1 messages are settled"),
        "{}",
        call.words()
    );
    broker.join().expect("the broker");
}

#[test]
fn a_message_that_is_not_settled_in_time_is_an_error() {
    let (port, broker) = play(|listener| {
        let mut peer = Peer::answer(listener, 0);
        peer.expect(PUBLISH_QOS_1);
        peer.expect(DISCONNECT);
        peer.expect_end();
    });
    let call = Call::to(port).with(|options| options.timeout_ms = 2000);
    let code: c_int = call.publish_one(&publication(c"t", b"", 1));
    assert_eq!(code, PMQTT_ERR_TIMEOUT);
    assert!(
        call.words().ends_with("; 0 of 1 messages are settled"),
        "{}",
        call.words()
    );
    broker.join().expect("the broker");
}

/// They wait while the broker takes its time for CONNACK.
#[test]
fn messages_that_are_not_sent_in_time_are_an_error_and_the_others_arrive() {
    let (port, broker) = play(|listener| {
        let mut peer = Peer::answer_after(listener, Duration::from_millis(1200));
        let publish = peer.expect(PUBLISH_QOS_1);
        assert_eq!(publish[5..], *b"2");
        peer.send(&[0x40, 2, publish[3], publish[4]]);
        peer.expect(DISCONNECT);
        peer.expect_end();
    });
    let messages = [(b"1", 1, 1), (b"2", 1, 60), (b"3", 2, 1)].map(|(payload, qos, expiry_s)| {
        let message = publication(c"t", payload, qos);
        Publication {
            expiry_s,
            ..message
        }
    });
    let call = Call::to(port);
    assert_eq!(call.publish(&messages), PMQTT_ERR_EXPIRED);
    assert_eq!(
        call.words(),
        "publish: messages that were not sent in time: 2; 1 of 3 messages are settled"
    );
    broker.join().expect("the broker");
}
