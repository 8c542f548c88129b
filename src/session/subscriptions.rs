//! The subscriptions that the broker has granted, to subscribe again when it has lost the session.

use std::collections::{BTreeMap, BTreeSet};

use crate::codec::{PacketId, Wish, reason};

#[derive(Default)]
pub struct Subscriptions {
    /// Sorted, so that the order of subscribing again is always the same.
    granted: BTreeMap<Box<str>, Wish>,
    /// SUBSCRIBEs without an answer.
    asked: Vec<Asked>,
    /// The broker has lost the session.
    is_due: bool,
    /// Filters that were not granted again, and the broker's codes.
    refused: Vec<(Box<str>, u8)>,
}

/// A SUBSCRIBE without an answer.
struct Asked {
    id: PacketId,
    /// None: the application has unsubscribed meanwhile.
    filters: Vec<Option<(Box<str>, Wish)>>,
}

impl Subscriptions {
    /// A SUBSCRIBE was sent.
    pub fn asked(&mut self, id: PacketId, filters: &[(&str, Wish)]) {
        let filters = filters.iter().map(|&(filter, wish)| {
            let filter: Box<str> = filter.into();
            Some((filter, wish))
        });
        self.asked.push(Asked {
            id,
            filters: filters.collect(),
        });
    }

    /// The application has unsubscribed.
    pub fn ended(&mut self, filters: &[&str]) {
        for &ended in filters {
            self.granted.remove(ended);
            for asked in self.asked.iter_mut().flat_map(|asked| &mut asked.filters) {
                asked.take_if(|(filter, _)| **filter == *ended);
            }
        }
    }

    /// The broker has answered a SUBSCRIBE of the application.
    pub fn answered(&mut self, id: PacketId, codes: &[u8]) {
        for (asked, code) in self.take_asked(id).into_iter().zip(codes) {
            if let Some((filter, wish)) = asked.filter(|_| *code < reason::FAILURE) {
                self.granted.insert(filter, wish);
            }
        }
    }

    /// The broker has answered a SUBSCRIBE that subscribes again.
    pub fn answered_again(&mut self, id: PacketId, codes: &[u8]) {
        for (asked, code) in self.take_asked(id).into_iter().zip(codes) {
            if let Some((filter, _)) = asked.filter(|_| *code >= reason::FAILURE) {
                self.refuse(&filter, *code);
            }
        }
    }

    /// A filter is not granted again.
    pub fn refuse(&mut self, filter: &str, code: u8) {
        if let Some((filter, _)) = self.granted.remove_entry(filter) {
            self.refused.push((filter, code));
        }
    }

    /// The filters that were refused since the last call.
    pub fn take_refused(&mut self) -> Vec<(Box<str>, u8)> {
        std::mem::take(&mut self.refused)
    }

    pub fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// The broker has lost the session. Returns whether there is anything to subscribe again.
    pub fn session_lost(&mut self) -> bool {
        self.is_due = !self.granted.is_empty();
        self.is_due
    }

    pub fn connection_lost(&mut self) {
        self.asked.clear();
        self.is_due = false;
    }

    /// What is to be subscribed to again now. The application itself has asked for the rest on this connection.
    pub fn take_due(&mut self) -> Vec<(Box<str>, Wish)> {
        if !std::mem::take(&mut self.is_due) {
            return Vec::new();
        }
        let asked: BTreeSet<&str> = self
            .asked
            .iter()
            .flat_map(|asked| &asked.filters)
            .filter_map(|asked| asked.as_ref().map(|(filter, _)| &**filter))
            .collect();
        self.granted
            .iter()
            .filter(|(filter, _)| !asked.contains(&***filter))
            .map(|(filter, wish)| (filter.clone(), *wish))
            .collect()
    }

    fn take_asked(&mut self, id: PacketId) -> Vec<Option<(Box<str>, Wish)>> {
        let place = self.asked.iter().position(|asked| asked.id == id);
        place.map_or_else(Vec::new, |place| self.asked.swap_remove(place).filters)
    }
}
