//! What callbacks are given. C sees these structures as they are: their fields stay, in this
//! order, and new ones come at the end only.

use std::ffi::{c_char, c_int, c_void};

/// A client as C knows it: a pointer to one is all that callbacks get.
pub struct Handle {
    _opaque: [u8; 0],
}

/// The form of each callback. It is called with no lock held, and may call anything.
pub type Callback<E> = extern "C" fn(*mut Handle, *mut c_void, *const E);

/// Asks for the password of a key; this one answers.
pub type KeyPassword = extern "C" fn(*mut Handle, *mut c_void, *mut c_char, usize) -> c_int;

/// The broker answered CONNECT.
#[repr(C)]
pub struct Connected {
    /// The broker kept the session of an earlier connection (3.1.1 only).
    pub session_present: bool,
    /// The return code: 0 accepted, 1 to 5 refused; `pmqtt_connack_string` has the words.
    pub rc: c_int,
    /// The same as MQTT 5 numbers it: 0, or 0x80 and more; `pmqtt_reason_string` has the words.
    pub reason: c_int,
}

/// A connection ended.
#[repr(C)]
pub struct Disconnected {
    /// `PMQTT_ERR_SUCCESS` when the program asked for it, or else why.
    pub rc: c_int,
    /// What the broker said, as MQTT 5 numbers it; -1: nothing, which is so in MQTT 3.
    pub reason: c_int,
}

/// An attempt to connect failed before the broker answered CONNECT.
#[repr(C)]
pub struct ConnectFailed {
    /// Why; `pmqtt_last_error` has the words. `PMQTT_ERR_NO_CONN`: the program gave it up.
    pub rc: c_int,
}

/// A message from the broker. The pointers are valid until the callback returns.
#[repr(C)]
pub struct MessageEvent {
    /// What `pmqtt_ack` knows the message by; 0 at QoS 0. Nothing else is to be read from it.
    pub mid: u64,
    /// The topic, UTF-8 and NUL-terminated.
    pub topic: *const c_char,
    /// Bytes of the topic without its NUL.
    pub topic_len: usize,
    /// The payload; not NUL-terminated, and never NULL.
    pub payload: *const c_void,
    pub payload_len: usize,
    pub qos: c_int,
    /// The broker sent it because of a new subscription, out of its store.
    pub retain: bool,
    /// The broker may have sent it before.
    pub dup: bool,
}

/// A publish is done.
#[repr(C)]
pub struct Published {
    pub mid: u64,
    /// `PMQTT_ERR_SUCCESS`: QoS 0 is with the operating system, QoS 1 and 2 with the broker.
    /// `PMQTT_ERR_CONN_LOST`: the connection ended before a QoS 0 message was written.
    /// `PMQTT_ERR_IN_DOUBT`: the broker may have lost a QoS 2 message together with the session.
    /// `PMQTT_ERR_DROPPED`: it made room for another one in the queue, and was never sent.
    /// `PMQTT_ERR_CANCELLED`: `pmqtt_cancel` or `pmqtt_queue_clear` has cancelled it.
    pub rc: c_int,
    /// What the broker said, as MQTT 5 numbers it; -1: nothing, which is so in MQTT 3.
    pub reason: c_int,
}

/// The broker answered SUBSCRIBE, or the connection ended before it did.
#[repr(C)]
pub struct Subscribed {
    pub mid: u64,
    /// `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_CONN_LOST` without an answer.
    pub rc: c_int,
    /// For each filter the granted QoS, or 0x80 for a refusal; valid until the callback returns.
    pub granted_qos: *const u8,
    pub granted_qos_count: usize,
    /// What the broker said of the whole, as MQTT 5 numbers it; -1: nothing. What it said of each filter is in
    /// granted_qos.
    pub reason: c_int,
}

/// The broker answered UNSUBSCRIBE, or the connection ended before it did.
#[repr(C)]
pub struct Unsubscribed {
    pub mid: u64,
    /// `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_CONN_LOST` without an answer.
    pub rc: c_int,
    /// What the broker said, as MQTT 5 numbers it; -1: nothing, which is so in MQTT 3.
    pub reason: c_int,
}

/// A line for the log.
#[repr(C)]
pub struct LogLine {
    /// `PMQTT_LOG_INFO` and so on.
    pub level: c_int,
    /// NUL-terminated, valid until the callback returns.
    pub text: *const c_char,
}

/// There is room in the queue again.
#[repr(C)]
pub struct Writable {
    /// Messages of QoS 1 and 2 that are not settled.
    pub messages: usize,
    /// Bytes that are queued.
    pub bytes: usize,
}

/// What a foreign loop has to wait for from now on.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// The descriptor, or -1 when there is none. With neither read nor write: do not watch it for now.
    pub fd: c_int,
    /// Call `pmqtt_loop_read` when it is readable.
    pub read: bool,
    /// Call `pmqtt_loop_write` when it is writable.
    pub write: bool,
    /// The descriptor is about to be closed: forget it before the callback returns.
    pub closing: bool,
    /// Call `pmqtt_loop_misc` after that many milliseconds; -1: never.
    pub timeout_ms: c_int,
}
