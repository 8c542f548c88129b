//! What a program wants of TLS, and the context that is made of it. It is checked when it is set, and
//! takes effect with the next connection.

use std::sync::Arc;

use crate::sys::sync::Mutex;
use crate::sys::tls_gate::Kept;

use crate::client::events::KeyPassword;
use crate::transport::Tls;
use crate::transport::tls::{Context, Peer, Settings};

#[derive(Default)]
pub struct Security {
    pub settings: Kept<Settings>,
    /// The settings are the program's, and not only what holds while it has a context of its own.
    pub is_set: bool,
    /// Made of the settings; None while connections are not secured.
    pub context: Option<Context>,
    pub peer: Peer,
    pub key_password: Option<KeyPassword>,
    /// Held for the length of each change, so that of two at a time neither is lost.
    pub change: Arc<Mutex<()>>,
}

impl Security {
    /// What the next connection is secured with.
    pub fn tls(&self) -> Option<Tls> {
        Some(Tls {
            context: self.context.clone()?,
            peer: self.peer.clone(),
        })
    }
}
