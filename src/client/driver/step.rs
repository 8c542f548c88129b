//! What the steps of a pass work with, and how one may end the pass.

use super::pace::Pace;
use crate::client::error::{Code, Error};
use crate::client::state::Guard;
use crate::client::state::unlocked::Unlocked;
use crate::codec::Malformed;
use crate::sys;
use crate::time::Moment;

/// Each step gives the lock back where it reads, writes or runs a callback, and looks at the epoch when
/// it has it again: the program may have replaced the connection meanwhile.
pub struct Pass<'p, 'g> {
    pub state: &'p mut Guard<'g>,
    pub unlocked: &'p Unlocked,
    /// Of the connection that is worked on.
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

    /// Whether the connection is still the one that is worked on.
    #[inline(always)]
    pub fn check_epoch(&self) -> Step {
        match self.epoch == self.state.intent.epoch() {
            true => Ok(()),
            false => Err(Stop::Superseded),
        }
    }
}

#[cold]
pub fn malformed(Malformed(what): Malformed) -> Stop {
    let text = format!("mqtt: the broker sent {what}");
    Stop::Over(Error::new(Code::Protocol, text))
}
