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
}

impl Client {
    /// The client connects as soon as a loop runs it.
    pub fn new(port: i32, keep_alive: i32) -> Client {
        let told = Box::<Told>::default();
        let mut raw = ptr::null_mut();
        let userdata = ptr::from_ref(&*told).cast_mut().cast();
        // SAFETY: the arguments are what the header asks for.
        unsafe {
            let rc = ffi::pmqtt_client_new(&mut raw, c"c".as_ptr(), true, userdata, 0);
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

extern "C" fn on_message(_: *mut Raw, userdata: *mut c_void, _: *const MessageEvent) {
    told(userdata).messages.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn on_publish(_: *mut Raw, userdata: *mut c_void, _: *const Published) {
    told(userdata).published.fetch_add(1, Ordering::SeqCst);
}
