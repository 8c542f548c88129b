//! How a waiting call is woken: a thread in poll, or the loop that watches the event descriptor.

use std::sync::Arc;

use crate::client::error::{Error, Result};
use crate::sys::{EventSet, Waker};

/// Made when the first call waits.
#[derive(Default)]
pub struct Wakes(Option<Box<Made>>);

struct Made {
    waker: Arc<Waker>,
    /// The waker was written to, and the woken call has not checked for work since.
    woken: bool,
    event_set: Option<EventSet>,
}

impl Wakes {
    /// The waker for the calls that wait for this client.
    pub fn waker(&mut self) -> Result<Arc<Waker>> {
        self.made().map(|made| Arc::clone(&made.waker))
    }

    /// Wakes the waiting call, once until it has checked for work.
    #[inline(always)]
    pub fn wake(&mut self) {
        if let Some(made) = &mut self.0
            && !made.woken
        {
            made.woken = true;
            made.waker.wake();
        }
    }

    /// Forgets the wakes so far. Returns whether there was one.
    pub fn drain(&mut self) -> bool {
        let Some(made) = &mut self.0 else {
            return false;
        };
        let woken = std::mem::take(&mut made.woken);
        if woken {
            made.waker.drain();
        }
        woken
    }

    /// Makes the event descriptor, if there is none yet.
    pub fn make_event_set(&mut self) -> Result<&mut EventSet> {
        let Made {
            waker, event_set, ..
        } = self.made()?;
        match event_set {
            Some(event_set) => Ok(event_set),
            none => {
                let made = EventSet::new(waker).map_err(|error| Error::os("event_fd", &error))?;
                Ok(none.insert(made))
            }
        }
    }

    #[inline(always)]
    pub fn has_event_set(&self) -> bool {
        let made = self.0.as_ref();
        made.is_some_and(|made| made.event_set.is_some())
    }

    pub fn event_set(&mut self) -> Option<&mut EventSet> {
        self.0.as_mut()?.event_set.as_mut()
    }

    /// The event descriptor was seen readable, or is not watched for now.
    pub fn drain_event_set(&mut self) {
        if let Some(event_set) = self.event_set() {
            event_set.drain();
            self.drain();
        }
    }

    /// Only wakes make the event descriptor readable, until its next update.
    pub fn pause_event_set(&mut self) {
        if let Some(event_set) = self.event_set() {
            event_set.pause();
        }
    }

    /// Removes everything that makes the event descriptor readable.
    pub fn silence(&mut self) {
        self.drain();
        self.pause_event_set();
    }

    fn made(&mut self) -> Result<&mut Made> {
        match &mut self.0 {
            Some(made) => Ok(made),
            none => {
                let waker = Waker::new().map_err(|error| Error::os("eventfd", &error))?;
                Ok(none.insert(Box::new(Made {
                    waker: Arc::new(waker),
                    woken: false,
                    event_set: None,
                })))
            }
        }
    }
}
