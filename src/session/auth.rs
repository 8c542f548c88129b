//! Enhanced authentication: what application and broker say, and what follows from it. `exchange` has the steps.

use std::ffi::CStr;
use std::sync::Arc;

use super::exchange::{Exchange, Step};
use super::receive::violation;
use super::{Event, Failure, Phase, Session};
use crate::codec::{Auth, Buffer, ConnAck, Properties, TooLong, encode, property, reason};
use crate::time::Moment;

const OUT_OF_TURN: Failure = violation("AUTH out of turn (4.12)");

/// Why the application's word was not taken. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// There is no connection.
    NotConnected,
    /// CONNECT had no authentication method [MQTT5-4.12.0-7].
    NoMethod,
    /// An exchange runs already.
    Busy,
    /// The application has nothing to answer, or nothing to refuse.
    NotAsked,
    /// CONNECT has no reason string.
    ReasonString,
    TooLong(TooLong),
    /// The packet is larger than the broker takes.
    TooLarge,
}

/// The application.
impl Session {
    /// Sets the method of the next connections; None: they have no enhanced authentication. Returns false
    /// before MQTT 5.
    pub fn set_auth_method(&mut self, method: Option<Arc<CStr>>) -> bool {
        match &mut self.extended {
            Some(extended) => {
                extended.exchange.next_method = method;
                true
            }
            None => false,
        }
    }

    /// The method of this connection.
    pub fn auth_method(&self) -> Option<Arc<CStr>> {
        self.exchange()?.method.clone()
    }

    /// Returns true once if an exchange starts. The application then has to answer.
    pub fn start_auth(&mut self) -> bool {
        match self.exchange_mut() {
            Some(exchange) if exchange.step == Step::Due => {
                exchange.step = Step::Start;
                true
            }
            _ => false,
        }
    }

    /// Whether the application owes an answer.
    pub fn awaits_auth_answer(&self) -> bool {
        self.exchange().is_some_and(Exchange::awaits_answer)
    }

    /// Answers the start of an exchange, or AUTH of the broker. The properties are user properties, and a
    /// reason string in AUTH.
    pub fn answer_auth(
        &mut self,
        data: &[u8],
        properties: Properties,
        now: Moment,
    ) -> Result<(), AuthError> {
        let exchange = self.exchange().ok_or(AuthError::NotConnected)?;
        let reason = match exchange.step {
            Step::Start => reason::REAUTHENTICATE,
            // [MQTT5-4.12.0-3]
            Step::Challenged => reason::CONTINUE_AUTHENTICATION,
            _ => return Err(AuthError::NotAsked),
        };
        let list = exchange.properties(data, properties)?;
        match self.withholds_connect() {
            true if properties.find(property::REASON_STRING).is_some() => {
                return Err(AuthError::ReasonString);
            }
            true => {
                self.put_connect(list.get())?;
                self.keep_alive.start(self.options.keep_alive, now);
            }
            false => self.put_auth(reason, list.get())?,
        }
        self.set_auth_step(Step::Sent, now);
        Ok(())
    }

    /// The application refuses, for this reason. From now on, `auth_failure` says that the connection has to
    /// be closed.
    pub fn fail_auth(&mut self, reason: u8) -> Result<(), AuthError> {
        let exchange = self.exchange_mut().ok_or(AuthError::NotConnected)?;
        match exchange.step {
            Step::None | Step::Due | Step::Failed(_) => Err(AuthError::NotAsked),
            Step::Start | Step::Sent | Step::Challenged | Step::Accepted => {
                exchange.step = Step::Failed(reason);
                Ok(())
            }
        }
    }

    pub fn auth_failure(&self) -> Option<Failure> {
        match self.exchange()?.step {
            Step::Failed(reason) => Some(Failure::AuthFailed(reason)),
            _ => None,
        }
    }

    /// Starts an exchange on a connection that is open.
    pub fn reauthenticate(&mut self, now: Moment) -> Result<(), AuthError> {
        if self.phase != Phase::Connected {
            return Err(AuthError::NotConnected);
        }
        match self.exchange() {
            Some(exchange) if exchange.method.is_some() => match exchange.step {
                Step::None => {
                    self.set_auth_step(Step::Due, now);
                    Ok(())
                }
                _ => Err(AuthError::Busy),
            },
            _ => Err(AuthError::NoMethod),
        }
    }

    /// The application knows of an `Event::Reauthenticated`, and has not refused.
    pub fn reauthenticated(&mut self) {
        if let Some(exchange) = self.exchange_mut()
            && exchange.step == Step::Accepted
        {
            exchange.step = Step::None;
        }
    }

    /// The application knows of an `Event::Authenticated`, and has not refused: the connection is accepted.
    pub fn authenticated(&mut self, connack: &ConnAck, now: Moment) {
        self.reauthenticated();
        self.heard(connack, now);
    }
}

/// The broker.
impl Session {
    pub(super) fn auth<'a>(
        &mut self,
        auth: &'a Auth<'a>,
        now: Moment,
    ) -> Result<Event<'a>, Failure> {
        if let Some(failure) = self.auth_failure() {
            return Err(failure);
        }
        let is_connected = self.phase == Phase::Connected;
        let exchange = self.exchange_mut().ok_or(OUT_OF_TURN)?;
        exchange.is_understood = true;
        if !exchange.has_method_of(auth.properties) || exchange.method.is_none() {
            return Err(violation(
                "AUTH that has not the authentication method of CONNECT [MQTT5-4.12.0-5] [MQTT5-4.12.0-6]",
            ));
        }
        match (auth.reason, exchange.step) {
            (reason::CONTINUE_AUTHENTICATION, Step::Sent) => {
                self.set_auth_step(Step::Challenged, now);
                Ok(Event::Challenged(auth))
            }
            (reason::SUCCESS, Step::Sent) if is_connected => {
                exchange.step = Step::Accepted;
                Ok(Event::Reauthenticated(auth))
            }
            (reason::REAUTHENTICATE, _) => Err(violation(
                "AUTH 0x19, which only a client may send (3.15.2.1)",
            )),
            _ => Err(OUT_OF_TURN),
        }
    }

    /// Returns true if CONNACK ends an exchange. The application has to know before CONNACK takes effect.
    pub(super) fn ends_auth(&mut self, connack: &ConnAck) -> Result<bool, Failure> {
        if let Some(failure) = self.auth_failure() {
            return Err(failure);
        }
        let Some(exchange) = self.exchange_mut() else {
            return Ok(false);
        };
        if exchange.is_starting() {
            return Err(violation("CONNACK before CONNECT"));
        }
        if connack.return_code != reason::SUCCESS {
            return Ok(false);
        }
        exchange.is_understood = true;
        if !exchange.has_method_of(connack.properties) {
            return Err(violation(
                "CONNACK that has not the authentication method of CONNECT [MQTT5-4.12.0-5]",
            ));
        }
        match exchange.step {
            Step::None => Ok(false),
            Step::Sent => {
                exchange.step = Step::Accepted;
                Ok(true)
            }
            _ => Err(violation("CONNACK before the answer to AUTH (4.12)")),
        }
    }
}

/// The connection.
impl Session {
    /// Whether CONNECT waits for the application.
    pub(super) fn withholds_connect(&self) -> bool {
        self.phase != Phase::Connected && self.exchange().is_some_and(Exchange::is_starting)
    }

    /// Whether the broker takes DISCONNECT before CONNACK [MQTT5-3.1.2-30].
    pub(super) fn may_part_early(&self) -> bool {
        let is_understood = self.exchange().is_some_and(|it| it.is_understood);
        is_understood && !self.withholds_connect() && !self.output.has_ready()
    }

    /// When something is due, in the exchange or else at `other`.
    pub(super) fn auth_timeout(&self, other: Option<Moment>) -> Option<Moment> {
        match self.exchange().map(|exchange| exchange.step) {
            // The application is to be told of a start, or the connection to be closed.
            Some(Step::Due | Step::Failed(_)) => Some(Moment::origin()),
            Some(_) if self.phase == Phase::Connected => {
                let both = [self.auth_deadline(), other];
                both.into_iter().flatten().min()
            }
            _ => other,
        }
    }

    /// When the next word of an exchange is overdue, if the connection is open.
    pub(super) fn auth_deadline(&self) -> Option<Moment> {
        let exchange = self.exchange()?;
        match exchange.step {
            Step::Start | Step::Sent | Step::Challenged => Some(exchange.deadline),
            Step::None | Step::Due | Step::Accepted | Step::Failed(_) => None,
        }
    }

    /// Why an overdue word ends the connection.
    pub(super) fn auth_overdue(&self) -> Failure {
        match self.phase {
            _ if self.awaits_auth_answer() => Failure::NotAnswered,
            Phase::Connected => Failure::NoAuth,
            _ => Failure::NoConnAck,
        }
    }

    /// Application and broker have the same time for each word.
    fn set_auth_step(&mut self, step: Step, now: Moment) {
        let until = now + self.options.handshake_timeout();
        if let Phase::Connecting { deadline, .. } = &mut self.phase {
            *deadline = until;
        }
        if let Some(exchange) = self.exchange_mut() {
            exchange.step = step;
            exchange.deadline = until;
        }
    }

    fn put_auth(&mut self, reason: u8, properties: Properties) -> Result<(), AuthError> {
        let mut packet = Buffer::default();
        encode::auth(&mut packet, reason, properties)?;
        // [MQTT5-3.1.2-24] [MQTT5-3.15.2-2] [MQTT5-3.15.2-3]
        let negotiated = self.negotiated().filter(|_| self.phase == Phase::Connected);
        if negotiated.is_some_and(|broker| packet.len() > broker.max_packet_size as usize) {
            return Err(AuthError::TooLarge);
        }
        self.output.put_early(|out| {
            out.append(&packet);
            Ok(())
        })?;
        Ok(())
    }

    /// The exchange of a connection that is not being closed.
    fn exchange(&self) -> Option<&Exchange> {
        let extended = self.extended.as_ref()?;
        let is_open = matches!(self.phase, Phase::Connecting { .. } | Phase::Connected);
        is_open.then_some(&extended.exchange)
    }

    fn exchange_mut(&mut self) -> Option<&mut Exchange> {
        let extended = self.extended.as_mut()?;
        let is_open = matches!(self.phase, Phase::Connecting { .. } | Phase::Connected);
        is_open.then_some(&mut extended.exchange)
    }
}

impl From<TooLong> for AuthError {
    fn from(error: TooLong) -> AuthError {
        AuthError::TooLong(error)
    }
}
