//! The TLS settings of a program, and the context that is made from them. Settings are checked when
//! they are set, and take effect with the next connection.

use std::sync::Arc;

use crate::sys::sync::Mutex;
use crate::sys::tls_gate::Kept;

use crate::client::events::KeyPassword;
use crate::transport::Tls;
use crate::transport::tls::{Context, Peer, Settings};

#[derive(Default)]
pub struct Security {
    pub settings: Kept<Settings>,
    /// The program has made settings. False if they only serve a context of the program's own.
    pub is_set: bool,
    /// Made from the settings; None while connections do not use TLS.
    pub context: Option<Context>,
    pub peer: Peer,
    pub key_password: Option<KeyPassword>,
    /// Held during each change, so that two changes at the same time are both kept.
    pub change: Arc<Mutex<()>>,
}

impl Security {
    /// How the next connection is secured.
    pub fn tls(&self) -> Option<Tls> {
        Some(Tls {
            context: self.context.clone()?,
            peer: self.peer.clone(),
        })
    }
}
