//! One object of a read, and the attempts to read it: an object that changes during the read is
//! read again, into the same elements.

use std::sync::Arc;

use super::Fetch;
use crate::error::{Error, Result};

/// The part of a read that concerns one object. The object can be read again if it changes during
/// the read.
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

    /// Returns the first fetch of the next attempt. If an earlier attempt wrote elements, fill
    /// values of zero are also written from now on, so that no such element remains.
    ///
    /// # Errors
    /// [`Error::OutputInUse`] while fetches or jobs of an earlier attempt exist.
    pub fn attempt(&mut self) -> Result<Fetch> {
        let attempt = self.fetch.attempt();
        if !attempt.is_unshared() {
            return Err(Error::OutputInUse);
        }
        if attempt.wrote() {
            attempt.lease().restart();
        }
        Ok(self.fetch.duplicate())
    }
}
