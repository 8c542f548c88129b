//! An open connection, plain or secured.

use super::Stream;
use super::tcp::Tcp;
use super::tls::Secured;
use crate::sys::Watch;
use std::io::{self, IoSlice};

/// The secured stream is boxed, so that an idle client without TLS holds little.
pub enum Link {
    Plain(Tcp),
    Secured(Box<Secured>),
}

impl Link {
    fn stream(&self) -> &dyn Stream {
        match self {
            Link::Plain(tcp) => tcp,
            Link::Secured(stream) => stream.as_ref(),
        }
    }

    fn stream_mut(&mut self) -> &mut dyn Stream {
        match self {
            Link::Plain(tcp) => tcp,
            Link::Secured(stream) => stream.as_mut(),
        }
    }
}

impl Stream for Link {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream_mut().read(buf)
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream_mut().write(buf)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice]) -> io::Result<usize> {
        self.stream_mut().write_vectored(pieces)
    }

    fn has_pending(&self) -> bool {
        self.stream().has_pending()
    }

    fn written(&self) -> Option<u64> {
        self.stream().written()
    }

    fn unacked(&self) -> u64 {
        self.stream().unacked()
    }

    fn read_waits_to_write(&self) -> bool {
        self.stream().read_waits_to_write()
    }

    fn finish(&mut self) {
        self.stream_mut().finish();
    }

    fn discard(&mut self) -> bool {
        self.stream_mut().discard()
    }

    fn watch(&self, want_write: bool) -> Watch {
        self.stream().watch(want_write)
    }
}
