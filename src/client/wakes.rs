//! How those are woken who wait for a client: a thread in poll, or whoever watches the event descriptor.

use std::sync::Arc;

use super::error::{Error, Result};
use super::state::State;
use crate::sys::{EventSet, Waker};

/// Made when somebody first waits.
pub struct Wakes {
    waker: Arc<Waker>,
    /// It was written to, and whoever that woke has not looked since.
    woken: bool,
    event_set: Option<EventSet>,
}

impl State {
    /// What wakes those who wait for this client.
    pub fn waker(&mut self) -> Result<Arc<Waker>> {
        self.wakes().map(|wakes| Arc::clone(&wakes.waker))
    }

    /// Wakes whoever waits for this client; once, until it has looked.
    #[inline(always)]
    pub fn wake(&mut self) {
        let waits = match &self.holder {
            Some(holder) => holder.sleeping,
            None => self.has_event_set(),
        };
        if waits
            && let Some(wakes) = &mut self.wakes
            && !wakes.woken
        {
            wakes.woken = true;
            wakes.waker.wake();
        }
    }

    /// Forgets the wakes so far. True where there was one.
    pub fn drain_waker(&mut self) -> bool {
        let Some(wakes) = &mut self.wakes else {
            return false;
        };
        let woken = std::mem::take(&mut wakes.woken);
        if woken {
            wakes.waker.drain();
        }
        woken
    }

    /// Makes the event descriptor, if there is none yet.
    pub fn make_event_set(&mut self) -> Result<&mut EventSet> {
        let Wakes {
            waker, event_set, ..
        } = self.wakes()?;
        match event_set {
            Some(event_set) => Ok(event_set),
            none => {
                let made = EventSet::new(waker).map_err(|error| Error::os("event_fd", &error))?;
                Ok(none.insert(made))
            }
        }
    }

    pub fn has_event_set(&self) -> bool {
        let wakes = self.wakes.as_ref();
        wakes.is_some_and(|wakes| wakes.event_set.is_some())
    }

    pub fn event_set(&mut self) -> Option<&mut EventSet> {
        self.wakes.as_mut()?.event_set.as_mut()
    }

    /// The event descriptor was seen readable, or is not looked at any more for now.
    pub fn drain_event_set(&mut self) {
        if let Some(event_set) = self.event_set() {
            event_set.drain();
            self.drain_waker();
        }
    }

    /// Nothing makes the event descriptor readable any more.
    pub fn silence(&mut self) {
        self.drain_waker();
        if let Some(event_set) = self.event_set() {
            event_set.rest();
        }
    }

    fn wakes(&mut self) -> Result<&mut Wakes> {
        match &mut self.wakes {
            Some(wakes) => Ok(wakes),
            none => {
                let waker = Waker::new().map_err(|error| Error::os("eventfd", &error))?;
                Ok(none.insert(Box::new(Wakes {
                    waker: Arc::new(waker),
                    woken: false,
                    event_set: None,
                })))
            }
        }
    }
}
