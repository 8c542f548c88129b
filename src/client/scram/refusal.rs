//! Why the client gives an exchange up.

use std::fmt;
use std::ops::RangeInclusive;

/// RFC 7677 section 4 has the lower limit. The upper one is ours, because the server decides how long
/// the client computes.
pub const ITERATIONS: RangeInclusive<u64> = 4_096..=1_000_000;

/// Contains nothing of the password, of the keys or of the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The server's message is not one of SCRAM.
    Malformed(&'static str),
    /// The server's message has something else where this attribute must be.
    Missing(char),
    /// The server's message needs an extension. There was none when this was written.
    Extension,
    /// The server's nonce is not the client's with more behind it.
    Nonce,
    /// The server asks for this many iterations.
    Iterations(u64),
    /// The server's error, as it says it.
    Server(String),
    /// The server does not know the keys of this user, so it is not the right one.
    Signature,
    /// The server's message is none that the client waits for.
    OutOfTurn,
    /// OpenSSL cannot compute the keys.
    OpenSsl(String),
    /// It is too late to call OpenSSL.
    ProcessEnds,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("scram: ")?;
        match self {
            Refusal::Malformed(why) => write!(f, "the server's message is malformed: {why}"),
            Refusal::Missing(letter) => {
                write!(f, "the server's message has no {letter}= where it must be")
            }
            Refusal::Extension => {
                f.write_str("the server needs an extension that the client does not know")
            }
            Refusal::Nonce => f.write_str("the server's nonce does not continue the client's"),
            Refusal::Iterations(count) => write!(
                f,
                "the server asks for {count} iterations; {} to {} are allowed",
                ITERATIONS.start(),
                ITERATIONS.end()
            ),
            Refusal::Server(error) => write!(f, "the server refuses: {error}"),
            Refusal::Signature => f.write_str("the server's signature is wrong"),
            Refusal::OutOfTurn => f.write_str("the server's message comes out of turn"),
            Refusal::OpenSsl(why) => write!(f, "OpenSSL cannot compute the keys: {why}"),
            Refusal::ProcessEnds => f.write_str("the process ends"),
        }
    }
}
