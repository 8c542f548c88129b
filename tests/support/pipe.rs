//! Bytes on their way, each with its time of arrival; none overtakes another.

use std::collections::VecDeque;

use pmqtt::time::Moment;
use rand::Rng;
use rand::rngs::StdRng;

#[derive(Default)]
pub struct Pipe {
    chunks: VecDeque<(Moment, Vec<u8>)>,
    last: Moment,
}

impl Pipe {
    pub fn send(&mut self, arrival: Moment, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.last = self.last.max(arrival);
            self.chunks.push_back((self.last, bytes));
        }
    }

    pub fn arrived(&mut self, now: Moment) -> Option<Vec<u8>> {
        let &(at, _) = self.chunks.front()?;
        if at > now {
            return None;
        }
        self.chunks.pop_front().map(|(_, bytes)| bytes)
    }

    pub fn all(&mut self) -> Vec<u8> {
        self.chunks.drain(..).flat_map(|(_, bytes)| bytes).collect()
    }

    /// The connection breaks; returns the bytes that still arrive, which may end anywhere.
    pub fn cut(&mut self, rng: &mut StdRng) -> Vec<u8> {
        let mut bytes = self.all();
        bytes.truncate(rng.random_range(0..=bytes.len()));
        bytes
    }

    pub fn len(&self) -> usize {
        self.chunks.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}
