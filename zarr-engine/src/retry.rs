//! Optimistic concurrency: read, change, put on condition that the object is unchanged, and retry
//! if another writer changed it.

use std::time::{Duration, Instant};

use zarr_store::{Backoff, Hold, Store};

use crate::error::Error;

/// The maximum number of attempts. Each failed attempt means that another writer made progress.
const ATTEMPTS: u32 = 32;

/// The maximum time spent on attempts: a store may be slow to report that an object changed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The attempts after which a writer keeps other writers from the object, where the store can: its
/// next attempt succeeds.
const UNTIL_HELD: u32 = 3;

const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(5),
    longest: Duration::from_millis(640),
};

/// The attempts of one optimistic loop.
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

    /// Waits before each attempt except the first. The attempt keeps what is returned until its
    /// end.
    ///
    /// # Errors
    /// [`Error::ConcurrentModification`] for the object `key` after the last attempt.
    pub(crate) async fn next(&mut self, store: &Store, key: &str) -> Result<Option<Hold>, Error> {
        if self.made == ATTEMPTS || self.start.elapsed() > PATIENCE {
            return Err(Error::ConcurrentModification {
                key: key.to_owned(),
                attempts: self.made as usize,
            });
        }
        let made = self.made;
        self.made += 1;
        if made >= UNTIL_HELD
            && let Some(hold) = store.hold(key).await?
        {
            return Ok(Some(hold));
        }
        if let Some(retry) = made.checked_sub(1) {
            BACKOFF.wait(retry).await;
        }
        Ok(None)
    }
}
