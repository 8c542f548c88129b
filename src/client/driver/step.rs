//! The values that the steps of a pass use, and the reasons to end a pass early.

use super::pace::Pace;
use crate::client::error::{Code, Error};
use crate::client::state::Guard;
use crate::client::state::unlocked::Unlocked;
use crate::codec::Malformed;
use crate::sys;
use crate::time::Moment;

/// Each step releases the lock around a read, write or callback. Afterwards it checks the epoch,
/// because the program may have replaced the connection meanwhile.
pub struct Pass<'p, 'g> {
    pub state: &'p mut Guard<'g>,
    pub unlocked: &'p Unlocked,
    /// The epoch of the connection that the pass works on.
    pub epoch: u32,
    pub now: Moment,
    pub pace: Pace,
}

/// Why a pass ended early.
pub enum Stop {
    /// The program has replaced or given up the connection.
    Superseded,
    /// The connection, or the attempt at one, is over.
    Over(Error),
}

pub type Step<T = ()> = Result<T, Stop>;

impl<'p, 'g> Pass<'p, 'g> {
    pub fn new(state: &'p mut Guard<'g>, unlocked: &'p Unlocked, stride: u8) -> Pass<'p, 'g> {
        let now = sys::now();
        Pass {
            epoch: state.intent.epoch(),
            state,
            unlocked,
            now,
            pace: Pace::after(stride, now),
        }
    }

    /// Checks that the pass still works on the connection that the program wants.
    #[inline(always)]
    pub fn check_epoch(&self) -> Step {
        match self.epoch == self.state.intent.epoch() {
            true => Ok(()),
            false => Err(Stop::Superseded),
        }
    }
}

#[cold]
pub fn malformed(malformed: Malformed) -> Stop {
    let text = format!("mqtt: the broker sent {malformed}");
    Stop::Over(Error::new(Code::Protocol, text).parting(malformed.reason))
}
