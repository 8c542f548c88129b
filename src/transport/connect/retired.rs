//! What is given up, but must not be closed yet: an event loop may still watch its descriptors, and
//! a number that is closed is given out again at once.

/// Steps and sockets that are over, until whoever watches them has been told.
#[derive(Default)]
pub struct Retired {
    kept: Vec<Box<dyn Send>>,
}

impl Retired {
    pub fn push(&mut self, over: impl Send + 'static) {
        self.kept.push(Box::new(over));
    }

    /// Nobody watches them any more: closes their descriptors.
    pub fn close(&mut self) {
        self.kept.clear();
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.kept.len()
    }
}
