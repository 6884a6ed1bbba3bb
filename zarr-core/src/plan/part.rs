//! One chunk and its touched elements: the common part of reads, writes and named chunks, at every
//! level of shards.

use std::sync::Arc;

use crate::chunk_grid::GridDimension;
use crate::codec::{CodecChain, EncodedSize, Sharding};
use crate::selection::{Wanted, WantedParts};
use crate::size::{cell_at, position_of, product};

/// Options of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// The share of a shard's inner chunks, in percent, from which on a read fetches the whole shard
    /// in one request, instead of its index and then the wanted inner chunks; 60 by default. With
    /// 0, every shard is fetched whole; above 100, none is. Local files are always read by their
    /// index.
    pub whole_shard: u8,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { whole_shard: 60 }
    }
}

/// A chunk and its touched elements, in the planned axes of its chain.
#[derive(Clone, Debug)]
pub(crate) struct ChunkPart {
    pub(crate) chain: Arc<CodecChain>,
    pub(crate) wanted: Wanted,
    /// The part of the chunk that lies inside the array.
    pub(crate) inside: Vec<u64>,
}

impl ChunkPart {
    /// Creates a part from elements wanted in the decoded axes of the chain.
    pub(crate) fn new(chain: Arc<CodecChain>, wanted: Wanted, inside: Vec<u64>) -> Self {
        let (wanted, inside) = match chain.permutation() {
            Some(order) => (
                wanted.permuted(order),
                order.iter().map(|&axis| inside[axis]).collect(),
            ),
            None => (wanted, inside),
        };
        Self {
            chain,
            wanted,
            inside,
        }
    }

    /// The number of elements of the whole chunk.
    pub(crate) fn chunk_len(&self) -> u64 {
        self.chain.decoded().elements().unwrap_or(u64::MAX)
    }

    /// The size of the whole decoded chunk, in bytes.
    pub(crate) fn decoded_size(&self) -> u64 {
        let item_size = self.chain.decoded().item_size() as u64;
        self.chunk_len().saturating_mul(item_size)
    }

    /// The number of elements that are decoded: those of touched inner chunks, or of the whole
    /// chunk.
    pub(crate) fn decoded_len(&self) -> u64 {
        match (self.chain.sharding(), self.touched()) {
            (Some(sharding), Some((touched, _))) => {
                let inner = sharding.inner().decoded().elements().unwrap_or(u64::MAX);
                touched.saturating_mul(inner)
            }
            _ => self.chunk_len(),
        }
    }

    /// Whether no element of the array in this chunk keeps its old value.
    pub(crate) fn replaces(&self) -> bool {
        self.wanted.covers(&self.inside)
    }

    /// Returns the number of touched inner chunks of a shard, and of all its inner chunks.
    pub(crate) fn touched(&self) -> Option<(u64, u64)> {
        let sharding = self.chain.sharding()?;
        let all = product(sharding.chunks_per_shard()).unwrap_or(u64::MAX);
        Some((self.wanted.parts(&inner_grid(sharding)).left(), all))
    }

    /// Returns the lowest and highest touched inner chunk of a shard along each dimension.
    pub(crate) fn bounds(&self) -> Option<Vec<(u64, u64)>> {
        self.wanted
            .parts(&inner_grid(self.chain.sharding()?))
            .bounds()
    }

    /// Whether a read wants enough of a shard to read the shard whole.
    pub(crate) fn wants_whole_shard(&self, options: ReadOptions) -> bool {
        let Some(sharding) = self.chain.sharding() else {
            return false;
        };
        let grid = inner_grid(sharding);
        let inside = grid
            .iter()
            .zip(&self.inside)
            .map(|(dimension, &len)| dimension.cells(len))
            .collect::<Vec<_>>();
        let all = product(&inside).unwrap_or(u64::MAX);
        let touched = self.wanted.parts(&grid).left();
        touched.saturating_mul(100) >= all.saturating_mul(options.whole_shard.into())
    }

    /// Iterates lazily over the touched inner chunks of a shard.
    pub(crate) fn inner(&self) -> Option<InnerParts> {
        let sharding = self.chain.sharding()?;
        Some(InnerParts::new(sharding, &self.wanted, self.inside.clone()))
    }
}

/// The touched inner chunks of a shard: position in C order, and the touched part.
#[derive(Debug)]
pub(crate) struct InnerParts {
    parts: WantedParts,
    inner: Arc<CodecChain>,
    /// The number of inner chunks of the shard along each dimension.
    pub(super) counts: Arc<[u64]>,
    grid: Vec<GridDimension>,
    inside: Vec<u64>,
}

/// The decoded size of inner chunks that are worked on together: handing them to a thread costs a
/// fraction of the work.
const BATCH_SIZE: u64 = 256 << 10;

/// The most inner chunks that are worked on together.
const BATCH_LEN: u64 = 4096;

impl InnerParts {
    /// Divides the wanted elements of a shard, of which `inside` lies inside the array.
    pub(super) fn new(sharding: &dyn Sharding, wanted: &Wanted, inside: Vec<u64>) -> Self {
        let grid = inner_grid(sharding);
        Self {
            parts: wanted.parts(&grid),
            inner: sharding.inner().clone(),
            counts: sharding.chunks_per_shard().into(),
            grid,
            inside,
        }
    }

    /// Removes the next inner chunks to be worked on together, and returns them; `None` if none
    /// remain. If there are several, their references to the codecs are counted in memory of their
    /// own.
    pub(crate) fn next_batch(&mut self) -> Option<Self> {
        let decoded = self.inner.decoded();
        let size = decoded.elements().unwrap_or(u64::MAX);
        let size = size.saturating_mul(decoded.item_size() as u64).max(1);
        let count = BATCH_SIZE.div_ceil(size).min(BATCH_LEN);
        if self.parts.left() == 0 {
            return None;
        }
        let parts = self.parts.split(count);
        let inner = match parts.left() {
            1 => self.inner.clone(),
            _ => Arc::new(CodecChain::clone(&self.inner)),
        };
        Some(Self {
            parts,
            inner,
            counts: self.counts.clone(),
            grid: self.grid.clone(),
            inside: self.inside.clone(),
        })
    }

    /// Whether the inner chunks are shards themselves.
    pub(crate) fn are_shards(&self) -> bool {
        self.inner.sharding().is_some()
    }

    /// The number of remaining inner chunks.
    pub(crate) fn left(&self) -> u64 {
        self.parts.left()
    }

    /// The encoded size of an inner chunk.
    pub(crate) fn encoded_size(&self) -> EncodedSize {
        self.inner.encoded_size()
    }

    /// Returns the positions of the remaining inner chunks, in C order.
    pub(crate) fn positions(&self) -> Vec<u64> {
        self.parts.positions(&self.counts)
    }

    /// Returns the cell of the inner chunk at a position.
    pub(crate) fn cell(&self, position: u64) -> Vec<u64> {
        cell_at(position, &self.counts)
    }
}

impl Iterator for InnerParts {
    type Item = (u64, ChunkPart);

    fn next(&mut self) -> Option<Self::Item> {
        let (cell, wanted) = self.parts.next()?;
        let position = position_of(&cell, &self.counts);
        let inside = inside_of(&self.inside, &self.grid, &cell);
        Some((position, ChunkPart::new(self.inner.clone(), wanted, inside)))
    }
}

/// Returns the division of a shard into inner chunks.
fn inner_grid(sharding: &dyn Sharding) -> Vec<GridDimension> {
    sharding
        .inner()
        .decoded()
        .shape
        .iter()
        .map(|&len| GridDimension::Fixed(len))
        .collect()
}

/// Returns the part of a chunk that lies inside an array with `inside` elements left along each
/// dimension.
pub(crate) fn inside_of(inside: &[u64], grid: &[GridDimension], cell: &[u64]) -> Vec<u64> {
    let axes = inside.iter().zip(grid).zip(cell);
    axes.map(|((&len, dimension), &cell)| {
        len.saturating_sub(dimension.start(cell))
            .min(dimension.len(cell))
    })
    .collect()
}
