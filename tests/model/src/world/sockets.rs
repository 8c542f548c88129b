//! Sockets: the client's and the broker's side of each.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::ops::{Deref, DerefMut};
use std::os::fd::RawFd;

use super::files::File;

/// Sockets by their numbers; they are kept after they are closed.
#[derive(Default)]
pub struct Sockets(Vec<Socket>);

/// How a connection is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// The connection is open at once.
    #[default]
    Open,
    /// The connection is open once the broker has seen it.
    Opening,
    /// The broker refuses the connection when it sees it.
    Refused,
    /// There is no answer.
    Unanswered,
}

pub struct Socket {
    pub way: Way,
    /// What the broker has not read yet, and the maximum of that.
    pub output: Vec<u8>,
    pub room: usize,
    /// What the client has not read yet.
    pub input: VecDeque<u8>,
    /// The client has ended its side, or closed the socket.
    pub finished: bool,
    pub closed: bool,
    /// The broker has ended its side.
    pub ended: bool,
    /// The broker has refused the connection.
    pub failed: bool,
}

impl Socket {
    pub fn is_ready(&self, read: bool, write: bool) -> bool {
        let is_open = self.way == Way::Open;
        self.failed
            || read && is_open && (self.ended || !self.input.is_empty())
            || write && is_open && self.output.len() < self.room
    }

    pub fn close(&mut self) {
        self.finished = true;
        self.closed = true;
    }
}

impl Deref for Sockets {
    type Target = Vec<Socket>;

    fn deref(&self) -> &Vec<Socket> {
        &self.0
    }
}

impl DerefMut for Sockets {
    fn deref_mut(&mut self) -> &mut Vec<Socket> {
        &mut self.0
    }
}

/// Connects as the broker's next `Way` says.
pub(crate) fn connect() -> RawFd {
    super::change(|world| {
        let way = world.broker.ways.pop_front().unwrap_or_default();
        let number = world.sockets.len();
        let room = world.broker.room.unwrap_or(usize::MAX);
        world.sockets.push(Socket {
            way,
            output: Vec::new(),
            room,
            input: VecDeque::new(),
            finished: false,
            closed: false,
            ended: false,
            failed: false,
        });
        world.files.open(File::Socket(number))
    })
}

/// The error says why it never will be open.
pub(crate) fn is_open(fd: RawFd) -> Result<bool, &'static str> {
    with(fd, |socket| match socket.failed {
        true => Err("refused"),
        false => Ok(socket.way == Way::Open),
    })
}

pub(crate) fn read(fd: RawFd, buf: &mut [u8]) -> io::Result<usize> {
    super::note(|| format!("{fd} is read"));
    with(fd, |socket| {
        let count = socket.input.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(socket.input.drain(..count)) {
            *to = from;
        }
        match count {
            0 if !socket.ended => Err(ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    })
}

pub(crate) fn write(fd: RawFd, buf: &[u8]) -> io::Result<usize> {
    super::note(|| format!("{fd} is written to"));
    with(fd, |socket| {
        let count = buf.len().min(socket.room - socket.output.len());
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        socket.output.extend_from_slice(&buf[..count]);
        Ok(count)
    })
}

pub(crate) fn finish(fd: RawFd) {
    with(fd, |socket| socket.finished = true);
}

pub(crate) fn discard(fd: RawFd) -> bool {
    with(fd, |socket| {
        socket.input.clear();
        socket.ended
    })
}

fn with<T>(fd: RawFd, call: impl FnOnce(&mut Socket) -> T) -> T {
    super::change(|world| {
        let number = world.files.socket(fd);
        call(&mut world.sockets[number])
    })
}
