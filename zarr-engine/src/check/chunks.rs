//! Checks stored chunks and shards: sizes and indexes and, in a deep check, all bytes.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::Semaphore;
use zarr_core::codec::CodecChain;
use zarr_core::metadata::ArrayMetadata;
use zarr_core::{ArrayLayout, NodePath};
use zarr_store::{Entry, Store, Version};

use super::errors::of_bytes;
use super::finding::Finding;
use super::keys;
use super::rules::*;
use super::shard::{Inner, Shard};
use crate::engine::{compute, limits, stored_range};
use crate::error::{Error, ErrorKind, Result};
use crate::hierarchy::Hierarchy;

/// The number of objects of one array checked concurrently.
const OBJECTS: usize = 64;

/// The size of the inner chunks read and decoded together, in bytes.
const BATCH: u64 = 8 << 20;

/// How often an object is checked again after a change.
const ATTEMPTS: usize = 3;

/// Checks the chunks of arrays, in bounded memory.
pub(super) struct Chunks<'a> {
    hierarchy: &'a Hierarchy,
    deep: bool,
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
    missing: u64,
    /// The shards with missing inner chunks.
    sparse: u64,
}

impl Found {
    fn add(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.chunks += other.chunks;
        self.inner_chunks += other.inner_chunks;
        self.missing += other.missing;
        self.sparse += u64::from(other.missing > 0);
    }
}

/// A stored chunk.
struct Object<'a> {
    node: &'a NodePath,
    key: &'a str,
    size: u64,
}

/// The version and the place of a shard in its object.
struct Place {
    version: Version,
    within: Range<u64>,
}

impl Object<'_> {
    fn found(&self, rule: &'static Rule, message: impl Into<String>) -> Finding {
        rule.at(self.node, message).key(self.key)
    }

    /// Reports an error in the bytes of the object.
    fn failed(&self, error: &Error) -> Finding {
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

    fn store(&self) -> &Store {
        self.hierarchy.store()
    }

    /// Checks the objects of an array.
    pub(super) async fn array(
        &self,
        path: &NodePath,
        metadata: &ArrayMetadata,
        entries: &[&Entry],
    ) -> Found {
        let mut found = Found::default();
        // An array that cannot be bound is reported as a document.
        let Ok(layout) = ArrayLayout::bind(metadata, self.hierarchy.registry()) else {
            return found;
        };
        let chunks = &keys::chunks(path, &layout, entries, &mut found.findings);
        let layout = &layout;
        // By number: a closure over borrowed entries would keep this future from being `Send`.
        let checks = stream::iter(0..chunks.len()).map(|number| async move {
            let (cell, entry) = &chunks[number];
            let object = Object {
                node: path,
                key: &entry.key,
                size: entry.size,
            };
            self.chunk(&object, layout, cell).await
        });
        let mut checks = checks.buffer_unordered(OBJECTS);
        while let Some(chunk) = checks.next().await {
            found.add(chunk);
        }
        if found.missing > 0 {
            let message = format!(
                "{} inner chunks are missing in {} of {} shards",
                found.missing, found.sparse, found.chunks
            );
            found.findings.push(INNER_CHUNKS_MISSING.at(path, message));
        }
        found
    }

    /// Returns whether the object of a chunk is whole.
    pub(super) async fn is_whole(
        &self,
        node: &NodePath,
        layout: &ArrayLayout,
        cell: &[u64],
        (key, size): (&str, u64),
    ) -> bool {
        let found = self.chunk(&Object { node, key, size }, layout, cell).await;
        let is_error = |finding: &Finding| finding.severity == Severity::Error;
        found.chunks == 1 && !found.findings.iter().any(is_error)
    }

    async fn chunk(&self, object: &Object<'_>, layout: &ArrayLayout, cell: &[u64]) -> Found {
        let chain = layout.codecs_of(cell);
        let mut found = Found::default();
        if object.size == 0 {
            found
                .findings
                .push(object.found(&EMPTY_OBJECT, "the object has no bytes"));
            return found;
        }
        for _ in 0..ATTEMPTS {
            found = Found {
                chunks: 1,
                ..Found::default()
            };
            let checked = match Shard::new(layout, cell) {
                Some(shard) => self.shard_object(object, &shard, &mut found).await,
                None => self.plain(object, chain, &mut found).await,
            };
            match checked {
                Err(error) if error.kind() == ErrorKind::Changed => {
                    found.findings = vec![object.found(&CHANGED, error.to_string())];
                }
                Err(error) => {
                    found.findings.push(object.failed(&error));
                    break;
                }
                Ok(()) => break,
            }
        }
        found
    }

    /// Checks a chunk that is not a shard.
    async fn plain(
        &self,
        object: &Object<'_>,
        chain: &Arc<CodecChain>,
        found: &mut Found,
    ) -> Result<()> {
        let bound = chain.encoded_size();
        let size = usize::try_from(object.size).unwrap_or(usize::MAX);
        if let Err(error) = bound.check("stored chunk", size) {
            found
                .findings
                .push(object.found(&CHUNK_SIZE, error.to_string()));
            return Ok(());
        }
        if !self.deep {
            return Ok(());
        }
        let _permit = self.permit(object.size).await;
        let range = self.store().whole(bound.max() as u64);
        let Some(body) = self.store().get(object.key, &range, None).await? else {
            return Ok(());
        };
        let chain = chain.clone();
        let decoded = compute(move || chain.decode_chunk(&body.bytes).map(drop)).await?;
        Ok(decoded?)
    }

    async fn permit(&self, size: u64) -> Option<tokio::sync::SemaphorePermit<'_>> {
        let kib = u32::try_from(size >> 10).unwrap_or(u32::MAX);
        let permits = kib.clamp(1, self.memory_kib);
        self.memory.acquire_many(permits).await.ok()
    }

    /// Checks a shard that is an object.
    async fn shard_object(
        &self,
        object: &Object<'_>,
        shard: &Shard,
        found: &mut Found,
    ) -> Result<()> {
        let range = stored_range(&shard.sharding().index_range());
        let Some(body) = self.store().get(object.key, &range, None).await? else {
            return Ok(());
        };
        let place = Place {
            within: 0..body.object_size,
            version: body.version,
        };
        self.shard(object, shard, &place, &body.bytes, found).await
    }

    /// Checks a shard whose encoded index is `index`.
    fn shard<'s>(
        &'s self,
        object: &'s Object<'_>,
        shard: &'s Shard,
        place: &'s Place,
        index: &'s [u8],
        found: &'s mut Found,
    ) -> BoxFuture<'s, Result<()>> {
        Box::pin(async move {
            let size = place.within.end - place.within.start;
            let of_shard = |rule: &'static Rule, message: String| {
                object.found(rule, message).inner(&shard.cells)
            };
            if size < shard.index_size() {
                let message = format!("{size} bytes, the index has {}", shard.index_size());
                found.findings.push(of_shard(&SHARD_TOO_SHORT, message));
                return Ok(());
            }
            let index = match shard.sharding().decode_index(index) {
                Ok(index) => index,
                Err(error) => {
                    let rule = match error.kind() {
                        zarr_core::ErrorKind::Checksum => &SHARD_INDEX_CHECKSUM,
                        _ => &SHARD_INDEX,
                    };
                    found.findings.push(of_shard(rule, error.to_string()));
                    return Ok(());
                }
            };
            let seen = shard.inspect(&index, size);
            found.missing += seen.missing;
            found.inner_chunks += seen.stored.len() as u64;
            for fault in seen.faults {
                let finding = object.found(fault.rule, fault.message);
                found
                    .findings
                    .push(finding.inner(&shard.cells_of(fault.position)));
            }
            if seen.dead > 0 {
                let message = format!("{} of {size} bytes", seen.dead);
                found.findings.push(of_shard(&DEAD_SPACE, message));
            }
            if shard.sharding().inner().sharding().is_some() {
                return self.nested(object, shard, place, seen.stored, found).await;
            }
            match self.deep {
                true => self.decode(object, shard, place, seen.stored, found).await,
                false => Ok(()),
            }
        })
    }

    /// Checks the shards in a shard.
    async fn nested(
        &self,
        object: &Object<'_>,
        outer: &Shard,
        place: &Place,
        stored: Vec<Inner>,
        found: &mut Found,
    ) -> Result<()> {
        for inner in stored {
            let Some(shard) = outer.nested(inner.position) else {
                continue;
            };
            let within = place.absolute(&inner.range);
            let index = shard.sharding().index_range();
            let index = index.resolve(within.end - within.start);
            let index = within.start + index.start..within.start + index.end;
            let bytes = self.bytes(object, vec![index], &place.version).await?;
            let place = Place {
                version: place.version.clone(),
                within,
            };
            self.shard(object, &shard, &place, &bytes[0], found).await?;
        }
        Ok(())
    }

    /// Decodes the inner chunks of a shard.
    async fn decode(
        &self,
        object: &Object<'_>,
        shard: &Shard,
        place: &Place,
        stored: Vec<Inner>,
        found: &mut Found,
    ) -> Result<()> {
        let decodes = stream::iter(batches(stored)).map(|batch| async move {
            let sizes = batch
                .iter()
                .map(|inner| inner.range.end - inner.range.start);
            let _permit = self.permit(sizes.sum()).await;
            let ranges = batch.iter().map(|inner| place.absolute(&inner.range));
            let bytes = self.bytes(object, ranges.collect(), &place.version).await?;
            let inner = shard.sharding().inner().clone();
            compute(move || faults(&inner, &batch, &bytes)).await
        });
        let faults = decodes.buffer_unordered(limits::threads());
        let faults = faults.try_concat().await?;
        for (position, error) in faults {
            let error = Error::from(error);
            let finding = object.found(of_bytes(&error, true), error.to_string());
            found
                .findings
                .push(finding.inner(&shard.cells_of(position)));
        }
        Ok(())
    }

    /// Reads ranges of an object at a version, in order.
    async fn bytes(
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

impl Place {
    fn absolute(&self, range: &Range<u64>) -> Range<u64> {
        self.within.start + range.start..self.within.start + range.end
    }
}

/// Divides inner chunks into batches of at most [`BATCH`] bytes, or of one inner chunk.
fn batches(stored: Vec<Inner>) -> Vec<Vec<Inner>> {
    let mut batches = Vec::<Vec<Inner>>::new();
    let mut size = 0;
    for inner in stored {
        let nbytes = inner.range.end - inner.range.start;
        size += nbytes;
        match batches.last_mut().filter(|_| size <= BATCH) {
            Some(batch) => batch.push(inner),
            None => {
                batches.push(vec![inner]);
                size = nbytes;
            }
        }
    }
    batches
}

/// Decodes inner chunks, and returns the positions and errors of the damaged ones.
fn faults(chain: &CodecChain, batch: &[Inner], bytes: &[Bytes]) -> Vec<(usize, zarr_core::Error)> {
    let decoded = batch.iter().zip(bytes).map(|(inner, bytes)| {
        let error = chain.decode_chunk(bytes).err()?;
        Some((inner.position, error))
    });
    decoded.flatten().collect()
}
