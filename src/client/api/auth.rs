//! Enhanced authentication (section 4.12 of MQTT 5).

use std::ffi::CStr;
use std::sync::Arc;

use crate::client::error::{Code, Error, Result};
use crate::client::events::{AuthEvent, Callback};
use crate::client::handle::Client;
#[cfg(feature = "tls")]
use crate::client::scram::Scram;
use crate::client::state::authenticator::Authenticator;
#[cfg(feature = "tls")]
use crate::client::state::scram_login::{METHOD, ScramLogin};
use crate::codec::{MAX_STRING, Properties, property, reason};
use crate::sys;

impl Client {
    /// Sets the method of the next connections, and the callback that answers from now on. None: there is no
    /// enhanced authentication.
    pub fn set_auth(&self, program: Option<(&CStr, Callback<AuthEvent>)>) -> Result {
        if let Some((method, _)) = program
            && !(1..=MAX_STRING).contains(&method.count_bytes())
        {
            return Err(Error::inval(
                "auth_set: the method must have 1 to 65,535 bytes",
            ));
        }
        let method = program.map(|(method, _)| Arc::from(method));
        let authenticator = program.map(|(_, callback)| Authenticator::Program(callback));
        self.authenticate_with("auth_set", method, authenticator)
    }

    /// Has the library answer, with SCRAM-SHA-256. None: there is no enhanced authentication.
    #[cfg(feature = "tls")]
    pub fn set_auth_scram(&self, user: Option<(&str, &str)>) -> Result {
        let scram = user.map(|(user, password)| Scram::new(user, password));
        let scram = scram
            .transpose()
            .map_err(|why| Error::inval(format!("auth_scram_set: {why}")))?;
        let method = scram.is_some().then(|| Arc::from(METHOD));
        let login = scram.map(|scram| Box::new(ScramLogin::new(scram)));
        self.authenticate_with("auth_scram_set", method, login.map(Authenticator::Scram))
    }

    /// SCRAM needs OpenSSL.
    #[cfg(not(feature = "tls"))]
    pub fn set_auth_scram(&self, _user: Option<(&str, &str)>) -> Result {
        let text = "auth_scram_set: this library is built without TLS";
        Err(Error::new(Code::NotSupported, text))
    }

    /// Answers the latest start or challenge.
    pub fn answer_auth(&self, data: &[u8], properties: Properties) -> Result {
        const NAME: &str = "auth_answer";
        self.check_extended(NAME)?;
        for (id, place) in MANAGED {
            if properties.find(id).is_some() {
                return Err(Error::inval(format!(
                    "{NAME}: the properties must not have what {place} states"
                )));
            }
        }
        let mut state = self.lock();
        #[cfg(feature = "tls")]
        if let Some(Authenticator::Scram(_)) = state.callbacks.authenticator() {
            return Err(Error::inval(format!(
                "{NAME}: the library answers (pmqtt_auth_scram_set)"
            )));
        }
        let answered = state.session.answer_auth(data, properties, sys::now());
        self.wake_or_write(state);
        answered.map_err(|error| Error::from(error).in_function(NAME))
    }

    /// Refuses, and so ends the connection.
    pub fn fail_auth(&self, reason: i32) -> Result {
        const NAME: &str = "auth_fail";
        self.check_extended(NAME)?;
        let reason = REFUSALS.into_iter().find(|&it| i32::from(it) == reason);
        let reason = reason
            .ok_or_else(|| Error::inval(format!("{NAME}: the reason is neither 0x80 nor 0x83")))?;
        let mut state = self.lock();
        let failed = state.session.fail_auth(reason);
        self.wake_or_write(state);
        failed.map_err(|error| Error::from(error).in_function(NAME))
    }

    /// Starts an authentication on the open connection.
    pub fn reauthenticate(&self) -> Result {
        const NAME: &str = "reauthenticate";
        self.check_extended(NAME)?;
        let mut state = self.lock();
        let started = state.session.reauthenticate(sys::now());
        self.wake_or_write(state);
        started.map_err(|error| Error::from(error).in_function(NAME))
    }

    fn authenticate_with(
        &self,
        function: &str,
        method: Option<Arc<CStr>>,
        authenticator: Option<Authenticator>,
    ) -> Result {
        self.check_extended(function)?;
        let mut state = self.lock();
        if state.tenancy.is_freed() {
            return Ok(());
        }
        state.session.set_auth_method(method);
        state.changed();
        state.callbacks.set_authenticator(authenticator);
        Ok(())
    }

    fn check_extended(&self, function: &str) -> Result {
        match self.is_extended() {
            true => Ok(()),
            false => {
                let text = format!("{function}: only MQTT 5 has this (PMQTT_PROTOCOL_V5)");
                Err(Error::new(Code::NotSupported, text))
            }
        }
    }
}

/// The properties that other arguments state.
const MANAGED: [(u8, &str); 2] = [
    (property::AUTH_METHOD, "pmqtt_auth_set"),
    (property::AUTH_DATA, "the argument data"),
];

/// The reasons of a client that refuses: unspecified, or its implementation cannot do it.
const REFUSALS: [u8; 2] = [reason::UNSPECIFIED, reason::IMPLEMENTATION];
