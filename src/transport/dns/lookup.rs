//! A question that blocks is asked on a thread of its own: the system's look-ups cannot be
//! cancelled, so nobody ever waits for that thread.

use crate::sys::{self, Waker, Watch};
use parking_lot::Mutex;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::{Arc, OnceLock, Weak};

/// Enough for getaddrinfo and the modules behind it, which were written for main threads.
const STACK: usize = 256 * 1024;

/// A client's questions of one kind. There is at most one thread for each question: while DNS is
/// silent, attempt after attempt joins the same look-up.
pub struct Lookups<Q, A> {
    system: Arc<System<Q, A>>,
    under_way: Vec<Arc<Lookup<Q, A>>>,
}

/// The function that blocks; tests have their own.
type System<Q, A> = dyn Fn(&Q) -> io::Result<A> + Send + Sync;

/// One transport's wait for an answer.
///
/// Its waker is its own, and nobody else drains it: a connect that was superseded cannot take the
/// wake of its successor. Dropping the query closes the descriptor that loops may watch.
pub struct Query<Q, A> {
    lookup: Arc<Lookup<Q, A>>,
    waker: Arc<Waker>,
}

struct Lookup<Q, A> {
    question: Q,
    answer: OnceLock<io::Result<A>>,
    /// The wakers of the queries that wait. A query that is dropped takes its waker with it.
    waiting: Mutex<Vec<Weak<Waker>>>,
}

impl<Q, A> Lookups<Q, A>
where
    Q: Eq + Send + Sync + 'static,
    A: Send + Sync + 'static,
{
    pub fn new(system: impl Fn(&Q) -> io::Result<A> + Send + Sync + 'static) -> Lookups<Q, A> {
        Lookups {
            system: Arc::new(system),
            under_way: Vec::new(),
        }
    }

    /// Joins the look-up of the same question, or starts one.
    pub fn ask(&mut self, question: Q) -> io::Result<Query<Q, A>> {
        // An answer is used by the attempts that wait for it, and is old for the next one.
        self.under_way
            .retain(|lookup| lookup.answer.get().is_none());
        let same = |lookup: &&Arc<Lookup<Q, A>>| lookup.question == question;
        match self.under_way.iter().find(same) {
            Some(lookup) => Query::join(lookup),
            None => self.start(question),
        }
    }

    fn start(&mut self, question: Q) -> io::Result<Query<Q, A>> {
        let lookup = Arc::new(Lookup {
            question,
            answer: OnceLock::new(),
            waiting: Mutex::default(),
        });
        let query = Query::join(&lookup)?;
        // The thread owns all that it needs: it may come back after the client is gone.
        sys::spawn("pmqtt-dns", STACK, {
            let (system, lookup) = (Arc::clone(&self.system), Arc::clone(&lookup));
            Box::new(move || lookup.finish(system(&lookup.question)))
        })?;
        self.under_way.push(lookup);
        Ok(query)
    }
}

impl<Q, A> Query<Q, A> {
    fn join(lookup: &Arc<Lookup<Q, A>>) -> io::Result<Query<Q, A>> {
        let waker = Arc::new(Waker::new()?);
        lookup.add(&waker);
        Ok(Query {
            lookup: Arc::clone(lookup),
            waker,
        })
    }

    pub fn question(&self) -> &Q {
        &self.lookup.question
    }

    /// What the system has said, once it has.
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
    fn add(&self, waker: &Arc<Waker>) {
        {
            let mut waiting = self.waiting.lock();
            // While DNS is silent, attempt after attempt comes and goes.
            waiting.retain(|waker| waker.strong_count() > 0);
            waiting.push(Arc::downgrade(waker));
        }
        // The answer may have come just before, and then nobody else wakes this one.
        if self.answer.get().is_some() {
            waker.wake();
        }
    }

    fn finish(&self, answer: io::Result<A>) {
        // Only its own thread finishes a look-up, so there is no answer yet.
        let _ = self.answer.set(answer);
        let waiting = std::mem::take(&mut *self.waiting.lock());
        for waker in waiting.iter().filter_map(Weak::upgrade) {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::PollSet;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    /// Look-ups that each hang until one message is sent, and a count of them.
    struct Hanging {
        lookups: Lookups<&'static str, usize>,
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
                release,
                begun,
            }
        }

        fn ask(&mut self, question: &'static str) -> Query<&'static str, usize> {
            self.lookups.ask(question).unwrap()
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
        let mut hanging = Hanging::new();
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
        let mut hanging = Hanging::new();
        let (first, second) = (hanging.ask("broker.example"), hanging.ask("broker.example"));
        assert_ne!(first.watch().fd, second.watch().fd);
        hanging.release.send(()).unwrap();
        assert_eq!(answer(&first), 14);
        assert!(first.answer().is_some(), "and it may be read again");
        assert_eq!(answer(&second), 14);
        assert_eq!(hanging.begun.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_query_that_joins_as_the_answer_comes_is_woken() {
        let mut hanging = Hanging::new();
        let first = hanging.ask("broker.example");
        hanging.release.send(()).unwrap();
        assert_eq!(answer(&first), 14);
        let late = Query::join(&first.lookup).unwrap();
        assert!(is_woken(&late, Duration::ZERO));
    }

    #[test]
    fn queries_that_were_dropped_are_forgotten() {
        let mut hanging = Hanging::new();
        for _ in 0..100 {
            drop(hanging.ask("broker.example"));
        }
        let last = hanging.ask("broker.example");
        assert_eq!(last.lookup.waiting.lock().len(), 1);
        hanging.release.send(()).unwrap();
        assert_eq!(answer(&last), 14);
    }

    #[test]
    fn another_question_does_not_wait_for_a_silent_one() {
        let mut hanging = Hanging::new();
        for question in ["silent.example", "other.example"] {
            hanging.ask(question);
        }
        assert_eq!(hanging.lookups.under_way.len(), 2);
        eventually(|| hanging.begun.load(Ordering::SeqCst) == 2);
    }

    #[test]
    fn a_thread_that_hangs_holds_nothing_up_and_leaks_nothing() {
        let mut hanging = Hanging::new();
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
