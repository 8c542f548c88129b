//! Calls that fail: each returns why, and changes nothing.

use std::collections::BTreeSet;
use std::ffi::{CStr, c_char};
use std::mem::offset_of;
use std::ptr::{null, null_mut};

use pmqtt::client::events::PropertyView;
use pmqtt::ffi::Statistics;
use pmqtt::ffi::{
    self, PMQTT_ERR_INVAL, PMQTT_ERR_NO_CONN, PMQTT_ERR_NOT_FOUND, PMQTT_ERR_NOT_SUPPORTED,
    PMQTT_ERR_PAYLOAD_SIZE,
};

use crate::support::{
    Broker, CONNACK, CONNECT, Client, Drive, Event, c, connected, functions, words,
};

const NULL: *const c_char = null();
const BAD: &CStr = c"\xff";

/// Properties of MQTT 5.
fn list(bytes: &'static [u8]) -> PropertyView {
    PropertyView {
        data: bytes.as_ptr().cast(),
        len: bytes.len(),
    }
}

/// The functions without a client, or for which NULL is valid.
const WITHOUT_CLIENT: [&str; 23] = [
    "pmqtt_client_new",
    "pmqtt_client_free",
    "pmqtt_topic_matches_sub",
    "pmqtt_error_string",
    "pmqtt_connack_string",
    "pmqtt_reason_string",
    "pmqtt_lib_version",
    // tests-c/properties.c has the errors of these.
    "pmqtt_property_next",
    "pmqtt_property_find",
    "pmqtt_property_user",
    "pmqtt_property_name",
    "pmqtt_property_add_number",
    "pmqtt_property_add_bytes",
    "pmqtt_property_add_pair",
    "pmqtt_property_finish",
    // reply.rs has the errors of this.
    "pmqtt_reply_address",
    // tests/oneshot has the errors of these.
    "pmqtt_publish_single",
    "pmqtt_publish_multiple",
    "pmqtt_subscribe_simple",
    "pmqtt_subscribe_callback",
    "pmqtt_messages_count",
    "pmqtt_messages_get",
    "pmqtt_messages_free",
];

/// The name of each function, and whether it returns `result` without a client.
macro_rules! without_client {
    ($($function:ident($($argument:expr),*) => $result:expr;)*) => {[$((
        stringify!($function),
        // SAFETY: the header allows NULL for the client, and the other arguments are right.
        PartialEq::eq(&unsafe { ffi::$function(null_mut(), $($argument),*) }, &$result),
    )),*]};
}

#[test]
fn null_for_the_client_is_refused_by_each_function() {
    let text = c"t".as_ptr();
    let checked = without_client! {
        pmqtt_on_connect_set(None) => PMQTT_ERR_INVAL;
        pmqtt_on_connect_fail_set(None) => PMQTT_ERR_INVAL;
        pmqtt_on_disconnect_set(None) => PMQTT_ERR_INVAL;
        pmqtt_on_message_set(None) => PMQTT_ERR_INVAL;
        pmqtt_on_publish_set(None) => PMQTT_ERR_INVAL;
        pmqtt_on_subscribe_set(None) => PMQTT_ERR_INVAL;
        pmqtt_on_unsubscribe_set(None) => PMQTT_ERR_INVAL;
        pmqtt_on_writable_set(None) => PMQTT_ERR_INVAL;
        pmqtt_on_drained_set(None) => PMQTT_ERR_INVAL;
        pmqtt_on_log_set(None) => PMQTT_ERR_INVAL;
        pmqtt_log_level_set(1) => PMQTT_ERR_INVAL;
        pmqtt_on_interest_set(None) => PMQTT_ERR_INVAL;
        pmqtt_on_redirect_set(None) => PMQTT_ERR_INVAL;
        pmqtt_redirect_follow() => PMQTT_ERR_INVAL;
        pmqtt_message_callback_add(text, None) => PMQTT_ERR_INVAL;
        pmqtt_message_handler_add(null()) => PMQTT_ERR_INVAL;
        pmqtt_message_callback_remove(text) => PMQTT_ERR_INVAL;
        pmqtt_connect(text, 1, 1, NULL) => PMQTT_ERR_INVAL;
        pmqtt_connect_async(text, 1, 1, NULL) => PMQTT_ERR_INVAL;
        pmqtt_connect_srv(text, 1, NULL) => PMQTT_ERR_INVAL;
        pmqtt_connect_srv_async(text, 1, NULL) => PMQTT_ERR_INVAL;
        pmqtt_is_connected() => false;
        pmqtt_connect_options_set(null()) => PMQTT_ERR_INVAL;
        pmqtt_negotiated_get(null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_negotiated_text(0, null_mut(), 0) => PMQTT_ERR_INVAL;
        pmqtt_reconnect() => PMQTT_ERR_INVAL;
        pmqtt_disconnect() => PMQTT_ERR_INVAL;
        pmqtt_disconnect_with(0, null()) => PMQTT_ERR_INVAL;
        pmqtt_reinitialise(text, true, null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_client_id() => NULL;
        pmqtt_user_data_set(null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_user_data() => null_mut();
        pmqtt_loop(0) => PMQTT_ERR_INVAL;
        pmqtt_loop_forever(true) => PMQTT_ERR_INVAL;
        pmqtt_loop_start() => PMQTT_ERR_INVAL;
        pmqtt_loop_stop() => PMQTT_ERR_INVAL;
        pmqtt_loop_read() => PMQTT_ERR_INVAL;
        pmqtt_loop_write() => PMQTT_ERR_INVAL;
        pmqtt_loop_misc() => PMQTT_ERR_INVAL;
        pmqtt_socket() => -1;
        pmqtt_want_read() => false;
        pmqtt_want_write() => false;
        pmqtt_next_timeout_ms() => -1;
        pmqtt_event_fd() => -1;
        pmqtt_process() => PMQTT_ERR_INVAL;
        pmqtt_drain(0, null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_publish(text, null(), 0, 0, false, null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_publish_message(null(), null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_publish_batch(null(), 0, null_mut(), null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_subscribe(text, 0, null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_subscribe_multiple(&text, &0, 1, null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_unsubscribe(text, null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_unsubscribe_multiple(&text, 1, null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_subscribe_with(null(), 0, null(), null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_unsubscribe_with(&text, 1, null(), null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_resubscribe_set(true) => PMQTT_ERR_INVAL;
        pmqtt_request(null(), 1, None, null_mut(), null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_request_cancel(1) => PMQTT_ERR_INVAL;
        pmqtt_reply(null(), null()) => PMQTT_ERR_INVAL;
        pmqtt_reply_to(null(), null()) => PMQTT_ERR_INVAL;
        pmqtt_ack(1, 1) => PMQTT_ERR_INVAL;
        pmqtt_ack_with(1, 1, 0, null()) => PMQTT_ERR_INVAL;
        pmqtt_will_set(text, null(), 0, 0, false) => PMQTT_ERR_INVAL;
        pmqtt_will_with(null(), 0) => PMQTT_ERR_INVAL;
        pmqtt_will_clear() => PMQTT_ERR_INVAL;
        pmqtt_max_inflight_messages_set(1) => PMQTT_ERR_INVAL;
        pmqtt_max_queued_messages_set(1) => PMQTT_ERR_INVAL;
        pmqtt_max_queued_bytes_set(1) => PMQTT_ERR_INVAL;
        pmqtt_max_packet_size_set(0) => PMQTT_ERR_INVAL;
        pmqtt_queue_options_set(null()) => PMQTT_ERR_INVAL;
        pmqtt_cancel(1) => PMQTT_ERR_INVAL;
        pmqtt_queue_clear() => PMQTT_ERR_INVAL;
        pmqtt_message_retry_set(1) => PMQTT_ERR_INVAL;
        pmqtt_connect_timeout_set(1) => PMQTT_ERR_INVAL;
        pmqtt_reconnect_delay_set(1, 1) => PMQTT_ERR_INVAL;
        pmqtt_username_pw_set(text, text) => PMQTT_ERR_INVAL;
        pmqtt_manual_ack_set(1) => PMQTT_ERR_INVAL;
        pmqtt_tls_set(NULL, NULL, NULL, 2, 0, NULL) => PMQTT_ERR_INVAL;
        pmqtt_tls_pem_set(NULL, NULL, NULL, 2, 0, NULL) => PMQTT_ERR_INVAL;
        pmqtt_tls_key_password_set(None) => PMQTT_ERR_INVAL;
        pmqtt_tls_insecure_set(true) => PMQTT_ERR_INVAL;
        pmqtt_tls_server_name_set(NULL) => PMQTT_ERR_INVAL;
        pmqtt_tls_alpn_set(null(), 0) => PMQTT_ERR_INVAL;
        pmqtt_tls_psk_set(text, text.cast(), 1) => PMQTT_ERR_INVAL;
        pmqtt_tls_context_set(null_mut()) => PMQTT_ERR_INVAL;
        pmqtt_auth_set(NULL, None) => PMQTT_ERR_INVAL;
        pmqtt_auth_answer(null(), 0, null()) => PMQTT_ERR_INVAL;
        pmqtt_auth_fail(0x80) => PMQTT_ERR_INVAL;
        pmqtt_reauthenticate() => PMQTT_ERR_INVAL;
        pmqtt_auth_scram_set(NULL, NULL) => PMQTT_ERR_INVAL;
        pmqtt_last_error(null_mut(), 0) => 0;
        pmqtt_stats(null_mut()) => PMQTT_ERR_INVAL;
    };
    for (function, refuses) in checked {
        assert!(refuses, "{function}");
    }
    let names = checked.into_iter().map(|(name, _)| name);
    let known: BTreeSet<String> = names.chain(WITHOUT_CLIENT).map(str::to_owned).collect();
    assert_eq!(known, functions());
    // SAFETY: the header allows it.
    unsafe { ffi::pmqtt_client_free(null_mut()) };
}

/// Each call returns this code, and the last error contains the text.
macro_rules! refuses {
    ($client:expr; $($function:ident($($argument:expr),*) => $code:expr, $words:expr;)*) => {$(
        // SAFETY: pointers are NULL if NULL is what is tested, and valid otherwise.
        let rc = unsafe { ffi::$function($client.0, $($argument),*) };
        let said = $client.last_error();
        assert_eq!(rc, $code, "{}: {said}", stringify!($function($($argument),*)));
        assert!(said.contains($words), "{said} does not tell of {}", $words);
    )*};
}

#[test]
fn a_wrong_argument_changes_nothing() {
    let (client, broker) = (Client::new("c"), Broker::new());
    wrong_connects(&client);
    wrong_settings(&client);
    wrong_filters(&client);
    wrong_messages(&client);
    wrong_requests(&client);
    wrong_questions(&client);

    client.connect_async(&broker);
    client.run(Drive::Thread);
    let mut peer = broker.welcome(CONNECT, CONNACK);
    assert_eq!(client.next(), Event::CONNECTED);
    peer.expect_silence();
    assert_eq!(client.publish("t", b"", 0), 1);
    peer.expect(b"\x30\x03\0\x01t");
}

fn wrong_connects(client: &Client) {
    let host = c"127.0.0.1".as_ptr();
    let (bad, long) = (BAD.as_ptr(), c("x".repeat(65_536)));
    refuses! { client;
        pmqtt_connect(NULL, 1, 1, NULL) => PMQTT_ERR_INVAL, "connect: the host is NULL";
        pmqtt_connect(bad, 1, 1, NULL) => PMQTT_ERR_INVAL, "host is not well-formed UTF-8";
        pmqtt_connect(c"".as_ptr(), 1, 1, NULL) => PMQTT_ERR_INVAL, "host name is empty";
        pmqtt_connect(host, -1, 1, NULL) => PMQTT_ERR_INVAL, "port -1";
        pmqtt_connect(host, 65_536, 1, NULL) => PMQTT_ERR_INVAL, "port 65536";
        pmqtt_connect(host, 1, -1, NULL) => PMQTT_ERR_INVAL, "keepalive -1";
        pmqtt_connect(host, 1, 65_536, NULL) => PMQTT_ERR_INVAL, "keepalive 65536";
        pmqtt_connect(host, 1, 1, bad) => PMQTT_ERR_INVAL, "the bind address";
        pmqtt_connect(host, 1, 1, c"here".as_ptr()) => PMQTT_ERR_INVAL, "here is no IP address";
        pmqtt_connect_async(NULL, 1, 1, NULL) => PMQTT_ERR_INVAL, "connect: the host is NULL";
        pmqtt_connect_async(bad, 1, 1, NULL) => PMQTT_ERR_INVAL, "host is not well-formed UTF-8";
        pmqtt_connect_async(c"".as_ptr(), 1, 1, NULL) => PMQTT_ERR_INVAL, "host name is empty";
        pmqtt_connect_async(host, 65_536, 1, NULL) => PMQTT_ERR_INVAL, "port 65536";
        pmqtt_connect_async(host, 1, -1, NULL) => PMQTT_ERR_INVAL, "keepalive -1";
        pmqtt_connect_async(host, 1, 1, c"here".as_ptr()) => PMQTT_ERR_INVAL, "no IP address";
        pmqtt_reconnect() => PMQTT_ERR_INVAL, "no connect call has succeeded";
        pmqtt_disconnect() => PMQTT_ERR_NO_CONN, "no connection";
        pmqtt_disconnect_with(0, null()) => PMQTT_ERR_NO_CONN, "no connection";
        pmqtt_reinitialise(bad, true, null_mut()) => PMQTT_ERR_INVAL, "client id is not";
        pmqtt_reinitialise(long.as_ptr(), true, null_mut()) => PMQTT_ERR_INVAL, "65,535 bytes";
        pmqtt_reinitialise(NULL, false, null_mut()) => PMQTT_ERR_INVAL, "needed where clean_session is false";
        pmqtt_loop(-2) => PMQTT_ERR_INVAL, "loop: timeout -2";
        pmqtt_loop(0) => PMQTT_ERR_NO_CONN, "no connection";
        pmqtt_loop_forever(true) => PMQTT_ERR_INVAL, "call connect or connect_async first";
        pmqtt_loop_stop() => PMQTT_ERR_INVAL, "no loop thread runs";
        pmqtt_loop_read() => PMQTT_ERR_NO_CONN, "no connection";
        pmqtt_loop_write() => PMQTT_ERR_NO_CONN, "no connection";
        pmqtt_loop_misc() => PMQTT_ERR_NO_CONN, "no connection";
        pmqtt_process() => PMQTT_ERR_NO_CONN, "no connection";
    }
}

fn wrong_settings(client: &Client) {
    let long = c("x".repeat(65_536));
    let (user, long) = (c"u".as_ptr(), long.as_ptr());
    refuses! { client;
        pmqtt_max_inflight_messages_set(-1) => PMQTT_ERR_INVAL, "max_inflight_messages_set: -1";
        pmqtt_max_inflight_messages_set(65_536) => PMQTT_ERR_INVAL, "65536 is not between";
        pmqtt_max_queued_messages_set(-1) => PMQTT_ERR_INVAL, "max_queued_messages_set: -1";
        pmqtt_max_packet_size_set(1) => PMQTT_ERR_INVAL, "fits into 1 bytes";
        pmqtt_max_packet_size_set(4) => PMQTT_ERR_INVAL, "max_packet_size_set: no message";
        pmqtt_message_retry_set(-1) => PMQTT_ERR_INVAL, "message_retry_set: -1";
        pmqtt_connect_timeout_set(-1) => PMQTT_ERR_INVAL, "connect_timeout_set: -1";
        pmqtt_connect_timeout_set(0) => PMQTT_ERR_INVAL, "connect_timeout_set: it must be over 0";
        pmqtt_reconnect_delay_set(-1, 1) => PMQTT_ERR_INVAL, "min_delay -1";
        pmqtt_reconnect_delay_set(1, -1) => PMQTT_ERR_INVAL, "max_delay -1";
        pmqtt_reconnect_delay_set(0, 1) => PMQTT_ERR_INVAL, "min_delay must be over 0";
        pmqtt_reconnect_delay_set(2, 1) => PMQTT_ERR_INVAL, "max_delay not below it";
        pmqtt_username_pw_set(BAD.as_ptr(), NULL) => PMQTT_ERR_INVAL, "user name is not well-formed";
        pmqtt_username_pw_set(long, NULL) => PMQTT_ERR_INVAL, "username_pw_set: neither";
        pmqtt_username_pw_set(user, long) => PMQTT_ERR_INVAL, "username_pw_set: neither";
    }
}

fn wrong_filters(client: &Client) {
    let filter = c"f".as_ptr();
    refuses! { client;
        pmqtt_message_callback_add(NULL, None) => PMQTT_ERR_INVAL, "message_callback_add: the filter";
        pmqtt_message_callback_add(filter, None) => PMQTT_ERR_INVAL, "message_callback_add: the callback";
        pmqtt_message_handler_add(null()) => PMQTT_ERR_INVAL, "message_handler_add: the handler is NULL";
        pmqtt_message_callback_remove(NULL) => PMQTT_ERR_INVAL, "the filter is NULL";
        pmqtt_message_callback_remove(BAD.as_ptr()) => PMQTT_ERR_INVAL, "the filter is not";
        pmqtt_message_callback_remove(filter) => PMQTT_ERR_NOT_FOUND, "f has no callback";
    }
    for filter in ["", "a/#/b", "a+"] {
        assert_eq!(client.add_filter(filter), PMQTT_ERR_INVAL);
        assert!(client.last_error().starts_with("message_callback_add: "));
    }
}

fn wrong_messages(client: &Client) {
    let long = c("x".repeat(65_536));
    let (topic, bad, long) = (c"t".as_ptr(), BAD.as_ptr(), long.as_ptr());
    let (empty, wild) = (c"".as_ptr(), c"a/+".as_ptr());
    let large = vec![0_u8; 268_435_456];
    let (payload, size) = (large.as_ptr().cast(), large.len());
    let mut mid = 77;
    refuses! { client;
        pmqtt_publish(NULL, null(), 0, 0, false, &mut mid) => PMQTT_ERR_INVAL, "publish: the topic is NULL";
        pmqtt_publish(bad, null(), 0, 0, false, &mut mid) => PMQTT_ERR_INVAL, "publish: the topic is not";
        pmqtt_publish(empty, null(), 0, 0, false, &mut mid) => PMQTT_ERR_INVAL, "at least one character";
        pmqtt_publish(long, null(), 0, 0, false, &mut mid) => PMQTT_ERR_INVAL, "65,535 bytes";
        pmqtt_publish(wild, null(), 0, 0, false, &mut mid) => PMQTT_ERR_INVAL, "wildcards";
        pmqtt_publish(topic, null(), 1, 0, false, &mut mid) => PMQTT_ERR_INVAL, "the payload is NULL";
        pmqtt_publish(topic, null(), 0, -1, false, &mut mid) => PMQTT_ERR_INVAL, "QoS -1";
        pmqtt_publish(topic, null(), 0, 3, false, &mut mid) => PMQTT_ERR_INVAL, "publish: QoS 3";
        pmqtt_publish(topic, payload, size, 0, false, &mut mid) => PMQTT_ERR_PAYLOAD_SIZE, "publish:";
        pmqtt_publish(topic, payload, size - 1, 1, false, &mut mid) => PMQTT_ERR_PAYLOAD_SIZE, "too long";
        pmqtt_publish(topic, payload, usize::MAX, 0, false, &mut mid) => PMQTT_ERR_PAYLOAD_SIZE, "too long";
        pmqtt_will_set(NULL, null(), 0, 0, false) => PMQTT_ERR_INVAL, "will_set: the topic is NULL";
        pmqtt_will_set(bad, null(), 0, 0, false) => PMQTT_ERR_INVAL, "will_set: the topic is not";
        pmqtt_will_set(empty, null(), 0, 0, false) => PMQTT_ERR_INVAL, "at least one character";
        pmqtt_will_set(long, null(), 0, 0, false) => PMQTT_ERR_INVAL, "65,535 bytes";
        pmqtt_will_set(wild, null(), 0, 0, false) => PMQTT_ERR_INVAL, "wildcards";
        pmqtt_will_set(topic, null(), 1, 0, false) => PMQTT_ERR_INVAL, "the payload is NULL";
        pmqtt_will_set(topic, null(), 0, 3, false) => PMQTT_ERR_INVAL, "will_set: QoS 3";
        pmqtt_will_set(topic, payload, 65_536, 0, false) => PMQTT_ERR_PAYLOAD_SIZE, "65,535 bytes";
    }
    assert_eq!(mid, 77);
}

fn wrong_requests(client: &Client) {
    let (filter, bad) = (c"f".as_ptr(), BAD.as_ptr());
    let (split, second_is_null) = (c"a/#/b".as_ptr(), [filter, NULL]);
    let both = second_is_null.as_ptr();
    let mut mid = 77;
    refuses! { client;
        pmqtt_subscribe(NULL, 0, &mut mid) => PMQTT_ERR_INVAL, "subscribe: the filter is NULL";
        pmqtt_subscribe(bad, 0, &mut mid) => PMQTT_ERR_INVAL, "subscribe: the filter is not";
        pmqtt_subscribe(split, 0, &mut mid) => PMQTT_ERR_INVAL, "subscribe: # must be the last";
        pmqtt_subscribe(filter, 3, &mut mid) => PMQTT_ERR_INVAL, "QoS 3";
        pmqtt_subscribe(filter, -1, &mut mid) => PMQTT_ERR_INVAL, "QoS -1";
        pmqtt_subscribe(filter, 0, &mut mid) => PMQTT_ERR_NO_CONN, "no connection";
        pmqtt_subscribe_multiple(null(), &0, 1, &mut mid) => PMQTT_ERR_INVAL, "the array of filters";
        pmqtt_subscribe_multiple(&filter, null(), 1, &mut mid) => PMQTT_ERR_INVAL, "the array of QoS";
        pmqtt_subscribe_multiple(&filter, &0, 0, &mut mid) => PMQTT_ERR_INVAL, "no topic filter";
        pmqtt_subscribe_multiple(both, [0, 0].as_ptr(), 2, &mut mid) => PMQTT_ERR_INVAL, "is NULL";
        pmqtt_subscribe_multiple(&filter, &0, usize::MAX, &mut mid) => PMQTT_ERR_INVAL, "too many";
        pmqtt_unsubscribe(NULL, &mut mid) => PMQTT_ERR_INVAL, "unsubscribe: the filter is NULL";
        pmqtt_unsubscribe(bad, &mut mid) => PMQTT_ERR_INVAL, "unsubscribe: the filter is not";
        pmqtt_unsubscribe(split, &mut mid) => PMQTT_ERR_INVAL, "unsubscribe: # must be the last";
        pmqtt_unsubscribe(filter, &mut mid) => PMQTT_ERR_NO_CONN, "no connection";
        pmqtt_unsubscribe_multiple(null(), 1, &mut mid) => PMQTT_ERR_INVAL, "the array of filters";
        pmqtt_unsubscribe_multiple(&filter, 0, &mut mid) => PMQTT_ERR_INVAL, "no topic filter";
        pmqtt_unsubscribe_multiple(both, 2, &mut mid) => PMQTT_ERR_INVAL, "the filter is NULL";
        pmqtt_ack(1, 3) => PMQTT_ERR_INVAL, "QoS 3";
        pmqtt_ack(1, -1) => PMQTT_ERR_INVAL, "QoS -1";
        pmqtt_ack(1, 1) => PMQTT_ERR_NOT_FOUND, "ack: no message 1 of QoS 1";
        pmqtt_ack_with(1, 3, 0, null()) => PMQTT_ERR_INVAL, "QoS 3";
        pmqtt_ack_with(1, 1, 1, null()) => PMQTT_ERR_INVAL, "cannot acknowledge with reason 0x1";
        pmqtt_ack_with(1, 1, 0x10, null()) => PMQTT_ERR_INVAL, "cannot acknowledge with reason 0x10";
        pmqtt_ack_with(1, 1, 0x92, null()) => PMQTT_ERR_INVAL, "cannot acknowledge with reason 0x92";
        pmqtt_ack_with(1, 1, -1, null()) => PMQTT_ERR_INVAL, "cannot acknowledge with reason";
        pmqtt_ack_with(1, 1, 0x187, null()) => PMQTT_ERR_INVAL, "cannot acknowledge with reason 0x187";
        pmqtt_ack_with(1, 1, 0, &list(b"\x26\0\x01a")) => PMQTT_ERR_INVAL, "ack_with: a property is longer";
        pmqtt_ack_with(1, 1, 0, &list(b"\x01\x01")) => PMQTT_ERR_INVAL, "does not belong in the packet";
        pmqtt_ack_with(1, 1, 0, &list(b"\x1f\0\x01a")) => PMQTT_ERR_NOT_SUPPORTED, "only MQTT 5";
        pmqtt_ack_with(1, 1, 0x87, null()) => PMQTT_ERR_NOT_SUPPORTED, "only MQTT 5";
        pmqtt_ack_with(1, 1, 0, null()) => PMQTT_ERR_NOT_FOUND, "ack: no message 1 of QoS 1";
        pmqtt_ack(u64::MAX, 2) => PMQTT_ERR_NOT_FOUND, "ack: no message";
    }
    assert_eq!(mid, 77);
}

fn wrong_questions(client: &Client) {
    let mut left = 77;
    let mut statistics = client.stats();
    let first_version = offset_of!(Statistics, acks_held);
    statistics.struct_size = first_version - 1;
    statistics.connections = 77;
    refuses! { client;
        pmqtt_drain(-1, &mut left) => PMQTT_ERR_INVAL, "drain: timeout -1";
        pmqtt_stats(null_mut()) => PMQTT_ERR_INVAL, "out is NULL";
        pmqtt_stats(&mut statistics) => PMQTT_ERR_INVAL, "struct_size is too small";
    }
    assert_eq!((left, statistics.connections), (77, 77));

    // The size that an older program passes.
    statistics.struct_size = first_version;
    statistics.acks_held = 77;
    // SAFETY: the client lives, and there is room for more than the size says.
    let rc = unsafe { ffi::pmqtt_stats(client.0, &mut statistics) };
    assert_eq!((rc, statistics.connections), (0, 0));
    assert_eq!(
        (statistics.struct_size, statistics.acks_held),
        (first_version, 77)
    );
}

#[test]
fn a_client_that_cannot_be_made_is_not_put_anywhere() {
    let long = c("x".repeat(65_536));
    for (id, clean_session, protocol) in [
        (BAD.as_ptr(), true, 4),
        (long.as_ptr(), true, 4),
        (NULL, false, 4),
        (c"".as_ptr(), false, 4),
        (c"c".as_ptr(), true, -1),
        (c"c".as_ptr(), true, 6),
    ] {
        let mut client = null_mut();
        // SAFETY: the pointers are what the header asks for.
        let rc =
            unsafe { ffi::pmqtt_client_new(&mut client, id, clean_session, null_mut(), protocol) };
        assert_eq!((rc, client), (PMQTT_ERR_INVAL, null_mut()));
    }
    // SAFETY: the header allows NULL.
    let rc = unsafe { ffi::pmqtt_client_new(null_mut(), NULL, true, null_mut(), 0) };
    assert_eq!(rc, PMQTT_ERR_INVAL);
}

#[test]
fn what_is_not_well_formed_matches_nothing() {
    let (good, bad, empty) = (c"t".as_ptr(), BAD.as_ptr(), c"".as_ptr());
    let mut result = true;
    for (sub, topic) in [
        (NULL, good),
        (good, NULL),
        (bad, good),
        (good, bad),
        (empty, good),
        (good, empty),
        (c"a#".as_ptr(), good),
        (good, c"+".as_ptr()),
    ] {
        // SAFETY: the pointers are what the header allows.
        let rc = unsafe { ffi::pmqtt_topic_matches_sub(sub, topic, &mut result) };
        assert_eq!((rc, result), (PMQTT_ERR_INVAL, true));
    }
    // SAFETY: the header allows NULL.
    let rc = unsafe { ffi::pmqtt_topic_matches_sub(good, good, null_mut()) };
    assert_eq!(rc, PMQTT_ERR_INVAL);
}

#[test]
fn one_loop_thread_is_enough() {
    let connection = connected(Drive::Thread);
    refuses! { connection.client;
        pmqtt_loop_start() => PMQTT_ERR_INVAL, "the loop thread runs already";
    }
    assert!(connection.client.stats().connected);
}

#[test]
fn each_number_has_words() {
    let unknown = words(ffi::pmqtt_error_string(1000));
    let known = (-1..=16).chain(64..=67);
    let texts: BTreeSet<&str> = known
        .map(|code| words(ffi::pmqtt_error_string(code)))
        .collect();
    assert_eq!(texts.len(), 22);
    assert!(!texts.contains(unknown));
    let answers = (0..=6).map(|code| words(ffi::pmqtt_connack_string(code)));
    assert_eq!(answers.collect::<BTreeSet<_>>().len(), 7);
    assert_eq!(ffi::pmqtt_lib_version(), ffi::PMQTT_VERSION_NUMBER);
}

#[test]
fn the_last_error_is_cut_where_it_does_not_fit() {
    let client = Client::new("c");
    assert_eq!(client.disconnect(), PMQTT_ERR_NO_CONN);
    let whole = client.last_error();
    let mut buffer = [b'x'; 6];
    // SAFETY: the buffer has the stated length, or is NULL and empty.
    let lengths = unsafe {
        [
            ffi::pmqtt_last_error(client.0, buffer.as_mut_ptr().cast(), 5),
            ffi::pmqtt_last_error(client.0, null_mut(), 0),
        ]
    };
    assert_eq!(lengths, [whole.len(); 2]);
    assert_eq!(&buffer, b"mqtt\0x");
}
