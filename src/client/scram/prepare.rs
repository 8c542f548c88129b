//! User names and passwords as messages and keys have them.
//!
//! SASLprep (RFC 4013) makes one string of those that look the same, however a keyboard composed
//! them. It does not change printable ASCII. `stringprep` has the tables for all the rest.
//! It leaves copies of a password that is not ASCII in freed memory; of all others it makes none.

use stringprep::saslprep;
use zeroize::Zeroizing;

/// SASLprep makes at most 11 bytes of one, and escaping 3 of a comma, so that the client's first
/// message always fits into the Authentication Data of MQTT 5.
const MAX_LENGTH: usize = 1024;

/// The user name as a `saslname`.
pub fn user(name: &str) -> Result<String, String> {
    let name = prepare("user name", name)?;
    Ok(name.replace('=', "=3D").replace(',', "=2C"))
}

pub fn password(password: &str) -> Result<Zeroizing<String>, String> {
    prepare("password", password).map(Zeroizing::new)
}

/// The errors must not say which characters the password has.
fn prepare(what: &str, text: &str) -> Result<String, String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("the {what} is longer than 1,024 bytes"));
    }
    let prepared = saslprep(text).map_err(|_| {
        format!("the {what} has control characters or others that SASLprep (RFC 4013) forbids")
    })?;
    match prepared.is_empty() {
        true => Err(format!(
            "the {what} is empty, or SASLprep (RFC 4013) leaves nothing of it"
        )),
        false => Ok(prepared.into_owned()),
    }
}
