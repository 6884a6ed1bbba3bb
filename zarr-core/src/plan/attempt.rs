//! The state that the fetches and jobs of one object share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use super::part::ReadOptions;
use crate::buffer::{OutputLease, Span};

/// The output of a read, shared by the fetches and jobs of one object; nothing else holds a
/// reference. Each batch has a clone, so that its jobs count references in memory of their own.
#[derive(Clone, Debug)]
pub(crate) struct Attempt(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    lease: Arc<OutputLease>,
    options: ReadOptions,
    /// Whether any job has written elements.
    wrote: AtomicBool,
}

impl Attempt {
    pub(super) fn new(lease: Arc<OutputLease>, options: ReadOptions) -> Arc<Self> {
        Arc::new(Self(Arc::new(Shared {
            lease,
            options,
            wrote: AtomicBool::new(false),
        })))
    }

    pub(super) fn lease(&self) -> &OutputLease {
        &self.0.lease
    }

    pub(super) fn options(&self) -> ReadOptions {
        self.0.options
    }

    /// Whether no clone of the attempt and no other reference to it exists.
    pub(super) fn is_unshared(self: &Arc<Self>) -> bool {
        if Arc::strong_count(self) > 1 {
            return false;
        }
        // Clones made through references that are now dropped are counted below.
        fence(Ordering::Acquire);
        let unshared = Arc::strong_count(&self.0) == 1;
        // Writes of dropped jobs happen before the next attempt.
        fence(Ordering::Acquire);
        unshared
    }

    /// Whether any job has written elements.
    pub(super) fn wrote(&self) -> bool {
        self.0.wrote.load(Ordering::Relaxed)
    }

    /// Returns the memory to a job that writes to it, and records the write.
    pub(super) fn written(&self) -> Span {
        // Jobs of all threads come here: only the first one writes to the shared memory.
        if !self.wrote() {
            self.0.wrote.store(true, Ordering::Relaxed);
        }
        self.0.lease.span()
    }
}
