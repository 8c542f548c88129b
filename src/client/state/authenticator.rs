//! Who answers for the client in enhanced authentication.

#[cfg(feature = "tls")]
use super::scram_login::ScramLogin;
use crate::client::events::{AuthEvent, Callback};

pub enum Authenticator {
    Program(Callback<AuthEvent>),
    #[cfg(feature = "tls")]
    Scram(Box<ScramLogin>),
}
