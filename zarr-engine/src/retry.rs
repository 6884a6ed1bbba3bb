//! Optimistic loops: read, change, put on condition that nobody else did, and again where somebody did.

use std::time::{Duration, Instant};

use zarr_store::Backoff;

use crate::error::Error;

/// The most attempts. Every failed one means that another writer got its change in.
const ATTEMPTS: u32 = 32;

/// The longest time that attempts are made: a store may take its time to answer that something changed.
const PATIENCE: Duration = Duration::from_secs(30);

const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(5),
    longest: Duration::from_millis(640),
};

/// The attempts of one loop.
pub(crate) struct Attempts {
    start: Instant,
    made: u32,
}

impl Attempts {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            made: 0,
        }
    }

    /// Waits before each attempt but the first.
    ///
    /// # Errors
    /// [`Error::ConcurrentModification`] of the object `key` after the last attempt.
    pub(crate) async fn next(&mut self, key: &str) -> Result<(), Error> {
        if self.made == ATTEMPTS || self.start.elapsed() > PATIENCE {
            return Err(Error::ConcurrentModification {
                key: key.to_owned(),
                attempts: self.made as usize,
            });
        }
        if let Some(retry) = self.made.checked_sub(1) {
            BACKOFF.wait(retry).await;
        }
        self.made += 1;
        Ok(())
    }
}
