//! Descriptors. The lowest free number is given out next, as a system does.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use super::World;
use crate::time::Moment;

/// Lower numbers are taken.
const FIRST: RawFd = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    pub fd: RawFd,
    pub read: bool,
    pub write: bool,
}

pub struct Waker(RawFd);

pub struct EventSet(RawFd);

#[derive(Default)]
pub(crate) struct Files(Vec<Option<File>>);

pub(crate) enum File {
    Waker {
        woken: bool,
    },
    EventSet {
        watched: Vec<Watch>,
        /// When its timer fires.
        armed: Option<Moment>,
    },
    /// The socket of that number.
    Socket(usize),
}

impl Files {
    pub fn open(&mut self, file: File) -> RawFd {
        let free = self.0.iter().position(Option::is_none);
        let place = free.unwrap_or(self.0.len());
        self.0.resize_with(self.0.len().max(place + 1), || None);
        self.0[place] = Some(file);
        place as RawFd + FIRST
    }

    pub fn get(&self, fd: RawFd) -> Option<&File> {
        self.0.get((fd - FIRST) as usize)?.as_ref()
    }

    pub fn socket(&self, fd: RawFd) -> usize {
        match self.get(fd) {
            Some(File::Socket(number)) => *number,
            _ => panic!("{fd} is no socket"),
        }
    }

    pub fn deadlines(&self) -> impl Iterator<Item = Moment> {
        self.0.iter().flatten().filter_map(|file| match file {
            File::EventSet { armed, .. } => *armed,
            _ => None,
        })
    }

    fn get_mut(&mut self, fd: RawFd) -> &mut File {
        let file = self.0[(fd - FIRST) as usize].as_mut();
        file.expect("it is open")
    }
}

impl World {
    /// As poll(2) sees it: a closed descriptor is ready, and one without read and write is not.
    pub fn is_ready(&self, watch: Watch) -> bool {
        let Watch { fd, read, write } = watch;
        if !read && !write {
            return false;
        }
        match self.files.get(fd) {
            None => true,
            Some(File::Waker { woken }) => *woken,
            Some(File::EventSet { watched, armed }) => {
                armed.is_some_and(|at| at <= self.clock)
                    || watched.iter().any(|watch| self.is_ready(*watch))
            }
            Some(File::Socket(number)) => self.sockets[*number].is_ready(read, write),
        }
    }

    pub fn close(&mut self, fd: RawFd) {
        if let Some(File::Socket(number)) = self.files.get(fd) {
            let number = *number;
            self.sockets[number].close();
            if self.program.told.contains(&fd) {
                self.faults
                    .push(format!("{fd} is closed, which on_interest does not know"));
            }
        }
        self.files.0[(fd - FIRST) as usize] = None;
    }
}

impl Waker {
    pub fn new() -> io::Result<Waker> {
        let file = File::Waker { woken: false };
        Ok(Waker(super::change(|world| world.files.open(file))))
    }

    pub fn wake(&self) {
        self.set(true);
    }

    pub fn drain(&self) {
        self.set(false);
    }

    fn set(&self, value: bool) {
        super::change(|world| {
            if let File::Waker { woken } = world.files.get_mut(self.0) {
                *woken = value;
            }
        });
    }
}

impl AsRawFd for Waker {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        super::close(self.0);
    }
}

impl EventSet {
    pub fn new(waker: &Arc<Waker>) -> io::Result<EventSet> {
        let file = File::EventSet {
            watched: vec![reading(waker.0)],
            armed: None,
        };
        Ok(EventSet(super::change(|world| world.files.open(file))))
    }

    pub fn drain(&mut self) {
        self.change(|_, armed, now| *armed = armed.filter(|at| *at > now));
    }

    pub fn update(&mut self, watches: &[Watch], deadline: Option<Moment>) -> io::Result<()> {
        self.change(|watched, armed, _| {
            // The first is the waker.
            watched.truncate(1);
            watched.extend(watches);
            *armed = armed.iter().copied().chain(deadline).min();
        });
        Ok(())
    }

    pub fn pause(&mut self) {
        self.change(|watched, armed, _| {
            watched.truncate(1);
            *armed = None;
        });
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Watch>, &mut Option<Moment>, Moment)) {
        super::change(|world| {
            let now = world.clock;
            if let File::EventSet { watched, armed } = world.files.get_mut(self.0) {
                change(watched, armed, now);
            }
        });
    }
}

impl AsRawFd for EventSet {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl Drop for EventSet {
    fn drop(&mut self) {
        super::close(self.0);
    }
}

pub fn reading(fd: RawFd) -> Watch {
    Watch {
        fd,
        read: true,
        write: false,
    }
}
