//! All that users of Paho for Python 1.x know is here, under these names.

#[path = "scripted/support/header.rs"]
mod header;

use std::collections::BTreeSet;

/// A function, a method or a callback of Paho, and its counterpart here.
const KNOWN: [(&str, &[&str]); 47] = [
    ("Client", &["client_new", "client_id"]),
    ("del", &["client_free"]),
    ("reinitialise", &["reinitialise"]),
    ("max_inflight_messages_set", &["max_inflight_messages_set"]),
    ("max_queued_messages_set", &["max_queued_messages_set"]),
    ("message_retry_set", &["message_retry_set"]),
    ("tls_set", &["tls_set"]),
    ("tls_set, a key's password", &["tls_key_password_set"]),
    ("tls_set_context", &["tls_context_set"]),
    ("tls_insecure_set", &["tls_insecure_set"]),
    ("username_pw_set", &["username_pw_set"]),
    ("user_data_set", &["user_data_set", "user_data"]),
    ("will_set", &["will_set"]),
    ("will_clear", &["will_clear"]),
    ("connect", &["connect"]),
    ("connect_async", &["connect_async"]),
    ("connect_srv", &["connect_srv"]),
    ("connect_timeout", &["connect_timeout_set"]),
    ("reconnect_delay_set", &["reconnect_delay_set"]),
    ("is_connected", &["is_connected"]),
    ("reconnect", &["reconnect"]),
    ("disconnect", &["disconnect"]),
    ("loop", &["loop"]),
    ("loop_start", &["loop_start"]),
    ("loop_stop", &["loop_stop"]),
    ("loop_forever", &["loop_forever"]),
    ("publish", &["publish"]),
    ("wait_for_publish", &["drain"]),
    ("subscribe", &["subscribe", "subscribe_multiple"]),
    ("unsubscribe", &["unsubscribe", "unsubscribe_multiple"]),
    ("on_connect", &["on_connect_set"]),
    ("on_connect_fail", &["on_connect_fail_set"]),
    ("on_disconnect", &["on_disconnect_set"]),
    ("on_message", &["on_message_set"]),
    ("message_callback_add", &["message_callback_add"]),
    ("message_callback_remove", &["message_callback_remove"]),
    ("on_publish", &["on_publish_set"]),
    ("on_subscribe", &["on_subscribe_set"]),
    ("on_unsubscribe", &["on_unsubscribe_set"]),
    ("on_log", &["on_log_set"]),
    (
        "loop_read, loop_write, loop_misc",
        &["loop_read", "loop_write", "loop_misc"],
    ),
    ("socket, want_write", &["socket", "want_read", "want_write"]),
    ("topic_matches_sub", &["topic_matches_sub"]),
    ("connack_string", &["connack_string"]),
    ("error_string", &["error_string"]),
    (
        "publish.single, publish.multiple",
        &["publish_single", "publish_multiple"],
    ),
    (
        "subscribe.simple, subscribe.callback",
        &["subscribe_simple", "subscribe_callback"],
    ),
];

/// The functions that Paho does not have.
const BEYOND: &[&str] = &[
    "message_handler_add",
    "reason_string",
    "connect_srv_async",
    "connect_options_set",
    "disconnect_with",
    "negotiated_get",
    "resubscribe_set",
    "subscribe_with",
    "will_with",
    "unsubscribe_with",
    "negotiated_text",
    "log_level_set",
    "next_timeout_ms",
    "event_fd",
    "process",
    "on_interest_set",
    "on_redirect_set",
    "redirect_follow",
    "on_writable_set",
    "on_drained_set",
    "max_queued_bytes_set",
    "max_packet_size_set",
    "queue_options_set",
    "publish_message",
    "request",
    "request_cancel",
    "reply",
    "reply_address",
    "reply_to",
    "publish_batch",
    "cancel",
    "queue_clear",
    "tls_pem_set",
    "tls_server_name_set",
    "tls_alpn_set",
    "tls_psk_set",
    "auth_set",
    "auth_answer",
    "auth_fail",
    "reauthenticate",
    "auth_scram_set",
    "manual_ack_set",
    "ack",
    "ack_with",
    "stats",
    "last_error",
    "lib_version",
    // Properties of MQTT 5, which Paho has as a class.
    "property_next",
    "property_find",
    "property_user",
    "property_name",
    "property_add_number",
    "property_add_bytes",
    "property_add_pair",
    "property_finish",
    // The messages that subscribe_simple has received; C has no list for them.
    "messages_count",
    "messages_get",
    "messages_free",
];

#[test]
fn each_name_of_paho_has_its_function_and_each_function_is_known() {
    let known = KNOWN.iter().flat_map(|(_, functions)| functions.iter());
    let expected: BTreeSet<String> = known
        .chain(BEYOND)
        .map(|name| format!("pmqtt_{name}"))
        .collect();
    assert_eq!(header::functions(), expected);
}
