//! Rules about the index of a shard, without I/O.

use std::ops::Range;
use std::sync::Arc;

use zarr_core::ArrayLayout;
use zarr_core::codec::{CodecChain, ShardIndex, Sharding};
use zarr_core::size::{cell_at, used};

use super::rules::*;

/// A shard: its codecs, and the part of its elements inside the array.
#[derive(Clone, Debug)]
pub(super) struct Shard {
    pub(super) chain: Arc<CodecChain>,
    /// The number of elements inside the array along each dimension, in decoded axes.
    pub(super) visible: Vec<u64>,
    /// The indices of the shard in the shards around it, outermost first.
    pub(super) cells: Vec<Vec<u64>>,
}

/// An inner chunk in a shard.
#[derive(Clone, Debug)]
pub(super) struct Inner {
    /// The position in the index.
    pub(super) position: usize,
    /// The byte range in the shard.
    pub(super) range: Range<u64>,
}

/// A faulty entry of an index.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) position: usize,
    pub(super) rule: &'static Rule,
    pub(super) message: String,
}

/// What the index of a shard says.
#[derive(Debug, Default)]
pub(super) struct Inspected {
    /// The inner chunks whose bytes are in the shard, in order of their bytes.
    pub(super) stored: Vec<Inner>,
    /// The stored inner chunks outside the array.
    pub(super) outside: Vec<Inner>,
    pub(super) faults: Vec<Fault>,
    /// The number of missing inner chunks inside the array.
    pub(super) missing: u64,
    /// The number of bytes that belong to neither an inner chunk nor the index.
    pub(super) dead: u64,
}

impl Inspected {
    /// Whether the bytes that belong to nothing may be those of missing inner chunks.
    pub(super) fn is_lossy(&self) -> bool {
        self.dead > 0 && self.missing > 0
    }

    /// Whether inner chunks share all their bytes while other bytes belong to nothing: then one of
    /// them has lost its place, and nothing tells which.
    pub(super) fn is_ambiguous(&self) -> bool {
        let mut faults = self.faults.iter();
        self.dead > 0 && faults.any(|fault| fault.rule.name == SHARD_ENTRY_DUPLICATE.name)
    }
}

impl Shard {
    /// Returns the shard in a cell of an array; `None` if the array is not sharded.
    pub(super) fn new(layout: &ArrayLayout, cell: &[u64]) -> Option<Self> {
        let chain = layout.codecs_of(cell);
        chain.sharding()?;
        let dimensions = layout.grid().dimensions().iter();
        let lengths = dimensions.zip(cell).zip(layout.shape());
        let visible = lengths.map(|((dimension, &cell), &len)| {
            let left = len.saturating_sub(dimension.start(cell));
            dimension.len(cell).min(left)
        });
        Some(Self {
            chain: chain.clone(),
            visible: visible.collect(),
            cells: Vec::new(),
        })
    }

    pub(super) fn sharding(&self) -> &dyn Sharding {
        self.chain.sharding().expect("only made for shards")
    }

    /// Returns the size of the index in bytes.
    pub(super) fn index_size(&self) -> u64 {
        let range = self.sharding().index_range().resolve(u64::MAX);
        range.end - range.start
    }

    /// Returns the inner chunk at a position as a shard, if inner chunks are shards.
    pub(super) fn nested(&self, position: usize) -> Option<Self> {
        let chain = self.sharding().inner();
        chain.sharding()?;
        Some(Self {
            chain: chain.clone(),
            visible: self.visible_in(position)?,
            cells: self.cells_of(position),
        })
    }

    /// Returns the indices of the inner chunk at a position, in the axis order of the array, below
    /// those of the shards around it.
    pub(super) fn cells_of(&self, position: usize) -> Vec<Vec<u64>> {
        let stored = self.stored_cell(position);
        let mut cell = vec![0; stored.len()];
        for (index, axis) in stored.into_iter().zip(self.order()) {
            cell[axis] = index;
        }
        self.cells.iter().cloned().chain([cell]).collect()
    }

    fn stored_cell(&self, position: usize) -> Vec<u64> {
        cell_at(position as u64, self.sharding().chunks_per_shard())
    }

    fn order(&self) -> impl Iterator<Item = usize> {
        let order = self.chain.axis_order();
        order.expect("shards only reorder axes").iter().copied()
    }

    /// Returns the part of an inner chunk inside the array; `None` if all of it lies outside.
    pub(super) fn visible_in(&self, position: usize) -> Option<Vec<u64>> {
        let inner = &self.sharding().inner().decoded().shape;
        let cell = self.stored_cell(position);
        let parts = self.order().zip(inner.iter()).zip(cell);
        parts
            .map(|((axis, &len), index)| {
                let left = self.visible[axis].checked_sub(index * len)?;
                (left > 0).then_some(left.min(len))
            })
            .collect()
    }

    /// Checks the entries of the index of a shard of `size` bytes. Entries of inner chunks outside
    /// the array may hold anything.
    pub(super) fn inspect(&self, index: &ShardIndex, size: u64) -> Inspected {
        let mut found = Inspected::default();
        let own = self.sharding().index_range().resolve(size);
        let mut taken = vec![own.clone()];
        for position in 0..index.entries().len() {
            let is_visible = self.visible_in(position).is_some();
            match self.locate(index, position, size, &own) {
                Ok(Some(range)) => {
                    taken.push(range.clone());
                    let place = match is_visible {
                        true => &mut found.stored,
                        false => &mut found.outside,
                    };
                    place.push(Inner { position, range });
                }
                Ok(None) => found.missing += u64::from(is_visible),
                Err(fault) if is_visible => found.faults.push(fault),
                Err(_) => {}
            }
        }
        found
            .stored
            .sort_by_key(|inner| (inner.range.start, inner.range.end));
        overlaps(&found.stored, &mut found.faults);
        found.dead = size.saturating_sub(used(taken));
        found
    }

    /// Returns the byte range of an inner chunk, or the fault of its entry.
    fn locate(
        &self,
        index: &ShardIndex,
        position: usize,
        size: u64,
        own: &Range<u64>,
    ) -> Result<Option<Range<u64>>, Fault> {
        let [offset, nbytes] = index.entries()[position];
        let fault = |rule, message| Fault {
            position,
            rule,
            message,
        };
        let range = index.locate(position, size).map_err(|error| {
            let rule = match [offset, nbytes] {
                _ if offset == u64::MAX || nbytes == u64::MAX => &SHARD_ENTRY_HALF_EMPTY,
                [_, 0] => &SHARD_ENTRY_EMPTY,
                _ => &SHARD_ENTRY_RANGE,
            };
            fault(rule, error.to_string())
        })?;
        let Some(range) = range else {
            return Ok(None);
        };
        if range.start < own.end && own.start < range.end {
            let message = format!("bytes {range:?} overlap the index at {own:?}");
            return Err(fault(&SHARD_ENTRY_IN_INDEX, message));
        }
        let inner = self.sharding().inner();
        let checked = match usize::try_from(nbytes) {
            Ok(nbytes) if inner.sharding().is_none() => {
                inner.encoded_size().check("inner chunk", nbytes)
            }
            _ => Ok(()),
        };
        match checked {
            Ok(()) => Ok(Some(range)),
            Err(error) => Err(fault(&INNER_CHUNK_SIZE, error.to_string())),
        }
    }
}

/// Reports inner chunks that share bytes. `stored` is in order of bytes.
fn overlaps(stored: &[Inner], faults: &mut Vec<Fault>) {
    let mut last: Option<&Inner> = None;
    for inner in stored {
        let Some(other) = last.filter(|last| inner.range.start < last.range.end) else {
            last = Some(inner);
            continue;
        };
        let rule = match inner.range == other.range {
            true => &SHARD_ENTRY_DUPLICATE,
            false => &SHARD_ENTRY_OVERLAP,
        };
        for (one, other) in [(inner, other), (other, inner)] {
            let message = format!(
                "bytes {:?} are shared with entry {} at {:?}",
                one.range, other.position, other.range
            );
            faults.push(Fault {
                position: one.position,
                rule,
                message,
            });
        }
        if inner.range.end > other.range.end {
            last = Some(inner);
        }
    }
}
