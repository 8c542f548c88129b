//! Why a connection could not be made.

use std::fmt;
use std::io;
use std::time::Duration;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The name is being looked up.
    Dns,
    /// The addresses are being tried.
    Tcp,
    /// The handshake of TLS.
    Tls,
}

/// Why a connection could not be made. Shown with its stage: `tcp: 127.0.0.1:1883: Connection
/// refused (os error 111)`.
#[derive(Clone, Debug)]
pub struct Error {
    pub stage: Stage,
    /// The endpoint's timeout has passed.
    pub timed_out: bool,
    /// The name itself is wrong, so another attempt cannot succeed.
    pub invalid: bool,
    /// The system's number for the failure. If several addresses failed, it is that of the last one.
    pub os_error: Option<i32>,
    pub message: String,
}

impl Error {
    pub(super) fn new(stage: Stage, message: String) -> Error {
        Error {
            stage,
            timed_out: false,
            invalid: false,
            os_error: None,
            message,
        }
    }

    pub(super) fn dns(name: &dyn fmt::Display, error: &io::Error) -> Error {
        let text = error.to_string();
        // std puts these words in front of those of getaddrinfo.
        let reason = text.strip_prefix("failed to lookup address information: ");
        let reason = reason.unwrap_or(&text);
        Error {
            invalid: error.kind() == io::ErrorKind::InvalidInput,
            os_error: error.raw_os_error(),
            ..Error::new(Stage::Dns, format!("{name}: {reason}"))
        }
    }

    pub(super) fn timed_out(stage: Stage, what: &str, timeout: Duration) -> Error {
        let milliseconds = timeout.as_millis() as u64;
        Error {
            timed_out: true,
            ..Error::new(
                stage,
                format!("no answer from {what} within {milliseconds} ms"),
            )
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stage, self.message)
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Dns => "dns",
            Stage::Tcp => "tcp",
            Stage::Tls => "tls",
        })
    }
}
