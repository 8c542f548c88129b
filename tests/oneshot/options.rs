//! How the options appear in CONNECT.

use std::ptr;

use pmqtt::ffi::*;

use crate::call::{Call, publication};
use crate::played::{DISCONNECT, Peer, play};

/// Connects with these options. Returns CONNECT, and the part of it behind the client id.
fn connect(change: impl FnOnce(&mut OneshotOptions)) -> (Vec<u8>, Vec<u8>) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let (port, broker) = play(move |listener| {
        let mut peer = Peer::answer(listener, 0);
        sender.send(peer.connect.clone()).expect("the test waits");
        peer.expect(DISCONNECT);
    });
    let call = Call::to(port).with(change);
    assert_eq!(call.publish(&[]), PMQTT_ERR_SUCCESS, "{}", call.words());
    broker.join().expect("the broker");
    let connect = receiver.recv().expect("CONNECT");
    let id = 2 + connect[1] as usize + 4;
    let rest = connect[id + 2 + connect[id + 1] as usize..].to_vec();
    (connect, rest)
}

#[test]
fn zeros_are_defaults() {
    let (connect, rest) = connect(|options| {
        options.hostname = ptr::null();
        options.error = ptr::null_mut();
        options.error_size = 0;
    });
    // 3.1.1, a clean session and no other flag, 60 seconds.
    assert!(connect.starts_with(b"\0\x04MQTT\x04\x02\0\x3c"));
    // [MQTT-3.1.3-5]: 1 to 23 characters.
    assert!((1..=23).contains(&connect[11]));
    assert_eq!(rest, b"");
}

#[test]
fn every_option_is_used() {
    let will = Publication {
        struct_size: size_of::<Publication>(),
        retain: true,
        ..publication(c"will", b"w", 1)
    };
    let (connect, rest) = connect(|options| {
        options.client_id = c"me".as_ptr();
        options.keepalive = 258;
        options.will = &will;
        options.username = c"user".as_ptr();
        options.password = c"password".as_ptr();
        options.protocol = PMQTT_PROTOCOL_V31;
        options.durable = true;
    });
    assert!(connect.starts_with(b"\0\x06MQIsdp\x03\xec\x01\x02\0\x02me"));
    assert_eq!(rest, b"\0\x04will\0\x01w\0\x04user\0\x08password");
}

/// The error is that of an invalid message, so missing options were accepted.
#[test]
fn there_need_not_be_options() {
    // SAFETY: the topic is a string, and everything else NULL.
    let code =
        unsafe { pmqtt_publish_single(c"#".as_ptr(), ptr::null(), 0, 0, false, ptr::null()) };
    assert_eq!(code, PMQTT_ERR_INVAL);
}
