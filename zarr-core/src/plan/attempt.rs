//! The state that the fetches and jobs of one object share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::part::ReadOptions;
use crate::buffer::{OutputLease, Span};

/// The output of a read, shared by the fetches and jobs of one object; nothing else holds a
/// reference.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) lease: Arc<OutputLease>,
    pub(super) options: ReadOptions,
    /// Whether any job has written elements.
    pub(super) wrote: AtomicBool,
}

impl Attempt {
    pub(super) fn new(lease: Arc<OutputLease>, options: ReadOptions) -> Arc<Self> {
        Arc::new(Self {
            lease,
            options,
            wrote: AtomicBool::new(false),
        })
    }

    /// Returns the memory to a job that writes to it, and records the write.
    pub(super) fn written(&self) -> Span {
        // Jobs of all threads come here: only the first one writes to the shared memory.
        if !self.wrote.load(Ordering::Relaxed) {
            self.wrote.store(true, Ordering::Relaxed);
        }
        self.lease.span()
    }
}
