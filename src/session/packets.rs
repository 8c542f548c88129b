//! A log, in chunks, of the PUBLISH packets that wait to be sent or wait for an answer.
//!
//! Packets go to the end of the row, which becomes a chunk when it is full. A chunk is given back
//! when its last packet is removed. A large packet is a chunk of its own, and the output refers to
//! it: its payload is copied once, from the program. Small packets are copied to the output,
//! because a further piece in a write takes longer than the copy.

use std::sync::Arc;

use super::chunks::{Chunks, LARGE, Packet, Place};
use crate::codec::{Buffer, NoMemory, PacketId, Publishable, encode};

#[derive(Default)]
pub struct Packets {
    row: Buffer,
    /// How many bytes of packets are left in the row, and the place of the row among the chunks.
    left: u32,
    chunk: u32,
    /// None before the first packet.
    chunks: Option<Box<Chunks>>,
}

impl Packets {
    /// Keeps the PUBLISH of a message. Returns its place and its bytes.
    #[inline(always)]
    pub fn push(
        &mut self,
        message: &Publishable,
        id: PacketId,
    ) -> Result<(Place, Packet<'_>), NoMemory> {
        let len = encode::publish_len(message);
        let start = self.row.len();
        if len < LARGE && start + len <= self.row.capacity() {
            let packet = self.row.extend(len);
            encode::publish_into(packet, message, Some(id));
            self.left += len as u32;
            return Ok((Place::new(self.chunk, start, len), Packet::Small(packet)));
        }
        let place = self.push_to_chunk(*message, id, len)?;
        Ok((place, self.get(place)))
    }

    /// Keeps the PUBLISH of a QoS 0 message.
    pub fn push_kept(&mut self, message: &Publishable) -> Result<Place, NoMemory> {
        let len = encode::publish_len(message);
        if len >= LARGE {
            let chunks = self.chunks.get_or_insert_default();
            let mut packet = chunks.new_single(len)?;
            let buffer = Arc::get_mut(&mut packet).ok_or(NoMemory)?;
            encode::publish(buffer, message, None)?;
            return Ok(Place::new(chunks.add_single(packet), 0, len));
        }
        self.make_room(len)?;
        let start = self.row.len();
        encode::publish_into(self.row.extend(len), message, None);
        self.left += len as u32;
        Ok(Place::new(self.chunk, start, len))
    }

    /// Copies a small packet to the end of the row, so that its old chunk can become empty.
    pub fn move_to_end(&mut self, place: Place) -> Result<Place, NoMemory> {
        if place.chunk == self.chunk || place.len() >= LARGE {
            return Ok(place);
        }
        self.make_room(place.len())?;
        if let Some(chunks) = &self.chunks {
            let packet = chunks.get(place).bytes();
            self.row.extend(place.len()).copy_from_slice(packet);
            self.left += place.len;
        }
        self.remove(place);
        let start = self.row.len() - place.len();
        Ok(Place::new(self.chunk, start, place.len()))
    }

    /// The wasted bytes, as counted last.
    pub fn wasted(&self) -> usize {
        self.chunks.as_ref().map_or(0, |chunks| chunks.wasted())
    }

    /// Whether removed packets take more than the remaining ones, and more than `least`.
    pub fn is_wasteful(&self, least: usize) -> bool {
        let chunks = self.chunks.as_ref();
        chunks.is_some_and(|chunks| chunks.is_wasteful(least))
    }

    #[inline(always)]
    pub fn get(&self, place: Place) -> Packet<'_> {
        match place.chunk == self.chunk {
            true => Packet::Small(place.of(&self.row)),
            false => self
                .chunks
                .as_ref()
                .map_or(Packet::Small(&[]), |chunks| chunks.get(place)),
        }
    }

    /// Removes a packet. Returns true if this frees a chunk.
    #[inline(always)]
    pub fn remove(&mut self, place: Place) -> bool {
        if place.chunk != self.chunk {
            return self
                .chunks
                .as_mut()
                .is_some_and(|chunks| chunks.remove(place));
        }
        self.left -= place.len;
        if self.left == 0 {
            self.row.clear();
        }
        false
    }

    /// Whether a long queue has become short: at least `least` bytes of it were freed since the
    /// last true answer.
    pub fn take_freed(&mut self, least: usize) -> bool {
        let chunks = self.chunks.as_mut();
        chunks.is_some_and(|chunks| chunks.take_freed(least))
    }

    /// Counts the bytes of removed packets in chunks that hold other packets, beyond the slack.
    /// Returns the previous count and the new one.
    pub fn count_waste(&mut self) -> (usize, usize) {
        let chunks = self.chunks.as_mut();
        chunks.map_or((0, 0), |chunks| chunks.count_waste())
    }

    /// Makes room for a small packet at the end of the row.
    fn make_room(&mut self, len: usize) -> Result<(), NoMemory> {
        if self.row.len() + len > self.row.capacity() {
            let chunks = self.chunks.get_or_insert_default();
            self.chunk = chunks.begin_row(&mut self.row, self.left, self.chunk, len)?;
            self.left = 0;
        }
        Ok(())
    }

    /// Keeps a packet that becomes a chunk, or the first packet of a new row.
    #[cold]
    fn push_to_chunk(
        &mut self,
        message: Publishable,
        id: PacketId,
        len: usize,
    ) -> Result<Place, NoMemory> {
        let chunks = self.chunks.get_or_insert_default();
        if len >= LARGE {
            let mut packet = chunks.new_single(len)?;
            let buffer = Arc::get_mut(&mut packet).ok_or(NoMemory)?;
            encode::publish(buffer, &message, Some(id))?;
            return Ok(Place::new(chunks.add_single(packet), 0, len));
        }
        self.chunk = chunks.begin_row(&mut self.row, self.left, self.chunk, len)?;
        encode::publish(&mut self.row, &message, Some(id))?;
        self.left = len as u32;
        Ok(Place::new(self.chunk, 0, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Message, QoS};
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};
    use std::collections::VecDeque;

    const ID: PacketId = PacketId::MIN;

    fn bytes(packets: &Packets, place: Place) -> &[u8] {
        packets.get(place).bytes()
    }

    fn push(packets: &mut Packets, payload: &[u8]) -> (Place, Vec<u8>) {
        let message = Message {
            topic: b"t",
            payload,
            qos: QoS::AtLeastOnce,
            retain: false,
            properties: None,
        };
        let message = message.check().expect("PUBLISH fits");
        let mut expected = Buffer::default();
        encode::publish(&mut expected, &message, Some(ID)).expect("memory");
        let (place, _) = packets.push(&message, ID).expect("memory");
        (place, expected.to_vec())
    }

    #[test]
    fn each_packet_stays_as_it_was_until_it_is_removed() {
        for seed in 0..5 {
            let mut rng = StdRng::seed_from_u64(seed);
            let mut packets = Packets::default();
            let mut kept = VecDeque::new();
            for number in 0..2000_u32 {
                let size = match rng.random_range(0..20) {
                    0 => rng.random_range(4000..200_000),
                    1..4 => rng.random_range(0..5000),
                    _ => rng.random_range(0..100),
                };
                kept.push_back(push(&mut packets, &vec![number as u8; size]));
                while kept.len() > rng.random_range(0..200) {
                    let place = match rng.random_range(0..4) {
                        0 => rng.random_range(0..kept.len()),
                        _ => 0,
                    };
                    if let Some((place, expected)) = kept.remove(place) {
                        assert_eq!(bytes(&packets, place), expected);
                        packets.remove(place);
                    }
                }
            }
            for (place, expected) in kept {
                assert_eq!(bytes(&packets, place), expected);
                packets.remove(place);
            }
            assert_eq!((packets.left, packets.count_waste().1), (0, 0));
        }
    }

    #[test]
    fn chunks_that_few_packets_hold_are_counted() {
        let mut packets = Packets::default();
        let payload = [0; 1000];
        for number in 0..10_000 {
            let (place, _) = push(&mut packets, &payload);
            if number % 50 > 0 {
                packets.remove(place);
            }
        }
        // One packet of each 50 is left, so most memory is wasted.
        let all = 10_000 * payload.len();
        let (_, wasted) = packets.count_waste();
        assert!((all / 2..all).contains(&wasted), "{wasted} of {all}");
    }
}
