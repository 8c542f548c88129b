//! The C ABI as a thin, safe layer for the tests.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io::Write;
use std::ops::Deref;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use pmqtt::ffi::{self, Publication, Statistics};

use super::drive::{Drive, Running};
use super::event::{self, Event, Outcome};
use super::{Broker, LIMIT};

/// Text for C.
pub fn c(text: impl Into<Vec<u8>>) -> CString {
    CString::new(text).expect("text without NUL")
}

/// Text from C.
pub fn words(text: *const c_char) -> &'static str {
    // SAFETY: only static strings of the library are passed.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().expect("UTF-8")
}

/// A client that lives until it is dropped, and a record of its callbacks.
pub struct Client {
    handle: Handle,
    recorder: Box<Recorder>,
    events: Receiver<Event>,
    running: RefCell<Option<Running>>,
}

impl Client {
    /// MQTT 3.1.1, with a clean session.
    pub fn new(id: &str) -> Client {
        Client::create(id, true, ffi::PMQTT_PROTOCOL_V311)
    }

    pub fn create(id: &str, clean_session: bool, protocol: c_int) -> Client {
        let (sender, events) = channel();
        let recorder = Box::new(Recorder {
            sender,
            hook: Mutex::default(),
            waker: OnceLock::new(),
            is_extended: [ffi::PMQTT_PROTOCOL_V5, ffi::PMQTT_PROTOCOL_BEST].contains(&protocol),
            outcomes: Mutex::default(),
        });
        let mut client = ptr::null_mut();
        let id = c(id);
        let userdata = ptr::from_ref(&*recorder).cast_mut().cast();
        // SAFETY: the arguments are what the header asks for.
        let rc = unsafe {
            ffi::pmqtt_client_new(&mut client, id.as_ptr(), clean_session, userdata, protocol)
        };
        assert_eq!(rc, 0);
        event::record_all(client);
        Client {
            handle: Handle(client),
            recorder,
            events,
            running: RefCell::new(None),
        }
    }

    /// Runs the client in this way until it is dropped.
    pub fn run(&self, drive: Drive) {
        let running = Running::start(self.handle, drive, &self.recorder);
        *self.running.borrow_mut() = Some(running);
    }

    /// The next callback.
    #[track_caller]
    pub fn next(&self) -> Event {
        self.events.recv_timeout(LIMIT).expect("a callback")
    }

    /// The next callback, which is the outcome of a message.
    #[track_caller]
    pub fn next_outcome(&self) -> Outcome {
        let event = self.next();
        let outcome = self.recorder.outcomes().pop_front();
        let outcome = outcome.unwrap_or_else(|| panic!("{event:?} is no outcome"));
        let (mid, rc) = (outcome.mid, outcome.rc);
        assert_eq!(event, Event::Published { mid, rc });
        outcome
    }

    /// The mid of the next message.
    pub fn next_mid(&self) -> u64 {
        match self.next() {
            Event::Message(message) => message.mid,
            other => panic!("{other:?} is no message"),
        }
    }

    /// The next recorded callback, if there is one; does not wait.
    pub fn told(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Makes each callback call this, too, before it is recorded.
    pub fn hook(&self, hook: impl FnMut(Handle, &Event) + Send + 'static) {
        *self.recorder.hook() = Some(Box::new(hook));
    }

    pub fn connect_async(&self, broker: &Broker) {
        assert_eq!(self.connect_async_to("127.0.0.1", broker.port(), 60), 0);
    }
}

impl Deref for Client {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let running = self.running.take();
        let ended = running.map(|running| running.stop());
        self.recorder.hook().take();
        self.handle.free();
        if let Some(thread) = ended.flatten() {
            let _ = thread.join();
        }
    }
}

type Hook = Box<dyn FnMut(Handle, &Event) + Send>;

/// The userdata of the callbacks.
pub struct Recorder {
    sender: Sender<Event>,
    hook: Mutex<Option<Hook>>,
    waker: OnceLock<UnixStream>,
    /// The client speaks MQTT 5.
    pub is_extended: bool,
    /// Those of messages that no test has asked for yet.
    outcomes: Mutex<VecDeque<Outcome>>,
}

impl Recorder {
    /// The recorder that a client's callbacks get.
    pub fn of<'a>(userdata: *mut c_void) -> &'a Recorder {
        // SAFETY: `Client::create` has set it, and it lives as long as the client.
        unsafe { &*userdata.cast() }
    }

    pub fn record(&self, client: *mut pmqtt::client::Handle, event: Event) {
        let hook = self.hook().take();
        if let Some(mut hook) = hook {
            hook(Handle(client), &event);
            self.hook().get_or_insert(hook);
        }
        let _ = self.sender.send(event);
    }

    pub fn outcomes(&self) -> MutexGuard<'_, VecDeque<Outcome>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before MQTT 5, the broker gives no reason.
    pub fn check_reason(&self, reason: c_int) {
        assert!(self.is_extended || reason == -1, "{reason}");
    }

    /// Wakes a foreign loop.
    pub fn set_waker(&self, waker: UnixStream) {
        waker.set_nonblocking(true).expect("non-blocking");
        assert!(self.waker.set(waker).is_ok(), "one loop a client");
    }

    pub fn wake_loop(&self) {
        if let Some(mut waker) = self.waker.get() {
            let _ = waker.write(&[0]);
        }
    }

    fn hook(&self) -> MutexGuard<'_, Option<Hook>> {
        self.hook.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that another owner frees.
#[derive(Clone, Copy)]
pub struct Handle(pub *mut pmqtt::client::Handle);

// SAFETY: each function of the C ABI may be called from any thread.
unsafe impl Send for Handle {}
// SAFETY: the same.
unsafe impl Sync for Handle {}

/// The functions of the C ABI. The arguments are valid as the header requires, and a handle is used
/// only while its client lives.
#[rustfmt::skip]
impl Handle {
    pub fn connect_async_to(self, host: &str, port: i32, keepalive: i32) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_connect_async(self.0, c(host).as_ptr(), port, keepalive, ptr::null()) }
    }

    pub fn connect_to(self, host: &str, port: i32, keepalive: i32) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_connect(self.0, c(host).as_ptr(), port, keepalive, ptr::null()) }
    }

    pub fn reconnect(self) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_reconnect(self.0) }
    }

    pub fn disconnect(self) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_disconnect(self.0) }
    }

    /// The client has no callbacks from then on.
    pub fn reinitialise(self, id: &str) {
        // SAFETY: as above.
        let rc = unsafe { ffi::pmqtt_reinitialise(self.0, c(id).as_ptr(), true, ptr::null_mut()) };
        assert_eq!(rc, 0);
    }

    pub fn free(self) {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_client_free(self.0) }
    }

    /// The return code, and the mid if the call has written one.
    pub fn try_publish(self, topic: &str, payload: &[u8], qos: c_int, retain: bool) -> (c_int, Option<u64>) {
        let mut mid = 0;
        // SAFETY: as above.
        let rc = unsafe {
            let (payload, length) = (payload.as_ptr().cast(), payload.len());
            ffi::pmqtt_publish(self.0, c(topic).as_ptr(), payload, length, qos, retain, &mut mid)
        };
        (rc, (mid != 0).then_some(mid))
    }

    /// The mid of a message that was accepted.
    #[track_caller]
    pub fn publish(self, topic: &str, payload: &[u8], qos: c_int) -> u64 {
        let (rc, mid) = self.try_publish(topic, payload, qos, false);
        assert_eq!(rc, 0);
        mid.expect("a mid")
    }

    /// Publishes a message with its fields. The return code, and the mid if the call has written one.
    pub fn publish_message(self, message: &Publication) -> (c_int, Option<u64>) {
        let mut mid = 0;
        // SAFETY: as above.
        let rc = unsafe { ffi::pmqtt_publish_message(self.0, message, &mut mid) };
        (rc, (mid != 0).then_some(mid))
    }

    /// Publishes a message of QoS 1 that is not sent from so many seconds on.
    #[track_caller]
    pub fn publish_for(self, seconds: u32, topic: &str, payload: &[u8]) -> u64 {
        let topic = c(topic);
        let message = Publication {
            struct_size: size_of::<Publication>(),
            topic: topic.as_ptr(),
            payload: payload.as_ptr().cast(),
            payload_len: payload.len(),
            qos: 1,
            expiry_s: seconds,
            // SAFETY: all bytes 0 are NULL, 0 and false.
            ..unsafe { std::mem::zeroed() }
        };
        let (mut accepted, mut mid) = (0, 0);
        // SAFETY: as above.
        unsafe { ffi::pmqtt_publish_batch(self.0, &message, 1, &mut accepted, &mut mid) };
        assert_eq!(accepted, 1);
        mid
    }

    /// The return code, and the mid.
    pub fn try_subscribe(self, filters: &[(&str, c_int)]) -> (c_int, u64) {
        let texts: Vec<CString> = filters.iter().map(|(filter, _)| c(*filter)).collect();
        let filters_: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
        let qos: Vec<c_int> = filters.iter().map(|&(_, qos)| qos).collect();
        let mut mid = 0;
        // SAFETY: as above.
        let rc = unsafe {
            ffi::pmqtt_subscribe_multiple(self.0, filters_.as_ptr(), qos.as_ptr(), qos.len(), &mut mid)
        };
        (rc, mid)
    }

    #[track_caller]
    pub fn subscribe(self, filters: &[(&str, c_int)]) -> u64 {
        let (rc, mid) = self.try_subscribe(filters);
        assert_eq!(rc, 0);
        mid
    }

    #[track_caller]
    pub fn unsubscribe(self, filters: &[&str]) -> u64 {
        let texts: Vec<CString> = filters.iter().map(|filter| c(*filter)).collect();
        let filters: Vec<*const c_char> = texts.iter().map(|text| text.as_ptr()).collect();
        let mut mid = 0;
        // SAFETY: as above.
        let rc = unsafe {
            ffi::pmqtt_unsubscribe_multiple(self.0, filters.as_ptr(), filters.len(), &mut mid)
        };
        assert_eq!(rc, 0);
        mid
    }

    pub fn add_filter(self, filter: &str) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_message_callback_add(self.0, c(filter).as_ptr(), Some(event::on_message)) }
    }

    /// Removes the callback for messages.
    pub fn forget_messages(self) {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_on_message_set(self.0, None) };
    }

    /// Has `on_drained` recorded too, or not any more.
    pub fn set_drained(self, recorded: bool) {
        let callback = recorded.then_some(event::on_drained as _);
        // SAFETY: as above.
        assert_eq!(unsafe { ffi::pmqtt_on_drained_set(self.0, callback) }, 0);
    }

    pub fn clear_queue(self) {
        // SAFETY: as above.
        assert_eq!(unsafe { ffi::pmqtt_queue_clear(self.0) }, 0);
    }

    pub fn set_log(self) {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_on_log_set(self.0, Some(event::on_log)) };
    }

    pub fn set_interest(self) {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_on_interest_set(self.0, Some(event::on_interest)) };
    }

    pub fn set_will(self, topic: &str, payload: &[u8], qos: c_int, retain: bool) {
        // SAFETY: as above.
        let rc = unsafe {
            let (payload, length) = (payload.as_ptr().cast(), payload.len());
            ffi::pmqtt_will_set(self.0, c(topic).as_ptr(), payload, length, qos, retain)
        };
        assert_eq!(rc, 0);
    }

    pub fn set_credentials(self, username: Option<&str>, password: Option<&str>) {
        let (username, password) = (username.map(c), password.map(c));
        let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        // SAFETY: as above.
        let rc = unsafe { ffi::pmqtt_username_pw_set(self.0, pointer(&username), pointer(&password)) };
        assert_eq!(rc, 0);
    }

    pub fn set_window(self, messages: c_int) {
        // SAFETY: as above.
        assert_eq!(unsafe { ffi::pmqtt_max_inflight_messages_set(self.0, messages) }, 0);
    }

    pub fn set_max_queued_bytes(self, bytes: usize) {
        // SAFETY: as above.
        assert_eq!(unsafe { ffi::pmqtt_max_queued_bytes_set(self.0, bytes) }, 0);
    }

    pub fn set_max_packet_size(self, bytes: usize) {
        // SAFETY: as above.
        assert_eq!(unsafe { ffi::pmqtt_max_packet_size_set(self.0, bytes) }, 0);
    }

    pub fn set_retry(self, seconds: c_int) {
        // SAFETY: as above.
        assert_eq!(unsafe { ffi::pmqtt_message_retry_set(self.0, seconds) }, 0);
    }

    pub fn set_connect_timeout(self, timeout: Duration) {
        // SAFETY: as above.
        let rc = unsafe { ffi::pmqtt_connect_timeout_set(self.0, timeout.as_millis() as c_int) };
        assert_eq!(rc, 0);
    }

    pub fn set_reconnect_delay(self, min: c_int, max: c_int) {
        // SAFETY: as above.
        assert_eq!(unsafe { ffi::pmqtt_reconnect_delay_set(self.0, min, max) }, 0);
    }

    pub fn set_manual_ack(self, manual: bool) {
        // SAFETY: as above.
        assert_eq!(unsafe { ffi::pmqtt_manual_ack_set(self.0, manual.into()) }, 0);
    }

    pub fn ack(self, mid: u64, qos: c_int) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_ack(self.0, mid, qos) }
    }

    pub fn step(self, timeout_ms: c_int) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_loop(self.0, timeout_ms) }
    }

    pub fn loop_start(self) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_loop_start(self.0) }
    }

    pub fn loop_forever(self, retry_first: bool) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_loop_forever(self.0, retry_first) }
    }

    pub fn loop_read(self) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_loop_read(self.0) }
    }

    pub fn loop_write(self) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_loop_write(self.0) }
    }

    pub fn loop_misc(self) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_loop_misc(self.0) }
    }

    pub fn socket(self) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_socket(self.0) }
    }

    pub fn want_read(self) -> bool {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_want_read(self.0) }
    }

    pub fn want_write(self) -> bool {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_want_write(self.0) }
    }

    pub fn next_timeout_ms(self) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_next_timeout_ms(self.0) }
    }

    pub fn event_fd(self) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_event_fd(self.0) }
    }

    pub fn process(self) -> c_int {
        // SAFETY: as above.
        unsafe { ffi::pmqtt_process(self.0) }
    }

    /// The return code, and how many messages are left.
    pub fn drain(self, timeout: Duration) -> (c_int, usize) {
        let mut left = usize::MAX;
        // SAFETY: as above.
        let rc = unsafe { ffi::pmqtt_drain(self.0, timeout.as_millis() as c_int, &mut left) };
        (rc, left)
    }

    pub fn last_error(self) -> String {
        let mut text = vec![0_u8; 1024];
        // SAFETY: as above.
        let length = unsafe { ffi::pmqtt_last_error(self.0, text.as_mut_ptr().cast(), text.len()) };
        text.truncate(length);
        String::from_utf8(text).expect("UTF-8")
    }

    pub fn stats(self) -> Statistics {
        // SAFETY: as above, and a structure of numbers may be all zero.
        unsafe {
            let mut statistics: Statistics = std::mem::zeroed();
            statistics.struct_size = size_of::<Statistics>();
            assert_eq!(ffi::pmqtt_stats(self.0, &mut statistics), 0);
            statistics
        }
    }
}
