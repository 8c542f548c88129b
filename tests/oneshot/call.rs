//! One-shot calls, in as few words as a test wants.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::time::{Duration, Instant};

use pmqtt::ffi::*;

/// No call of a test takes so long, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The options of one call, and the text of its failure.
pub struct Call {
    pub options: OneshotOptions,
    words: Box<[c_char; 300]>,
}

impl Call {
    pub fn to(port: u16) -> Call {
        let mut words = Box::new([0; 300]);
        let options = OneshotOptions {
            struct_size: size_of::<OneshotOptions>(),
            hostname: c"127.0.0.1".as_ptr(),
            port: port.into(),
            error: words.as_mut_ptr(),
            error_size: words.len(),
            // SAFETY: all bytes 0 are NULL, 0 and false.
            ..unsafe { std::mem::zeroed() }
        };
        Call { options, words }
    }

    pub fn with(mut self, change: impl FnOnce(&mut OneshotOptions)) -> Call {
        change(&mut self.options);
        self
    }

    pub fn words(&self) -> String {
        // SAFETY: it begins as zeros, and the library terminates what it writes.
        let words = unsafe { CStr::from_ptr(self.words.as_ptr()) };
        words.to_string_lossy().into_owned()
    }

    pub fn publish(&self, messages: &[Publication]) -> c_int {
        // SAFETY: everything lives through the call, here and below.
        unsafe { pmqtt_publish_multiple(messages.as_ptr(), messages.len(), &self.options) }
    }

    pub fn publish_one(&self, publication: &Publication) -> c_int {
        let Publication {
            topic,
            payload,
            payload_len,
            qos,
            retain,
            ..
        } = *publication;
        // SAFETY: as above.
        unsafe { pmqtt_publish_single(topic, payload, payload_len, qos, retain, &self.options) }
    }

    pub fn collect(&self, filters: &[&CStr], qos: c_int, count: usize) -> (c_int, Vec<Message>) {
        self.collect_with(filters, qos, count, false)
    }

    pub fn collect_with(
        &self,
        filters: &[&CStr],
        qos: c_int,
        count: usize,
        retained: bool,
    ) -> (c_int, Vec<Message>) {
        let filters: Vec<_> = filters.iter().map(|filter| filter.as_ptr()).collect();
        let mut out = ptr::dangling_mut();
        // SAFETY: as above; the list is freed once.
        unsafe {
            let code = pmqtt_subscribe_simple(
                filters.as_ptr(),
                filters.len(),
                qos,
                count,
                retained,
                &self.options,
                &mut out,
            );
            let messages = (0..pmqtt_messages_count(out))
                .map(|index| Message::new(&*pmqtt_messages_get(out, index)))
                .collect::<Vec<_>>();
            assert_eq!(out.is_null(), messages.is_empty());
            assert!(pmqtt_messages_get(out, messages.len()).is_null());
            pmqtt_messages_free(out);
            (code, messages)
        }
    }

    /// Subscribes to topic t. The callback gets `state` as its user data.
    pub fn follow<T>(&self, callback: pmqtt_on_message, qos: c_int, state: &mut T) -> c_int {
        let userdata = ptr::from_mut(state).cast::<c_void>();
        let filters = [c"t".as_ptr()];
        // SAFETY: as above.
        unsafe {
            pmqtt_subscribe_callback(callback, userdata, filters.as_ptr(), 1, qos, &self.options)
        }
    }
}

/// A copy of a message.
#[derive(Debug, PartialEq)]
pub struct Message {
    pub topic: CString,
    pub payload: Vec<u8>,
    pub qos: c_int,
    pub retain: bool,
}

impl Message {
    /// # Safety
    /// The library has passed the event, and it is still valid.
    pub unsafe fn new(event: &pmqtt::client::events::MessageEvent) -> Message {
        // SAFETY: the caller promises the same.
        let (topic, payload) = unsafe {
            let payload = std::slice::from_raw_parts(event.payload.cast(), event.payload_len);
            (CStr::from_ptr(event.topic), payload)
        };
        assert_eq!(topic.count_bytes(), event.topic_len);
        assert_eq!(event.mid == 0, event.qos == 0);
        Message {
            topic: topic.to_owned(),
            payload: payload.to_vec(),
            qos: event.qos,
            retain: event.retain,
        }
    }
}

pub fn publication(topic: &'static CStr, payload: &[u8], qos: c_int) -> Publication {
    Publication {
        struct_size: size_of::<Publication>(),
        topic: topic.as_ptr(),
        payload: payload.as_ptr().cast(),
        payload_len: payload.len(),
        qos,
        // SAFETY: all bytes 0 are NULL, 0 and false.
        ..unsafe { std::mem::zeroed() }
    }
}

/// The result of `body`, and how long it took.
pub fn timed<T>(body: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let result = body();
    (result, begin.elapsed())
}
