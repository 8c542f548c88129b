//! The read buffer: bytes from the transport until they are whole packets.
//!
//! A client reads into the memory of its thread, and hands that back after each turn. So an idle
//! client has no memory, and ten thousand clients in one loop read into memory that is in the
//! cache. The client itself keeps the bytes of a packet that is not whole yet.

use std::cell::Cell;
use std::io::{self, ErrorKind};

use crate::codec::{
    Ack, Header, Malformed, PacketId, Place, Publish, Role, Version, decode, header, plain_ack,
};
use crate::transport::Transport;

/// The size of a thread's memory, and so the size of a read of small packets.
const SHARED: usize = 64 * 1024;

/// A packet that is longer than this is read to its end plus `AHEAD`. So the next packet, which may
/// be as long, begins at the front of the buffer and need not be moved there.
const LARGE: usize = 16 * 1024;

/// The header of a large packet and the length of its topic: with these bytes, the next read knows
/// its end.
const AHEAD: usize = 7;

/// How much memory a client keeps for further large packets, until it has nothing to do.
const KEPT: usize = 1024 * 1024;

/// Up to this many bytes of a packet are kept in a place of their own. For a larger part, the whole
/// buffer is kept until the packet is whole.
const LEFT_OVER: usize = 4 * 1024;

thread_local! {
    static MEMORY: Cell<Box<[u8]>> = Cell::default();
}

/// The bytes of a packet that is not whole yet.
type LeftOver = Vec<u8>;

#[derive(Default)]
pub struct ReadBuffer {
    /// Empty between turns, except for a large packet.
    buffer: Box<[u8]>,
    start: u32,
    end: u32,
    left_over: Option<Box<LeftOver>>,
    /// The length of the packet that is not whole; 0: its header is not whole either.
    announced: u32,
    /// Whether more bytes may be waiting.
    more: bool,
}

impl ReadBuffer {
    /// Reads once; 0 is the end of the stream. No packet of more than `most` bytes becomes whole,
    /// so that no caller has to check the size of whole packets.
    pub fn read(&mut self, transport: &mut Transport, most: u32) -> io::Result<usize> {
        let count = self.fill(most, |room| transport.read(room))?;
        self.more |= transport.has_pending();
        Ok(count)
    }

    fn fill(
        &mut self,
        most: u32,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let until = self.make_room(most)?;
        let room = &mut self.buffer[self.end as usize..until];
        let size = room.len();
        let count = read(room)?;
        self.end += count as u32;
        self.more = count == size;
        Ok(count)
    }

    /// Whether another read would find bytes, as far as is known.
    pub fn may_have_more(&self) -> bool {
        self.more
    }

    /// The length of the next packet, which is not whole; 0 if it is not known.
    pub fn announced(&self) -> u32 {
        self.announced
    }

    /// The next whole packet: its bytes and its header.
    #[inline(always)]
    pub fn next_packet(
        &mut self,
        version: Version,
    ) -> Result<Option<(&mut [u8], Header)>, Malformed> {
        let pending = &mut self.buffer[self.start as usize..self.end as usize];
        match header(pending, Role::Client, version)? {
            Some(header) if header.end <= pending.len() => {
                self.start += header.end as u32;
                Ok(Some((&mut pending[..header.end], header)))
            }
            partial => {
                self.announced = partial.map_or(0, |header| header.end as u32);
                Ok(None)
            }
        }
    }

    /// The bytes that were read and not handed out.
    #[inline(always)]
    fn pending(&self) -> &[u8] {
        &self.buffer[self.start as usize..self.end as usize]
    }

    /// Whether a message of QoS 0 or 1, or the beginning of one, comes next.
    #[inline(always)]
    pub fn has_message(&self) -> bool {
        let first = self.pending().first();
        first.is_some_and(|byte| byte & 0xf4 == 0x30)
    }

    /// The next message, if it is whole and of QoS 0 or 1. `EXTENDED`: the version has properties.
    #[inline(always)]
    pub fn next_message<const EXTENDED: bool>(
        &mut self,
        version: Version,
    ) -> Result<Option<Publish<'_>>, Malformed> {
        if !self.has_message() {
            return Ok(None);
        }
        let Some((bytes, header)) = self.next_packet(version)? else {
            return Ok(None);
        };
        decode::publish::<EXTENDED>(&mut bytes[header.start..], header.flags, Place::Delivery)
            .map(Some)
    }

    /// The next packet, if it is a whole acknowledgement that needs no further check.
    #[inline(always)]
    pub fn next_ack(&mut self) -> Option<(Ack, PacketId)> {
        let ack = plain_ack(self.pending())?;
        self.start += 4;
        Some(ack)
    }

    /// Ends a turn: hands back the thread's memory. Memory for large packets stays while they
    /// arrive: at most `KEPT`, or twice the part of a packet that has arrived if that is more.
    pub fn release(&mut self) {
        let left = self.pending();
        let size = self.buffer.len();
        let is_for_the_next = self.end as usize > SHARED && size <= KEPT;
        if left.len() <= LEFT_OVER && !is_for_the_next {
            if !left.is_empty() {
                let left_over = self.left_over.get_or_insert_default();
                left_over.extend_from_slice(&self.buffer[self.start as usize..self.end as usize]);
            }
            self.hand_back();
        } else if size > KEPT.max(2 * left.len()) {
            self.move_to_front();
            let mut bytes = std::mem::take(&mut self.buffer).into_vec();
            bytes.truncate(KEPT.max(self.end as usize));
            self.buffer = bytes.into_boxed_slice();
        }
    }

    /// Begins a turn that handles the left-over bytes: takes the thread's memory for them.
    pub fn resume(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            return Ok(());
        }
        self.buffer = MEMORY.try_with(Cell::take).unwrap_or_default();
        if self.buffer.is_empty() {
            self.grow(SHARED)?;
        }
        if let Some(left_over) = &mut self.left_over {
            self.end = left_over.len() as u32;
            self.buffer[..left_over.len()].copy_from_slice(left_over);
            left_over.clear();
        }
        Ok(())
    }

    /// Forgets what was read.
    pub fn clear(&mut self) {
        self.left_over = None;
        self.announced = 0;
        self.hand_back();
    }

    /// Gives back the memory if no bytes wait in it.
    pub fn trim(&mut self) {
        let left_over = self.left_over.as_ref();
        if self.start == self.end && left_over.is_none_or(|bytes| bytes.is_empty()) {
            *self = ReadBuffer::default();
        }
    }

    fn hand_back(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        if buffer.len() == SHARED {
            // A thread that ends no longer has its memory. In this case, the buffer is freed.
            let _ = MEMORY.try_with(|memory| memory.set(buffer));
        }
        self.start = 0;
        self.end = 0;
    }

    /// Makes room for the next read. Returns the end of that room.
    fn make_room(&mut self, most: u32) -> io::Result<usize> {
        self.resume()?;
        let wanted = match self.announced as usize {
            large @ LARGE.. => large + AHEAD,
            small => SHARED.min(most as usize).max(small),
        };
        if self.start as usize + wanted > self.buffer.len() {
            self.move_to_front();
        }
        let size = self.buffer.len();
        if wanted > size && (self.end as usize == size || size == SHARED) {
            self.grow(wanted.min(2 * size))?;
        }
        Ok(self.buffer.len().min(self.start as usize + wanted))
    }

    fn move_to_front(&mut self) {
        let pending = self.start as usize..self.end as usize;
        self.end -= self.start;
        self.start = 0;
        self.buffer.copy_within(pending, 0);
    }

    /// Grows with the bytes that have arrived, not with the size that a header promises, and never
    /// beyond that size. The broker decides how much memory this takes, so a lack of it must not
    /// end the program.
    fn grow(&mut self, size: usize) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.buffer).into_vec();
        let more = size - bytes.len();
        let result = bytes.try_reserve_exact(more);
        if result.is_ok() {
            bytes.resize(size, 0);
        }
        self.buffer = bytes.into_boxed_slice();
        result.map_err(|_| {
            let text = format!("no memory for {more} more bytes from the broker");
            io::Error::new(ErrorKind::OutOfMemory, text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No limit but MQTT's own.
    const ANY: u32 = u32::MAX;

    /// A stream of messages. Each read gets as much as it has room for, or at most `most`.
    struct Stream {
        bytes: Vec<u8>,
        at: usize,
        most: usize,
    }

    impl Stream {
        fn new(packets: &[Vec<u8>]) -> Stream {
            Stream {
                bytes: packets.concat(),
                at: 0,
                most: usize::MAX,
            }
        }

        fn read(&mut self, room: &mut [u8]) -> usize {
            let left = &self.bytes[self.at..];
            let count = left.len().min(room.len()).min(self.most);
            room[..count].copy_from_slice(&left[..count]);
            self.at += count;
            count
        }
    }

    /// A message of QoS 0 with a payload of this size. Each byte of the payload is the message's
    /// number.
    fn message(number: u8, payload: usize) -> Vec<u8> {
        let mut packet = vec![0x30];
        let mut length = 3 + payload;
        loop {
            let more = length >> 7;
            packet.push((length & 0x7f) as u8 | if more > 0 { 0x80 } else { 0 });
            length = more;
            if more == 0 {
                break;
            }
        }
        packet.extend_from_slice(b"\0\x01t");
        packet.resize(packet.len() + payload, number);
        packet
    }

    /// Reads once, and takes each whole message. Returns the first byte and the size of each
    /// payload.
    fn read(input: &mut ReadBuffer, stream: &mut Stream, most: u32) -> Vec<(u8, usize)> {
        input
            .fill(most, |room| Ok(stream.read(room)))
            .expect("memory");
        let mut messages = Vec::new();
        while let Some(message) = input
            .next_message::<false>(Version::V311)
            .expect("a message")
        {
            let payload = message.payload;
            let first = payload.first().copied().unwrap_or_default();
            assert!(payload.iter().all(|&byte| byte == first));
            messages.push((first, payload.len()));
        }
        messages
    }

    fn read_all(input: &mut ReadBuffer, packets: &[Vec<u8>], piece: usize, most: u32) -> usize {
        let mut stream = Stream::new(packets);
        stream.most = piece;
        let mut expected = (0..packets.len()).map(|number| number as u8);
        let mut reads = 0;
        while stream.at < stream.bytes.len() {
            reads += 1;
            for (number, _) in read(input, &mut stream, most) {
                assert_eq!(Some(number), expected.next());
            }
            if reads % 8 == 0 {
                input.release();
            }
        }
        assert_eq!(expected.next(), None);
        reads
    }

    #[test]
    fn a_large_payload_is_never_moved() {
        for payload in [64 * 1024, LARGE, 20_000, 300_000] {
            let mut input = ReadBuffer::default();
            let mut stream = Stream::new(&vec![message(1, payload); 50]);
            let mut came = 0;
            // The first packets arrive in the way of small ones.
            while came == 0 || input.pending().len() > AHEAD {
                came += read(&mut input, &mut stream, ANY).len();
            }
            while came < 50 {
                let (start, end) = (input.start, input.end);
                came += read(&mut input, &mut stream, ANY).len();
                let moved = if input.start < start { end - start } else { 0 };
                assert!(moved <= AHEAD as u32, "{moved} bytes are moved");
            }
        }
    }

    #[test]
    fn what_is_read_is_handed_out_whatever_comes_together() {
        let sizes = [
            0,
            1,
            100,
            70_000,
            3,
            LARGE - 6,
            LARGE,
            5000,
            200_000,
            65_530,
            1_200_000,
            9,
        ];
        let packets: Vec<_> = (0..48)
            .map(|number| message(number, sizes[number as usize % sizes.len()].max(1)))
            .collect();
        for piece in [100, 4096, 65_536, usize::MAX] {
            for most in [1_200_010, ANY] {
                let mut input = ReadBuffer::default();
                read_all(&mut input, &packets, piece, most);
            }
        }
    }

    #[test]
    fn small_packets_come_many_in_a_read() {
        let mut input = ReadBuffer::default();
        let packets = vec![message(0, 100); 6000];
        let mut stream = Stream::new(&packets);
        let mut reads = 0;
        while stream.at < stream.bytes.len() {
            read(&mut input, &mut stream, ANY);
            reads += 1;
        }
        assert_eq!(reads, stream.bytes.len().div_ceil(SHARED - 105));
    }

    #[test]
    fn it_grows_with_what_has_come_and_never_beyond_the_packet() {
        let payload = 10_000_000;
        let mut input = ReadBuffer::default();
        let packet = message(1, payload);
        let mut stream = Stream::new(std::slice::from_ref(&packet));
        while read(&mut input, &mut stream, ANY).is_empty() {
            let came = input.pending().len();
            let held = input.buffer.len();
            assert!(
                held <= (2 * came).max(2 * SHARED),
                "{held} bytes for {came}"
            );
            assert!(held <= packet.len() + AHEAD, "{held} bytes for the packet");
        }
        input.release();
        assert!(input.buffer.is_empty(), "{} bytes", input.buffer.len());
        // The header of another large packet is no reason to keep all memory of the first one.
        let mut stream = Stream::new(&[message(1, payload), packet[..5000].to_vec()]);
        while read(&mut input, &mut stream, ANY).is_empty() {}
        read(&mut input, &mut stream, ANY);
        input.release();
        assert_eq!(input.buffer.len(), KEPT);
        assert_eq!(input.pending(), &packet[..5000]);
    }

    #[test]
    fn a_packet_above_the_limit_never_becomes_whole() {
        for most in [10, 100, LARGE as u32, 70_000] {
            let fits = message(1, most as usize - 10);
            for (packet, above) in [(message(2, most as usize), true), (fits, false)] {
                let mut input = ReadBuffer::default();
                let mut stream = Stream::new(&[message(3, 0), packet.clone()]);
                let mut came = 0;
                for _ in 0..packet.len() {
                    came += read(&mut input, &mut stream, most).len();
                    if input.announced() > most {
                        break;
                    }
                }
                assert_eq!(came, if above { 1 } else { 2 });
                assert_eq!(input.announced() > most, above);
                assert!(input.buffer.len() <= SHARED.max(most as usize + AHEAD));
            }
        }
    }
}
