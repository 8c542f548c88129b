//! SCRAM-SHA-256 for the client, without channel binding (RFC 5802, RFC 7677). Each message makes the
//! next type, so none can be left out:
//!
//! | type         | has                        | and waits for                          |
//! |--------------|----------------------------|----------------------------------------|
//! | [`Scram`]    | user name and password     | a connection                           |
//! | [`Exchange`] | the client's first message | the server's first message             |
//! | [`Work`]     | what the keys depend on    | a thread that has the time for PBKDF2  |
//! | [`Final`]    | the client's last message  | the server's last message              |
//!
//! | file         | idea                                                                 |
//! |--------------|----------------------------------------------------------------------|
//! | `prepare`    | user names and passwords as messages and keys have them              |
//! | `attributes` | the server's messages, of which every byte is hostile                |
//! | `keys`       | all that needs a cryptographic function                              |
//! | `refusal`    | why the client gives up                                              |

mod attributes;
mod keys;
mod prepare;
mod refusal;
#[cfg(test)]
mod tests;

use openssl::base64::encode_block;
use openssl::memcmp;
use zeroize::Zeroizing;

use keys::{KEY_LENGTH, Keys};
use refusal::ITERATIONS;
pub use refusal::Refusal;

/// "No channel binding": MQTT defines none.
const GS2_HEADER: &str = "n,,";

/// A user name and a password, for any number of exchanges. Like all types with a secret it has no
/// `Debug`.
pub struct Scram {
    /// A `saslname` of RFC 5802.
    user: String,
    password: Zeroizing<String>,
}

impl Scram {
    /// The error says what is wrong with which of the two, and contains neither.
    pub fn new(user: &str, password: &str) -> Result<Scram, String> {
        Ok(Scram {
            user: prepare::user(user)?,
            password: prepare::password(password)?,
        })
    }

    /// Begins an exchange, with a nonce that nobody can foresee.
    pub fn begin(&self) -> Result<Exchange, Refusal> {
        Ok(self.begin_with(encode_block(&keys::nonce()?)))
    }

    fn begin_with(&self, nonce: String) -> Exchange {
        Exchange {
            first: format!("{GS2_HEADER}n={},r={nonce}", self.user),
            nonce,
            password: self.password.clone(),
        }
    }
}

/// The client has sent its first message, or is about to.
pub struct Exchange {
    first: String,
    nonce: String,
    password: Zeroizing<String>,
}

impl Exchange {
    /// The client's first message.
    pub fn message(&self) -> &[u8] {
        self.first.as_bytes()
    }

    /// Takes the server's first message, and computes nothing.
    pub fn challenge(self, message: &[u8]) -> Result<Work, Refusal> {
        let (message, mut attributes) = attributes::parse(message)?;
        let nonce = attributes.next('r')?;
        let salt = attributes.next('s')?;
        let iterations = attributes.next('i')?;
        attributes.end()?;

        let servers_part = nonce.strip_prefix(&self.nonce);
        if servers_part.is_none_or(str::is_empty) || !nonce.bytes().all(|c| c.is_ascii_graphic()) {
            return Err(Refusal::Nonce);
        }
        let salt = attributes::bytes(salt).ok_or(Refusal::Malformed("its salt is not base64"))?;
        let iterations = attributes::number(iterations).ok_or(Refusal::Malformed(
            "its iteration count is not a 64-bit number",
        ))?;
        if !ITERATIONS.contains(&iterations) {
            return Err(Refusal::Iterations(iterations));
        }

        let first_bare = &self.first[GS2_HEADER.len()..];
        let binding = encode_block(GS2_HEADER.as_bytes());
        let without_proof = format!("c={binding},r={nonce}");
        Ok(Work {
            password: self.password,
            salt,
            iterations: iterations as usize,
            auth_message: format!("{first_bare},{message},{without_proof}"),
            without_proof,
        })
    }
}

/// The server's challenge, which nothing was computed for yet.
pub struct Work {
    password: Zeroizing<String>,
    salt: Vec<u8>,
    iterations: usize,
    /// What both signatures sign.
    auth_message: String,
    without_proof: String,
}

impl Work {
    /// Takes up to seconds, so it is for a thread that nobody waits for.
    pub fn run(self) -> Result<Final, Refusal> {
        let keys = Keys::derive(&self.password, &self.salt, self.iterations)?;
        let signatures = keys.sign(self.auth_message.as_bytes())?;
        Ok(Final {
            message: format!(
                "{},p={}",
                self.without_proof,
                encode_block(&signatures.proof)
            ),
            servers: signatures.server,
        })
    }
}

/// The client has proved that it knows the password; the server still has to.
pub struct Final {
    message: String,
    servers: [u8; KEY_LENGTH],
}

impl Final {
    /// The client's last message.
    pub fn message(&self) -> &[u8] {
        self.message.as_bytes()
    }

    /// Takes the server's last message. Without this the server may be anybody.
    pub fn verify(self, message: &[u8]) -> Result<(), Refusal> {
        let (_, mut attributes) = attributes::parse(message)?;
        let signature = attributes.next('v')?;
        attributes.end()?;
        let signature = attributes::bytes(signature)
            .ok_or(Refusal::Malformed("its signature is not base64"))?;
        match signature.len() == KEY_LENGTH && memcmp::eq(&signature, &self.servers) {
            true => Ok(()),
            false => Err(Refusal::Signature),
        }
    }
}
