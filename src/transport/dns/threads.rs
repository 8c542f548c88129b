//! A few threads for all calls that block. The system's look-ups cannot be cancelled, so nothing ever
//! waits for a thread.

use crate::sys;
use parking_lot::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// The most threads that run at the same time.
pub(super) const MOST: usize = 16;

/// Enough for getaddrinfo and its modules, which were written for main threads.
const STACK: usize = 256 * 1024;

/// Threads that are started when they are needed, and end when they are not.
#[derive(Default)]
pub struct Threads {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Tasks that no thread has begun, the oldest first. While there are any, there is a thread.
    queue: VecDeque<Arc<dyn Task>>,
    /// The number of threads, each of which may run its task for any time.
    count: usize,
}

/// What a thread is to do.
pub trait Task: Send + Sync {
    /// Whether anybody waits for the outcome. A task that is unwanted once stays unwanted, and need not
    /// run.
    fn is_wanted(&self) -> bool;

    /// Does the task if it is wanted. It must not panic.
    fn run(&self);
}

impl Threads {
    /// Runs the task on a thread: at once, unless 16 other tasks hang. It is an error if there is no
    /// thread and none can be started.
    pub fn run(self: &Arc<Self>, task: Arc<dyn Task>) -> io::Result<()> {
        let mut state = self.state.lock();
        state.add(task);
        if state.count < MOST {
            match self.start() {
                Ok(()) => state.count += 1,
                Err(error) if state.count == 0 => {
                    state.queue.pop_back();
                    return Err(error);
                }
                // The threads that exist take the task later.
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn start(self: &Arc<Self>) -> io::Result<()> {
        // The thread owns all that it needs: it may outlive the client that started it.
        let threads = Arc::clone(self);
        sys::spawn("pmqtt-dns", STACK, Box::new(move || threads.work())).map(drop)
    }

    fn work(&self) {
        let mut state = self.state.lock();
        while let Some(task) = state.queue.pop_front() {
            MutexGuard::unlocked(&mut state, || {
                task.run();
                drop(task);
            });
        }
        // A thread does not wait for more tasks: to start one takes less time than a look-up, and a
        // thread that remains when the program ends looks like a leak.
        state.count -= 1;
        if state.count == 0 {
            state.queue = VecDeque::new();
        }
    }
}

impl State {
    /// Removes unwanted tasks before the queue grows.
    fn add(&mut self, task: Arc<dyn Task>) {
        if self.queue.len() == self.queue.capacity() {
            self.queue.retain(|task| task.is_wanted());
            self.queue.reserve(self.queue.len() + 1);
        }
        self.queue.push_back(task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    /// Tasks that hang until `release` is dropped, and a record of them.
    struct Hanging {
        threads: Arc<Threads>,
        receiver: Arc<Mutex<mpsc::Receiver<()>>>,
        release: mpsc::Sender<()>,
        begun: Arc<Mutex<Vec<usize>>>,
    }

    struct Hang {
        number: usize,
        is_wanted: AtomicBool,
        begun: Arc<Mutex<Vec<usize>>>,
        released: Arc<Mutex<mpsc::Receiver<()>>>,
    }

    impl Task for Hang {
        fn is_wanted(&self) -> bool {
            self.is_wanted.load(Ordering::SeqCst)
        }

        fn run(&self) {
            if self.is_wanted() {
                self.begun.lock().push(self.number);
                let _ = self.released.lock().recv();
            }
        }
    }

    impl Hanging {
        fn new() -> Hanging {
            let (release, receiver) = mpsc::channel();
            Hanging {
                threads: Arc::default(),
                receiver: Arc::new(Mutex::new(receiver)),
                release,
                begun: Arc::default(),
            }
        }

        fn run(&self, number: usize) -> Arc<Hang> {
            let task = Arc::new(Hang {
                number,
                is_wanted: AtomicBool::new(true),
                begun: Arc::clone(&self.begun),
                released: Arc::clone(&self.receiver),
            });
            self.threads.run(Arc::clone(&task) as _).unwrap();
            task
        }

        fn begun(&self) -> usize {
            self.begun.lock().len()
        }

        fn count(&self) -> usize {
            self.threads.state.lock().count
        }

        fn queued(&self) -> usize {
            self.threads.state.lock().queue.len()
        }
    }

    fn eventually(mut condition: impl FnMut() -> bool) {
        for _ in 0..3000 {
            if condition() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it did not come to that");
    }

    struct Count(AtomicUsize);

    impl Task for Count {
        fn is_wanted(&self) -> bool {
            true
        }

        fn run(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn there_are_no_more_threads_than_the_most_and_the_rest_waits_in_order() {
        let hanging = Hanging::new();
        let others = MOST - 1;
        (0..others).for_each(|number| drop(hanging.run(number)));
        eventually(|| hanging.begun() == others);
        // Tasks that hang do not delay a quick one.
        let quick = Arc::new(Count(AtomicUsize::new(0)));
        hanging.threads.run(Arc::clone(&quick) as _).unwrap();
        eventually(|| quick.0.load(Ordering::SeqCst) == 1);

        (others..3000).for_each(|number| drop(hanging.run(number)));
        eventually(|| hanging.begun() == MOST);
        assert_eq!(hanging.count(), MOST);
        assert_eq!(hanging.queued(), 3000 - MOST);
        for more in 1..=100 {
            hanging.release.send(()).unwrap();
            eventually(|| hanging.begun() == MOST + more);
            assert_eq!(hanging.begun.lock().last(), Some(&(MOST + more - 1)));
        }
        assert_eq!(hanging.count(), MOST);
    }

    #[test]
    fn what_is_not_wanted_leaves_the_queue() {
        let hanging = Hanging::new();
        (0..MOST).for_each(|number| drop(hanging.run(number)));
        eventually(|| hanging.begun() == MOST);
        for number in MOST..3000 {
            hanging.run(number).is_wanted.store(false, Ordering::SeqCst);
            assert!(hanging.queued() < 64, "{} of {number}", hanging.queued());
        }
        let wanted = hanging.run(3000);
        let threads = Arc::clone(&hanging.threads);
        let begun = Arc::clone(&hanging.begun);
        drop(hanging);
        eventually(|| begun.lock().len() == MOST + 1);
        assert_eq!(begun.lock().last(), Some(&wanted.number));
        eventually(|| threads.state.lock().queue.is_empty());
    }

    #[test]
    fn threads_without_work_end_and_others_are_started() {
        let threads = Arc::<Threads>::default();
        let count = Arc::new(Count(AtomicUsize::new(0)));
        for round in 1..=5 {
            for _ in 0..1000 {
                threads.run(Arc::clone(&count) as _).unwrap();
                assert!(threads.state.lock().count <= MOST);
            }
            eventually(|| threads.state.lock().count == 0);
            assert_eq!(count.0.load(Ordering::SeqCst), 1000 * round);
            assert_eq!(threads.state.lock().queue.capacity(), 0);
        }
    }
}
