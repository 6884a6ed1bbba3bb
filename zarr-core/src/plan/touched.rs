//! The chunks that a plan touches: those of a selection, split lazily along the grid, or chunks
//! named one by one.

use std::sync::Arc;

use super::part::{ChunkPart, inside_of};
use crate::error::{Error, Result};
use crate::layout::ArrayLayout;
use crate::selection::{ChunkSelection, Resolved, Wanted};

/// The access to one chunk with a known key, for a read or a write.
#[derive(Clone, Debug)]
pub struct ChunkAccess {
    /// The key of the object.
    pub key: Arc<str>,
    /// The shape of the whole chunk, even if only a part of it lies inside the array.
    pub shape: Arc<[u64]>,
    /// The touched elements and their places in the buffer.
    pub selection: ChunkSelection,
    /// Whether `selection` has all elements of the chunk that lie inside the array. If false, the
    /// chunk is assumed to lie entirely inside the array.
    pub complete: bool,
}

/// The chunks that a plan touches.
#[derive(Clone, Debug)]
pub(super) enum Touched {
    /// A selection of the array whose keys start with `prefix`.
    Selection { prefix: Arc<str>, wanted: Wanted },
    /// Chunks named one by one.
    Chunks(Arc<[ObjectPart]>),
}

/// A chunk that is an object, and its touched part.
#[derive(Clone, Debug)]
pub(super) struct ObjectPart {
    pub(super) key: Arc<str>,
    pub(super) part: ChunkPart,
}

impl Touched {
    pub(super) fn selection(prefix: Arc<str>, selection: &Resolved, strides: &[isize]) -> Self {
        Self::Selection {
            prefix,
            wanted: selection.place(strides),
        }
    }

    /// Binds chunks that are named one by one.
    pub(super) fn bind(
        layout: &ArrayLayout,
        chunks: impl IntoIterator<Item = ChunkAccess>,
    ) -> Result<Vec<ObjectPart>> {
        let bound = chunks.into_iter().map(|access| {
            let key = access.key.clone();
            ObjectPart::bind(layout, access).map_err(|error| error.key(&key))
        });
        bound.collect()
    }

    /// The number of elements.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Selection { wanted, .. } => wanted.len(),
            Self::Chunks(chunks) => chunks
                .iter()
                .map(|chunk| chunk.part.wanted.len())
                .fold(0, u64::saturating_add),
        }
    }

    /// The prefix of the keys, if known.
    pub(super) fn prefix(&self) -> &str {
        match self {
            Self::Selection { prefix, .. } => prefix,
            Self::Chunks(_) => "",
        }
    }

    /// The number of chunks.
    pub(super) fn objects(&self, layout: &ArrayLayout) -> u64 {
        match self {
            Self::Selection { wanted, .. } if wanted.len() == 0 => 0,
            Self::Selection { wanted, .. } => wanted.parts(layout.grid().dimensions()).left(),
            Self::Chunks(chunks) => chunks.len() as u64,
        }
    }

    /// Iterates lazily over the chunks.
    pub(super) fn parts(
        &self,
        layout: &Arc<ArrayLayout>,
    ) -> Box<dyn Iterator<Item = ObjectPart> + Send> {
        match self {
            Self::Selection { wanted, .. } if wanted.len() == 0 => Box::new(std::iter::empty()),
            Self::Selection { prefix, wanted } => {
                let (layout, prefix) = (layout.clone(), prefix.clone());
                let parts = wanted.parts(layout.grid().dimensions());
                Box::new(parts.map(move |(cell, wanted)| {
                    let inside = inside_of(layout.shape(), layout.grid().dimensions(), &cell);
                    ObjectPart {
                        key: layout.key(&prefix, &cell).into(),
                        part: ChunkPart::new(layout.codecs_of(&cell).clone(), wanted, inside),
                    }
                }))
            }
            Self::Chunks(chunks) => {
                let chunks = chunks.clone();
                Box::new((0..chunks.len()).map(move |number| chunks[number].clone()))
            }
        }
    }
}

impl ObjectPart {
    fn bind(layout: &ArrayLayout, access: ChunkAccess) -> Result<Self> {
        let chain = layout.codecs_of_shape(&access.shape).ok_or_else(|| {
            Error::selection(format!(
                "the grid has no chunks of shape {:?}",
                access.shape
            ))
        })?;
        let wanted = access.selection.within(&access.shape)?;
        let inside = wanted
            .extent()
            .filter(|extent| access.complete && wanted.covers(extent))
            .unwrap_or_else(|| access.shape.to_vec());
        Ok(Self {
            key: access.key,
            part: ChunkPart::new(chain.clone(), wanted, inside),
        })
    }
}
