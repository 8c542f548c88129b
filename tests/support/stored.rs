//! What the model broker keeps for the client between its connections.

use std::collections::BTreeSet;

use pmqtt::codec::{Ack, Buffer, Message, PacketId, Properties, QoS, Version, encode};

use super::id;

/// Few identifiers, so that each is soon used again.
pub const IDENTIFIERS: usize = 8;

#[derive(Default)]
pub struct Stored {
    /// It ends with its connection.
    pub clean: bool,
    /// QoS 2 messages of the client whose PUBREL has not arrived.
    pub unreleased: BTreeSet<PacketId>,
    /// Messages for the client that are not settled, in the order of publishing.
    pub outgoing: Vec<Outgoing>,
    last_id: u16,
}

pub struct Outgoing {
    pub id: PacketId,
    pub qos: QoS,
    pub number: u64,
    /// PUBREC has come.
    pub released: bool,
    pub sent: Sent,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Sent {
    Never,
    /// On an earlier connection.
    Before,
    Here,
}

impl Stored {
    pub fn push(&mut self, qos: QoS, number: u64) {
        let id = self.next_id();
        self.outgoing.push(Outgoing {
            id,
            qos,
            number,
            released: false,
            sent: Sent::Never,
        });
    }

    pub fn connection_began(&mut self) {
        for message in &mut self.outgoing {
            if message.sent == Sent::Here {
                message.sent = Sent::Before;
            }
        }
    }

    /// Sends what was not sent on this connection: each PUBREL, and as many PUBLISH packets as the quota
    /// allows.
    pub fn send(&mut self, quota: &mut usize, out: &mut Buffer, version: Version) {
        let unsent = self.outgoing.iter_mut();
        for message in unsent.filter(|it| it.sent != Sent::Here) {
            if message.released {
                encode::ack(out, Ack::PubRel, message.id, true, version);
            } else if *quota > 0 {
                *quota -= 1;
                let again = message.sent == Sent::Before;
                publish(
                    out,
                    message.qos,
                    Some(message.id),
                    message.number,
                    again,
                    version,
                );
            } else {
                continue;
            }
            message.sent = Sent::Here;
        }
    }

    /// A free identifier, if there is one.
    fn next_id(&mut self) -> PacketId {
        for _ in 0..IDENTIFIERS {
            self.last_id = self.last_id % IDENTIFIERS as u16 + 1;
            if self.outgoing.iter().all(|it| it.id.get() != self.last_id) {
                break;
            }
        }
        id(self.last_id)
    }
}

pub fn publish(
    out: &mut Buffer,
    qos: QoS,
    id: Option<PacketId>,
    number: u64,
    again: bool,
    version: Version,
) {
    let payload = number.to_be_bytes();
    let message = Message {
        topic: b"in",
        payload: &payload,
        qos,
        retain: false,
        properties: version.rules().is_extended.then_some(Properties::NONE),
    }
    .check()
    .expect("PUBLISH fits");
    let start = out.len();
    encode::publish(out, &message, id).expect("memory");
    if again {
        encode::set_dup(&mut out[start..]);
    }
}
