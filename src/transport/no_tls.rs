//! What stands in for TLS where the library is built without: types of which there is no value.

use super::error::Error;
use super::tcp::Tcp;
use crate::sys::Watch;

#[derive(Clone)]
pub enum Tls {}

pub enum Handshake {}

impl Handshake {
    pub fn new(tls: &Tls, _tcp: Tcp, _host: &str) -> Result<Handshake, Error> {
        match *tls {}
    }

    pub fn advance(&mut self) -> Result<Option<(Tcp, String)>, Error> {
        match *self {}
    }

    pub fn watch(&self) -> Option<Watch> {
        match *self {}
    }
}
