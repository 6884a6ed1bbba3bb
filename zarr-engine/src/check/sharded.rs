//! Checks stored shards: their indexes and, in a deep check, their inner chunks.

use std::collections::BTreeSet;
use std::ops::Range;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
use zarr_core::codec::CodecChain;
use zarr_store::Version;

use super::errors::of_bytes;
use super::objects::{Chunks, Found, Object, is_error};
use super::rules::*;
use super::shard::{Inner, Shard};
use crate::engine::{compute, limits, stored_range};
use crate::error::{Error, Result};

/// The size of the inner chunks read and decoded together, in bytes.
const BATCH: u64 = 8 << 20;

/// The version and the place of a shard in its object.
struct Place {
    version: Version,
    within: Range<u64>,
}

impl Chunks<'_> {
    /// Checks a shard that is an object.
    pub(super) async fn shard_object(
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
            if seen.dead > 0 {
                let message = format!("{} of {size} bytes", seen.dead);
                let mut finding = of_shard(&DEAD_SPACE, message);
                finding.repairable = !seen.is_ambiguous();
                if seen.is_lossy() {
                    finding.severity = Severity::Warning;
                    finding.message += "; they may be those of missing inner chunks";
                }
                found.findings.push(finding);
            }
            let mut damaged = BTreeSet::new();
            for fault in seen.faults {
                let finding = object.found(fault.rule, fault.message);
                if is_error(&finding) {
                    damaged.insert(fault.position);
                }
                found
                    .findings
                    .push(finding.inner(&shard.cells_of(fault.position)));
            }
            if shard.sharding().inner().sharding().is_some() {
                return self.nested(object, shard, place, seen.stored, found).await;
            }
            let positions = seen.stored.iter().map(|inner| inner.position);
            let positions = positions.collect::<Vec<_>>();
            if self.deep {
                damaged.extend(
                    self.decode(object, shard, place, seen.stored, found)
                        .await?,
                );
            }
            let is_whole = |position: &&usize| !damaged.contains(position);
            found.whole += positions.iter().filter(is_whole).count() as u64;
            Ok(())
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

    /// Decodes the inner chunks of a shard, and returns the positions of the damaged ones.
    async fn decode(
        &self,
        object: &Object<'_>,
        shard: &Shard,
        place: &Place,
        stored: Vec<Inner>,
        found: &mut Found,
    ) -> Result<Vec<usize>> {
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
        let positions = faults.iter().map(|(position, _)| *position).collect();
        for (position, error) in faults {
            let error = Error::from(error);
            let finding = object.found(of_bytes(&error, true), error.to_string());
            found
                .findings
                .push(finding.inner(&shard.cells_of(position)));
        }
        Ok(positions)
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
