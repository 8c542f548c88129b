//! The generation of this process, and what it has inherited by a fork. A child shares the open files
//! behind its descriptors with the parent: it may only close them.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// How many descriptors are recorded; each 32,768 that are in use take a page of memory. Higher ones
/// stay open in a child until it ends, as does one that is opened or closed at the moment of the fork.
const DESCRIPTORS: usize = 1 << 20;

/// The library's descriptors: those of this process, and those of its parent that are still open here.
static OWN: Descriptors = Descriptors::new();
static INHERITED: Descriptors = Descriptors::new();

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// How many forks lie between this process and the one that loaded the library.
#[inline(always)]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Has each child call `in_child` from now on, on its only thread. `in_child` calls `begin_child`
/// first, and may do only what a signal handler may.
pub fn watch_forks(in_child: unsafe extern "C" fn()) {
    static IS_WATCHING: AtomicBool = AtomicBool::new(false);
    if IS_WATCHING.load(Ordering::Acquire) {
        return;
    }
    // Two threads may come here at once; then `in_child` is called twice, which does no harm. If there
    // is no memory for it, the next client tries again.
    // SAFETY: the function lives as long as the library, which is never unloaded while it is registered.
    if unsafe { libc::pthread_atfork(None, None, Some(in_child)) } == 0 {
        IS_WATCHING.store(true, Ordering::Release);
    }
}

/// A child begins: the descriptors that were this process's own are now inherited ones.
pub fn begin_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    OWN.move_to(&INHERITED);
}

/// Records a descriptor that was opened.
pub(super) fn opened(fd: i32) {
    OWN.insert(fd);
}

/// Whether a descriptor that was opened in `generation` still has to be closed here. If so, only the
/// caller closes it.
pub(super) fn closes(fd: i32, generation: u32) -> bool {
    match generation == self::generation() {
        true => {
            OWN.remove(fd);
            true
        }
        false => INHERITED.remove(fd),
    }
}

/// Closes what the parent's clients had open at the fork.
pub fn close_inherited() {
    INHERITED.drain(|fd| {
        // SAFETY: the descriptor was the library's in the parent. It was in the set until now, so it
        // was not closed here, and nothing else closes it.
        unsafe { libc::close(fd) };
    });
}

/// A set of descriptors without a lock, which another thread could hold at the moment of a fork.
struct Descriptors {
    words: [AtomicU64; DESCRIPTORS / 64],
    /// Words from here on have never been used.
    used: AtomicUsize,
}

impl Descriptors {
    const fn new() -> Descriptors {
        Descriptors {
            words: [const { AtomicU64::new(0) }; DESCRIPTORS / 64],
            used: AtomicUsize::new(0),
        }
    }

    fn insert(&self, fd: i32) {
        let (at, bit) = place(fd);
        if let Some(word) = self.words.get(at) {
            self.used.fetch_max(at + 1, Ordering::Relaxed);
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// Whether it was in the set.
    fn remove(&self, fd: i32) -> bool {
        let (at, bit) = place(fd);
        let word = self.words.get(at);
        word.is_some_and(|word| word.fetch_and(!bit, Ordering::Relaxed) & bit != 0)
    }

    fn move_to(&self, other: &Descriptors) {
        let used = self.used.load(Ordering::Relaxed);
        other.used.fetch_max(used, Ordering::Relaxed);
        for (from, to) in self.words.iter().zip(&other.words).take(used) {
            to.fetch_or(from.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    fn drain(&self, mut each: impl FnMut(i32)) {
        let used = self.used.load(Ordering::Relaxed);
        for (at, word) in self.words.iter().enumerate().take(used) {
            let mut bits = word.swap(0, Ordering::Relaxed);
            while bits != 0 {
                each((at * 64) as i32 + bits.trailing_zeros() as i32);
                bits &= bits - 1;
            }
        }
    }
}

fn place(fd: i32) -> (usize, u64) {
    let number = usize::try_from(fd).unwrap_or(usize::MAX);
    (number / 64, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_gives_back_each_descriptor_once() {
        static SETS: [Descriptors; 2] = [const { Descriptors::new() }; 2];
        let [own, inherited] = &SETS;
        for fd in [0, 63, 64, 70_000, DESCRIPTORS as i32, -1] {
            own.insert(fd);
        }
        assert!(own.remove(64) && !own.remove(64));
        own.move_to(inherited);
        assert!(!own.remove(63));
        let mut fds = Vec::new();
        inherited.drain(|fd| fds.push(fd));
        assert_eq!(fds, [0, 63, 70_000]);
        inherited.drain(|fd| panic!("{fd} again"));
    }
}
