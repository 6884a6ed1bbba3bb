//! Counters of the requests that actually reach a backend.

use std::sync::atomic::{AtomicU64, Ordering};

/// The requests and bytes of a store since it was created, shared by its clones and prefixes.
///
/// A merged range counts as one get, and so does a positioned read of a local file. Retries inside
/// `object_store` are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Reads of bytes.
    pub gets: u64,
    /// Requests for the size alone.
    pub heads: u64,
    /// Writes of whole objects.
    pub puts: u64,
    /// Objects whose deletion was requested.
    pub deletes: u64,
    /// Listings, regardless of their number of pages.
    pub lists: u64,
    /// Bytes of objects received.
    pub bytes_read: u64,
    /// Bytes of objects sent.
    pub bytes_written: u64,
    /// Bytes of objects that the backend itself copied for patches.
    pub bytes_copied: u64,
}

/// Counters of requests, which several threads may increase.
#[derive(Debug, Default)]
pub struct Counters {
    gets: AtomicU64,
    heads: AtomicU64,
    puts: AtomicU64,
    deletes: AtomicU64,
    lists: AtomicU64,
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    bytes_copied: AtomicU64,
}

impl Counters {
    /// Counts a read of bytes.
    pub fn get(&self) {
        self.gets.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request for the size alone.
    pub fn head(&self) {
        self.heads.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a write of an object of `size` bytes.
    pub fn put(&self, size: u64) {
        self.puts.fetch_add(1, Ordering::Relaxed);
        self.bytes_written.fetch_add(size, Ordering::Relaxed);
    }

    /// Counts an object whose deletion was requested.
    pub fn delete(&self) {
        self.deletes.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a listing.
    pub fn list(&self) {
        self.lists.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts received bytes.
    pub fn read(&self, size: usize) {
        self.bytes_read.fetch_add(size as u64, Ordering::Relaxed);
    }

    /// Counts bytes that the backend copied.
    pub fn copied(&self, size: u64) {
        self.bytes_copied.fetch_add(size, Ordering::Relaxed);
    }

    /// Returns the counts so far.
    #[must_use]
    pub fn snapshot(&self) -> RequestCounts {
        RequestCounts {
            gets: self.gets.load(Ordering::Relaxed),
            heads: self.heads.load(Ordering::Relaxed),
            puts: self.puts.load(Ordering::Relaxed),
            deletes: self.deletes.load(Ordering::Relaxed),
            lists: self.lists.load(Ordering::Relaxed),
            bytes_read: self.bytes_read.load(Ordering::Relaxed),
            bytes_written: self.bytes_written.load(Ordering::Relaxed),
            bytes_copied: self.bytes_copied.load(Ordering::Relaxed),
        }
    }
}
