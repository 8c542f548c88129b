//! The broker: a thread that answers what it reads, one step at a time.

use std::collections::VecDeque;

use super::sockets::{Socket, Way};
use super::{World, change, spawn, switch, wait_until};

#[derive(Default)]
pub struct Broker {
    /// How the next connections are answered; those after them are open at once.
    pub ways: VecDeque<Way>,
    /// How much a connection takes before the broker reads; None: no limit.
    pub room: Option<usize>,
    /// How many messages of QoS 1 follow each CONNACK.
    pub messages: u8,
    /// How many packets it has read, by the number of their kind.
    pub seen: [usize; 16],
    /// It closes a connection once it has read this many packets in all.
    pub closes_after: Option<usize>,
    unread: Vec<Vec<u8>>,
    leaving: bool,
}

pub const CONNECT: usize = 1;
pub const PUBLISH: usize = 3;
pub const PUBACK: usize = 4;
pub const DISCONNECT: usize = 14;

/// Its thread.
pub fn begin() -> u32 {
    spawn(|| {
        loop {
            wait_until(|world| world.broker.leaving || world.has_work());
            if change(|world| world.broker.leaving && !world.has_work()) {
                break;
            }
            change(World::work);
            switch();
        }
    })
}

/// The broker's thread ends when it has nothing to do.
pub fn leave() {
    change(|world| world.broker.leaving = true);
}

impl Socket {
    fn has_work(&self) -> bool {
        match self.way {
            Way::Opening | Way::Refused => !self.failed && !self.closed,
            Way::Open => !self.output.is_empty() || self.finished && !self.ended,
            Way::Unanswered => false,
        }
    }
}

impl World {
    fn has_work(&self) -> bool {
        self.sockets.iter().any(Socket::has_work)
    }

    fn work(&mut self) {
        let Some(number) = self.sockets.iter().position(Socket::has_work) else {
            return;
        };
        let socket = &mut self.sockets[number];
        match socket.way {
            Way::Opening => socket.way = Way::Open,
            Way::Refused => socket.failed = true,
            Way::Open if !socket.output.is_empty() => {
                let bytes = std::mem::take(&mut socket.output);
                self.broker.unread.resize(self.sockets.len(), Vec::new());
                self.broker.unread[number].extend(bytes);
                self.read(number);
            }
            Way::Open => socket.ended = true,
            Way::Unanswered => {}
        }
    }

    /// Handles the complete packets. None is longer than 127 bytes.
    fn read(&mut self, number: usize) {
        let (broker, socket) = (&mut self.broker, &mut self.sockets[number]);
        let unread = &mut broker.unread[number];
        while let [first, length, rest @ ..] = &unread[..]
            && let Some(packet) = rest.get(..*length as usize)
        {
            let kind = first >> 4;
            broker.seen[kind as usize] += 1;
            match kind {
                1 => {
                    socket.input.extend([0x20, 2, 0, 0]);
                    for id in 1..=broker.messages {
                        socket.input.extend([0x32, 6, 0, 1, b't', 0, id, b'p']);
                    }
                }
                3 if first & 6 == 2 => {
                    let topic = 2 + packet[1] as usize;
                    socket
                        .input
                        .extend([0x40, 2, packet[topic], packet[topic + 1]]);
                }
                12 => socket.input.extend([0xd0, 0]),
                14 => socket.ended = true,
                _ => {}
            }
            let whole = 2 + packet.len();
            unread.drain(..whole);
        }
        let seen: usize = broker.seen.iter().sum();
        if broker.closes_after.is_some_and(|most| seen >= most) {
            broker.closes_after = None;
            socket.ended = true;
        }
    }
}
