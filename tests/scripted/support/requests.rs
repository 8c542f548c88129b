//! Requests: what the client asks, what the broker answers for a responder, and how each request ends.

use std::ffi::{CString, c_int, c_void};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use pmqtt::client::events::ResponseEvent;
use pmqtt::codec::{
    Buffer, Message as Sent, Packet, PacketId, PropertyList, QoS, RetainHandling, encode, property,
};
use pmqtt::ffi::{self, Publication};

use super::{Handle, LIMIT, Peer, c};

/// Longer than any test.
pub const LONG: c_int = 1_000_000;

/// The end of a request: its number, rc, reason and the payload of its response.
pub type End = (u64, c_int, c_int, Option<Vec<u8>>);

type Hook = Box<dyn FnMut(Handle, &End) + Send>;

/// The userdata of requests: hears of their ends.
pub struct Ends {
    sender: Sender<End>,
    receiver: Receiver<End>,
    hook: Mutex<Option<Hook>>,
}

impl Ends {
    pub fn new() -> Box<Ends> {
        let (sender, receiver) = channel();
        let hook = Mutex::default();
        Box::new(Ends {
            sender,
            receiver,
            hook,
        })
    }

    #[track_caller]
    pub fn next(&self) -> End {
        self.receiver.recv_timeout(LIMIT).expect("an end")
    }

    pub fn is_empty(&self) -> bool {
        self.receiver.try_recv().is_err()
    }

    pub fn hook(&self, hook: impl FnMut(Handle, &End) + Send + 'static) {
        *self.hook.lock().unwrap() = Some(Box::new(hook));
    }

    pub fn userdata(&self) -> *mut c_void {
        (&raw const *self).cast_mut().cast()
    }
}

pub extern "C" fn on_response(
    client: *mut pmqtt::client::Handle,
    ends: *mut c_void,
    event: *const ResponseEvent,
) {
    // SAFETY: the userdata is an `Ends` of the test, which outlives its client; the event lives through the callback.
    let (ends, event) = unsafe { (&*ends.cast::<Ends>(), &*event) };
    // SAFETY: as above; NULL without a response.
    let payload = unsafe { event.message.as_ref() }.map(|message| {
        // SAFETY: pointer and length match.
        let payload = unsafe {
            std::slice::from_raw_parts(message.payload.cast::<u8>(), message.payload_len)
        };
        payload.to_vec()
    });
    let end = (event.id, event.rc, event.reason, payload);
    let hook = ends.hook.lock().unwrap().take();
    if let Some(mut hook) = hook {
        hook(Handle(client), &end);
        ends.hook.lock().unwrap().get_or_insert(hook);
    }
    ends.sender.send(end).expect("a receiver");
}

pub fn publication(topic: &CString, qos: c_int) -> Publication {
    Publication {
        struct_size: size_of::<Publication>(),
        topic: topic.as_ptr(),
        qos,
        // SAFETY: all bytes 0 are NULL, 0 and false.
        ..unsafe { std::mem::zeroed() }
    }
}

pub fn try_request(
    client: Handle,
    qos: c_int,
    timeout_ms: c_int,
    ends: *mut c_void,
) -> (c_int, u64) {
    let topic = c("service");
    request_of(client, &publication(&topic, qos), timeout_ms, ends)
}

pub fn request_of(
    client: Handle,
    publication: &Publication,
    timeout_ms: c_int,
    ends: *mut c_void,
) -> (c_int, u64) {
    let mut id = 0;
    // SAFETY: the client lives, and so do the arguments.
    let rc = unsafe {
        let callback = Some(on_response as _);
        ffi::pmqtt_request(client.0, publication, timeout_ms, callback, ends, &mut id)
    };
    (rc, id)
}

#[track_caller]
pub fn request(client: Handle, qos: c_int, timeout_ms: c_int, ends: &Ends) -> u64 {
    let (rc, id) = try_request(client, qos, timeout_ms, ends.userdata());
    assert_eq!(rc, 0);
    assert_ne!(id, 0);
    id
}

pub fn cancel(client: Handle, id: u64) -> c_int {
    // SAFETY: the client lives.
    unsafe { ffi::pmqtt_request_cancel(client.0, id) }
}

/// What a responder knows of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub id: Option<PacketId>,
    pub topic: Vec<u8>,
    pub correlation: Vec<u8>,
}

impl Peer {
    /// The SUBSCRIBE for responses, which is granted, and its filter.
    #[track_caller]
    pub fn grant(&mut self) -> String {
        self.answer_subscribe(1)
    }

    #[track_caller]
    pub fn answer_subscribe(&mut self, code: u8) -> String {
        let (id, filter) = self.read(|packet| match packet {
            Packet::Subscribe(subscribe) => {
                let filters: Vec<_> = subscribe.filters.into_iter().collect();
                let [(filter, wish)] = filters[..] else {
                    panic!("one filter")
                };
                assert_eq!(wish.qos, QoS::AtLeastOnce);
                assert_eq!(wish.retain_handling, RetainHandling::Never);
                assert!(!wish.no_local);
                (subscribe.packet_id.get(), filter.to_string())
            }
            other => panic!("{other}"),
        });
        let [high, low] = id.to_be_bytes();
        self.send(&[0x90, 4, high, low, 0, code]);
        filter
    }

    #[track_caller]
    pub fn asked(&mut self) -> Asked {
        self.read(|packet| match packet {
            Packet::Publish(publish) => Asked {
                id: publish.packet_id,
                topic: publish
                    .properties
                    .bytes(property::RESPONSE_TOPIC)
                    .expect("a response topic")
                    .to_vec(),
                correlation: publish
                    .properties
                    .bytes(property::CORRELATION_DATA)
                    .expect("correlation data")
                    .to_vec(),
            },
            other => panic!("{other}"),
        })
    }

    pub fn puback(&mut self, asked: &Asked, reason: u8) {
        let [high, low] = asked.id.expect("QoS 1").get().to_be_bytes();
        self.send(&[0x40, 3, high, low, reason]);
    }

    pub fn respond(&mut self, asked: &Asked, payload: &[u8]) {
        self.deliver(&asked.topic, Some(&asked.correlation), payload, None);
    }

    pub fn deliver(
        &mut self,
        topic: &[u8],
        data: Option<&[u8]>,
        payload: &[u8],
        id: Option<PacketId>,
    ) {
        let mut list = PropertyList::default();
        if let Some(data) = data {
            list.bytes(property::CORRELATION_DATA, data).expect("fits");
        }
        let message = Sent {
            topic,
            payload,
            qos: if id.is_some() {
                QoS::AtLeastOnce
            } else {
                QoS::AtMostOnce
            },
            retain: false,
            properties: Some(list.get()),
        };
        let mut out = Buffer::default();
        encode::publish(&mut out, &message.check().expect("fits"), id).expect("memory");
        self.send(&out);
    }
}

pub fn answered(id: u64, payload: &[u8]) -> End {
    (id, 0, -1, Some(payload.to_vec()))
}

pub fn ended(id: u64, rc: c_int) -> End {
    (id, rc, -1, None)
}
