//! A map whose keys are packet identifiers.

use crate::codec::PacketId;

/// An entry stands at its home, which is its identifier modulo the number of places, or behind it.
/// Entries stand in the order of their homes ("Robin Hood" hashing).
///
/// Identifiers are given out in sequence, so nearly each entry is at home, and a search looks at
/// one place. A hash function would cost more than the rest of an acknowledgement. A peer can
/// choose identifiers that collide. Then searches are longer, but there are only 65,535
/// identifiers.
pub struct IdMap<T> {
    /// Their number is 0 or a power of two, and at most half of them are taken.
    places: Box<[Option<(PacketId, T)>]>,
    len: usize,
}

/// Where an entry stands.
pub struct Place(usize);

/// The number of places at first.
const LEAST: usize = 2;

impl<T> Default for IdMap<T> {
    fn default() -> IdMap<T> {
        IdMap {
            places: Box::default(),
            len: 0,
        }
    }
}

impl<T> IdMap<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub fn get(&self, id: PacketId) -> Option<&T> {
        self.entry(id).map(|(_, value)| value)
    }

    /// The value of an identifier, and its place for `remove_at`.
    #[inline(always)]
    pub fn entry(&self, id: PacketId) -> Option<(Place, &T)> {
        let home = self.home(id);
        match self.places.get(home)? {
            Some((other, value)) if *other == id => Some((Place(home), value)),
            Some(_) => self.entry_behind(home, id),
            None => None,
        }
    }

    fn entry_behind(&self, home: usize, id: PacketId) -> Option<(Place, &T)> {
        let place = self.find_behind(home, id).ok()?;
        let (_, value) = self.places[place].as_ref()?;
        Some((Place(place), value))
    }

    /// Replaces the value that the identifier had.
    #[inline(always)]
    pub fn insert(&mut self, id: PacketId, value: T) {
        self.reserve();
        match self.find(id) {
            Ok(place) => self.places[place] = Some((id, value)),
            Err(place) => self.put(place, id, value),
        }
    }

    /// Returns false if the identifier has a value already. That value stays.
    #[inline(always)]
    pub fn insert_new(&mut self, id: PacketId, value: T) -> bool {
        self.reserve();
        let home = self.home(id);
        match self.places.get_mut(home) {
            Some(free @ None) => {
                *free = Some((id, value));
                self.len += 1;
                true
            }
            _ => self.insert_new_behind(home, id, value),
        }
    }

    #[inline(never)]
    fn insert_new_behind(&mut self, home: usize, id: PacketId, value: T) -> bool {
        match self.find_behind(home, id) {
            Ok(_) => false,
            Err(place) => {
                self.put(place, id, value);
                true
            }
        }
    }

    /// Returns false if there was none.
    #[inline(always)]
    pub fn remove(&mut self, id: PacketId) -> bool {
        let place = self.find(id);
        if let Ok(place) = place {
            self.vacate(place);
        }
        place.is_ok()
    }

    /// Removes the entry at a place. Only `entry` gives a place, and it is valid until the next change of the map.
    #[inline(always)]
    pub fn remove_at(&mut self, place: Place) {
        self.vacate(place.0);
    }

    pub fn retain(&mut self, mut keep: impl FnMut(PacketId, &T) -> bool) {
        for (id, value) in std::mem::take(self).places.into_iter().flatten() {
            if keep(id, &value) {
                self.insert(id, value);
            }
        }
    }

    pub fn clear(&mut self) {
        *self = IdMap::default();
    }

    /// Gives back the memory if the map is empty.
    pub fn trim(&mut self) {
        if self.len == 0 {
            self.clear();
        }
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten().map(|(_, value)| value)
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (PacketId, &mut T)> {
        let entries = self.places.iter_mut().flatten();
        entries.map(|(id, value)| (*id, value))
    }

    /// The place of the identifier, or else the place where it would stand.
    #[inline(always)]
    fn find(&self, id: PacketId) -> Result<usize, usize> {
        let home = self.home(id);
        match self.places.get(home) {
            Some(Some((other, _))) if *other == id => Ok(home),
            Some(Some(_)) => self.find_behind(home, id),
            Some(None) | None => Err(home),
        }
    }

    fn find_behind(&self, home: usize, id: PacketId) -> Result<usize, usize> {
        let mut place = home;
        while let Some((other, _)) = &self.places[place] {
            if *other == id {
                return Ok(place);
            }
            if self.distance(self.home(*other), place) < self.distance(home, place) {
                return Err(place);
            }
            place = self.behind(place);
        }
        Err(place)
    }

    #[inline(always)]
    fn put(&mut self, place: usize, id: PacketId, value: T) {
        self.len += 1;
        let entry = (id, value);
        match &mut self.places[place] {
            free @ None => *free = Some(entry),
            Some(other) => {
                let other = std::mem::replace(other, entry);
                self.move_on(place, other);
            }
        }
    }

    /// Moves an entry that lost its place one place on, and so each entry that it displaces.
    fn move_on(&mut self, mut place: usize, entry: (PacketId, T)) {
        let mut entry = Some(entry);
        while entry.is_some() {
            place = self.behind(place);
            std::mem::swap(&mut self.places[place], &mut entry);
        }
    }

    #[inline(always)]
    fn vacate(&mut self, place: usize) {
        self.places[place] = None;
        self.len -= 1;
        let next = self.behind(place);
        if let Some((other, _)) = &self.places[next]
            && self.home(*other) != next
        {
            self.move_up(place);
        }
    }

    /// Moves the entries behind a free place one place nearer to their homes, up to the first that
    /// is at home.
    fn move_up(&mut self, mut free: usize) {
        let mut place = self.behind(free);
        while let Some((other, _)) = &self.places[place]
            && self.home(*other) != place
        {
            self.places.swap(free, place);
            free = place;
            place = self.behind(place);
        }
    }

    /// Makes room for one more entry.
    #[inline(always)]
    fn reserve(&mut self) {
        if 2 * (self.len + 1) > self.places.len() {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = (2 * self.places.len()).max(LEAST);
        let places = std::iter::repeat_with(|| None).take(size).collect();
        let before = std::mem::replace(&mut self.places, places);
        self.len = 0;
        for (id, value) in before.into_iter().flatten() {
            self.insert(id, value);
        }
    }

    fn home(&self, id: PacketId) -> usize {
        usize::from(id.get()) & self.places.len().wrapping_sub(1)
    }

    fn behind(&self, place: usize) -> usize {
        (place + 1) & (self.places.len() - 1)
    }

    /// How many places a search goes on from `home` until it reaches `place`.
    fn distance(&self, home: usize, place: usize) -> usize {
        place.wrapping_sub(home) & (self.places.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};
    use std::collections::HashMap;

    /// Compares with a map of the standard library. Identifiers in few residues collide.
    #[test]
    fn it_is_a_map() {
        for seed in 0..50 {
            let mut rng = StdRng::seed_from_u64(seed);
            let (mut ours, mut theirs) = (IdMap::default(), HashMap::new());
            let (spread, step) = (rng.random_range(1..200), rng.random_range(1..300));
            for number in 0..2000_u32 {
                let id = PacketId::new(rng.random_range(0..spread) * step + 1).unwrap();
                assert_eq!(ours.get(id), theirs.get(&id));
                match rng.random_range(0..100) {
                    0..25 => {
                        ours.insert(id, number);
                        theirs.insert(id, number);
                    }
                    25..50 => {
                        assert_eq!(ours.insert_new(id, number), !theirs.contains_key(&id));
                        theirs.entry(id).or_insert(number);
                    }
                    50..75 => {
                        if let Some((place, _)) = ours.entry(id) {
                            ours.remove_at(place);
                        }
                        theirs.remove(&id);
                    }
                    75..98 => {
                        ours.remove(id);
                        theirs.remove(&id);
                    }
                    98 => {
                        ours.retain(|_, value| value % 3 > 0);
                        theirs.retain(|_, value| *value % 3 > 0);
                    }
                    _ => ours.trim(),
                }
                assert_eq!(ours.len(), theirs.len());
                assert_eq!(ours.values().sum::<u32>(), theirs.values().sum::<u32>());
            }
            let all: HashMap<_, _> = ours.iter_mut().map(|(id, value)| (id, *value)).collect();
            assert_eq!(all, theirs);
        }
    }
}
