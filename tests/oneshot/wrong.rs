//! An invalid call fails before anything is sent; a call without an answer ends, too.

use std::ffi::{c_int, c_void};
use std::net::TcpListener;
use std::ptr;

use pmqtt::ffi::*;

use crate::call::{Call, PATIENCE, publication, timed};
use crate::mosquitto::free_port;

/// Nothing listens there: a call that tried to connect would not return `PMQTT_ERR_INVAL`.
const NOBODY: u16 = 1;

#[test]
fn a_wrong_message_is_named_and_nothing_is_sent() {
    let mut null = publication(c"t", b"x", 1);
    null.payload = ptr::null();
    let mut long = publication(c"t", b"x", 1);
    long.payload_len = usize::MAX;
    for (wrong, code) in [
        (publication(c"", b"", 0), PMQTT_ERR_INVAL),
        (publication(c"a/#", b"", 0), PMQTT_ERR_INVAL),
        (publication(c"\xff", b"", 0), PMQTT_ERR_INVAL),
        (publication(c"t", b"", 3), PMQTT_ERR_INVAL),
        (publication(c"t", b"", -1), PMQTT_ERR_INVAL),
        (null, PMQTT_ERR_INVAL),
        (long, PMQTT_ERR_PAYLOAD_SIZE),
    ] {
        assert_eq!(Call::to(NOBODY).publish_one(&wrong), code);
        let call = Call::to(NOBODY);
        let messages = [publication(c"t", b"", 0), publication(c"t", b"", 1), wrong];
        assert_eq!(call.publish(&messages), code);
        assert!(
            call.words().ends_with("; it is message 2"),
            "{}",
            call.words()
        );
    }
}

#[test]
fn the_largest_packet_is_the_limit_of_a_message() {
    // Never touched, so the system never allocates it.
    let payload = vec![0; 268_435_455];
    // The topic and its length, and at QoS 1 the packet identifier.
    for (qos, others) in [(0, 3), (1, 5)] {
        let fits = payload.len() - others;
        let publish = |length| {
            let message = publication(c"t", &payload[..length], qos);
            Call::to(NOBODY).publish_one(&message)
        };
        assert_eq!(publish(fits + 1), PMQTT_ERR_PAYLOAD_SIZE);
        assert_eq!(publish(fits), PMQTT_ERR_ERRNO);
    }
}

#[test]
fn wrong_options_are_refused() {
    type Change = fn(&mut OneshotOptions);
    let changes: [(Change, c_int); 15] = [
        (|options| options.struct_size = 0, PMQTT_ERR_INVAL),
        (|options| options.struct_size -= 1, PMQTT_ERR_INVAL),
        (|options| options.struct_size += 1, PMQTT_ERR_INVAL),
        (
            |options| options.struct_size = usize::MAX - 7,
            PMQTT_ERR_INVAL,
        ),
        (|options| options.hostname = c"".as_ptr(), PMQTT_ERR_INVAL),
        (
            |options| options.hostname = c"\xff".as_ptr(),
            PMQTT_ERR_INVAL,
        ),
        (|options| options.port = -1, PMQTT_ERR_INVAL),
        (|options| options.port = 65_536, PMQTT_ERR_INVAL),
        (|options| options.keepalive = -1, PMQTT_ERR_INVAL),
        (|options| options.keepalive = 65_536, PMQTT_ERR_INVAL),
        (|options| options.protocol = 99, PMQTT_ERR_INVAL),
        (|options| options.timeout_ms = -1, PMQTT_ERR_INVAL),
        (|options| options.durable = true, PMQTT_ERR_INVAL),
        (
            |options| options.username = c"\xff".as_ptr(),
            PMQTT_ERR_INVAL,
        ),
        (
            |options| options.client_id = c"\xff".as_ptr(),
            PMQTT_ERR_INVAL,
        ),
    ];
    for (number, (change, code)) in changes.into_iter().enumerate() {
        let call = Call::to(NOBODY).with(change);
        assert_eq!(call.publish(&[]), code, "change {number}: {}", call.words());
    }
    let will = publication(c"#", b"", 0);
    let call = Call::to(NOBODY).with(|options| options.will = &will);
    assert_eq!(call.publish(&[]), PMQTT_ERR_INVAL);
    let mut will = publication(c"t", b"", 0);
    will.expiry_s = 1;
    let call = Call::to(NOBODY).with(|options| options.will = &will);
    assert_eq!(call.publish(&[]), PMQTT_ERR_NOT_SUPPORTED);
    assert!(call.words().contains("expiry_s"), "{}", call.words());
    will.tag = 1;
    let call = Call::to(NOBODY).with(|options| options.will = &will);
    assert_eq!(call.publish(&[]), PMQTT_ERR_INVAL);
    assert!(call.words().contains("tag"), "{}", call.words());
}

#[test]
fn wrong_subscriptions_are_refused() {
    let call = Call::to(NOBODY);
    assert_eq!(call.collect(&[], 0, 1).0, PMQTT_ERR_INVAL);
    assert_eq!(call.collect(&[c"a#"], 0, 1).0, PMQTT_ERR_INVAL);
    assert_eq!(call.collect(&[c"t"], 3, 1).0, PMQTT_ERR_INVAL);
    assert_eq!(call.collect(&[c"t"], 0, 0).0, PMQTT_ERR_INVAL);
    assert_eq!(call.follow(None, 0, &mut ()), PMQTT_ERR_INVAL);
    // SAFETY: NULL is what this tests.
    unsafe {
        let mut out = ptr::dangling_mut();
        let code = pmqtt_subscribe_simple(ptr::null(), 1, 0, 1, false, &call.options, &mut out);
        assert_eq!(code, PMQTT_ERR_INVAL);
        assert!(out.is_null());
        let filters = [c"t".as_ptr()];
        let out = ptr::null_mut();
        let code = pmqtt_subscribe_simple(filters.as_ptr(), 1, 0, 1, false, &call.options, out);
        assert_eq!(code, PMQTT_ERR_INVAL);
        assert_eq!(
            pmqtt_publish_multiple(ptr::null(), 1, &call.options),
            PMQTT_ERR_INVAL
        );
        assert_eq!(pmqtt_messages_count(ptr::null()), 0);
        assert!(pmqtt_messages_get(ptr::null(), 0).is_null());
        pmqtt_messages_free(ptr::null_mut());
    }
}

#[test]
fn words_are_cut_where_there_is_little_room() {
    let mut small = [1; 5];
    let call = Call::to(NOBODY).with(|options| {
        options.port = -1;
        options.error = small.as_mut_ptr();
        options.error_size = 4;
    });
    assert_eq!(call.publish(&[]), PMQTT_ERR_INVAL);
    assert_eq!(small, [b'p' as _, b'o' as _, b'r' as _, 0, 1]);
    let call = call.with(|options| options.error_size = 0);
    assert_eq!(call.publish(&[]), PMQTT_ERR_INVAL);
    let call = call.with(|options| options.error = ptr::null_mut());
    assert_eq!(call.publish(&[]), PMQTT_ERR_INVAL);
}

#[test]
fn nobody_there_is_an_error_at_once() {
    let call = Call::to(free_port());
    let (code, time) = timed(|| call.publish(&[]));
    assert_eq!(code, PMQTT_ERR_ERRNO);
    assert!(call.words().starts_with("tcp: "), "{}", call.words());
    assert!(time < PATIENCE / 6);
}

/// The system accepts the connection, and nothing ever reads from it.
#[test]
fn a_silent_port_is_a_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = silent.local_addr().expect("its address").port();
    let call = || Call::to(port).with(|options| options.timeout_ms = 200);
    let calls: [fn(&Call) -> c_int; 3] = [
        |call| call.publish(&[]),
        |call| call.collect(&[c"t"], 0, 1).0,
        |call| call.follow(Some(unexpected), 0, &mut ()),
    ];
    for function in calls {
        let call = call();
        let (code, time) = timed(|| function(&call));
        assert_eq!(code, PMQTT_ERR_TIMEOUT, "{}", call.words());
        assert!(time.as_millis() >= 200 && time < PATIENCE / 6, "{time:?}");
    }
}

extern "C" fn unexpected(
    _: *mut pmqtt::client::Handle,
    _: *mut c_void,
    _: *const pmqtt::client::events::MessageEvent,
) {
    unreachable!("there is no message");
}
