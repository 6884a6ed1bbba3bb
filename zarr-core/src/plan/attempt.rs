//! What the fetches and jobs of one object share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::buffer::{OutputLease, Region};

/// The output of a read, as the fetches and jobs of one object share it. Nothing else counts as a reference.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) lease: Arc<OutputLease>,
    /// Whether a job has written elements.
    pub(super) wrote: AtomicBool,
}

impl Attempt {
    pub(super) fn new(lease: Arc<OutputLease>) -> Arc<Self> {
        Arc::new(Self {
            lease,
            wrote: AtomicBool::new(false),
        })
    }

    /// The memory, for a job that writes to it.
    pub(super) fn written(&self) -> Region {
        self.wrote.store(true, Ordering::Relaxed);
        self.lease.region()
    }
}
