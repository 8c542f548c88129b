//! Subscribing again after the broker has lost the session.

use super::packet_ids::Request;
use super::{Outcome, Phase, Session};
use crate::codec::{
    MAX_REMAINING_LENGTH, PacketId, Properties, RetainHandling, Wish, encode, reason,
};

/// The most filters of a SUBSCRIBE. Some brokers accept no more.
const MOST_FILTERS: usize = 8;

impl Session {
    /// Sets whether the client subscribes again by itself. Subscriptions that were granted before are not known.
    pub fn set_resubscribe(&mut self, resubscribe: bool) {
        self.ids.keep_subscriptions(resubscribe);
    }

    /// The filters that were refused when the client subscribed again, and the broker's codes.
    pub fn take_refused(&mut self) -> Vec<(Box<str>, u8)> {
        let subscriptions = self.ids.subscriptions();
        subscriptions.map_or_else(Vec::new, |kept| kept.take_refused())
    }

    /// Sends the SUBSCRIBEs, before the queue goes out.
    pub(super) fn subscribe_again(&mut self) {
        let due = match self.ids.subscriptions() {
            Some(subscriptions) if self.phase == Phase::Connected => subscriptions.take_due(),
            _ => return,
        };
        let mut rest: Vec<(&str, Wish)> = Vec::new();
        for (filter, wish) in &due {
            let wish = match self.version.rules().is_extended {
                true => again(*wish),
                false => *wish,
            };
            match self.refuses_again(filter, wish) {
                Some(code) => self.refuse_again(&[(filter, wish)], code),
                None => rest.push((filter, wish)),
            }
        }
        let mut first = u16::MAX.into();
        let mut rest = &rest[..];
        while !rest.is_empty() {
            let (filters, others) = rest.split_at(self.fitting(rest));
            self.send_again(filters, first);
            first -= 1;
            rest = others;
        }
        self.tell_refused();
    }

    /// The reason for which the broker takes no SUBSCRIBE with this filter alone.
    fn refuses_again(&self, filter: &str, wish: Wish) -> Option<u8> {
        let refused = self
            .negotiated()
            .and_then(|with| with.refuses_filter(filter));
        let is_too_large = !self.fits(&[(filter, wish)]);
        refused.or(is_too_large.then_some(reason::TOO_LARGE))
    }

    /// How many of these filters fit into a packet.
    fn fitting(&self, filters: &[(&str, Wish)]) -> usize {
        let most = filters.len().min(MOST_FILTERS);
        let fitting = (1..=most).rev().find(|&count| self.fits(&filters[..count]));
        fitting.unwrap_or(1)
    }

    fn fits(&self, filters: &[(&str, Wish)]) -> bool {
        let properties = self.extended_only(Properties::NONE);
        let most = match self.negotiated() {
            Some(with) => with.max_packet_size as usize,
            None => MAX_REMAINING_LENGTH,
        };
        encode::subscribe_len(filters, properties).is_ok_and(|len| len <= most)
    }

    /// `first`: where the search for a packet identifier begins, away from those of messages.
    fn send_again(&mut self, filters: &[(&str, Wish)], first: u64) {
        let properties = self.extended_only(Properties::NONE);
        let request = Request::SubscribeAgain {
            filters: filters.len(),
        };
        let Some(id) = self.ids.assign_request(first, request) else {
            // All packet identifiers are in use.
            return self.refuse_again(filters, reason::UNSPECIFIED);
        };
        if encode::subscribe(self.output.buffer(), id, filters, properties).is_ok()
            && let Some(subscriptions) = self.ids.subscriptions()
        {
            subscriptions.asked(id, filters);
        }
    }

    fn refuse_again(&mut self, filters: &[(&str, Wish)], code: u8) {
        if let Some(subscriptions) = self.ids.subscriptions() {
            for (filter, _) in filters {
                subscriptions.refuse(filter, code);
            }
        }
    }

    pub(super) fn answered_again(&mut self, id: PacketId, codes: &[u8]) {
        if let Some(subscriptions) = self.ids.subscriptions() {
            subscriptions.answered_again(id, codes);
        }
        self.tell_refused();
    }

    fn tell_refused(&mut self) {
        let subscriptions = self.ids.subscriptions();
        if subscriptions.is_some_and(|subscriptions| subscriptions.has_refused()) {
            self.add_outcome(Outcome::NotResubscribed);
        }
    }
}

/// Retained messages come again only if the broker has lost the subscription.
fn again(wish: Wish) -> Wish {
    let retain_handling = match wish.retain_handling {
        RetainHandling::Always => RetainHandling::IfNew,
        other => other,
    };
    Wish {
        retain_handling,
        ..wish
    }
}
