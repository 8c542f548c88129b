//! Where a one-shot call looks for what the broker has sent.

use std::ffi::CString;

use crate::codec::{PacketId, Publish, QoS};
use crate::session::Event;

/// What the broker has sent, until the one-shot that waits for it looks.
#[derive(Default)]
pub struct Inbox {
    /// None where callbacks take the messages.
    pub messages: Option<Vec<Received>>,
    /// The mid of the SUBSCRIBE that it waits for the answer to, and the answer.
    pub subscription: u64,
    pub granted: Option<Vec<u8>>,
}

impl Inbox {
    pub fn for_messages() -> Inbox {
        Inbox {
            messages: Some(Vec::new()),
            ..Inbox::default()
        }
    }

    pub fn put(&mut self, event: &Event) {
        match event {
            Event::Message { publish, .. } => {
                if let Some(messages) = &mut self.messages {
                    messages.push(Received::new(publish));
                }
            }
            Event::Subscribed { mid, granted } if *mid == self.subscription => {
                self.granted = Some(granted.to_vec());
            }
            _ => {}
        }
    }
}

/// A message that `collect` has kept.
pub struct Received {
    pub id: Option<PacketId>,
    pub topic: CString,
    pub payload: Vec<u8>,
    pub qos: QoS,
    pub retain: bool,
    pub dup: bool,
}

impl Received {
    fn new(publish: &Publish) -> Received {
        Received {
            id: publish.packet_id,
            // A topic is decoded only without NUL bytes.
            topic: CString::new(publish.topic.as_bytes()).unwrap_or_default(),
            payload: publish.payload.to_vec(),
            qos: publish.qos,
            retain: publish.retain,
            dup: publish.dup,
        }
    }
}
