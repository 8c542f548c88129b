//! Wakes a thread that waits in poll: a pair of connected sockets.

use crate::sys::Descriptor;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

/// A descriptor that any thread can make readable.
///
/// Sockets, not a pipe: std makes sockets with close-on-exec, without a race with fork if the system
/// supports that. A pipe would need unsafe code for each system.
pub struct Waker {
    reader: Descriptor<UnixStream>,
    writer: Descriptor<UnixStream>,
}

impl Waker {
    pub fn new() -> io::Result<Waker> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Waker {
            reader: Descriptor::new(reader),
            writer: Descriptor::new(writer),
        })
    }

    /// Makes the descriptor readable until [`drain`](Waker::drain). Never blocks; several wakes count
    /// as one.
    pub fn wake(&self) {
        // An error means that the buffer is full, so the descriptor is already readable. Or a signal
        // came, which std does not hide.
        let Ok(mut writer) = self.writer.get() else {
            return;
        };
        while let Err(error) = writer.write(&[0]) {
            if error.kind() != io::ErrorKind::Interrupted {
                break;
            }
        }
    }

    /// Forgets the wakes so far. Look for work only after this, or a wake may be lost.
    pub fn drain(&self) {
        let Ok(mut reader) = self.reader.get() else {
            return;
        };
        let mut bytes = [0; 256];
        loop {
            match reader.read(&mut bytes) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
            }
        }
    }
}

impl AsRawFd for Waker {
    fn as_raw_fd(&self) -> RawFd {
        self.reader.as_raw_fd()
    }
}
