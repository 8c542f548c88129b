//! A question that blocks is asked on a thread of its own: the system's look-ups cannot be
//! cancelled, so nobody ever waits for that thread.

use crate::sys::{self, Waker, Watch};
use std::io;
use std::os::fd::AsRawFd;
use std::sync::{Arc, OnceLock};

/// What getaddrinfo and the modules behind it need; they were written for main threads.
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
pub struct Query<Q, A> {
    lookup: Arc<Lookup<Q, A>>,
    waker: Arc<Waker>,
}

struct Lookup<Q, A> {
    question: Q,
    answer: OnceLock<io::Result<A>>,
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

    /// `waker` wakes when the answer is there.
    pub fn ask(&mut self, question: Q, waker: Arc<Waker>) -> io::Result<Query<Q, A>> {
        // An answer is used by the attempt that waits for it, and is old for the next one.
        self.under_way
            .retain(|lookup| lookup.answer.get().is_none());
        let same = |lookup: &&Arc<Lookup<Q, A>>| lookup.question == question;
        let lookup = match self.under_way.iter().find(same) {
            Some(lookup) => Arc::clone(lookup),
            None => self.start(question, &waker)?,
        };
        Ok(Query { lookup, waker })
    }

    fn start(&mut self, question: Q, waker: &Arc<Waker>) -> io::Result<Arc<Lookup<Q, A>>> {
        let lookup = Arc::new(Lookup {
            question,
            answer: OnceLock::new(),
        });
        // The thread owns all that it needs: it may come back after the client is gone.
        sys::spawn("pmqtt-dns", STACK, {
            let (system, lookup) = (Arc::clone(&self.system), Arc::clone(&lookup));
            let waker = Arc::clone(waker);
            Box::new(move || {
                lookup.answer.get_or_init(|| system(&lookup.question));
                waker.wake();
            })
        })?;
        self.under_way.push(Arc::clone(&lookup));
        Ok(lookup)
    }
}

impl<Q, A> Query<Q, A> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::PollSet;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    /// Look-ups that each hang until one message is sent, and a count of them.
    struct Hanging {
        lookups: Lookups<&'static str, usize>,
        waker: Arc<Waker>,
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
                let _ = receiver.lock().unwrap().recv();
                Ok(question.len())
            });
            Hanging {
                lookups,
                waker: Arc::new(Waker::new().unwrap()),
                release,
                begun,
            }
        }

        fn ask(&mut self, question: &'static str) -> Query<&'static str, usize> {
            let waker = Arc::clone(&self.waker);
            self.lookups.ask(question, waker).unwrap()
        }
    }

    fn answer(query: &Query<&'static str, usize>) -> usize {
        let limit = Some(Duration::from_secs(5));
        let ready = PollSet::default().wait(&[query.watch()], limit);
        assert_eq!(ready.unwrap(), 1);
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
        release.send(()).unwrap();
        eventually(|| lookup.upgrade().is_none() && waker.upgrade().is_none());
    }
}
