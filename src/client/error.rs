//! The error numbers, which are those of Paho and libmosquitto, and their texts.

use std::borrow::Cow;
use std::ffi::CStr;
use std::io;
use std::ops::Deref;

use super::one_line::one_line;
use super::reason::is_for_good;
use crate::codec::{Properties, PropertyList, TooLong, reason};
use crate::session::{AuthError, Failure};
use crate::transport;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    Again = -1,
    Success = 0,
    NoMem = 1,
    Protocol = 2,
    Inval = 3,
    NoConn = 4,
    ConnRefused = 5,
    NotFound = 6,
    ConnLost = 7,
    Tls = 8,
    PayloadSize = 9,
    NotSupported = 10,
    Auth = 11,
    AclDenied = 12,
    Unknown = 13,
    Errno = 14,
    QueueSize = 15,
    KeepAlive = 16,
    Busy = 64,
    Panic = 65,
    Timeout = 66,
    Dns = 67,
    InDoubt = 68,
    Rejected = 69,
    Expired = 70,
    Dropped = 71,
    Cancelled = 72,
}

/// A failure: its number, and a text that says what failed and why. It is boxed so that a result
/// fits into a register, because nearly all calls succeed.
#[derive(Clone, Debug)]
pub struct Error(Box<Description>);

#[derive(Clone, Debug)]
pub struct Description {
    pub code: Code,
    /// On one line.
    pub text: Cow<'static, str>,
    /// What the broker said about it; None: nothing.
    pub said: Option<Said>,
    /// The broker has refused the client for a reason that stays.
    pub for_good: bool,
    /// The reason code with which a client of MQTT 5 leaves the broker; None: it does not.
    pub parting: Option<u8>,
}

/// What the broker said with CONNACK or DISCONNECT of MQTT 5.
#[derive(Clone, Debug)]
pub struct Said {
    pub reason: u8,
    pub properties: PropertyList,
}

pub type Result<T = ()> = std::result::Result<T, Error>;

impl Error {
    /// Errors are rare, so the code that creates them stays out of the path of success.
    #[cold]
    pub fn new(code: Code, text: impl Into<Cow<'static, str>>) -> Error {
        Error(Box::new(Description {
            code,
            text: one_line(text.into()),
            said: None,
            for_good: false,
            parting: None,
        }))
    }

    /// Adds the broker's reason, in MQTT 5's numbers, for which it refuses or ends a connection.
    pub fn refused(mut self, reason: i32) -> Error {
        self.0.for_good = is_for_good(reason);
        self
    }

    /// Adds what the broker said.
    pub fn said(mut self, reason: u8, properties: Properties) -> Error {
        self.0.said = Some(Said {
            reason,
            properties: PropertyList::of(properties),
        });
        self
    }

    /// Takes out what the broker said: its size is the broker's choice, and errors stay.
    pub fn take_said(&mut self) -> Option<Said> {
        self.0.said.take()
    }

    /// Adds the reason code with which the client leaves.
    pub fn parting(mut self, reason: u8) -> Error {
        self.0.parting = Some(reason);
        self
    }

    /// The same with another text.
    fn with_text(self, text: String) -> Error {
        let Description {
            code,
            said,
            for_good,
            parting,
            ..
        } = *self.0;
        let mut error = Error::new(code, text);
        error.0.said = said;
        error.0.for_good = for_good;
        error.0.parting = parting;
        error
    }

    #[cold]
    pub fn inval(text: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Code::Inval, text)
    }

    pub fn no_connection() -> Error {
        Error::new(Code::NoConn, "mqtt: there is no connection")
    }

    pub fn busy(text: &'static str) -> Error {
        Error::new(Code::Busy, text)
    }

    /// Adds the name of the function to the text.
    #[cold]
    pub fn in_function(self, name: &str) -> Error {
        let text = format!("{name}: {}", self.text);
        self.with_text(text)
    }

    /// Adds the progress before the failure to the text.
    pub fn after(self, progress: impl std::fmt::Display) -> Error {
        let text = format!("{}; {progress}", self.text);
        self.with_text(text)
    }

    /// The connection broke while it was read from or written to.
    #[cold]
    pub fn lost(error: &io::Error) -> Error {
        let inner = error.get_ref();
        match inner.and_then(|inner| inner.downcast_ref::<transport::Error>()) {
            Some(why) => why.clone().into(),
            // ENOMEM of a socket call has no inner error. Our own error, for a packet, has one.
            None if error.kind() == io::ErrorKind::OutOfMemory && inner.is_some() => {
                Error::new(Code::NoMem, format!("mqtt: connection lost: {error}"))
            }
            None => Error::new(Code::ConnLost, format!("tcp: connection lost: {error}")),
        }
    }

    #[cold]
    pub fn os(doing: &str, error: &io::Error) -> Error {
        Error::new(Code::Errno, format!("{doing}: {error}"))
    }
}

impl Deref for Error {
    type Target = Description;

    fn deref(&self) -> &Description {
        &self.0
    }
}

impl From<transport::Error> for Error {
    fn from(error: transport::Error) -> Error {
        let code = match error.stage {
            _ if error.timed_out => Code::Timeout,
            _ if error.invalid => Code::Inval,
            transport::Stage::Dns => Code::Dns,
            transport::Stage::Tls => Code::Tls,
            transport::Stage::Tcp => Code::Errno,
        };
        Error::new(code, error.to_string())
    }
}

impl From<TooLong> for Error {
    /// An error about a field of CONNECT.
    fn from(error: TooLong) -> Error {
        Error::inval(format!("connect: {} is too long for CONNECT", error.0))
    }
}

impl From<AuthError> for Error {
    #[cold]
    fn from(error: AuthError) -> Error {
        match error {
            AuthError::NotConnected => Error::no_connection(),
            AuthError::NoMethod => {
                Error::inval("the connection has no authentication method (pmqtt_auth_set)")
            }
            AuthError::Busy => Error::busy("an authentication runs already"),
            AuthError::NotAsked => Error::inval("no step of an authentication waits for this"),
            AuthError::ReasonString => {
                Error::inval("the properties go into CONNECT, which has no reason string")
            }
            AuthError::TooLong(what) => {
                Error::inval(format!("the {} is too long for the packet", what.0))
            }
            AuthError::TooLarge => Error::new(
                Code::PayloadSize,
                "the packet is larger than the broker's maximum packet size",
            ),
        }
    }
}

impl From<Failure> for Error {
    #[cold]
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Violation(what, reason) => {
                Error::new(Code::Protocol, format!("mqtt: the broker sent {what}")).parting(reason)
            }
            Failure::NoConnAck => {
                Error::new(Code::Timeout, "mqtt: no CONNACK within the connect timeout")
            }
            Failure::NoAuth => Error::new(
                Code::Timeout,
                "auth: no answer of the broker to AUTH within the connect timeout",
            )
            .parting(reason::UNSPECIFIED),
            Failure::NotAnswered => Error::new(
                Code::Timeout,
                "auth: the client's answer (pmqtt_auth_answer, or SCRAM) was not there within the connect \
                 timeout",
            )
            .parting(reason::UNSPECIFIED),
            Failure::AuthFailed(reason) => Error::new(
                Code::Auth,
                "auth: the program has refused (pmqtt_auth_fail)",
            )
            .parting(reason),
            Failure::KeepAlive => Error::new(
                Code::KeepAlive,
                "mqtt: no answer to PINGREQ within the keep alive interval",
            ),
            Failure::NoneTaken => Error::new(
                Code::KeepAlive,
                "mqtt: the broker took none of the acknowledgements that it has asked for within \
                 the keep alive interval, or 60 s without one",
            ),
            Failure::NotWritten => Error::new(
                Code::Timeout,
                "mqtt: the broker did not take DISCONNECT within the connect timeout",
            ),
        }
    }
}

/// The text for an error number, also for an unknown one.
pub fn error_string(code: i32) -> &'static CStr {
    match code {
        -1 => c"The operation is not finished yet.",
        0 => c"No error.",
        1 => c"Out of memory.",
        2 => c"The broker broke the rules of the protocol.",
        3 => c"Invalid argument.",
        4 => c"There is no connection.",
        5 => c"The connection was refused.",
        6 => c"Not found.",
        7 => c"The connection was lost.",
        8 => c"TLS failed.",
        9 => c"The payload is too large.",
        10 => c"Not supported.",
        11 => c"Authorisation failed.",
        12 => c"Access denied by an access control list.",
        13 => c"Unknown error.",
        14 => c"The operating system reported an error.",
        15 => c"The message queue is full.",
        16 => c"The broker did not answer in time to keep the connection alive.",
        64 => c"Another call is doing this right now.",
        65 => c"The library has failed; the client can only be freed.",
        66 => c"It took too long.",
        67 => c"The host name could not be looked up.",
        68 => c"It is not known whether the broker has passed the message on.",
        69 => c"The broker refused it, with a reason.",
        70 => c"The message expired before it was sent.",
        71 => c"The message was dropped from the queue.",
        72 => c"The program cancelled it.",
        _ => c"An error number that pmqtt does not know.",
    }
}

/// The text for the return code of a CONNACK, also for an unknown one (table 3.1).
pub fn connack_string(code: i32) -> &'static CStr {
    match code {
        0 => c"Connection accepted.",
        1 => c"Connection refused: unacceptable protocol version.",
        2 => c"Connection refused: identifier rejected.",
        3 => c"Connection refused: server unavailable.",
        4 => c"Connection refused: bad user name or password.",
        5 => c"Connection refused: not authorised.",
        _ => c"Connection refused: unknown reason.",
    }
}
