//! Who runs the client now, and who still has to be waited for before it may end.

use std::sync::Arc;

use super::thread_marks::{ThreadMark, ThreadMarks, thread_mark};
use crate::sys::{self, JoinHandle, Waker};

pub struct Tenancy {
    /// Whether whoever has the driver looks at what there is to do. Each message asks for it.
    attention: Attention,
    holder: Option<Holder>,
    /// From `loop_start` until `loop_stop`: the client is its to run, also before it has begun.
    loop_thread: Option<Box<LoopThread>>,
    loop_threads_started: u16,
    /// Wakes the thread that waits in `pmqtt_connect`.
    connecting: Option<Arc<Waker>>,
    /// A mark of its thread for each call that may run callbacks or wait.
    frames: ThreadMarks,
    /// Threads that wait in `drain` for another thread's loop.
    drainers: u16,
    /// The thread that has freed it. In a callback it waits for the others when its own calls end.
    freed_by: Option<ThreadMark>,
    /// The process whose client it is: the low bits of its generation, as no process is 65,536 forks away.
    home: u16,
}

impl Default for Tenancy {
    fn default() -> Tenancy {
        Tenancy {
            attention: Attention::default(),
            holder: None,
            loop_thread: None,
            loop_threads_started: 0,
            connecting: None,
            frames: ThreadMarks::default(),
            drainers: 0,
            freed_by: None,
            home: sys::generation() as u16,
        }
    }
}

/// Who has the driver.
struct Holder {
    who: Who,
    thread: ThreadMark,
    /// It has told the loop thread to stop, and waits for that.
    stops: bool,
    /// It is in a pass, and may be telling what came of a message.
    passing: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Attention {
    /// Nobody has the driver.
    #[default]
    Nobody,
    /// It is looked for before its holder waits, or gives the driver back.
    Attentive,
    /// The holder waits, and has to be woken when there is anything to do.
    Sleeping,
    /// The holder has written as often as one call may: whoever comes now waits, and writes by itself.
    Yielding,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A loop call, which may wait and run callbacks.
    Loop,
    /// The loop thread, which may do so too.
    LoopThread,
    /// A request that writes its bytes itself, which takes no longer than some system calls.
    Request,
}

/// Whether somebody may have the driver.
pub enum Admission {
    Granted,
    /// In a moment: a request has it.
    Wait,
    Busy,
}

/// Who runs the client, seen from one thread.
#[derive(PartialEq, Eq)]
pub enum Runner {
    Nobody,
    /// This thread, further up its stack.
    Myself,
    /// Another thread, or the loop thread in a moment.
    Another,
}

struct LoopThread {
    /// Threads of a client are counted, so that one knows when it has a successor.
    number: u16,
    /// Its mark, once it runs.
    mark: Option<ThreadMark>,
    handle: Option<JoinHandle<()>>,
}

/// Who has the driver.
impl Tenancy {
    pub fn admits(&self, who: Who) -> Admission {
        match &self.holder {
            Some(holder) if holder.who == Who::Request && holder.thread != thread_mark() => {
                Admission::Wait
            }
            Some(_) => Admission::Busy,
            None if who == Who::Loop && self.loop_thread.is_some() => Admission::Busy,
            None => Admission::Granted,
        }
    }

    pub fn enter(&mut self, who: Who) {
        self.attention = Attention::Attentive;
        self.holder = Some(Holder {
            who,
            thread: thread_mark(),
            stops: false,
            passing: false,
        });
    }

    pub fn leave(&mut self) {
        self.attention = Attention::Nobody;
        self.holder = None;
    }

    pub fn runner(&self) -> Runner {
        match &self.holder {
            Some(holder) if holder.thread == thread_mark() => Runner::Myself,
            Some(holder) if holder.who != Who::Request => Runner::Another,
            _ if self.loop_thread.is_some() => Runner::Another,
            _ => Runner::Nobody,
        }
    }

    #[inline(always)]
    pub fn is_held(&self) -> bool {
        self.attention != Attention::Nobody
    }

    /// Whether whoever has the driver looks at what there is to do before it waits or ends.
    #[inline(always)]
    pub fn is_attended(&self) -> bool {
        self.attention == Attention::Attentive
    }

    #[inline(always)]
    pub fn is_sleeping(&self) -> bool {
        self.attention == Attention::Sleeping
    }

    /// Whether an outcome may be in the middle of being told.
    pub fn is_passing(&self) -> bool {
        self.holder.as_ref().is_some_and(|holder| holder.passing)
    }

    pub fn set_passing(&mut self, passing: bool) {
        if let Some(holder) = &mut self.holder {
            holder.passing = passing;
        }
    }

    pub fn set_sleeping(&mut self, sleeping: bool) {
        self.attention = match sleeping {
            true => Attention::Sleeping,
            false => Attention::Attentive,
        };
    }

    pub fn set_yielding(&mut self) {
        self.attention = Attention::Yielding;
    }
}

/// The loop thread.
impl Tenancy {
    #[inline(always)]
    pub fn has_loop_thread(&self) -> bool {
        self.loop_thread.is_some()
    }

    /// The number of the thread that is about to be started.
    pub fn next_loop_thread(&mut self) -> u16 {
        self.loop_threads_started = self.loop_threads_started.wrapping_add(1);
        self.loop_threads_started
    }

    pub fn set_loop_thread(&mut self, number: u16, handle: JoinHandle<()>) {
        self.loop_thread = Some(Box::new(LoopThread {
            number,
            mark: None,
            handle: Some(handle),
        }));
    }

    /// The thread of that number runs now.
    pub fn mark_loop_thread(&mut self, number: u16) {
        if let Some(thread) = self.loop_thread.as_mut().filter(|t| t.number == number) {
            thread.mark = Some(thread_mark());
        }
    }

    /// Whether the thread of that number was told to stop.
    pub fn is_stopped(&self, number: u16) -> bool {
        let thread = self.loop_thread.as_ref();
        thread.is_none_or(|thread| thread.number != number)
    }

    /// Whether a request has the driver, and its thread does not wait for the loop thread meanwhile.
    pub fn is_held_for_a_moment(&self) -> bool {
        let holder = self.holder.as_ref();
        holder.is_some_and(|holder| holder.who == Who::Request && !holder.stops)
    }

    /// Tells the thread to stop: what to wait for, but in that thread itself. None: there is none.
    pub fn stop_loop_thread(&mut self) -> Option<Option<JoinHandle<()>>> {
        let thread = self.loop_thread.take()?;
        if let Some(holder) = self.holder.as_mut().filter(|h| h.thread == thread_mark()) {
            holder.stops = true;
        }
        let is_myself = thread.mark == Some(thread_mark());
        Some(thread.handle.filter(|_| !is_myself))
    }
}

/// The thread that waits in `pmqtt_connect`.
impl Tenancy {
    pub fn is_connecting(&self) -> bool {
        self.connecting.is_some()
    }

    pub fn begin_connecting(&mut self, waker: Arc<Waker>) {
        self.connecting = Some(waker);
    }

    /// Whether what `waker` stands for was not given up meanwhile.
    pub fn is_connecting_by(&self, waker: &Arc<Waker>) -> bool {
        let connecting = self.connecting.as_ref();
        connecting.is_some_and(|connecting| Arc::ptr_eq(connecting, waker))
    }

    /// The same, and it is over.
    pub fn end_connecting(&mut self, waker: &Arc<Waker>) -> bool {
        self.connecting.take_if(|c| Arc::ptr_eq(c, waker)).is_some()
    }

    /// What that thread makes is of no use any more.
    pub fn give_up_connecting(&mut self) {
        if let Some(waker) = self.connecting.take() {
            waker.wake();
        }
    }
}

/// Who has to be waited for.
impl Tenancy {
    pub fn add_frame(&mut self) {
        self.frames.add(thread_mark());
    }

    pub fn remove_frame(&mut self) {
        self.frames.remove(thread_mark());
    }

    /// Whether a call of this thread is in a frame.
    pub fn is_framed(&self) -> bool {
        self.frames.contains(thread_mark())
    }

    pub fn has_frames(&self) -> bool {
        !self.frames.is_empty()
    }

    pub fn add_drainer(&mut self) {
        self.drainers += 1;
    }

    pub fn remove_drainer(&mut self) {
        self.drainers -= 1;
    }

    pub fn has_drainers(&self) -> bool {
        self.drainers > 0
    }

    pub fn set_freed(&mut self) {
        self.freed_by = Some(thread_mark());
    }

    pub fn is_freed(&self) -> bool {
        self.freed_by.is_some()
    }

    /// Whether the calls that run it have to end: it is freed, or this is a child that was forked in one of
    /// their callbacks.
    pub fn is_gone(&self) -> bool {
        self.is_freed() || self.home != sys::generation() as u16
    }

    /// Whether this thread has freed the client in a callback whose last call ends now.
    pub fn is_freed_here(&self) -> bool {
        self.freed_by == Some(thread_mark()) && !self.is_framed()
    }
}
