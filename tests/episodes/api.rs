//! The C ABI: each call with its limit of time, its line in the trace and its entry in the account.

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pmqtt::client::Handle;
use pmqtt::ffi::Statistics;
use pmqtt::ffi::{self, Publication, QueueOptions};

use super::account::{Message, Request};
use super::callbacks;
use super::episode::Episode;
use super::record::Life;
use super::settings::CONNECT_TIMEOUT;

pub const SUCCESS: c_int = ffi::PMQTT_ERR_SUCCESS;
pub const NO_CONN: c_int = ffi::PMQTT_ERR_NO_CONN;

/// The result of a call that was not made.
pub const NOT_MADE: c_int = c_int::MIN;

/// The limit of calls that never block. Other calls may exceed their own limit by this much.
const LIMIT: Duration = Duration::from_millis(300);
const STOP_LIMIT: Duration = Duration::from_millis(1500);
const FREE_LIMIT: Duration = Duration::from_secs(1);

const LOCALHOST: &CStr = c"127.0.0.1";

/// A function that takes only the client.
type Plain = unsafe extern "C" fn(*mut Handle) -> c_int;

impl Episode {
    /// Creates the client. Its callbacks may be called from here on.
    pub fn create(self: &Arc<Self>) {
        let (_, ticket) = self.ticket();
        let mut client = ptr::null_mut();
        let clean = self.settings.clean_session;
        let userdata = ticket.cast_mut().cast();
        // SAFETY: the arguments are what the header requires.
        let rc = unsafe { ffi::pmqtt_client_new(&mut client, c"c".as_ptr(), clean, userdata, 0) };
        assert_eq!(rc, SUCCESS);
        self.client.store(client, Ordering::Relaxed);
        if self.settings.event_fd {
            // SAFETY: the client lives.
            assert!(unsafe { ffi::pmqtt_event_fd(client) } >= 0);
        }
        self.set_up(client);
    }

    /// Sets options and callbacks. Setting the last callback may call it, and that may free the
    /// client.
    fn set_up(&self, client: *mut Handle) {
        let timeout = CONNECT_TIMEOUT.as_millis() as c_int;
        // SAFETY: the client lives, and its userdata is a ticket of this episode.
        unsafe {
            ffi::pmqtt_connect_timeout_set(client, timeout);
            ffi::pmqtt_manual_ack_set(client, self.settings.manual_ack.into());
            self.set_up_queue(client);
            callbacks::set_all(self, client);
        }
    }

    /// # Safety
    /// The client lives.
    unsafe fn set_up_queue(&self, client: *mut Handle) {
        let queue = &self.settings.queue;
        if !queue.is_set {
            return;
        }
        let options = QueueOptions {
            struct_size: size_of::<QueueOptions>(),
            when_full: queue.when_full,
            newest_only: queue.newest_only,
            keep_qos0: queue.keep_qos0,
        };
        // SAFETY: the caller's promise is the same; the structure lives through the call.
        unsafe {
            ffi::pmqtt_max_queued_messages_set(client, queue.max_messages);
            assert_eq!(ffi::pmqtt_queue_options_set(client, &options), SUCCESS);
        }
    }

    /// Publishes a message of at least `size` bytes.
    pub fn publish(&self, topic: &CStr, size: usize, qos: c_int) {
        let name = format_args!("pub{qos}{}/{size}", topic.to_string_lossy());
        let number = self.next_number();
        let payload = payload(number, size);
        let Some(call) = self.begin(LIMIT, name) else {
            return;
        };
        let (data, size) = (payload.as_ptr().cast(), payload.len());
        let mut mid = 0;
        // SAFETY: `begin` says that the client lives; topic and payload live through the call.
        let rc = unsafe {
            ffi::pmqtt_publish(
                call.client,
                topic.as_ptr(),
                data,
                size,
                qos,
                false,
                &mut mid,
            )
        };
        self.end(call, format_args!("{rc}:{mid}"), |account| {
            if rc == SUCCESS || rc == NO_CONN && qos > 0 {
                account.asked(mid, Request::Message(Message { number, qos }));
            }
        });
    }

    /// Publishes a batch of messages with these topics and QoS.
    pub fn publish_batch(&self, messages: &[(&CStr, c_int)]) {
        let numbers: Vec<u64> = messages.iter().map(|_| self.next_number()).collect();
        let payloads: Vec<_> = numbers.iter().map(|number| payload(*number, 0)).collect();
        let batch: Vec<_> = messages
            .iter()
            .zip(&payloads)
            .map(|(&(topic, qos), payload)| Publication {
                struct_size: size_of::<Publication>(),
                topic: topic.as_ptr(),
                payload: payload.as_ptr().cast(),
                payload_len: payload.len(),
                qos,
                expiry_s: self.settings.queue.expires.into(),
                // SAFETY: all bytes 0 are NULL, 0 and false.
                ..unsafe { std::mem::zeroed() }
            })
            .collect();
        let Some(call) = self.begin(LIMIT, format_args!("batch{}", batch.len())) else {
            return;
        };
        let (mut taken, mut first) = (0, 0);
        let (data, count) = (batch.as_ptr(), batch.len());
        // SAFETY: `begin` says that the client lives; what the batch points to lives through the call.
        let rc =
            unsafe { ffi::pmqtt_publish_batch(call.client, data, count, &mut taken, &mut first) };
        let keeps_qos0 = self.settings.queue.keep_qos0;
        self.end(call, format_args!("{rc}:{first}+{taken}"), |account| {
            let mids = first..;
            for ((mid, number), &(_, qos)) in mids.zip(numbers).zip(messages).take(taken) {
                if rc != NO_CONN || qos > 0 || keeps_qos0 {
                    account.asked(mid, Request::Message(Message { number, qos }));
                }
            }
        });
    }

    /// Cancels one of the last requests.
    pub fn cancel(&self) {
        let last = self.record().account().last_mid();
        let mid = last.saturating_sub(self.random(8).into());
        let Some(call) = self.begin(LIMIT, format_args!("cancel{mid}")) else {
            return;
        };
        // SAFETY: `begin` says that the client lives.
        let rc = unsafe { ffi::pmqtt_cancel(call.client, mid) };
        self.end(call, rc, |account| {
            if rc == SUCCESS {
                account.cancelled(mid);
            }
        });
    }

    pub fn clear_queue(&self) {
        if let Some(call) = self.begin(LIMIT, format_args!("CLEAR")) {
            // SAFETY: `begin` says that the client lives.
            let rc = unsafe { ffi::pmqtt_queue_clear(call.client) };
            self.end(call, rc, |account| account.is_cleared = true);
        }
    }

    pub fn subscribe(&self) {
        let Some(call) = self.begin(LIMIT, format_args!("sub")) else {
            return;
        };
        let mut mid = 0;
        // SAFETY: `begin` says that the client lives.
        let rc = unsafe { ffi::pmqtt_subscribe(call.client, c"a".as_ptr(), 1, &mut mid) };
        self.end(call, format_args!("{rc}:{mid}"), |account| {
            if rc == SUCCESS {
                account.asked(mid, Request::Subscribe);
            }
        });
    }

    pub fn unsubscribe(&self) {
        let Some(call) = self.begin(LIMIT, format_args!("unsub")) else {
            return;
        };
        let mut mid = 0;
        // SAFETY: `begin` says that the client lives.
        let rc = unsafe { ffi::pmqtt_unsubscribe(call.client, c"a".as_ptr(), &mut mid) };
        self.end(call, format_args!("{rc}:{mid}"), |account| {
            if rc == SUCCESS {
                account.asked(mid, Request::Unsubscribe);
            }
        });
    }

    pub fn acknowledge(&self, mid: u64, qos: c_int) {
        if let Some(call) = self.begin(LIMIT, format_args!("ack{mid}")) {
            // SAFETY: `begin` says that the client lives.
            let rc = unsafe { ffi::pmqtt_ack(call.client, mid, qos) };
            self.end(call, rc, |_| {});
        }
    }

    pub fn connect(&self, port: c_int) -> c_int {
        let limit = CONNECT_TIMEOUT + LIMIT;
        let told = self.record().account().attempts_told();
        let Some(call) = self.begin(limit, format_args!("CONN")) else {
            return NOT_MADE;
        };
        let (host, bind) = (LOCALHOST.as_ptr(), ptr::null());
        // SAFETY: `begin` says that the client lives.
        let rc = unsafe { ffi::pmqtt_connect(call.client, host, port, 60, bind) };
        self.end(call, rc, |account| {
            if rc == SUCCESS {
                account.attempted(told);
            }
        });
        rc
    }

    pub fn connect_async(&self, port: c_int) {
        let told = self.record().account().attempts_told();
        let Some(call) = self.begin(LIMIT, format_args!("async")) else {
            return;
        };
        let (host, bind) = (LOCALHOST.as_ptr(), ptr::null());
        // SAFETY: `begin` says that the client lives.
        let rc = unsafe { ffi::pmqtt_connect_async(call.client, host, port, 60, bind) };
        self.end(call, rc, |account| {
            if rc == SUCCESS {
                account.attempted(told);
            }
        });
    }

    pub fn reconnect(&self) {
        let told = self.record().account().attempts_told();
        let Some(call) = self.begin(CONNECT_TIMEOUT + LIMIT, format_args!("RE")) else {
            return;
        };
        // SAFETY: `begin` says that the client lives.
        let rc = unsafe { ffi::pmqtt_reconnect(call.client) };
        self.end(call, rc, |account| {
            if rc == SUCCESS {
                account.attempted(told);
            }
        });
    }

    pub fn disconnect(&self) {
        let Some(call) = self.begin(LIMIT, format_args!("DISC")) else {
            return;
        };
        // SAFETY: `begin` says that the client lives.
        let rc = unsafe { ffi::pmqtt_disconnect(call.client) };
        self.end(call, rc, |account| account.disconnects_asked += taken(rc));
    }

    pub fn run_loop(&self, timeout_ms: c_int) -> c_int {
        let limit = LIMIT + Duration::from_millis(timeout_ms as u64);
        let Some(call) = self.begin(limit, format_args!("loop{timeout_ms}")) else {
            return NOT_MADE;
        };
        // SAFETY: `begin` says that the client lives.
        let rc = unsafe { ffi::pmqtt_loop(call.client, timeout_ms) };
        self.end(call, rc, |_| {});
        rc
    }

    pub fn drain(&self, timeout_ms: c_int) {
        let limit = LIMIT + Duration::from_millis(timeout_ms as u64);
        let Some(call) = self.begin(limit, format_args!("drain{timeout_ms}")) else {
            return;
        };
        let mut left = 0;
        // SAFETY: `begin` says that the client lives.
        let rc = unsafe { ffi::pmqtt_drain(call.client, timeout_ms, &mut left) };
        self.end(call, format_args!("{rc}:{left}"), |_| {});
        if self.settings.event_fd {
            self.reconnects();
        }
    }

    pub fn loop_read(&self) {
        self.plain("read", LIMIT, ffi::pmqtt_loop_read);
    }

    pub fn loop_write(&self) {
        self.plain("write", LIMIT, ffi::pmqtt_loop_write);
    }

    pub fn loop_misc(&self) {
        self.plain("misc", LIMIT, ffi::pmqtt_loop_misc);
    }

    pub fn loop_stop(&self) {
        self.plain("STOP", STOP_LIMIT, ffi::pmqtt_loop_stop);
    }

    /// The client reconnects by itself from here on.
    pub fn process(&self) {
        self.reconnecting("process", ffi::pmqtt_process);
    }

    /// As with `process`.
    pub fn loop_start(&self) {
        self.reconnecting("START", ffi::pmqtt_loop_start);
    }

    fn plain(&self, name: &str, limit: Duration, function: Plain) {
        if let Some(call) = self.begin(limit, format_args!("{name}")) {
            // SAFETY: `begin` says that the client lives.
            let rc = unsafe { function(call.client) };
            self.end(call, rc, |_| {});
        }
    }

    fn reconnecting(&self, name: &str, function: Plain) {
        if let Some(call) = self.begin(LIMIT, format_args!("{name}")) {
            // SAFETY: `begin` says that the client lives.
            let rc = unsafe { function(call.client) };
            self.end(call, rc, |_| {});
            self.reconnects();
        }
    }

    /// Reinitialises the client, and begins a new account.
    pub fn reinitialise(self: &Arc<Self>) {
        let Some(mut call) = self.begin(LIMIT, format_args!("REINIT")) else {
            return;
        };
        self.begin_to_reinitialise(&mut call);
        let (number, ticket) = self.ticket();
        let (client, clean) = (call.client, self.settings.clean_session);
        let userdata = ticket.cast_mut().cast();
        // SAFETY: `begin` says that the client lives.
        let rc = unsafe { ffi::pmqtt_reinitialise(client, c"c".as_ptr(), clean, userdata) };
        self.has_begun_anew(number);
        // A callback of the call may have freed the client.
        if self.record().life == Life::Alive {
            self.set_up(client);
        }
        self.reinitialised();
        self.end(call, rc, |_| {});
    }

    /// Frees the client, once no other call is about to begin.
    pub fn free(&self) {
        let Some(call) = self.begin_to_free(FREE_LIMIT) else {
            return;
        };
        // SAFETY: `begin_to_free` says that the client lives, and that this is its only end.
        unsafe { ffi::pmqtt_client_free(call.client) };
        self.freed();
        self.end(call, "", |_| {});
    }

    pub fn statistics(&self) -> Statistics {
        let client = self.client.load(Ordering::Relaxed);
        let mut statistics = MaybeUninit::<Statistics>::zeroed();
        // SAFETY: the structure has only numbers and flags, for which all zeroes are values.
        let statistics = unsafe { statistics.assume_init_mut() };
        statistics.struct_size = size_of::<Statistics>();
        // SAFETY: the caller has not freed the client.
        let rc = unsafe { ffi::pmqtt_stats(client, statistics) };
        assert_eq!(rc, SUCCESS);
        *statistics
    }
}

/// A payload that begins with a number.
fn payload(number: u64, size: usize) -> Vec<u8> {
    let mut payload = number.to_be_bytes().to_vec();
    payload.resize(size.max(payload.len()), 0);
    payload
}

fn taken(rc: c_int) -> u32 {
    (rc == SUCCESS).into()
}
