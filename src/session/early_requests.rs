//! SUBSCRIBE and UNSUBSCRIBE before the CONNACK of MQTT 5. They wait, because CONNACK may say that the broker does
//! not take them: such a packet would end the connection.

use super::extended::Negotiated;
use super::packet_ids::Request;
use super::{Outcome, Session};
use crate::codec::{self, Buffer, Packet, PacketId, Role, Version, reason};

impl Session {
    /// Keeps the packet of a request until CONNACK. Returns false if it need not wait.
    pub(super) fn keep_early(&mut self, id: PacketId, packet: &[u8]) -> bool {
        let keeps = self.keeps_for_connack();
        let Some(extended) = self.extended.as_mut().filter(|_| keeps) else {
            return false;
        };
        let mut kept = Buffer::default();
        kept.append(packet);
        extended.early.push((id, kept));
        true
    }

    /// CONNACK has come.
    pub(super) fn send_early_requests(&mut self) {
        let Some(extended) = &mut self.extended else {
            return;
        };
        for (id, mut packet) in std::mem::take(&mut extended.early) {
            let refused = match self.negotiated() {
                Some(with) => refuses(with, &mut packet),
                None => None,
            };
            match refused {
                None => self.output.buffer().append(&packet),
                Some(reason) => self.refuse_early(id, reason),
            }
        }
    }

    fn refuse_early(&mut self, id: PacketId, reason: u8) {
        let request = self.ids.request(id);
        self.ids.release_request(id);
        match request {
            Some(Request::Subscribe { mid, .. }) => {
                if let Some(subscriptions) = self.ids.subscriptions() {
                    subscriptions.answered(id, &[]);
                }
                self.add_outcome(Outcome::SubscribeUnfit { mid, reason });
            }
            Some(Request::Unsubscribe { mid, .. }) => {
                self.add_outcome(Outcome::UnsubscribeUnfit { mid, reason });
            }
            Some(Request::SubscribeAgain { .. }) | None => {}
        }
    }
}

/// The reason for which the broker does not take the packet.
fn refuses(with: &Negotiated, packet: &mut [u8]) -> Option<u8> {
    if packet.len() > with.max_packet_size as usize {
        return Some(reason::TOO_LARGE);
    }
    let header = codec::header(packet, Role::Broker, Version::V5).ok()??;
    match codec::decode(packet, &header, Version::V5).ok()? {
        Packet::Subscribe(subscribe) => subscribe
            .filters
            .into_iter()
            .find_map(|(filter, _)| with.refuses_filter(filter)),
        _ => None,
    }
}
