//! Replaces TLS where the library is built without it: types that have no values.

use super::Stream;
use super::tcp::Tcp;
use crate::sys::Watch;
use crate::transport::error::Error;
use std::io::{self, IoSlice};

#[derive(Clone)]
pub enum Tls {}

pub enum Prepared {}

pub enum Handshake {}

pub enum Secured {}

impl Prepared {
    pub fn new(tls: &Tls, _host: &str) -> Result<Prepared, Error> {
        match *tls {}
    }

    pub fn start(self, _tcp: Tcp) -> Result<Handshake, Error> {
        match self {}
    }
}

impl Handshake {
    pub fn advance(&mut self) -> Result<Option<(Secured, String)>, Error> {
        match *self {}
    }

    pub fn watch(&self) -> Option<Watch> {
        match *self {}
    }
}

impl Stream for Secured {
    fn read(&mut self, _buf: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }

    fn write(&mut self, _buf: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    fn write_vectored(&mut self, _pieces: &[IoSlice]) -> io::Result<usize> {
        match *self {}
    }

    fn has_pending(&self) -> bool {
        match *self {}
    }

    fn written(&self) -> Option<u64> {
        match *self {}
    }

    fn unacked(&self) -> u64 {
        match *self {}
    }

    fn read_waits_to_write(&self) -> bool {
        match *self {}
    }

    fn finish(&mut self) {
        match *self {}
    }

    fn discard(&mut self) -> bool {
        match *self {}
    }

    fn watch(&self, _want_write: bool) -> Watch {
        match *self {}
    }
}
