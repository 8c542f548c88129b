//! Which call runs the client, and for which calls the end of the client waits.

use std::sync::Arc;

use super::thread_marks::{ThreadMark, ThreadMarks, thread_mark};
use crate::sys::{self, JoinHandle, Waker};

pub struct Tenancy {
    /// Whether the call that has the driver checks for work. It is read for each message.
    attention: Attention,
    holder: Option<Holder>,
    /// From `loop_start` until `loop_stop`. The client belongs to this thread even before it runs.
    loop_thread: Option<Box<LoopThread>>,
    loop_threads_started: u16,
    /// Wakes the thread that waits in `pmqtt_connect`.
    connecting: Option<Arc<Waker>>,
    /// For each call that may run callbacks or wait, the mark of its thread.
    frames: ThreadMarks,
    /// Threads that wait in `drain` for another thread's loop.
    drainers: u16,
    /// The thread that has freed the client. If it did so in a callback, the end of its outermost
    /// call waits for other threads.
    freed_by: Option<ThreadMark>,
    /// The process that made the client: the low bits of its generation. No process is 65,536 forks
    /// away.
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

/// The call that has the driver.
struct Holder {
    who: Who,
    thread: ThreadMark,
    /// It has told the loop thread to stop, and waits for the end of that thread.
    stops: bool,
    /// It is in a pass, and may be reporting an outcome to the program.
    passing: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Attention {
    /// No call has the driver.
    #[default]
    Nobody,
    /// The holder checks for work before it waits or releases the driver.
    Attentive,
    /// The holder waits, and has to be woken when there is work.
    Sleeping,
    /// The holder makes its last write. If it is a request, a new request waits for the driver, and
    /// writes by itself. If it is a loop call, a new request does not wait.
    Yielding,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A loop call, which may wait and run callbacks.
    Loop,
    /// The loop thread, which may also wait and run callbacks.
    LoopThread,
    /// A request that writes its own bytes, which takes a few system calls.
    Request,
}

/// Whether a call may have the driver.
pub enum Admission {
    Granted,
    /// Soon: a request has it.
    Wait,
    Busy,
}

/// Who runs the client, as seen from one thread.
#[derive(PartialEq, Eq)]
pub enum Runner {
    Nobody,
    /// This thread, in a call further up its stack.
    Myself,
    /// Another thread, or the loop thread, which may not run yet.
    Another,
}

struct LoopThread {
    /// The loop threads of a client are numbered, so that one notices that it has a successor.
    number: u16,
    /// The mark of the thread, once it runs.
    mark: Option<ThreadMark>,
    handle: Option<JoinHandle<()>>,
}

/// The call that has the driver.
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

    /// Whether the call that has the driver checks for work before it waits or ends.
    #[inline(always)]
    pub fn is_attended(&self) -> bool {
        self.attention == Attention::Attentive
    }

    #[inline(always)]
    pub fn is_sleeping(&self) -> bool {
        self.attention == Attention::Sleeping
    }

    /// Whether a callback may be reporting an outcome now.
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

    /// The number of the thread that is about to start.
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

    /// The loop thread of this number runs now.
    pub fn mark_loop_thread(&mut self, number: u16) {
        if let Some(thread) = self.loop_thread.as_mut().filter(|t| t.number == number) {
            thread.mark = Some(thread_mark());
        }
    }

    /// Whether the loop thread of this number was told to stop.
    pub fn is_stopped(&self, number: u16) -> bool {
        let thread = self.loop_thread.as_ref();
        thread.is_none_or(|thread| thread.number != number)
    }

    /// Whether a request has the driver, and its thread does not wait for the loop thread to stop.
    pub fn is_held_for_a_moment(&self) -> bool {
        let holder = self.holder.as_ref();
        holder.is_some_and(|holder| holder.who == Who::Request && !holder.stops)
    }

    /// Tells the loop thread to stop. Returns None if there is none, and otherwise the handle to
    /// wait for. The loop thread itself gets no handle.
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

    /// Whether the attempt of `waker` was not given up meanwhile.
    pub fn is_connecting_by(&self, waker: &Arc<Waker>) -> bool {
        let connecting = self.connecting.as_ref();
        connecting.is_some_and(|connecting| Arc::ptr_eq(connecting, waker))
    }

    /// Ends the attempt of `waker`. Returns false if it was given up meanwhile.
    pub fn end_connecting(&mut self, waker: &Arc<Waker>) -> bool {
        self.connecting.take_if(|c| Arc::ptr_eq(c, waker)).is_some()
    }

    /// Gives up the attempt of that thread.
    pub fn give_up_connecting(&mut self) {
        if let Some(waker) = self.connecting.take() {
            waker.wake();
        }
    }
}

/// The calls to wait for.
impl Tenancy {
    pub fn add_frame(&mut self) {
        self.frames.add(thread_mark());
    }

    pub fn remove_frame(&mut self) {
        self.frames.remove(thread_mark());
    }

    /// Whether this thread has a frame.
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

    /// Whether the calls that run the client have to end. Either the client is freed, or a callback
    /// of these calls forked this child.
    pub fn is_gone(&self) -> bool {
        self.is_freed() || self.is_in_child()
    }

    /// Whether a callback of the call that runs the client has forked this child.
    pub fn is_in_child(&self) -> bool {
        self.home != sys::generation() as u16
    }

    /// Whether this thread has freed the client in a callback, and its outermost frame has ended.
    pub fn is_freed_here(&self) -> bool {
        self.freed_by == Some(thread_mark()) && !self.is_framed()
    }
}
