//! The requests of the program that wait for their responses. Each ends exactly once.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, TryReserveError, VecDeque};
use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::client::error::Code;
use crate::client::events::{Callback, ResponseEvent};
use crate::time::Moment;

/// How many may wait at once: as many as the low bits of an id can tell apart.
const MOST: usize = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 16;

/// This many past deadlines are always allowed, and memory for this many requests is always kept.
const KEPT: usize = 64;

/// A response finds its request by the place in the id, and proves by the secret that it answers a request
/// of this client.
#[derive(Default)]
pub struct Requests {
    places: Vec<Option<Waiting>>,
    free: Vec<u16>,
    last_number: u64,
    /// Also those of requests that have ended, except at the top.
    deadlines: BinaryHeap<Reverse<(Moment, u64)>>,
    /// Those whose end is not reported yet.
    ended: VecDeque<Ended>,
}

/// Whom to tell of the end of a request.
pub struct Asker {
    pub callback: Callback<ResponseEvent>,
    /// Only passed on; atomic because a raw pointer cannot be sent to another thread.
    userdata: AtomicPtr<c_void>,
}

impl Asker {
    pub fn new(callback: Callback<ResponseEvent>, userdata: *mut c_void) -> Asker {
        let userdata = AtomicPtr::new(userdata);
        Asker { callback, userdata }
    }

    pub fn userdata(&self) -> *mut c_void {
        self.userdata.load(Ordering::Relaxed)
    }
}

/// A request that was sent, or waits for that.
pub struct Sent {
    /// Nobody can guess it.
    pub secret: u64,
    pub until: Moment,
    /// The mid of its message.
    pub mid: u64,
    pub asker: Asker,
}

struct Waiting {
    id: u64,
    secret: u64,
    /// 0: the message has its outcome.
    mid: u64,
    asker: Asker,
}

/// The end of a request.
pub struct Ended {
    pub id: u64,
    pub code: Code,
    /// The broker's; None: it gave none.
    pub reason: Option<u8>,
    pub asker: Asker,
}

/// Why there can be no further request.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    Full,
    NoMemory,
}

/// The correlation data of a request.
pub fn correlation(id: u64, secret: u64) -> [u8; 16] {
    (u128::from(id) << 64 | u128::from(secret)).to_be_bytes()
}

impl Requests {
    /// Makes room for one more, and returns its id for `add`. It is never 0, and no two requests have the same.
    pub fn reserve(&mut self) -> Result<u64, Refusal> {
        let place = match self.free.last() {
            Some(place) => u64::from(*place),
            None if self.places.len() == MOST => return Err(Refusal::Full),
            None => self.places.len() as u64,
        };
        self.places.try_reserve(1)?;
        self.deadlines.try_reserve(1)?;
        Ok((self.last_number + 1) << PLACE_BITS | place)
    }

    pub fn add(&mut self, id: u64, sent: Sent) {
        self.last_number = id >> PLACE_BITS;
        self.deadlines.push(Reverse((sent.until, id)));
        let waiting = Some(Waiting {
            id,
            secret: sent.secret,
            mid: sent.mid,
            asker: sent.asker,
        });
        match self.free.pop() {
            Some(place) => self.places[usize::from(place)] = waiting,
            None => self.places.push(waiting),
        }
    }

    /// A response with this correlation data has come. None: it answers no request that waits.
    pub fn respond(&mut self, correlation: &[u8]) -> Option<Ended> {
        let both = u128::from_be_bytes(correlation.try_into().ok()?);
        let (id, secret) = ((both >> 64) as u64, both as u64);
        let is_answered = self.waiting(id)?.secret == secret;
        let waiting = is_answered.then(|| self.take(id))??;
        Some(waiting.end(Code::Success, None))
    }

    /// The message of a request has its outcome.
    pub fn message_done(&mut self, id: u64) {
        if let Some(waiting) = self.waiting(id) {
            waiting.mid = 0;
        }
    }

    /// Ends a request. Returns the mid of its message, 0 if that has its outcome; None: no such request waits.
    pub fn end(&mut self, id: u64, code: Code, reason: Option<u8>) -> Option<u64> {
        let waiting = self.take(id)?;
        let mid = waiting.mid;
        self.ended.push_back(waiting.end(code, reason));
        Some(mid)
    }

    /// Ends all requests, the oldest first. Returns the mids of their messages, as `end` does.
    pub fn end_all(&mut self, code: Code, reason: Option<u8>) -> Vec<u64> {
        let waiting = self.places.iter().flatten();
        let mut ids: Vec<_> = waiting.map(|waiting| waiting.id).collect();
        ids.sort_unstable();
        let mids = ids.into_iter().filter_map(|id| self.end(id, code, reason));
        mids.collect()
    }

    /// Ends a request whose time is over. Returns what `end` returns.
    pub fn expire(&mut self, now: Moment) -> Option<u64> {
        let &Reverse((at, id)) = self.deadlines.peek()?;
        let is_over = at <= now;
        is_over.then(|| self.end(id, Code::Timeout, None))?
    }

    /// When the time of the next request is over.
    pub fn deadline(&self) -> Option<Moment> {
        let &Reverse((at, _)) = self.deadlines.peek()?;
        Some(at)
    }

    pub fn are_waiting(&self) -> bool {
        self.count() > 0
    }

    pub fn have_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// The next end to report.
    pub fn next_ended(&mut self) -> Option<Ended> {
        self.ended.pop_front()
    }

    /// Gives back unused memory.
    pub fn trim(&mut self) {
        if !self.are_waiting() && !self.have_ended() && self.places.capacity() > KEPT {
            *self = Requests {
                last_number: self.last_number,
                ..Requests::default()
            };
        }
    }

    fn count(&self) -> usize {
        self.places.len() - self.free.len()
    }

    fn waiting(&mut self, id: u64) -> Option<&mut Waiting> {
        let waiting = self.places.get_mut(place(id))?.as_mut()?;
        (waiting.id == id).then_some(waiting)
    }

    fn take(&mut self, id: u64) -> Option<Waiting> {
        self.waiting(id)?;
        let waiting = self.places[place(id)].take();
        self.free.push(place(id) as u16);
        self.drop_past();
        waiting
    }

    /// Drops the deadlines of ended requests from the top, and all of them once they outnumber the others.
    fn drop_past(&mut self) {
        let places = &self.places;
        let is_waiting = |&Reverse((_, id)): &Reverse<(Moment, u64)>| {
            let waiting = places[place(id)].as_ref();
            waiting.is_some_and(|waiting| waiting.id == id)
        };
        if self.deadlines.len() > 2 * self.count() + KEPT {
            self.deadlines.retain(is_waiting);
        }
        while self.deadlines.peek().is_some_and(|top| !is_waiting(top)) {
            self.deadlines.pop();
        }
    }
}

impl Waiting {
    fn end(self, code: Code, reason: Option<u8>) -> Ended {
        Ended {
            id: self.id,
            code,
            reason,
            asker: self.asker,
        }
    }
}

impl From<TryReserveError> for Refusal {
    fn from(_: TryReserveError) -> Refusal {
        Refusal::NoMemory
    }
}

fn place(id: u64) -> usize {
    id as usize & (MOST - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::events::Handle;
    use std::collections::BTreeSet;
    use std::ptr::null_mut;

    extern "C" fn on_response(_: *mut Handle, _: *mut c_void, _: *const ResponseEvent) {}

    fn at(seconds: u64) -> Moment {
        Moment::at(seconds, 0)
    }

    /// Adds one whose secret is its mid.
    fn add(requests: &mut Requests, until: u64, mid: u64) -> u64 {
        let id = requests.reserve().unwrap();
        let sent = Sent {
            secret: mid,
            until: at(until),
            mid,
            asker: Asker::new(on_response, null_mut()),
        };
        requests.add(id, sent);
        id
    }

    fn told(requests: &mut Requests) -> Option<(u64, Code, Option<u8>)> {
        let ended = requests.next_ended()?;
        Some((ended.id, ended.code, ended.reason))
    }

    #[test]
    fn a_response_ends_its_request_once() {
        let mut requests = Requests::default();
        let (first, second) = (add(&mut requests, 1, 7), add(&mut requests, 1, 8));
        assert!(first != second && first != 0);
        let ended = requests.respond(&correlation(second, 8)).unwrap();
        assert_eq!((ended.id, ended.code), (second, Code::Success));
        assert!(requests.respond(&correlation(second, 8)).is_none());
        assert!(requests.respond(&correlation(first, 7)).is_some());
        assert!(!requests.are_waiting() && !requests.have_ended());
        assert_eq!(requests.deadline(), None);
    }

    #[test]
    fn a_stranger_ends_nothing() {
        let mut requests = Requests::default();
        let id = add(&mut requests, 1, 7);
        let right = correlation(id, 7);
        for wrong in [&[][..], &right[..15], &[&right[..], b"\0"].concat()] {
            assert!(requests.respond(wrong).is_none());
        }
        for (id, secret) in [(id, 6), (id + 1, 7), (id + (1 << PLACE_BITS), 7), (0, 0)] {
            assert!(requests.respond(&correlation(id, secret)).is_none());
        }
        assert!(requests.respond(&[0xff; 16]).is_none());
        assert!(requests.respond(&right).is_some());
    }

    #[test]
    fn an_id_is_not_used_again_although_its_place_is() {
        let mut requests = Requests::default();
        let mut seen = BTreeSet::new();
        for mid in 1..1000 {
            let id = add(&mut requests, 1, mid);
            assert!(seen.insert(id));
            assert_eq!(place(id), 0);
            assert_eq!(requests.end(id, Code::Cancelled, None), Some(mid));
            assert_eq!(requests.end(id, Code::Cancelled, None), None);
            assert_eq!(told(&mut requests), Some((id, Code::Cancelled, None)));
            assert_eq!(told(&mut requests), None);
        }
    }

    #[test]
    fn requests_expire_in_the_order_of_their_deadlines() {
        let mut requests = Requests::default();
        let ids = [3, 1, 2].map(|until| add(&mut requests, until, until));
        assert_eq!(requests.deadline(), Some(at(1)));
        assert_eq!(
            requests.expire(at(1) - std::time::Duration::from_nanos(1)),
            None
        );
        assert_eq!(requests.expire(at(2)), Some(1));
        requests.message_done(ids[2]);
        assert_eq!(requests.expire(at(2)), Some(0));
        assert_eq!(requests.expire(at(2)), None);
        assert_eq!(requests.deadline(), Some(at(3)));
        assert_eq!(told(&mut requests), Some((ids[1], Code::Timeout, None)));
        assert_eq!(told(&mut requests), Some((ids[2], Code::Timeout, None)));
        assert!(requests.respond(&correlation(ids[0], 3)).is_some());
        assert_eq!(requests.deadline(), None);
    }

    #[test]
    fn all_end_at_once_and_the_oldest_is_the_first() {
        let mut requests = Requests::default();
        let ids = [1, 2, 3].map(|mid| add(&mut requests, 9 - mid, mid));
        assert_eq!(requests.end(ids[0], Code::Cancelled, None), Some(1));
        let last = add(&mut requests, 1, 4);
        requests.message_done(ids[1]);
        assert_eq!(requests.end_all(Code::Rejected, Some(0x87)), [0, 3, 4]);
        assert_eq!(told(&mut requests), Some((ids[0], Code::Cancelled, None)));
        for id in [ids[1], ids[2], last] {
            let rejected = Some((id, Code::Rejected, Some(0x87)));
            assert_eq!(told(&mut requests), rejected);
        }
        assert_eq!(requests.deadline(), None);
        assert!(requests.end_all(Code::Rejected, None).is_empty());
    }

    #[test]
    fn their_number_is_limited() {
        let mut requests = Requests::default();
        let ids: Vec<_> = (0..MOST as u64)
            .map(|mid| add(&mut requests, 1, mid))
            .collect();
        assert_eq!(requests.reserve(), Err(Refusal::Full));
        let freed = ids[40_000];
        assert!(requests.respond(&correlation(freed, 40_000)).is_some());
        let again = add(&mut requests, 1, 5);
        assert_eq!(place(again), place(freed));
        assert_eq!(requests.reserve(), Err(Refusal::Full));
        assert!(requests.respond(&correlation(freed, 5)).is_none());
    }

    #[test]
    fn long_deadlines_of_ended_requests_take_no_memory() {
        let mut requests = Requests::default();
        let first = add(&mut requests, 1_000_000, 1);
        for mid in 2..100_000 {
            let id = add(&mut requests, 2_000_000, mid);
            assert!(requests.respond(&correlation(id, mid)).is_some());
            assert!(requests.deadlines.len() <= 2 + KEPT);
        }
        assert_eq!(requests.deadline(), Some(at(1_000_000)));
        assert_eq!(requests.end(first, Code::Cancelled, None), Some(1));
    }

    #[test]
    fn memory_is_given_back() {
        let mut requests = Requests::default();
        let ids: Vec<_> = (1..=1000).map(|mid| add(&mut requests, 1, mid)).collect();
        while requests.expire(at(1)).is_some() {}
        requests.trim();
        assert!(requests.places.capacity() > 0, "ends are to be reported");
        while requests.next_ended().is_some() {}
        requests.trim();
        assert_eq!(requests.places.capacity(), 0);
        assert!(!ids.contains(&add(&mut requests, 1, 1)));
    }

    /// Each request ends once, whatever happens in which order.
    #[test]
    fn each_of_many_ends_once() {
        use rand::{Rng, SeedableRng, rngs::StdRng};
        let mut rng = StdRng::seed_from_u64(7);
        let mut requests = Requests::default();
        let (mut all, mut ends) = (Vec::new(), BTreeSet::new());
        for now in 1..20_000 {
            if rng.random_ratio(2, 3) {
                let until = now + rng.random_range(0..200);
                all.push(add(&mut requests, until, now));
            }
            let Some(&id) = all.get(rng.random_range(0..all.len().max(1))) else {
                continue;
            };
            match rng.random_range(0..5) {
                0 => drop(requests.end(id, Code::Cancelled, None)),
                1 if now % 1000 == 0 => drop(requests.end_all(Code::Rejected, None)),
                2 => while requests.expire(at(now)).is_some() {},
                _ => {
                    let secret = requests.waiting(id).map_or(0, |waiting| waiting.secret);
                    if let Some(ended) = requests.respond(&correlation(id, secret)) {
                        assert!(ends.insert(ended.id));
                    }
                }
            }
            while let Some(ended) = requests.next_ended() {
                assert!(ends.insert(ended.id));
            }
            let open = all.len() - ends.len();
            assert_eq!(requests.count(), open);
            assert_eq!(requests.deadline().is_some(), open > 0);
        }
        while requests.expire(Moment::never()).is_some() {}
        while let Some(ended) = requests.next_ended() {
            assert!(ends.insert(ended.id));
        }
        assert_eq!(ends.len(), all.len());
    }
}
