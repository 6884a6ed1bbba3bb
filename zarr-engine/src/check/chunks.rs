//! Checks the chunks of an array: their keys, sizes and, in a deep check, their bytes.

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use zarr_core::codec::CodecChain;
use zarr_core::metadata::ArrayMetadata;
use zarr_core::{ArrayLayout, NodePath};
use zarr_store::Entry;

use super::finding::Finding;
use super::keys;
pub(super) use super::objects::Chunks;
use super::objects::{Found, Object, is_error};
use super::rules::*;
use super::shard::Shard;
use crate::documents::key_of;
use crate::engine::compute;
use crate::error::{ErrorKind, Result};

/// The number of objects of one array checked concurrently.
const OBJECTS: usize = 64;

/// The size, in bytes, up to which a chunk of variable size is read in every check: no common codec
/// encodes a chunk that small.
const TINY: u64 = 8;

/// How often an object is checked again after a change.
const ATTEMPTS: usize = 3;

impl Chunks<'_> {
    /// Checks the objects of an array.
    pub(super) async fn array(
        &self,
        path: &NodePath,
        metadata: &ArrayMetadata,
        entries: &[&Entry],
        all: &[Entry],
    ) -> Found {
        let mut found = Found::default();
        // An array that cannot be bound is reported as a document.
        let Ok(layout) = ArrayLayout::bind(metadata, self.hierarchy.registry()) else {
            return found;
        };
        let chunks = &keys::chunks(path, &layout, entries, all, &mut found.findings);
        let is_outside = |finding: &&mut Finding| finding.rule == CHUNK_OUTSIDE_GRID.name;
        let outside = found.findings.iter_mut().filter(is_outside).count();
        let key = || key_of(path, &metadata.clone().into());
        if outside > chunks.len() {
            let outside_grid = found.findings.iter_mut().filter(is_outside);
            outside_grid.for_each(|finding| finding.repairable = false);
            let message = format!(
                "{outside} of {} stored chunks lie outside its grid",
                outside + chunks.len()
            );
            found
                .findings
                .push(DOCUMENT_SUSPECT.at(path, message).key(key()));
        }
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
                "missing inner chunks: {}, in {} of {} shards",
                found.missing, found.sparse, found.chunks
            );
            found.findings.push(INNER_CHUNKS_MISSING.at(path, message));
        }
        if found.is_suspect() {
            for finding in &mut found.findings {
                finding.repairable = false;
            }
            if found.chunks > 1 {
                let message = format!("none of {} stored chunks agrees with it", found.chunks);
                let finding = DOCUMENT_SUSPECT.at(path, message);
                found.findings.push(finding.key(key()));
            }
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
        // Only a rebuild, which verifies inner chunks, tells whether an index is damaged or misread.
        let open = [SHARD_INDEX.name, SHARD_INDEX_CHECKSUM.name, UNREADABLE.name];
        let mut findings = found.findings.iter();
        let is_open = findings.any(|finding| open.contains(&finding.rule));
        if found.whole == 0 && !is_open && found.findings.iter().any(is_error) {
            found.failed = 1;
            for finding in &mut found.findings {
                finding.repairable = false;
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
        let is_tiny = bound.exact().is_none() && object.size <= TINY;
        if !self.deep && !is_tiny {
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
}
