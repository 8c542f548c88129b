//! Enhanced authentication: what a pass does without a packet of the broker.

use super::deliver;
#[cfg(feature = "tls")]
use super::step::Stop;
use super::step::{Pass, Step};
use crate::client::events::AuthStep;
use crate::client::reason::UNSAID;
#[cfg(feature = "tls")]
use crate::client::state::authenticator::Authenticator;
use crate::codec::Properties;

/// Starts an exchange that is due, sends the library's own answer once it is there, and ends a connection that
/// the program has refused.
pub fn advance(pass: &mut Pass) -> Step {
    // The program hears of the ends of earlier connections first.
    if !pass.unlocked.is_extended() || pass.state.intent.is_owed() {
        return Ok(());
    }
    if pass.state.session.start_auth() {
        deliver::auth(pass, AuthStep::Start, UNSAID, Properties::NONE)?;
    }
    #[cfg(feature = "tls")]
    look(pass)?;
    deliver::refusal(pass)
}

#[cfg(feature = "tls")]
fn look(pass: &mut Pass) -> Step {
    if pass.state.auth_look_due().is_some_and(|at| pass.now >= at)
        && let Some(Authenticator::Scram(login)) = pass.state.callbacks.authenticator()
    {
        let answer = login.look(pass.now).map_err(Stop::Over)?;
        let sent = pass.state.send_auth(answer, pass.now);
        sent.map_err(Stop::Over)?;
    }
    Ok(())
}
