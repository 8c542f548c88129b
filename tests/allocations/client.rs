//! A client through the C ABI, whose callbacks count and allocate nothing.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use pmqtt::client::Handle as Raw;
use pmqtt::client::events::{Connected, LogLine, MessageEvent, Published};
use pmqtt::ffi;
use pmqtt::ffi::Statistics;

use crate::counting::count_this_thread;

/// It must not move: its callbacks have its address.
pub struct Client {
    pub raw: *mut Raw,
    pub told: Box<Told>,
}

/// How often callbacks were called.
#[derive(Default)]
pub struct Told {
    pub connects: AtomicUsize,
    pub lines: AtomicUsize,
    pub messages: AtomicUsize,
    pub published: AtomicUsize,
    /// Messages that came with their properties, and outcomes with their tag.
    pub described: AtomicUsize,
}

const TAG: u64 = 7;
/// A content type and two user properties, in a packet.
const PROPERTIES: &[u8] = b"\x03\0\x04text\x26\0\x01a\0\x011\x26\0\x01b\0\x012";

impl Client {
    /// The client connects as soon as a loop runs it.
    pub fn new(port: i32, keep_alive: i32) -> Client {
        Client::with_protocol(port, keep_alive, ffi::PMQTT_PROTOCOL_V311)
    }

    pub fn of_mqtt5(port: i32) -> Client {
        Client::with_protocol(port, 0, ffi::PMQTT_PROTOCOL_V5)
    }

    fn with_protocol(port: i32, keep_alive: i32, protocol: i32) -> Client {
        let told = Box::<Told>::default();
        let mut raw = ptr::null_mut();
        let userdata = ptr::from_ref(&*told).cast_mut().cast();
        // SAFETY: the arguments are what the header asks for.
        unsafe {
            let rc = ffi::pmqtt_client_new(&mut raw, c"c".as_ptr(), true, userdata, protocol);
            assert_eq!(rc, 0);
            ffi::pmqtt_on_connect_set(raw, Some(on_connect));
            ffi::pmqtt_on_message_set(raw, Some(on_message));
            ffi::pmqtt_on_publish_set(raw, Some(on_publish));
            let host = c"127.0.0.1".as_ptr();
            let rc = ffi::pmqtt_connect_async(raw, host, port, keep_alive, ptr::null());
            assert_eq!(rc, 0);
        }
        Client { raw, told }
    }

    pub fn id(&self) -> *const c_char {
        // SAFETY: the client is live.
        unsafe { ffi::pmqtt_client_id(self.raw) }
    }

    /// The client has no callbacks from then on.
    pub fn reinitialise(&self, id: &CStr) {
        // SAFETY: the client and the id are live.
        let rc = unsafe { ffi::pmqtt_reinitialise(self.raw, id.as_ptr(), true, ptr::null_mut()) };
        assert_eq!(rc, 0);
    }

    pub fn ping_round_trip_us(&self) -> u64 {
        // SAFETY: the client is live, and the structure may be all zero.
        unsafe {
            let mut figures: Statistics = std::mem::zeroed();
            figures.struct_size = size_of::<Statistics>();
            assert_eq!(ffi::pmqtt_stats(self.raw, &mut figures), 0);
            figures.ping_round_trip_us
        }
    }

    pub fn publish(&self, qos: i32) {
        let payload = b"payload";
        // SAFETY: the client is live, and the pointer and the length describe the payload.
        let rc = unsafe {
            let (bytes, length) = (payload.as_ptr().cast(), payload.len());
            ffi::pmqtt_publish(
                self.raw,
                c"a".as_ptr(),
                bytes,
                length,
                qos,
                false,
                ptr::null_mut(),
            )
        };
        assert_eq!(rc, 0);
    }

    /// Publishes a message with `PROPERTIES` and `TAG`.
    pub fn publish_described(&self, qos: i32) {
        let pairs = [(c"a", c"1"), (c"b", c"2")].map(|(name, value)| ffi::PropertyPair {
            name: name.as_ptr(),
            value: value.as_ptr(),
        });
        let message = ffi::Publication {
            struct_size: size_of::<ffi::Publication>(),
            topic: c"a".as_ptr(),
            qos,
            content_type: c"text".as_ptr(),
            user_properties: pairs.as_ptr(),
            user_property_count: pairs.len(),
            tag: TAG,
            // SAFETY: all bytes 0 are NULL, 0 and false.
            ..unsafe { std::mem::zeroed() }
        };
        // SAFETY: the client is live, and so is what the message points to.
        let rc = unsafe { ffi::pmqtt_publish_message(self.raw, &message, ptr::null_mut()) };
        assert_eq!(rc, 0);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: nothing else uses it.
        unsafe { ffi::pmqtt_client_free(self.raw) };
    }
}

fn told<'a>(userdata: *mut c_void) -> &'a Told {
    // SAFETY: `Client::new` has set it, and it lives as long as the client.
    unsafe { &*userdata.cast() }
}

/// The thread that runs the client calls this.
extern "C" fn on_connect(_: *mut Raw, userdata: *mut c_void, _: *const Connected) {
    count_this_thread();
    told(userdata).connects.fetch_add(1, Ordering::SeqCst);
}

pub extern "C" fn on_log(_: *mut Raw, userdata: *mut c_void, _: *const LogLine) {
    told(userdata).lines.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn on_message(_: *mut Raw, userdata: *mut c_void, event: *const MessageEvent) {
    // SAFETY: the event and its list are valid.
    let properties = unsafe {
        let list = (*event).properties;
        match list.len {
            0 => &[],
            len => std::slice::from_raw_parts(list.data.cast::<u8>(), len),
        }
    };
    let is_described = properties == PROPERTIES;
    told(userdata)
        .described
        .fetch_add(is_described.into(), Ordering::SeqCst);
    told(userdata).messages.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn on_publish(_: *mut Raw, userdata: *mut c_void, event: *const Published) {
    // SAFETY: the event is valid.
    let is_tagged = unsafe { (*event).tag } == TAG;
    told(userdata)
        .described
        .fetch_add(is_tagged.into(), Ordering::SeqCst);
    told(userdata).published.fetch_add(1, Ordering::SeqCst);
}
