//! A stream made of a TCP socket.

use super::Stream;
use crate::sys::{self, Descriptor, NO_SIGNAL, Watch};
use socket2::Socket;
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;

/// The most bytes that one `discard` takes: a peer may send without end.
const DISCARD: usize = 64 * 1024;
const PIECE: usize = 4 * 1024;

pub struct Tcp {
    socket: Descriptor<Socket>,
}

impl Tcp {
    /// The socket is connected and does not block.
    pub fn new(socket: Descriptor<Socket>) -> Tcp {
        Tcp { socket }
    }
}

/// For TLS, which is a stream over this one.
impl Read for Tcp {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Stream::read(self, buf)
    }
}

impl Write for Tcp {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Stream::write(self, buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Tcp {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut socket = self.socket.get()?;
        uninterrupted(|| socket.read(buf))
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let socket = self.socket.get()?;
        uninterrupted(|| socket.send_with_flags(buf, NO_SIGNAL))
    }

    fn write_vectored(&mut self, pieces: &[IoSlice]) -> io::Result<usize> {
        let socket = self.socket.get()?;
        uninterrupted(|| socket.send_vectored_with_flags(pieces, NO_SIGNAL))
    }

    fn has_pending(&self) -> bool {
        false
    }

    fn written(&self) -> Option<u64> {
        None
    }

    fn unacked(&self) -> u64 {
        sys::unacked(self.socket.as_raw_fd())
    }

    fn read_waits_to_write(&self) -> bool {
        false
    }

    fn finish(&mut self) {
        // An error means that the peer is gone: there is nothing to end.
        if let Ok(socket) = self.socket.get() {
            let _ = socket.shutdown(Shutdown::Write);
        }
    }

    /// Takes at most `DISCARD` bytes, however many have arrived.
    fn discard(&mut self) -> bool {
        let mut piece = [0; PIECE];
        for _ in 0..DISCARD / PIECE {
            match Stream::read(self, &mut piece) {
                Ok(PIECE) => {}
                Ok(count) => return count == 0,
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
        }
        false
    }

    fn watch(&self, want_write: bool) -> Watch {
        Watch {
            fd: self.socket.as_raw_fd(),
            read: true,
            write: want_write,
        }
    }
}

/// Repeats `call` while a signal interrupts it.
fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
