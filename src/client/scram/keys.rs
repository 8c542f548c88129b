//! The keys and signatures of RFC 5802 section 3, with SHA-256.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::md::Md;
use openssl::md_ctx::MdCtx;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::rand::rand_bytes;
use zeroize::Zeroizing;

use super::refusal::Refusal;
use crate::transport::tls::{Visit, reason};

/// What SHA-256 makes.
pub const KEY_LENGTH: usize = 32;

type Key = Zeroizing<[u8; KEY_LENGTH]>;

pub struct Keys {
    salted_password: Key,
}

pub struct Signatures {
    /// Shows the server that the client knows the password.
    pub proof: [u8; KEY_LENGTH],
    /// What a server has to send that knows the keys of this user.
    pub server: [u8; KEY_LENGTH],
}

impl Keys {
    /// Takes the time of all the iterations.
    pub fn derive(password: &str, salt: &[u8], iterations: usize) -> Result<Keys, Refusal> {
        let mut key = Key::default();
        let sha256 = MessageDigest::sha256();
        visit(|| pbkdf2_hmac(password.as_bytes(), salt, iterations, sha256, &mut *key))?;
        Ok(Keys {
            salted_password: key,
        })
    }

    /// Visits OpenSSL anew: the end of the process does not wait for `derive` for more than a second.
    pub fn sign(&self, auth_message: &[u8]) -> Result<Signatures, Refusal> {
        visit(|| {
            let client_key = hmac(&self.salted_password, b"Client Key")?;
            let mut proof = *hmac(&sha256(&client_key)?, auth_message)?;
            for (byte, key) in proof.iter_mut().zip(client_key.iter()) {
                *byte ^= key;
            }
            let server_key = hmac(&self.salted_password, b"Server Key")?;
            Ok(Signatures {
                proof,
                server: *hmac(&server_key, auth_message)?,
            })
        })
    }
}

/// Random bytes that nobody can foresee.
pub fn nonce() -> Result<[u8; 24], Refusal> {
    let mut nonce = [0; 24];
    visit(|| rand_bytes(&mut nonce))?;
    Ok(nonce)
}

/// A client without TLS calls OpenSSL here for the first time.
fn visit<T>(work: impl FnOnce() -> Result<T, ErrorStack>) -> Result<T, Refusal> {
    let _visit = Visit::enter_first().ok_or(Refusal::ProcessEnds)?;
    work().map_err(|error| Refusal::OpenSsl(reason(&error)))
}

fn hmac(key: &Key, data: &[u8]) -> Result<Key, ErrorStack> {
    let mut signature = Key::default();
    let key = PKey::hmac(&key[..])?;
    let mut context = MdCtx::new()?;
    context.digest_sign_init(Some(Md::sha256()), &key)?;
    context.digest_sign(data, Some(&mut *signature))?;
    Ok(signature)
}

fn sha256(data: &Key) -> Result<Key, ErrorStack> {
    let mut digest = Key::default();
    let mut context = MdCtx::new()?;
    context.digest_init(Md::sha256())?;
    context.digest_update(&data[..])?;
    context.digest_final(&mut *digest)?;
    Ok(digest)
}
