//! The broker sends the client elsewhere: what the program is told of it.

use std::ffi::CString;
use std::ptr;

use crate::client::error::Said;
use crate::client::events::Redirect;
use crate::client::state::State;
use crate::client::state::redirects::first_server;
use crate::codec::{property, reason};
use crate::time::Moment;

/// A redirect, with the texts of its event.
pub struct Offered {
    reason: u8,
    reference: CString,
    host: Option<CString>,
    port: u16,
    hops: u8,
}

impl Offered {
    /// What the broker has said, if it is a redirect. From now on, the program may follow it.
    pub fn new(state: &mut State, said: &Said, now: Moment) -> Option<Offered> {
        let reference = said.properties.get().text(property::SERVER_REFERENCE)?;
        if !matches!(said.reason, reason::ANOTHER_SERVER | reason::MOVED) {
            return None;
        }
        let server = first_server(reference);
        let port = match &server {
            None => 0,
            Some(server) if server.port == 0 => state.default_port(),
            Some(server) => server.port,
        };
        let lasted = state.intent.backoff.has_lasted(now);
        // A text of MQTT has no NUL [MQTT5-1.5.4-2].
        Some(Offered {
            reason: said.reason,
            reference: CString::new(reference).ok()?,
            host: server.as_ref().and_then(|it| CString::new(&*it.name).ok()),
            port,
            hops: state.redirects().offer(said.reason, server, lasted),
        })
    }

    pub fn event(&self) -> Redirect {
        Redirect {
            reason: self.reason.into(),
            reference: self.reference.as_ptr(),
            host: self.host.as_ref().map_or(ptr::null(), |host| host.as_ptr()),
            port: self.port.into(),
            hops: self.hops.into(),
        }
    }
}
