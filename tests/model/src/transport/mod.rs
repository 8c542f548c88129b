//! The double of src/transport: a connection to the broker of `world`.

#[allow(dead_code)]
#[path = "../../../../src/transport/address.rs"]
mod address;
#[path = "../../../../src/transport/endpoint.rs"]
mod endpoint;
#[allow(dead_code)]
#[path = "../../../../src/transport/error.rs"]
mod error;
#[allow(dead_code)]
#[path = "../../../../src/transport/connect/progress.rs"]
mod progress;
mod stream;

pub use address::{Address, Host, ScopedIp};
pub use endpoint::Endpoint;
pub use error::{Error, Stage};
pub use progress::{Milliseconds, PassedStage};
pub use stream::tls::Tls;

use std::io::{self, IoSlice};
use std::os::fd::RawFd;

use crate::sys::Watch;
use crate::time::Moment;
use crate::world::{self, sockets};

#[derive(Default)]
pub struct Resolver {}

pub fn forget_after_fork() {}

/// The client sees it open after `advance` has returned that.
pub struct Transport {
    fd: RawFd,
    open: bool,
    deadline: Moment,
}

impl Transport {
    /// The connection is not open yet when this returns.
    pub fn connect(endpoint: &Endpoint, _: &Resolver, now: Moment) -> Result<Transport, Error> {
        world::switch();
        Ok(Transport {
            fd: sockets::connect(),
            open: false,
            deadline: now + endpoint.timeout,
        })
    }

    pub fn advance(&mut self, now: Moment) -> Result<bool, Error> {
        world::switch();
        if !self.open {
            let result = sockets::is_open(self.fd);
            self.open = result.map_err(|why| Error::new(Stage::Tcp, why.to_owned()))?;
        }
        match !self.open && now >= self.deadline {
            true => Err(Error::timed_out(Stage::Tcp, "it", Default::default())),
            false => Ok(self.open),
        }
    }

    pub fn is_open(&self) -> bool {
        self.open
    }

    pub fn take_passed_stages(&mut self) -> Vec<PassedStage> {
        Vec::new()
    }

    pub fn watches(&self, want_write: bool, out: &mut Vec<Watch>) {
        out.extend(self.primary(want_write));
    }

    pub fn primary(&self, want_write: bool) -> Option<Watch> {
        Some(Watch {
            fd: self.fd,
            read: self.open,
            write: !self.open || want_write,
        })
    }

    pub fn deadline(&self) -> Option<Moment> {
        (!self.open).then_some(self.deadline)
    }

    pub fn close_retired(&mut self) {}

    pub fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        world::switch();
        sockets::read(self.fd, buf)
    }

    pub fn has_pending(&self) -> bool {
        false
    }

    pub fn read_waits_to_write(&self) -> bool {
        false
    }

    pub fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        world::switch();
        sockets::write(self.fd, buf)
    }

    pub fn write_vectored(&mut self, pieces: &[IoSlice]) -> io::Result<usize> {
        let bytes: Vec<u8> = pieces
            .iter()
            .flat_map(|piece| piece.iter().copied())
            .collect();
        self.write(&bytes)
    }

    pub fn written(&self) -> Option<u64> {
        None
    }

    pub fn unacked(&self) -> u64 {
        0
    }

    pub fn finish(&mut self) -> bool {
        world::switch();
        sockets::finish(self.fd);
        self.discard()
    }

    pub fn discard(&mut self) -> bool {
        world::switch();
        sockets::discard(self.fd)
    }
}

impl Drop for Transport {
    fn drop(&mut self) {
        world::close(self.fd);
    }
}
