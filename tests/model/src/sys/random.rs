//! Random numbers of the schedule, which are the same when it is played again.

use rand::RngCore;
use shuttle::rand::{RngCore as _, thread_rng};

pub struct Random;

impl RngCore for Random {
    fn next_u64(&mut self) -> u64 {
        thread_rng().next_u64()
    }

    fn next_u32(&mut self) -> u32 {
        thread_rng().next_u32()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        thread_rng().fill_bytes(bytes);
    }
}
