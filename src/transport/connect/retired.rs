//! What is given up, but must not be closed yet: an event loop may still watch its descriptors, and the
//! system reuses a closed number at once.

/// Steps and sockets that have ended, until the loop that watches them has been told.
#[derive(Default)]
pub struct Retired {
    kept: Vec<Box<dyn Send>>,
}

impl Retired {
    pub fn push(&mut self, over: impl Send + 'static) {
        self.kept.push(Box::new(over));
    }

    /// Closes the descriptors, which no loop watches any longer.
    pub fn close(&mut self) {
        self.kept.clear();
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.kept.len()
    }
}
