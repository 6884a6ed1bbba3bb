//! One object of a read, and the attempts to read it: an object that changes in between is read again, into the same elements.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use super::Fetch;
use crate::error::{Error, Result};

/// What a read wants of one object. The object can be read again if it changes while it is read.
#[derive(Debug)]
pub struct ObjectRead {
    fetch: Fetch,
}

impl ObjectRead {
    pub(super) fn new(fetch: Fetch) -> Self {
        Self { fetch }
    }

    /// The key of the object.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        self.fetch.key()
    }

    /// The first fetch of the next attempt. If an earlier attempt wrote elements, fill values of zero are written too from now on,
    /// so that none of those elements stays.
    ///
    /// # Errors
    /// [`Error::OutputInUse`] while fetches or jobs of an earlier attempt are left.
    pub fn attempt(&mut self) -> Result<Fetch> {
        let attempt = self.fetch.attempt();
        if Arc::strong_count(attempt) > 1 {
            return Err(Error::OutputInUse);
        }
        // What the jobs that are gone have written happened before.
        fence(Ordering::Acquire);
        if attempt.wrote.load(Ordering::Relaxed) {
            attempt.lease.restart();
        }
        Ok(self.fetch.duplicate())
    }
}
