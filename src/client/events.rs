//! What callbacks are given. C sees these structures as they are: their fields stay, in this
//! order, and new ones come at the end only.

use std::ffi::{c_char, c_int, c_void};

use crate::codec;

/// A client. Programs use it only by pointer.
///
/// @ingroup api_client
pub struct Handle {
    _opaque: [u8; 0],
}

/// A list of properties (MQTT 5), in the bytes of a packet, without the length in front of them.
///
/// `pmqtt_property_next` reads a list, and `pmqtt_property_writer` writes one. A list in an event is
/// valid until the callback returns. {NULL, 0}, or any pointer with a length of 0: no properties.
///
/// @ingroup api_properties
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PropertyView {
    /// The first byte; NULL only if `len` is 0.
    pub data: *const c_void,
    /// The number of bytes.
    pub len: usize,
}

impl From<codec::Properties<'_>> for PropertyView {
    #[inline(always)]
    fn from(properties: codec::Properties) -> PropertyView {
        let bytes = properties.as_bytes();
        PropertyView {
            // The address of an empty slice may be none that a program can hold.
            data: match bytes {
                [] => std::ptr::null(),
                bytes => bytes.as_ptr().cast(),
            },
            len: bytes.len(),
        }
    }
}

/// The form of each callback. It is called with no lock held, and may call anything.
pub type Callback<E> = extern "C" fn(*mut Handle, *mut c_void, *const E);

/// Userdata is not used any more.
pub type Release = extern "C" fn(*mut c_void);

/// Asks for the password of a key; this one answers.
pub type KeyPassword = extern "C" fn(*mut Handle, *mut c_void, *mut c_char, usize) -> c_int;

/// The event of `on_connect`: the broker answered CONNECT.
///
/// @ingroup api_callbacks
#[repr(C)]
pub struct Connected {
    /// true: the broker has kept the session of an earlier connection (not in 3.1).
    pub session_present: bool,
    /// What CONNACK said; 0: accepted. A refusal is 1 to 5 (`pmqtt_connack_string`), or in MQTT 5
    /// a reason code of 0x80 or more (`pmqtt_reason_string`).
    pub rc: c_int,
    /// `rc` as an MQTT 5 reason code: 0, or 0x80 and above; see `pmqtt_reason_string`.
    pub reason: c_int,
    /// The properties of CONNACK (MQTT 5).
    pub properties: PropertyView,
}

/// The event of `pmqtt_on_auth`: a step of an authentication (MQTT 5).
///
/// @ingroup api_auth
#[repr(C)]
pub struct AuthEvent {
    /// `PMQTT_AUTH_START`, `PMQTT_AUTH_CHALLENGE` or `PMQTT_AUTH_DONE`.
    pub step: c_int,
    /// The MQTT 5 reason code of the broker's packet: 0x18 or 0; -1 at `PMQTT_AUTH_START`.
    pub reason: c_int,
    /// The authentication method, UTF-8 and NUL-terminated.
    pub method: *const c_char,
    /// The broker's authentication data; not NUL-terminated, and never NULL.
    pub data: *const c_void,
    /// The length of the data in bytes; 0: there is none.
    pub data_len: usize,
    /// The properties of the broker's AUTH or CONNACK, with its method and data; none at
    /// `PMQTT_AUTH_START`.
    pub properties: PropertyView,
}

/// A step of an authentication, as `AuthEvent` numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthStep {
    Start = 0,
    Challenge = 1,
    Done = 2,
}

/// The event of `on_disconnect`: a connection ended.
///
/// @ingroup api_callbacks
#[repr(C)]
pub struct Disconnected {
    /// `PMQTT_ERR_SUCCESS` if the program asked for the end, or else the reason.
    pub rc: c_int,
    /// The MQTT 5 reason code of the broker's DISCONNECT, or of the CONNACK that refused the
    /// connection; -1: the broker sent neither, as always in MQTT 3.
    pub reason: c_int,
    /// The properties of that packet (MQTT 5).
    pub properties: PropertyView,
}

/// The event of `on_redirect`: the broker sends the client to another server (MQTT 5).
///
/// @ingroup api_callbacks
#[repr(C)]
pub struct Redirect {
    /// The reason code: 0x9C (use another server, for now) or 0x9D (the server has moved).
    pub reason: c_int,
    /// The server reference of CONNACK or DISCONNECT, UTF-8 and NUL-terminated.
    pub reference: *const c_char,
    /// The host of the first server in `reference`, NUL-terminated; NULL: the library can't read the
    /// reference, and `pmqtt_redirect_follow` fails.
    pub host: *const c_char,
    /// The port of this server, or else the default port: 8883 with TLS, 1883 without; 0 if `host` is
    /// NULL.
    pub port: c_int,
    /// How many redirects the client has followed in a row.
    pub hops: c_int,
}

/// The event of `on_connect_fail`: an attempt to connect failed before the broker answered CONNECT.
///
/// @ingroup api_callbacks
#[repr(C)]
pub struct ConnectFailed {
    /// The reason; `pmqtt_last_error` describes it. `PMQTT_ERR_NO_CONN`: the program gave up the
    /// attempt.
    pub rc: c_int,
}

/// A message from the broker. Its pointers are valid until the callback returns, or until
/// `pmqtt_messages_free`.
///
/// @ingroup api_callbacks
#[repr(C)]
pub struct MessageEvent {
    /// The number of the message for `pmqtt_ack`; 0 at QoS 0. It has no other meaning.
    pub mid: u64,
    /// The topic, UTF-8 and NUL-terminated.
    pub topic: *const c_char,
    /// The length of the topic in bytes, without its NUL.
    pub topic_len: usize,
    /// The payload; not NUL-terminated, and never NULL.
    pub payload: *const c_void,
    /// The length of the payload in bytes.
    pub payload_len: usize,
    /// The QoS that the broker sent the message with: 0, 1 or 2.
    pub qos: c_int,
    /// true: a retained message, which the broker sent because of a new subscription.
    pub retain: bool,
    /// true: the broker may have sent the message before.
    pub dup: bool,
    /// The properties of the message (MQTT 5). The library takes out the topic alias and the
    /// subscription identifiers.
    pub properties: PropertyView,
}

/// The event of `on_publish`: a publish is done.
///
/// @ingroup api_callbacks
#[repr(C)]
pub struct Published {
    /// The number of the message, as `pmqtt_publish` returned it.
    pub mid: u64,
    /// The outcome; `pmqtt_on_publish_set` has the details.
    /// - `PMQTT_ERR_SUCCESS`: the operating system has the message (QoS 0), or the broker has it
    ///   (QoS 1 and 2).
    /// - `PMQTT_ERR_CONN_LOST`: the connection ended before the message (QoS 0) was written.
    /// - `PMQTT_ERR_IN_DOUBT`: the broker lost the session during the handshake of a message of QoS
    ///   2. It may have delivered the message or not.
    /// - `PMQTT_ERR_DROPPED`: the message made room for another one in the queue, and was never
    ///   sent.
    /// - `PMQTT_ERR_EXPIRED`: the message was not sent within its time limit.
    /// - `PMQTT_ERR_CANCELLED`: `pmqtt_cancel` or `pmqtt_queue_clear` cancelled the message.
    /// - `PMQTT_ERR_REJECTED`: the broker refused the message, or does not take such messages;
    ///   `reason` says why (MQTT 5).
    pub rc: c_int,
    /// The MQTT 5 reason code of the broker's acknowledgement, or for the limit of the broker that
    /// excludes the message; -1: none, as always in MQTT 3.
    pub reason: c_int,
    /// The properties of the broker's acknowledgement (MQTT 5).
    pub properties: PropertyView,
    /// The `tag` of the message's `pmqtt_publication`; 0: none.
    pub tag: u64,
}

/// The event of `on_response`: a request of `pmqtt_request` has ended.
///
/// @ingroup api_request
#[repr(C)]
pub struct ResponseEvent {
    /// The number of the request, as `pmqtt_request` returned it.
    pub id: u64,
    /// How the request ended.
    /// - `PMQTT_ERR_SUCCESS`: the response is here.
    /// - `PMQTT_ERR_TIMEOUT`: the time of the request is over.
    /// - `PMQTT_ERR_REJECTED`: the broker refused the message of the request, does not take such
    ///   messages, or refused the subscription for the responses; `reason` says why.
    /// - `PMQTT_ERR_EXPIRED`: the message was not sent within the `expiry_s` of its publication.
    /// - `PMQTT_ERR_DROPPED`: the message made room for another one in the queue, and was never
    ///   sent.
    /// - `PMQTT_ERR_CANCELLED`: `pmqtt_request_cancel` or `pmqtt_queue_clear` cancelled it.
    /// - `PMQTT_ERR_NOT_SUPPORTED`: the client speaks an earlier version than MQTT 5 on its new
    ///   connection.
    pub rc: c_int,
    /// The broker's MQTT 5 reason code with `PMQTT_ERR_REJECTED`; otherwise -1.
    pub reason: c_int,
    /// The response, valid until the callback returns; NULL unless `rc` is `PMQTT_ERR_SUCCESS`.
    pub message: *const MessageEvent,
}

/// The event of `on_subscribe`: the broker answered SUBSCRIBE, or the connection ended before.
///
/// @ingroup api_callbacks
#[repr(C)]
pub struct Subscribed {
    /// The number of the request, as `pmqtt_subscribe` returned it; 0: the client has subscribed
    /// again by itself (`pmqtt_resubscribe_set`), and `filters` were refused.
    pub mid: u64,
    /// - `PMQTT_ERR_SUCCESS`: the broker has answered.
    /// - `PMQTT_ERR_CONN_LOST`: the connection ended before the answer.
    /// - `PMQTT_ERR_REJECTED`: the request came before CONNACK, and CONNACK says that the broker
    ///   does not take it; nothing was sent. `reason` says why (MQTT 5).
    pub rc: c_int,
    /// The granted QoS of each filter, or a refusal: 0x80, or in MQTT 5 a reason code of 0x80 or
    /// more. Valid until the callback returns.
    pub granted_qos: *const u8,
    /// The number of filters in `granted_qos`; 0 if the broker has not answered.
    pub granted_qos_count: usize,
    /// The broker's MQTT 5 reason code for the first filter; -1: none, as always in MQTT 3.
    /// `granted_qos` has the answer for each filter.
    pub reason: c_int,
    /// The properties of SUBACK (MQTT 5).
    pub properties: PropertyView,
    /// If `mid` is 0: the refused filters, as many as `granted_qos_count`. Else NULL. Valid until
    /// the callback returns.
    pub filters: *const *const c_char,
}

/// The event of `on_unsubscribe`: the broker answered UNSUBSCRIBE, or the connection ended before.
///
/// @ingroup api_callbacks
#[repr(C)]
pub struct Unsubscribed {
    /// The number of the request, as `pmqtt_unsubscribe` returned it.
    pub mid: u64,
    /// - `PMQTT_ERR_SUCCESS`: the broker has answered.
    /// - `PMQTT_ERR_CONN_LOST`: the connection ended before the answer.
    /// - `PMQTT_ERR_REJECTED`: the request came before CONNACK, and CONNACK says that the broker
    ///   does not take it; nothing was sent. `reason` says why (MQTT 5).
    pub rc: c_int,
    /// The broker's MQTT 5 reason code for the first filter; -1: the broker gave none, as always in
    /// MQTT 3.
    pub reason: c_int,
    /// The reason code of each filter (MQTT 5); valid until the callback returns.
    pub reasons: *const u8,
    /// The number of filters in `reasons`; 0 in MQTT 3.
    pub reasons_count: usize,
    /// The properties of UNSUBACK (MQTT 5).
    pub properties: PropertyView,
}

/// The event of `on_log`: a line for the log.
///
/// @ingroup api_callbacks
#[repr(C)]
pub struct LogLine {
    /// The level: `PMQTT_LOG_INFO` and so on.
    pub level: c_int,
    /// The line, NUL-terminated; valid until the callback returns.
    pub text: *const c_char,
}

/// The event of `on_writable`: the queue has room again.
///
/// @ingroup api_callbacks
#[repr(C)]
pub struct Writable {
    /// The number of messages in flight or in the queue: the sum of `in_flight` and
    /// `queued_messages` of `pmqtt_stats`.
    pub messages: usize,
    /// The number of bytes in the queue.
    pub bytes: usize,
}

/// The event of `on_drained`: all messages and requests are settled.
///
/// @ingroup api_callbacks
#[repr(C)]
pub struct Drained {
    /// The last `mid` that a call returned. Each message and request up to it is settled.
    pub last_mid: u64,
}

/// The event of `on_interest`: what a foreign loop waits for from now on.
///
/// @ingroup api_callbacks
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// The descriptor; -1: none. If `read` and `write` are both false, the loop does not watch it
    /// for now. (epoll reports errors even without events: remove the descriptor.) If a watched
    /// descriptor has an error (POLLERR, POLLHUP), the loop calls `pmqtt_loop_read`.
    pub fd: c_int,
    /// true: the loop calls `pmqtt_loop_read` when the descriptor is readable.
    pub read: bool,
    /// true: the loop calls `pmqtt_loop_write` when the descriptor is writable.
    pub write: bool,
    /// true: the descriptor is about to be closed. The loop must forget it before the callback
    /// returns.
    pub closing: bool,
    /// The loop calls `pmqtt_loop_misc` this many milliseconds after the event; -1: never. This
    /// replaces the time of the previous event.
    pub timeout_ms: c_int,
}
