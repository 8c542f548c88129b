//! Which packet identifiers are in use, and by what.

use std::collections::VecDeque;

use super::id_map::{IdMap, Place};
use super::subscriptions::Subscriptions;
use crate::codec::PacketId;

/// How many identifiers there are: 1 to 65,535.
pub const COUNT: usize = u16::MAX as usize;

/// The owner of an identifier that waits for an answer: a message or a request, in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use(u32);

impl Use {
    const REQUEST: Use = Use(u32::MAX);

    /// The message with this sequence number among the outgoing ones.
    #[inline(always)]
    pub fn message(seq: u32) -> Use {
        Use(seq & MESSAGE)
    }

    /// The distance of the message behind the sequence number `first`; None: a request.
    #[inline(always)]
    pub fn message_behind(self, first: u32) -> Option<u32> {
        (self != Use::REQUEST).then_some(self.0.wrapping_sub(first) & MESSAGE)
    }
}

/// The bits of a sequence number that are kept. No memory holds more messages than they count.
const MESSAGE: u32 = u32::MAX >> 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    Subscribe {
        mid: u64,
        filters: usize,
    },
    Unsubscribe {
        mid: u64,
        filters: usize,
    },
    /// The client subscribes again by itself.
    SubscribeAgain {
        filters: usize,
    },
}

#[derive(Default)]
pub struct PacketIds {
    in_use: IdMap<Use>,
    requests: Option<Box<Requests>>,
}

#[derive(Default)]
struct Requests {
    /// In the order of sending. Brokers answer in about the same order.
    unanswered: VecDeque<(PacketId, Request)>,
    /// None: the client does not subscribe again.
    subscriptions: Option<Box<Subscriptions>>,
}

impl PacketIds {
    /// Assigns the identifier that equals `mid` modulo 65,535, or else the next free one. So a
    /// packet capture is easy to compare with a log. None while all are in use [MQTT-2.3.1-2].
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

    /// Assigns an identifier to a SUBSCRIBE or UNSUBSCRIBE.
    pub fn assign_request(&mut self, mid: u64, request: Request) -> Option<PacketId> {
        let id = self.assign(mid, Use::REQUEST)?;
        let requests = self.requests.get_or_insert_default();
        requests.unanswered.push_back((id, request));
        Some(id)
    }

    /// The owner of an identifier, and the place for `release_at`.
    #[inline(always)]
    pub fn get(&self, id: PacketId) -> Option<(Place, Use)> {
        let (place, usage) = self.in_use.entry(id)?;
        Some((place, *usage))
    }

    /// The SUBSCRIBE or UNSUBSCRIBE that waits for its answer.
    pub fn request(&self, id: PacketId) -> Option<Request> {
        let mut requests = self.requests.as_ref()?.unanswered.iter();
        let (_, request) = requests.find(|(of, _)| *of == id)?;
        Some(*request)
    }

    #[inline(always)]
    pub fn release(&mut self, id: PacketId) {
        self.in_use.remove(id);
    }

    /// Releases the identifier that `get` has found, before any other one changes.
    #[inline(always)]
    pub fn release_at(&mut self, place: Place) {
        self.in_use.remove_at(place);
    }

    /// Releases the identifier of a SUBSCRIBE or UNSUBSCRIBE.
    pub fn release_request(&mut self, id: PacketId) {
        if let Some(requests) = &mut self.requests
            && let Some(place) = requests.unanswered.iter().position(|(of, _)| *of == id)
        {
            requests.unanswered.remove(place);
            self.in_use.remove(id);
        }
    }

    /// How many SUBSCRIBE and UNSUBSCRIBE wait for an answer.
    pub fn requests(&self) -> usize {
        let requests = self.requests.as_ref();
        requests.map_or(0, |requests| requests.unanswered.len())
    }

    /// Takes out the oldest request without an answer, at the end of a connection.
    pub fn take_request(&mut self) -> Option<Request> {
        let (id, request) = self.requests.as_mut()?.unanswered.pop_front()?;
        self.in_use.remove(id);
        Some(request)
    }

    pub fn trim(&mut self) {
        self.in_use.trim();
        self.requests
            .take_if(|it| it.unanswered.is_empty() && it.subscriptions.is_none());
    }

    /// The granted subscriptions, if they are kept.
    pub fn subscriptions(&mut self) -> Option<&mut Subscriptions> {
        self.requests.as_mut()?.subscriptions.as_deref_mut()
    }

    /// Keeps the subscriptions that are granted from now on, or no more.
    pub fn keep_subscriptions(&mut self, keep: bool) {
        match keep {
            true => {
                let requests = self.requests.get_or_insert_default();
                requests.subscriptions.get_or_insert_default();
            }
            false => {
                if let Some(requests) = &mut self.requests {
                    requests.subscriptions = None;
                }
            }
        }
    }
}

fn own_id(mid: u64) -> PacketId {
    let id = (mid.wrapping_sub(1) % COUNT as u64) as u16 + 1;
    PacketId::new(id).unwrap_or(PacketId::MIN)
}
