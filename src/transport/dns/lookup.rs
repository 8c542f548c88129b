//! Equal questions that are asked at the same time share one look-up.

use super::threads::{Task, Threads};
use crate::sys::{Waker, Watch};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsRawFd;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, OnceLock, Weak};

/// The questions of one kind. A question that is already under way joins its look-up, as each attempt
/// does while DNS is silent.
pub struct Lookups<Q, A> {
    system: Arc<System<Q, A>>,
    under_way: Mutex<UnderWay<Q, A>>,
}

/// The function that blocks; tests use their own.
type System<Q, A> = dyn Fn(&Q) -> io::Result<A> + Send + Sync;

struct UnderWay<Q, A> {
    /// Look-ups, some of which may be over.
    lookups: BTreeMap<Q, Weak<Lookup<Q, A>>>,
    /// At this number of look-ups, those that are over are removed.
    sweep_at: usize,
}

/// One transport's wait for an answer.
///
/// Only this query drains its waker: a superseded connect cannot take the wake of its successor.
/// Dropping the query closes the descriptor that loops may watch. It takes no lock, as a fork could
/// have left that held.
pub struct Query<Q, A> {
    lookup: Arc<Lookup<Q, A>>,
    waker: Arc<Waker>,
}

struct Lookup<Q, A> {
    question: Q,
    system: Arc<System<Q, A>>,
    answer: OnceLock<io::Result<A>>,
    /// The wakers of the queries that wait. A query that is dropped takes its waker with it. None: the
    /// look-up is over, and no query can join it.
    waiting: Mutex<Option<Vec<Weak<Waker>>>>,
}

impl<Q, A> Lookups<Q, A>
where
    Q: Clone + Ord + Send + Sync + 'static,
    A: Send + Sync + 'static,
{
    pub fn new(system: impl Fn(&Q) -> io::Result<A> + Send + Sync + 'static) -> Lookups<Q, A> {
        Lookups {
            system: Arc::new(system),
            under_way: Mutex::new(UnderWay {
                lookups: BTreeMap::new(),
                sweep_at: 0,
            }),
        }
    }

    /// Joins the look-up of the same question, or starts one on one of the threads.
    pub fn ask(&self, question: Q, threads: &Arc<Threads>) -> io::Result<Query<Q, A>> {
        let waker = Arc::new(Waker::new()?);
        let mut under_way = self.under_way.lock();
        if let Some(lookup) = under_way.find(&question)
            && lookup.join(&waker)
        {
            return Ok(Query { lookup, waker });
        }
        let lookup = Arc::new(Lookup {
            question: question.clone(),
            system: Arc::clone(&self.system),
            answer: OnceLock::new(),
            waiting: Mutex::new(Some(vec![Arc::downgrade(&waker)])),
        });
        threads.run(Arc::clone(&lookup) as _)?;
        under_way.add(question, &lookup);
        Ok(Query { lookup, waker })
    }

    /// Leaves the lock as a fork does in the child, if a thread held it.
    #[cfg(test)]
    pub fn lock_for_ever(&self) {
        std::mem::forget(self.under_way.lock());
    }
}

impl<Q: Ord, A> UnderWay<Q, A> {
    fn find(&self, question: &Q) -> Option<Arc<Lookup<Q, A>>> {
        self.lookups.get(question)?.upgrade()
    }

    fn add(&mut self, question: Q, lookup: &Arc<Lookup<Q, A>>) {
        if self.lookups.len() >= self.sweep_at {
            let goes_on = |lookup: Arc<Lookup<Q, A>>| !lookup.is_over();
            self.lookups
                .retain(|_, lookup| lookup.upgrade().is_some_and(goes_on));
            self.sweep_at = 2 * self.lookups.len() + 8;
        }
        self.lookups.insert(question, Arc::downgrade(lookup));
    }
}

impl<Q, A> Query<Q, A> {
    pub fn question(&self) -> &Q {
        &self.lookup.question
    }

    /// The system's answer, once there is one.
    pub fn answer(&self) -> Option<&io::Result<A>> {
        self.waker.drain();
        self.lookup.answer.get()
    }

    pub fn watch(&self) -> Watch {
        Watch {
            fd: self.waker.as_raw_fd(),
            read: true,
            write: false,
        }
    }
}

impl<Q, A> Lookup<Q, A> {
    /// False: the look-up is over, and will not wake this waker.
    fn join(&self, waker: &Arc<Waker>) -> bool {
        let mut waiting = self.waiting.lock();
        let Some(waiting) = &mut *waiting else {
            return false;
        };
        // While DNS is silent, each attempt adds a waker and drops it.
        if waiting.len() == waiting.capacity() {
            waiting.retain(|waker| waker.strong_count() > 0);
            waiting.reserve(waiting.len() + 1);
        }
        waiting.push(Arc::downgrade(waker));
        true
    }

    fn is_over(&self) -> bool {
        self.waiting.lock().is_none()
    }
}

impl<Q: Send + Sync, A: Send + Sync> Task for Lookup<Q, A> {
    /// If every query has been dropped, this ends the look-up.
    fn is_wanted(&self) -> bool {
        let mut waiting = self.waiting.lock();
        let waits = |waker: &Weak<Waker>| waker.strong_count() > 0;
        let is_wanted = waiting.iter().flatten().any(waits);
        if !is_wanted {
            *waiting = None;
        }
        is_wanted
    }

    fn run(&self) {
        if !self.is_wanted() {
            return;
        }
        let ask = AssertUnwindSafe(|| (self.system)(&self.question));
        let answer = panic::catch_unwind(ask);
        let answer = answer.unwrap_or_else(|_| Err(io::Error::other("the look-up has panicked")));
        // It runs once, so there is no answer yet.
        let _ = self.answer.set(answer);
        let waiting = self.waiting.lock().take();
        for waker in waiting.iter().flatten().filter_map(Weak::upgrade) {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::PollSet;
    use crate::transport::dns::threads;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    /// Look-ups that each hang until one message is sent, and a count of them.
    struct Hanging {
        lookups: Lookups<&'static str, usize>,
        threads: Arc<Threads>,
        release: mpsc::Sender<()>,
        begun: Arc<AtomicUsize>,
    }

    impl Hanging {
        fn new() -> Hanging {
            let (release, receiver) = mpsc::channel::<()>();
            let receiver = Mutex::new(receiver);
            let begun = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&begun);
            let lookups = Lookups::new(move |question: &&str| {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = receiver.lock().recv();
                Ok(question.len())
            });
            Hanging {
                lookups,
                threads: Arc::default(),
                release,
                begun,
            }
        }

        fn ask(&self, question: &'static str) -> Query<&'static str, usize> {
            self.lookups.ask(question, &self.threads).unwrap()
        }
    }

    fn is_woken(query: &Query<&'static str, usize>, limit: Duration) -> bool {
        let ready = PollSet::default().wait(&[query.watch()], Some(limit));
        ready.unwrap() == 1
    }

    fn answer(query: &Query<&'static str, usize>) -> usize {
        assert!(is_woken(query, Duration::from_secs(5)));
        *query.answer().unwrap().as_ref().unwrap()
    }

    fn eventually(mut condition: impl FnMut() -> bool) {
        for _ in 0..500 {
            if condition() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it did not come to that");
    }

    #[test]
    fn a_second_attempt_joins_the_look_up_and_a_third_begins_anew() {
        let hanging = Hanging::new();
        let first = hanging.ask("broker.example");
        assert!(first.answer().is_none());
        drop(first);
        let second = hanging.ask("broker.example");
        hanging.release.send(()).unwrap();
        assert_eq!(answer(&second), 14);
        assert_eq!(hanging.begun.load(Ordering::SeqCst), 1);
        hanging.release.send(()).unwrap();
        let third = hanging.ask("broker.example");
        assert_eq!(answer(&third), 14);
        assert_eq!(hanging.begun.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn each_of_two_queries_for_one_answer_is_woken() {
        let hanging = Hanging::new();
        let (first, second) = (hanging.ask("broker.example"), hanging.ask("broker.example"));
        assert_ne!(first.watch().fd, second.watch().fd);
        hanging.release.send(()).unwrap();
        assert_eq!(answer(&first), 14);
        assert!(first.answer().is_some(), "and it may be read again");
        assert_eq!(answer(&second), 14);
        assert_eq!(hanging.begun.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_look_up_that_is_over_is_joined_by_nobody() {
        let hanging = Hanging::new();
        let first = hanging.ask("broker.example");
        hanging.release.send(()).unwrap();
        assert_eq!(answer(&first), 14);
        eventually(|| first.lookup.is_over());
        assert!(!first.lookup.join(&Arc::new(Waker::new().unwrap())));
        drop(hanging.ask("broker.example"));
        assert_eq!(hanging.lookups.under_way.lock().lookups.len(), 1);
    }

    #[test]
    fn queries_that_were_dropped_are_forgotten() {
        let hanging = Hanging::new();
        let first = hanging.ask("broker.example");
        for _ in 0..100 {
            drop(hanging.ask("broker.example"));
            let waiting = first.lookup.waiting.lock().as_ref().map(Vec::len);
            assert!(waiting.unwrap() < 10, "{waiting:?}");
        }
        let last = hanging.ask("broker.example");
        hanging.release.send(()).unwrap();
        assert_eq!(answer(&last), 14);
    }

    #[test]
    fn another_question_does_not_wait_for_a_silent_one() {
        let hanging = Hanging::new();
        let queries = ["silent.example", "other.example"].map(|question| hanging.ask(question));
        eventually(|| hanging.begun.load(Ordering::SeqCst) == 2);
        drop(queries);
    }

    #[test]
    fn what_nobody_waits_for_is_not_asked_and_what_is_asked_again_is() {
        let hanging = Hanging::new();
        let names = (0..threads::MOST + 2).map(|number| "x".repeat(number + 1).leak() as &str);
        let names: Vec<&'static str> = names.collect();
        let mut queries: Vec<_> = names.iter().map(|name| hanging.ask(name)).collect();
        let (given_up, asked_again) = (names[threads::MOST], names[threads::MOST + 1]);
        queries.truncate(threads::MOST);
        let again = hanging.ask(asked_again);
        eventually(|| hanging.begun.load(Ordering::SeqCst) == threads::MOST);
        (0..=threads::MOST).for_each(|_| hanging.release.send(()).unwrap());
        assert_eq!(answer(&again), asked_again.len());
        assert_eq!(hanging.begun.load(Ordering::SeqCst), threads::MOST + 1);
        hanging.release.send(()).unwrap();
        assert_eq!(answer(&hanging.ask(given_up)), given_up.len());
    }

    #[test]
    fn many_questions_leave_nothing_behind() {
        let lookups = Lookups::new(|number: &usize| Ok(*number));
        let threads = Arc::default();
        for number in 0..1000 {
            let query = lookups.ask(number, &threads).unwrap();
            eventually(|| query.answer().is_some());
        }
        assert!(lookups.under_way.lock().lookups.len() < 20);
    }

    #[test]
    fn a_question_that_panics_is_answered() {
        let lookups = Lookups::new(|_: &usize| -> io::Result<usize> { panic!("a test") });
        let threads = Arc::default();
        for number in 0..2 * threads::MOST {
            let query = lookups.ask(number, &threads).unwrap();
            eventually(|| query.answer().is_some_and(Result::is_err));
        }
    }

    #[test]
    fn a_thread_that_hangs_holds_nothing_up_and_leaks_nothing() {
        let hanging = Hanging::new();
        let query = hanging.ask("silent.example");
        let lookup = Arc::downgrade(&query.lookup);
        let waker = Arc::downgrade(&query.waker);
        let release = hanging.release.clone();
        drop((query, hanging));
        assert!(lookup.upgrade().is_some());
        assert!(waker.upgrade().is_none(), "its descriptor is closed");
        release.send(()).unwrap();
        eventually(|| lookup.upgrade().is_none());
    }
}
