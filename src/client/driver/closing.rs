//! A closing connection. It delays nothing that comes after it: a successor begins meanwhile.
//!
//! If a socket is closed while bytes arrive, a reset may overtake what was written last. So the
//! client ends its side after DISCONNECT, and then the broker closes.

use std::io::{ErrorKind, Result};
use std::time::Duration;

use super::write_buffer::WriteBuffer;
use crate::sys::Watch;
use crate::time::Moment;
use crate::transport::Transport;

/// How long the broker has to close the connection after DISCONNECT.
pub const LINGER: Duration = Duration::from_millis(500);

/// How often the closing connection gets a step while bytes are left. This is for loops that watch
/// only the socket of its successor.
const LOOK: Duration = Duration::from_millis(50);

/// How much is read at a time, and in one step, to make way for the bytes to write.
const PIECE: usize = 4 * 1024;
const PIECES: usize = 64;

pub struct Closing {
    transport: Transport,
    /// The connection that the bytes belong to, as the session numbers connections.
    connection: u16,
    bytes: WriteBuffer,
    /// When the time to write ends. Once everything is written: when the broker's time to close ends.
    deadline: Moment,
    /// The client has ended its side.
    finished: bool,
    next_look: Moment,
}

impl Closing {
    /// Closes a connection that still has to write `bytes`.
    pub fn with_bytes(
        transport: Transport,
        connection: u16,
        bytes: WriteBuffer,
        deadline: Moment,
    ) -> Closing {
        Closing {
            transport,
            connection,
            bytes,
            deadline,
            finished: false,
            next_look: Moment::origin(),
        }
    }

    /// Closes a connection that has written everything.
    pub fn finished(transport: Transport, now: Moment) -> Closing {
        Closing::with_bytes(transport, 0, WriteBuffer::default(), now + LINGER)
    }

    /// Continues as far as possible without waiting. Returns true when the connection is over.
    pub fn advance(&mut self, now: Moment) -> bool {
        self.next_look = now + LOOK;
        if now >= self.deadline {
            return true;
        }
        if self.finished {
            return self.transport.discard();
        }
        match self.write().and_then(|()| self.read_and_discard()) {
            Ok(()) if self.wants_write() => false,
            Ok(()) => {
                self.finished = true;
                self.deadline = now + LINGER;
                self.transport.finish()
            }
            Err(_) => true,
        }
    }

    pub fn watch(&self) -> Option<Watch> {
        self.transport.primary(self.wants_write())
    }

    pub fn deadline(&self) -> Moment {
        match self.finished {
            true => self.deadline,
            false => self.deadline.min(self.next_look),
        }
    }

    pub fn connection(&self) -> u16 {
        self.connection
    }

    /// How many bytes the socket has not taken.
    pub fn unwritten(&self) -> usize {
        self.bytes.unwritten()
    }

    pub fn is_finished(&self) -> bool {
        self.finished
    }

    fn wants_write(&self) -> bool {
        !self.bytes.is_empty()
    }

    fn write(&mut self) -> Result<()> {
        while self.wants_write() {
            match self.bytes.write_to(&mut self.transport) {
                Ok((count, _)) => self.bytes.written(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A broker that takes nothing may first have to get rid of what it sends. The reads are
    /// bounded, because it may send without end.
    fn read_and_discard(&mut self) -> Result<()> {
        let mut piece = [0; PIECE];
        for _ in 0..PIECES {
            if !self.wants_write() {
                break;
            }
            match self.transport.read(&mut piece) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(PIECE) => {}
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
