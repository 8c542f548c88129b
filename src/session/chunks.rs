//! The chunks of the log of packets, without its current row, and spare memory for new chunks.

use std::sync::Arc;

use crate::codec::{Buffer, NoMemory};

/// A packet of at least this length is a chunk of its own.
pub const LARGE: usize = 4 * 1024;

/// The least and the greatest size of a row.
const LEAST: usize = 256;
const MOST: usize = 64 * 1024;

/// How much freed memory is kept for new chunks.
const SPARE: usize = 256 * 1024;

/// How many bytes of removed packets do not count as waste, in chunks that hold other packets.
const SLACK: usize = 2 * MOST;

/// Where a packet is.
#[derive(Clone, Copy, Default)]
pub struct Place {
    pub chunk: u32,
    pub start: u32,
    pub len: u32,
}

/// A packet in the form that the output takes.
#[derive(Clone, Copy)]
pub enum Packet<'a> {
    Small(&'a [u8]),
    Large(&'a Arc<Buffer>),
}

pub struct Chunks {
    all: Vec<Chunk>,
    vacant: Vec<u32>,
    spare: Vec<Chunk>,
    spare_bytes: usize,
    /// The memory of the chunks, and how much of it the remaining packets take.
    taken: usize,
    left: usize,
    /// The part of that difference beyond the slack, as counted last.
    wasted: usize,
    /// The greatest `taken` since `take_freed` was last true.
    peak: usize,
}

enum Chunk {
    /// The place is free, or belongs to the row.
    Vacant,
    /// A former row, and how many bytes of packets are left in it.
    Full(Box<(Buffer, u32)>),
    Single(Arc<Buffer>),
}

impl Place {
    pub fn new(chunk: u32, start: usize, len: usize) -> Place {
        Place {
            chunk,
            start: start as u32,
            len: len as u32,
        }
    }

    #[inline(always)]
    pub fn len(self) -> usize {
        self.len as usize
    }

    #[inline(always)]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        let start = self.start as usize;
        &bytes[start..start + self.len as usize]
    }
}

impl<'a> Packet<'a> {
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Packet::Small(bytes) => bytes,
            Packet::Large(packet) => packet,
        }
    }
}

impl Default for Chunks {
    /// The first place belongs to the first row.
    fn default() -> Chunks {
        Chunks {
            all: vec![Chunk::Vacant],
            vacant: Vec::new(),
            spare: Vec::new(),
            spare_bytes: 0,
            taken: 0,
            left: 0,
            wasted: 0,
            peak: 0,
        }
    }
}

impl Chunks {
    /// Memory for one packet of this length.
    pub fn new_single(&mut self, len: usize) -> Result<Arc<Buffer>, NoMemory> {
        let spare = self.take_spare(|chunk| match chunk {
            Chunk::Single(packet) => (len..2 * len).contains(&packet.capacity()),
            Chunk::Full(_) | Chunk::Vacant => false,
        });
        match spare {
            Some(Chunk::Single(packet)) => Ok(packet),
            _ => Ok(Arc::new(with_room(len)?)),
        }
    }

    /// Adds a packet that is a chunk of its own. Returns its place.
    pub fn add_single(&mut self, packet: Arc<Buffer>) -> u32 {
        self.left += packet.len();
        self.add(Chunk::Single(packet))
    }

    /// Exchanges the full row for an empty one, and returns the place of the new row. If packets
    /// are left in the full row, it becomes a chunk at its old place.
    pub fn begin_row(
        &mut self,
        row: &mut Buffer,
        left: u32,
        place: u32,
        len: usize,
    ) -> Result<u32, NoMemory> {
        let mut full = match self.take_spare(|chunk| matches!(chunk, Chunk::Full(_))) {
            Some(Chunk::Full(full)) => full,
            _ => {
                let size = len.next_power_of_two().max(2 * row.capacity());
                Box::new((with_room(size.clamp(LEAST, MOST))?, 0))
            }
        };
        std::mem::swap(&mut full.0, row);
        if left == 0 {
            return Ok(place);
        }
        full.1 = left;
        self.taken += full.0.capacity();
        self.left += left as usize;
        self.all[place as usize] = Chunk::Full(full);
        Ok(self.add(Chunk::Vacant))
    }

    pub fn get(&self, place: Place) -> Packet<'_> {
        match &self.all[place.chunk as usize] {
            Chunk::Vacant => Packet::Small(&[]),
            Chunk::Full(full) => Packet::Small(place.of(&full.0)),
            Chunk::Single(packet) => Packet::Large(packet),
        }
    }

    /// Returns true if this frees the chunk.
    pub fn remove(&mut self, place: Place) -> bool {
        self.left -= place.len();
        let chunk = &mut self.all[place.chunk as usize];
        if let Chunk::Full(full) = chunk {
            full.1 -= place.len;
            if full.1 > 0 {
                return false;
            }
        }
        let chunk = std::mem::replace(chunk, Chunk::Vacant);
        self.vacant.push(place.chunk);
        self.taken -= chunk.size();
        self.keep_spare(chunk);
        true
    }

    pub fn wasted(&self) -> usize {
        self.wasted
    }

    pub fn is_wasteful(&self, least: usize) -> bool {
        self.wasted > self.left.max(least)
    }

    pub fn count_waste(&mut self) -> (usize, usize) {
        let before = self.wasted;
        self.wasted = self.taken.saturating_sub(self.left).saturating_sub(SLACK);
        (before, self.wasted)
    }

    fn add(&mut self, chunk: Chunk) -> u32 {
        self.taken += chunk.size();
        self.peak = self.peak.max(self.taken);
        if let Some(index) = self.vacant.pop() {
            self.all[index as usize] = chunk;
            return index;
        }
        self.all.push(chunk);
        self.all.len() as u32 - 1
    }

    /// Whether enough was freed since the last true answer: at least `least`, and at least as much
    /// as is still taken.
    pub fn take_freed(&mut self, least: usize) -> bool {
        let freed = self.peak - self.taken;
        let is_enough = freed >= least.max(self.taken);
        if is_enough {
            self.peak = self.taken;
        }
        is_enough
    }

    /// Keeps the memory of a chunk for new ones, unless the output still refers to the packet. It
    /// may refer to an answered packet: a broker may answer what it has not read.
    fn keep_spare(&mut self, mut chunk: Chunk) {
        match &mut chunk {
            Chunk::Full(full) if full.0.capacity() == MOST => full.0.clear(),
            Chunk::Single(packet) => match Arc::get_mut(packet) {
                Some(packet) => packet.clear(),
                None => return,
            },
            Chunk::Full(_) | Chunk::Vacant => return,
        }
        if self.spare_bytes + chunk.size() <= SPARE {
            self.spare_bytes += chunk.size();
            self.spare.push(chunk);
        }
    }

    fn take_spare(&mut self, is_fit: impl Fn(&Chunk) -> bool) -> Option<Chunk> {
        let index = self.spare.iter().position(is_fit)?;
        let chunk = self.spare.swap_remove(index);
        self.spare_bytes -= chunk.size();
        Some(chunk)
    }
}

impl Chunk {
    fn size(&self) -> usize {
        match self {
            Chunk::Vacant => 0,
            Chunk::Full(full) => full.0.capacity(),
            Chunk::Single(packet) => packet.capacity(),
        }
    }
}

fn with_room(size: usize) -> Result<Buffer, NoMemory> {
    let mut buffer = Buffer::default();
    buffer.reserve_exact(size)?;
    Ok(buffer)
}
