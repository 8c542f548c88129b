//! What a one-shot call waits for.

use std::collections::TryReserveError;
use std::ffi::CString;

use crate::codec::{PropertyList, Publish, QoS};
use crate::session::Event;

/// What the broker has sent, until the one-shot call takes it.
#[derive(Default)]
pub struct Inbox {
    /// None if callbacks take the messages.
    pub messages: Option<Vec<Received>>,
    /// The mid of the SUBSCRIBE whose answer the one-shot waits for, and that answer.
    pub subscription: u64,
    pub granted: Option<Granted>,
    /// Why the broker did not take the first of the messages that it has refused.
    pub rejection: Option<String>,
}

/// A SUBACK.
pub struct Granted {
    pub codes: Vec<u8>,
    pub properties: PropertyList,
}

impl Inbox {
    pub fn for_messages() -> Inbox {
        Inbox {
            messages: Some(Vec::new()),
            ..Inbox::default()
        }
    }

    /// Fails if there is no memory for the message.
    pub fn put(&mut self, event: &Event) -> Result<(), TryReserveError> {
        match event {
            Event::Message { publish, mid, .. } => {
                if let Some(messages) = &mut self.messages {
                    messages.try_reserve(1)?;
                    messages.push(Received::new(publish, *mid)?);
                }
            }
            Event::Subscribed { mid, suback } if *mid == self.subscription => {
                self.granted = Some(Granted {
                    codes: suback.granted.to_vec(),
                    properties: PropertyList::of(suback.properties),
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// A message that `collect` has kept.
pub struct Received {
    pub mid: u64,
    pub topic: CString,
    pub payload: Vec<u8>,
    pub qos: QoS,
    pub retain: bool,
    pub dup: bool,
    pub properties: PropertyList,
}

impl Received {
    fn new(publish: &Publish, mid: u64) -> Result<Received, TryReserveError> {
        let mut payload = Vec::new();
        payload.try_reserve_exact(publish.payload.len())?;
        payload.extend_from_slice(publish.payload);
        Ok(Received {
            mid,
            // The decoder refuses a topic with NUL bytes.
            topic: CString::new(publish.topic.as_bytes()).unwrap_or_default(),
            payload,
            qos: publish.qos,
            retain: publish.retain,
            dup: publish.dup,
            properties: PropertyList::of(publish.properties),
        })
    }
}
