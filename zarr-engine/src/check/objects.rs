//! Objects that are checked, and what is found in them.

use bytes::Bytes;
use futures::stream::TryStreamExt;
use std::ops::Range;
use tokio::sync::Semaphore;
use zarr_core::NodePath;
use zarr_store::{Store, Version};

use super::errors::of_bytes;
use super::finding::Finding;
use super::rules::{Rule, Severity};
use crate::engine::limits;
use crate::error::{Error, Result};
use crate::hierarchy::Hierarchy;

/// Checks the chunks of arrays, in bounded memory.
pub(super) struct Chunks<'a> {
    pub(super) hierarchy: &'a Hierarchy,
    pub(super) deep: bool,
    /// Permits for encoded bytes in memory, in KiB.
    memory: Semaphore,
    memory_kib: u32,
}

/// What was found in some objects.
#[derive(Default)]
pub(super) struct Found {
    pub(super) findings: Vec<Finding>,
    pub(super) chunks: u64,
    pub(super) inner_chunks: u64,
    /// The chunks of which no inner chunk is whole, or that cannot be decoded.
    pub(super) failed: u64,
    /// The inner chunks without a finding.
    pub(super) whole: u64,
    pub(super) missing: u64,
    /// The shards with missing inner chunks.
    pub(super) sparse: u64,
}

impl Found {
    pub(super) fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.chunks += other.chunks;
        self.inner_chunks += other.inner_chunks;
        self.failed += other.failed;
        self.missing += other.missing;
        self.sparse += u64::from(other.missing > 0);
    }

    /// Whether the document may be the damage: no stored chunk agrees with it.
    pub(super) fn is_suspect(&self) -> bool {
        self.failed > 0 && self.failed == self.chunks
    }
}

/// A stored chunk.
pub(super) struct Object<'a> {
    pub(super) node: &'a NodePath,
    pub(super) key: &'a str,
    pub(super) size: u64,
}

impl Object<'_> {
    pub(super) fn found(&self, rule: &'static Rule, message: impl Into<String>) -> Finding {
        rule.at(self.node, message).key(self.key)
    }

    /// Reports an error in the bytes of the object.
    pub(super) fn failed(&self, error: &Error) -> Finding {
        let inner = error.inner_chunk().map(<[u64]>::to_vec);
        let rule = of_bytes(error, inner.is_some());
        let finding = self.found(rule, error.to_string()).unrepairable();
        finding.inner(&inner.into_iter().collect::<Vec<_>>())
    }
}

impl<'a> Chunks<'a> {
    pub(super) fn new(hierarchy: &'a Hierarchy, deep: bool) -> Self {
        let kib = limits::bytes_in_flight() >> 10;
        let memory_kib = u32::try_from(kib.clamp(1, 1 << 28)).unwrap_or(1 << 28);
        Self {
            hierarchy,
            deep,
            memory: Semaphore::new(memory_kib as usize),
            memory_kib,
        }
    }

    pub(super) fn store(&self) -> &Store {
        self.hierarchy.store()
    }

    pub(super) async fn permit(&self, size: u64) -> Option<tokio::sync::SemaphorePermit<'_>> {
        let kib = u32::try_from(size >> 10).unwrap_or(u32::MAX);
        let permits = kib.clamp(1, self.memory_kib);
        self.memory.acquire_many(permits).await.ok()
    }

    /// Reads ranges of an object at a version, in order.
    pub(super) async fn bytes(
        &self,
        object: &Object<'_>,
        ranges: Vec<Range<u64>>,
        version: &Version,
    ) -> Result<Vec<Bytes>> {
        let mut bytes = vec![Bytes::new(); ranges.len()];
        let mut read = self.store().get_ranges(object.key, ranges, Some(version));
        while let Some(body) = read.try_next().await? {
            bytes[body.index] = body.bytes;
        }
        Ok(bytes)
    }
}

pub(super) fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}
