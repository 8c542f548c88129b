//! What a client of MQTT 5 asks for when it connects, and what the broker has agreed to.

use crate::client::error::{Code, Error, Result};
use crate::client::handle::Client;
use crate::codec::Version;
use crate::session::{ConnectOptions, Negotiated};

impl Client {
    pub fn set_connect_options(&self, options: ConnectOptions) -> Result {
        let mut state = self.lock();
        match state.session.set_connect_options(options) {
            true => {
                // They may say who chooses the client identifier.
                state.changed();
                Ok(())
            }
            false => Err(Error::new(
                Code::NotSupported,
                "connect_options_set: only MQTT 5 has these options (PMQTT_PROTOCOL_V5)",
            )),
        }
    }

    /// What applies to the present connection.
    pub fn negotiated(&self) -> Result<(Version, Negotiated)> {
        let state = self.lock();
        match state.is_connected() {
            true => Ok((state.session.version(), state.session.agreed())),
            false => Err(Error::no_connection()),
        }
    }
}
