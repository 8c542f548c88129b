//! Bytes for the socket (a gathering write): a row, and large payloads between its bytes. A payload
//! stays where it is until the socket has it.

use std::sync::Arc;

use crate::codec::{Buffer, NoMemory};

#[derive(Debug, Default)]
pub struct Gather {
    row: Buffer,
    /// In the order of their places.
    payloads: Option<Box<Payloads>>,
}

type Payloads = Vec<Payload>;

#[derive(Debug)]
struct Payload {
    /// How many bytes of the row come before the payload.
    place: usize,
    /// The payload goes from `start` to the end of the packet.
    packet: Arc<Buffer>,
    start: usize,
}

impl Gather {
    /// Packets are encoded to the end of the row.
    #[inline(always)]
    pub fn row(&mut self) -> &mut Buffer {
        &mut self.row
    }

    /// Appends a packet: `head` bytes for the caller to fill, and the rest of `packet` from `start` on, to which it
    /// refers. Returns the head.
    pub fn put_packet(
        &mut self,
        head: usize,
        packet: &Arc<Buffer>,
        start: usize,
    ) -> Result<&mut [u8], NoMemory> {
        let place = self.row.len() + head;
        let head = self.row.try_extend(head)?;
        self.payloads.get_or_insert_default().push(Payload {
            place,
            packet: packet.clone(),
            start,
        });
        Ok(head)
    }

    /// Moves all bytes of `other` behind those that are here.
    pub fn append(&mut self, other: &mut Gather) {
        let before = self.row.len();
        self.row.append(&other.row);
        if let Some(payloads) = other.payloads.take() {
            let moved = payloads.into_iter().map(|payload| Payload {
                place: before + payload.place,
                ..payload
            });
            self.payloads.get_or_insert_default().extend(moved);
        }
        other.clear();
    }

    /// How many bytes there are in all.
    pub fn len(&self) -> usize {
        let payloads = self.payloads().iter();
        self.row.len() + payloads.map(|payload| payload.bytes().len()).sum::<usize>()
    }

    #[inline(always)]
    pub fn row_len(&self) -> usize {
        self.row.len()
    }

    /// Each payload comes behind a head in the row, so the row decides.
    pub fn is_empty(&self) -> bool {
        self.row.is_empty()
    }

    pub fn clear(&mut self) {
        self.row.clear();
        if let Some(payloads) = &mut self.payloads {
            payloads.clear();
        }
    }

    /// The memory of the row.
    pub fn capacity(&self) -> usize {
        self.row.capacity()
    }

    /// Gives back unused memory.
    pub fn shrink(&mut self) {
        self.row.shrink();
        self.payloads.take_if(|payloads| payloads.is_empty());
    }

    /// All bytes, if all are in the row.
    #[inline(always)]
    pub fn as_row(&self) -> Option<&[u8]> {
        self.payloads().is_empty().then_some(&self.row)
    }

    /// All bytes except the first `skip`, piece by piece.
    pub fn pieces(&self, mut skip: usize) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        let before = self.payloads().iter().flat_map(move |payload| {
            let row = &self.row[start..payload.place];
            start = payload.place;
            [row, payload.bytes()]
        });
        let end = self.payloads().last().map_or(0, |payload| payload.place);
        before
            .chain([&self.row[end..]])
            .map(move |piece| {
                let (skipped, piece) = piece.split_at(skip.min(piece.len()));
                skip -= skipped.len();
                piece
            })
            .filter(|piece| !piece.is_empty())
    }

    fn payloads(&self) -> &[Payload] {
        self.payloads.as_ref().map_or(&[], |payloads| payloads)
    }

    /// All bytes, copied into a row.
    pub fn to_row(&self) -> Buffer {
        let mut row = Buffer::default();
        self.pieces(0).for_each(|piece| row.append(piece));
        row
    }
}

impl Payload {
    fn bytes(&self) -> &[u8] {
        &self.packet[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(bytes: &[u8]) -> Arc<Buffer> {
        let mut buffer = Buffer::default();
        buffer.append(bytes);
        Arc::new(buffer)
    }

    #[test]
    fn payloads_stand_between_the_bytes_of_the_row() {
        let mut gather = Gather::default();
        let put = |gather: &mut Gather, head: &[u8], bytes, start| {
            let room = gather.put_packet(head.len(), &packet(bytes), start);
            room.unwrap().copy_from_slice(head);
        };
        put(&mut gather, b"ab", b"abcde", 2);
        put(&mut gather, b"", b"f", 0);
        gather.row().append(b"gh");
        let mut other = Gather::default();
        put(&mut other, b"i", b"ijk", 1);
        gather.append(&mut other);
        assert!(other.is_empty());
        let all = b"abcdefghijk";
        assert_eq!(gather.len(), all.len());
        assert_eq!(gather.as_row(), None);
        for skip in 0..=all.len() {
            assert_eq!(
                gather.pieces(skip).collect::<Vec<_>>().concat(),
                all[skip..]
            );
        }
        gather.clear();
        gather.row().append(b"x");
        assert_eq!(gather.as_row(), Some(&b"x"[..]));
        assert_eq!(gather.pieces(0).collect::<Vec<_>>(), [b"x"]);
    }
}
