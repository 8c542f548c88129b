//! Threads.

use std::io;
use std::marker::PhantomData;

use crate::world;

pub struct JoinHandle<T> {
    thread: u32,
    result: PhantomData<T>,
}

pub fn spawn(
    _name: &str,
    _stack: usize,
    body: Box<dyn FnOnce() + Send>,
) -> io::Result<JoinHandle<()>> {
    let thread = world::spawn(body);
    Ok(JoinHandle {
        thread,
        result: PhantomData,
    })
}

impl<T> JoinHandle<T> {
    pub fn join(self) -> std::thread::Result<()> {
        world::join(self.thread);
        Ok(())
    }
}
