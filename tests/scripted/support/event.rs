//! The events of callbacks, as values.

use std::ffi::{CStr, c_void};
use std::slice;

use pmqtt::client::Handle;
use pmqtt::client::events::{
    AuthEvent, ConnectFailed, Connected, Disconnected, Drained, Interest, LogLine, MessageEvent,
    Published, Redirect, Subscribed, Unsubscribed, Writable,
};
use pmqtt::ffi;

use super::client::Recorder;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Connected {
        session_present: bool,
        rc: i32,
    },
    ConnectFailed {
        rc: i32,
    },
    Disconnected {
        rc: i32,
    },
    Message(Message),
    Published {
        mid: u64,
        rc: i32,
    },
    Subscribed {
        mid: u64,
        rc: i32,
        granted: Vec<u8>,
    },
    Unsubscribed {
        mid: u64,
        rc: i32,
    },
    Writable,
    Drained {
        last_mid: u64,
    },
    Log {
        level: i32,
        text: String,
    },
    Redirect {
        reason: i32,
        reference: String,
        server: Option<(String, i32)>,
        hops: i32,
    },
    /// Its reason is -1 at the start.
    Auth {
        step: i32,
        reason: i32,
        data: Vec<u8>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub mid: u64,
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: i32,
    pub retain: bool,
    pub dup: bool,
}

/// What `Event::Published` leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub mid: u64,
    pub rc: i32,
    pub reason: i32,
    pub tag: u64,
}

impl Event {
    pub const CONNECTED: Event = Event::Connected {
        session_present: false,
        rc: 0,
    };

    pub fn published(mid: u64) -> Event {
        Event::Published { mid, rc: 0 }
    }
}

impl Message {
    pub fn new(mid: u64, topic: &str, payload: &[u8], qos: i32) -> Message {
        Message {
            mid,
            topic: topic.into(),
            payload: payload.into(),
            qos,
            retain: false,
            dup: false,
        }
    }
}

/// Records all callbacks of a client except those for log and interest.
pub fn record_all(client: *mut Handle) {
    // SAFETY: the client lives, and its userdata is a recorder that lives as long.
    unsafe {
        ffi::pmqtt_on_connect_set(client, Some(on_connect));
        ffi::pmqtt_on_connect_fail_set(client, Some(on_connect_fail));
        ffi::pmqtt_on_disconnect_set(client, Some(on_disconnect));
        ffi::pmqtt_on_message_set(client, Some(on_message));
        ffi::pmqtt_on_publish_set(client, Some(on_publish));
        ffi::pmqtt_on_subscribe_set(client, Some(on_subscribe));
        ffi::pmqtt_on_unsubscribe_set(client, Some(on_unsubscribe));
        ffi::pmqtt_on_writable_set(client, Some(on_writable));
    }
}

extern "C" fn on_connect(client: *mut Handle, recorder: *mut c_void, event: *const Connected) {
    // SAFETY: the library passes an event that lives through the callback.
    let event = unsafe { &*event };
    let reasons = [0, 0x84, 0x85, 0x88, 0x86, 0x87];
    // A reason code of MQTT 5 is 0, or not below 0x80.
    let reason = reasons.get(event.rc as usize).unwrap_or(&event.rc);
    assert_eq!(event.reason, *reason);
    let event = Event::Connected {
        session_present: event.session_present,
        rc: event.rc,
    };
    Recorder::of(recorder).record(client, event);
}

extern "C" fn on_connect_fail(
    client: *mut Handle,
    recorder: *mut c_void,
    event: *const ConnectFailed,
) {
    // SAFETY: the library passes an event that lives through the callback.
    let rc = unsafe { (*event).rc };
    Recorder::of(recorder).record(client, Event::ConnectFailed { rc });
}

extern "C" fn on_disconnect(
    client: *mut Handle,
    recorder: *mut c_void,
    event: *const Disconnected,
) {
    // SAFETY: the library passes an event that lives through the callback.
    let (rc, reason) = unsafe { ((*event).rc, (*event).reason) };
    Recorder::of(recorder).check_reason(reason);
    Recorder::of(recorder).record(client, Event::Disconnected { rc });
}

pub extern "C" fn on_message(
    client: *mut Handle,
    recorder: *mut c_void,
    event: *const MessageEvent,
) {
    // SAFETY: the library passes an event that lives through the callback, and its pointers and lengths
    // match.
    let (event, topic, payload) = unsafe {
        let event = &*event;
        let payload = slice::from_raw_parts(event.payload.cast(), event.payload_len);
        (event, CStr::from_ptr(event.topic), payload)
    };
    assert_eq!(topic.count_bytes(), event.topic_len);
    let message = Message {
        mid: event.mid,
        topic: topic.to_string_lossy().into(),
        payload: payload.into(),
        qos: event.qos,
        retain: event.retain,
        dup: event.dup,
    };
    Recorder::of(recorder).record(client, Event::Message(message));
}

extern "C" fn on_publish(client: *mut Handle, recorder: *mut c_void, event: *const Published) {
    // SAFETY: the library passes an event that lives through the callback.
    let &Published {
        mid,
        rc,
        reason,
        tag,
        ..
    } = unsafe { &*event };
    Recorder::of(recorder).check_reason(reason);
    let outcome = Outcome {
        mid,
        rc,
        reason,
        tag,
    };
    Recorder::of(recorder).outcomes().push_back(outcome);
    Recorder::of(recorder).record(client, Event::Published { mid, rc });
}

extern "C" fn on_subscribe(client: *mut Handle, recorder: *mut c_void, event: *const Subscribed) {
    // SAFETY: the library passes an event that lives through the callback, and its pointer and length
    // match.
    let (event, granted) = unsafe {
        let event = &*event;
        let granted = slice::from_raw_parts(event.granted_qos, event.granted_qos_count);
        (event, granted.to_vec())
    };
    Recorder::of(recorder).check_reason(event.reason);
    let event = Event::Subscribed {
        mid: event.mid,
        rc: event.rc,
        granted,
    };
    Recorder::of(recorder).record(client, event);
}

extern "C" fn on_unsubscribe(
    client: *mut Handle,
    recorder: *mut c_void,
    event: *const Unsubscribed,
) {
    // SAFETY: the library passes an event that lives through the callback.
    let &Unsubscribed {
        mid, rc, reason, ..
    } = unsafe { &*event };
    Recorder::of(recorder).check_reason(reason);
    Recorder::of(recorder).record(client, Event::Unsubscribed { mid, rc });
}

extern "C" fn on_writable(client: *mut Handle, recorder: *mut c_void, _: *const Writable) {
    Recorder::of(recorder).record(client, Event::Writable);
}

pub extern "C" fn on_drained(client: *mut Handle, recorder: *mut c_void, event: *const Drained) {
    // SAFETY: the library hands over an event that lives through the callback.
    let last_mid = unsafe { (*event).last_mid };
    Recorder::of(recorder).record(client, Event::Drained { last_mid });
}

pub extern "C" fn on_log(client: *mut Handle, recorder: *mut c_void, event: *const LogLine) {
    // SAFETY: the library passes an event that lives through the callback, with a string.
    let (level, text) = unsafe { ((*event).level, CStr::from_ptr((*event).text)) };
    let text = text.to_string_lossy().into();
    Recorder::of(recorder).record(client, Event::Log { level, text });
}

pub extern "C" fn on_auth(client: *mut Handle, recorder: *mut c_void, event: *const AuthEvent) {
    // SAFETY: the library passes an event that lives through the callback, and its pointers and lengths
    // match.
    let (event, method, data) = unsafe {
        let event = &*event;
        let data = slice::from_raw_parts(event.data.cast(), event.data_len);
        (event, CStr::from_ptr(event.method), data)
    };
    assert_eq!(method, c"M");
    // The broker's packet has at least the method.
    assert_eq!(
        event.properties.len > 0,
        event.step != ffi::PMQTT_AUTH_START
    );
    let event = Event::Auth {
        step: event.step,
        reason: event.reason,
        data: data.to_vec(),
    };
    Recorder::of(recorder).record(client, event);
}

pub extern "C" fn on_redirect(client: *mut Handle, recorder: *mut c_void, event: *const Redirect) {
    // SAFETY: the library passes an event that lives through the callback, with strings or NULL.
    let (event, reference, host) = unsafe {
        let event = &*event;
        let host = (!event.host.is_null()).then(|| CStr::from_ptr(event.host));
        (event, CStr::from_ptr(event.reference), host)
    };
    assert!(host.is_some() || event.port == 0);
    let event = Event::Redirect {
        reason: event.reason,
        reference: reference.to_string_lossy().into(),
        server: host.map(|host| (host.to_string_lossy().into(), event.port)),
        hops: event.hops,
    };
    Recorder::of(recorder).record(client, event);
}

/// Makes the foreign loop check what it waits for.
pub extern "C" fn on_interest(_: *mut Handle, recorder: *mut c_void, event: *const Interest) {
    assert!(!event.is_null());
    Recorder::of(recorder).wake_loop();
}
