//! Which packet identifiers are in use, and by what.

use super::id_map::IdMap;
use crate::codec::PacketId;

/// How many identifiers there are: 1 to 65,535.
pub const COUNT: usize = u16::MAX as usize;

/// What waits for an answer with this identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The message with this sequence number among the outgoing ones.
    Publish(u64),
    Subscribe {
        mid: u64,
        filters: usize,
    },
    Unsubscribe {
        mid: u64,
    },
}

#[derive(Default)]
pub struct PacketIds {
    in_use: IdMap<Use>,
}

impl PacketIds {
    /// The identifier that is `mid`'s own, modulo 65,535, or else the next free one, so that
    /// a packet capture reads next to a log. None while all are in use [MQTT-2.3.1-2].
    #[inline(always)]
    pub fn assign(&mut self, mid: u64, usage: Use) -> Option<PacketId> {
        if self.in_use.len() == COUNT {
            return None;
        }
        let mut id = own_id(mid);
        while !self.in_use.insert_new(id, usage) {
            id = id.checked_add(1).unwrap_or(PacketId::MIN);
        }
        Some(id)
    }

    #[inline(always)]
    pub fn get(&self, id: PacketId) -> Option<Use> {
        self.in_use.get(id).copied()
    }

    #[inline(always)]
    pub fn release(&mut self, id: PacketId) {
        self.in_use.remove(id);
    }

    pub fn trim(&mut self) {
        self.in_use.trim();
    }

    /// Releases what the end of a connection ends, a SUBSCRIBE or an UNSUBSCRIBE that was not
    /// answered, in the order of their mids.
    pub fn release_requests(&mut self) -> Vec<Use> {
        let mut lost: Vec<(u64, Use)> = Vec::new();
        self.in_use.retain(|_, &usage| match usage {
            Use::Publish(_) => true,
            Use::Subscribe { mid, .. } | Use::Unsubscribe { mid } => {
                lost.push((mid, usage));
                false
            }
        });
        lost.sort_unstable_by_key(|&(mid, _)| mid);
        lost.into_iter().map(|(_, usage)| usage).collect()
    }
}

fn own_id(mid: u64) -> PacketId {
    let id = (mid.wrapping_sub(1) % COUNT as u64) as u16 + 1;
    PacketId::new(id).unwrap_or(PacketId::MIN)
}
