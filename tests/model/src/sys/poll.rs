//! Waiting for descriptors.

use std::io;
use std::time::Duration;

use super::Watch;
use crate::world::{self, World};

#[derive(Default)]
pub struct PollSet {}

impl PollSet {
    pub fn wait(&mut self, watches: &[Watch], timeout: Option<Duration>) -> io::Result<usize> {
        let watches = watches.to_vec();
        let deadline = timeout.map(|timeout| world::now() + timeout);
        let ready = move |world: &World| {
            let ready = watches.iter().filter(|watch| world.is_ready(**watch));
            ready.count()
        };
        Ok(world::begin_sleep(deadline, ready).wait())
    }
}
