//! Writes a shard again from its whole inner chunks, without I/O.

use std::ops::Range;

use bytes::Bytes;
use zarr_core::codec::{CodecChain, ShardIndex};

use super::rules::{Rule, SHARD_ENTRY_DUPLICATE, SHARD_ENTRY_OVERLAP};
use super::shard::{Inner, Shard};

/// The inner chunks of a shard that are kept, and the ones that are not.
#[derive(Debug)]
pub(super) struct Rebuilt {
    /// The encoded inner chunks in C order.
    pub(super) inner: Vec<Option<Bytes>>,
    /// The positions of the damaged inner chunks.
    pub(super) dropped: Vec<usize>,
    /// The damaged inner chunks, nested ones included, by their indices in each shard.
    pub(super) cells: Vec<Vec<Vec<u64>>>,
    /// Whether bytes are left out that may be those of missing inner chunks.
    pub(super) is_lossy: bool,
}

/// Returns the inner chunks of a shard that are whole.
///
/// # Errors
/// The reason why the index does not tell which bytes are whole inner chunks.
pub(super) fn rebuild(shard: &Shard, bytes: &Bytes) -> Result<Rebuilt, String> {
    let size = bytes.len() as u64;
    if size < shard.index_size() {
        return Err("the shard is shorter than its index".to_owned());
    }
    let own = shard.sharding().index_range().resolve(size);
    let encoded = part(bytes, &own);
    let (index, is_trusted) = match shard.sharding().decode_index(&encoded) {
        Ok(index) => (index, true),
        Err(error) => match plain_index(shard, &encoded, size) {
            Some(index) => (index, false),
            None => return Err(error.to_string()),
        },
    };
    let seen = shard.inspect(&index, size);
    if seen.is_ambiguous() {
        return Err(
            "inner chunks share all their bytes, and other bytes belong to none".to_owned(),
        );
    }
    let has = |rule: &Rule, position| {
        let mut faults = seen.faults.iter();
        faults.any(|fault| fault.position == position && fault.rule.name == rule.name)
    };
    let is_tiled = seen.faults.is_empty() && seen.dead == 0;
    let mut rebuilt = Rebuilt {
        inner: vec![None; index.entries().len()],
        dropped: Vec::new(),
        cells: Vec::new(),
        is_lossy: seen.is_lossy(),
    };
    let inner_codecs = shard.sharding().inner();
    for inner in seen.stored.iter().chain(&seen.outside) {
        let overlaps = has(&SHARD_ENTRY_OVERLAP, inner.position);
        let is_shared = overlaps || has(&SHARD_ENTRY_DUPLICATE, inner.position);
        let is_whole = match is_trusted {
            true if overlaps => is_verified(inner_codecs, bytes, inner)?,
            true => true,
            false if is_tiled => true,
            false => !is_shared && is_verified(inner_codecs, bytes, inner)?,
        };
        match is_whole
            .then(|| whole(shard, bytes, inner, &mut rebuilt))
            .flatten()
        {
            Some(chunk) => rebuilt.inner[inner.position] = Some(chunk),
            None => rebuilt.dropped.push(inner.position),
        }
    }
    let faulty = seen.faults.iter().map(|fault| fault.position);
    let faulty = faulty.chain(rebuilt.dropped.clone()).collect::<Vec<_>>();
    for position in faulty.iter().filter(|_| is_trusted) {
        if rebuilt.inner[*position].is_none()
            && let Some(chunk) = trimmed(shard, bytes, &index, *position)
        {
            rebuilt.inner[*position] = Some(chunk);
            rebuilt.dropped.retain(|dropped| dropped != position);
        }
    }
    let faulty = faulty.into_iter();
    let faulty = faulty.filter(|position| rebuilt.inner[*position].is_none());
    rebuilt.dropped.extend(faulty);
    rebuilt.dropped.sort_unstable();
    rebuilt.dropped.dedup();
    let dropped = rebuilt
        .dropped
        .iter()
        .map(|position| shard.cells_of(*position));
    rebuilt.cells.extend(dropped);
    let is_damaged = !is_trusted || !rebuilt.dropped.is_empty();
    if is_damaged && rebuilt.inner.iter().all(Option::is_none) {
        return Err("no inner chunk is whole; the document may be wrong".to_owned());
    }
    Ok(rebuilt)
}

/// Returns an inner chunk if it can be decoded; a nested shard, written again if needed.
fn whole(shard: &Shard, bytes: &Bytes, inner: &Inner, outer: &mut Rebuilt) -> Option<Bytes> {
    let chunk = part(bytes, &inner.range);
    let chain = shard.sharding().inner();
    if chain.decode_chunk(&chunk).is_ok() {
        return Some(chunk);
    }
    let nested = shard.nested(inner.position)?;
    let rebuilt = rebuild(&nested, &chunk).ok()?;
    outer.cells.extend(rebuilt.cells);
    outer.is_lossy |= rebuilt.is_lossy;
    let pieces = nested
        .sharding()
        .assemble(rebuilt.inner.into_iter().collect())
        .ok()?;
    Some(pieces.concat().into())
}

/// Returns an inner chunk whose entry is too long, up to the end that its size or the start of the
/// next entry tells, if the codecs prove it.
fn trimmed(shard: &Shard, bytes: &Bytes, index: &ShardIndex, position: usize) -> Option<Bytes> {
    let chain = shard.sharding().inner();
    let [start, nbytes] = index.entries()[position];
    let end = start.checked_add(nbytes)?.min(bytes.len() as u64);
    let size = chain.encoded_size().max() as u64;
    let starts = index.entries().iter().map(|entry| entry[0]);
    let mut ends = starts.chain(start.checked_add(size));
    ends.find_map(|shorter| {
        let range = start..shorter;
        let inner = Inner { position, range };
        let is_shorter = start < shorter && shorter < end && chain.sharding().is_none();
        let is_proved = is_shorter && is_verified(chain, bytes, &inner) == Ok(true);
        is_proved.then(|| part(bytes, &inner.range))
    })
}

/// Reads the index of a shard of `size` bytes without its checksum: index codecs that store numbers
/// plainly, in the byte order in which more entries are possible.
fn plain_index(shard: &Shard, encoded: &Bytes, size: u64) -> Option<ShardIndex> {
    let counts = shard.sharding().chunks_per_shard();
    let len = usize::try_from(zarr_core::size::product(counts).ok()?).ok()?;
    let (numbers, _) = encoded.get(..len.checked_mul(16)?)?.as_chunks::<8>();
    let (entries, _) = numbers.as_chunks::<2>();
    let read = |number: fn([u8; 8]) -> u64| {
        ShardIndex::new(entries.iter().map(|entry| entry.map(number)).collect())
    };
    let orders = [read(u64::from_le_bytes), read(u64::from_be_bytes)];
    let faults = |index: &ShardIndex| shard.inspect(index, size).faults.len();
    orders.into_iter().min_by_key(faults)
}

/// Whether the bytes of an inner chunk prove their place: they decode, and bytes beside them do
/// not.
///
/// # Errors
/// If any bytes decode, so that the place is not known.
fn is_verified(chain: &CodecChain, bytes: &Bytes, inner: &Inner) -> Result<bool, String> {
    let Range { start, end } = inner.range;
    if chain.decode_chunk(&part(bytes, &inner.range)).is_err() {
        return Ok(false);
    }
    let beside = match start {
        0 => 1..end.saturating_add(1),
        start => start - 1..end - 1,
    };
    if beside.end <= bytes.len() as u64 && chain.decode_chunk(&part(bytes, &beside)).is_ok() {
        let reason = "the codecs cannot verify inner chunks, and the index is damaged";
        return Err(reason.to_owned());
    }
    Ok(true)
}

/// Returns a range of the bytes, which contain it.
fn part(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let index = |offset| usize::try_from(offset).expect("inside bytes in memory");
    bytes.slice(index(range.start)..index(range.end))
}
