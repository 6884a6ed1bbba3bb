//! The division of an array into chunks (core specification, "Chunk grid"; registered extension
//! "rectilinear").

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::extension::Extension;

/// The division of one dimension into chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GridDimension {
    /// Chunks of one length, in elements.
    Fixed(u64),
    /// Chunks of several lengths.
    Varying(Arc<[ChunkRun]>),
}

/// Consecutive chunks of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRun {
    /// The index of the run's first chunk.
    cell: u64,
    /// The index of the run's first element.
    start: u64,
    /// The length of each chunk, in elements.
    len: u64,
}

impl GridDimension {
    /// Returns the chunk that holds an element.
    #[must_use]
    pub fn cell_of(&self, index: u64) -> u64 {
        match self {
            Self::Fixed(len) => index / len,
            Self::Varying(runs) => {
                let run = last(runs, |run| run.start <= index);
                run.cell + (index - run.start) / run.len
            }
        }
    }

    /// Returns the first element of a chunk.
    #[must_use]
    pub fn start(&self, cell: u64) -> u64 {
        match self {
            Self::Fixed(len) => cell * len,
            Self::Varying(runs) => {
                let run = last(runs, |run| run.cell <= cell);
                run.start + (cell - run.cell) * run.len
            }
        }
    }

    /// Returns the length of a chunk in elements, including the part beyond the array.
    #[must_use]
    pub fn len(&self, cell: u64) -> u64 {
        match self {
            Self::Fixed(len) => *len,
            Self::Varying(runs) => last(runs, |run| run.cell <= cell).len,
        }
    }

    /// Returns the number of chunks that hold the elements `0..len`.
    #[must_use]
    pub fn cells(&self, len: u64) -> u64 {
        len.checked_sub(1)
            .map_or(0, |index| self.cell_of(index) + 1)
    }

    /// Returns the range of elements of each run of chunks of equal length.
    pub(crate) fn runs(&self) -> Vec<Range<u64>> {
        match self {
            Self::Fixed(_) => std::iter::once(0..u64::MAX).collect(),
            Self::Varying(runs) => {
                let ends = runs.iter().skip(1).map(|run| run.start).chain([u64::MAX]);
                runs.iter()
                    .zip(ends)
                    .map(|(run, end)| run.start..end)
                    .collect()
            }
        }
    }

    /// Returns the distinct lengths of chunks.
    pub(crate) fn lengths(&self) -> Vec<u64> {
        match self {
            Self::Fixed(len) => vec![*len],
            Self::Varying(runs) => {
                let mut lengths = runs.iter().map(|run| run.len).collect::<Vec<_>>();
                lengths.sort_unstable();
                lengths.dedup();
                lengths
            }
        }
    }
}

/// Returns the last run for which `holds` is true; it must be true for the first run.
fn last(runs: &[ChunkRun], holds: impl Fn(&ChunkRun) -> bool) -> ChunkRun {
    runs[runs.partition_point(holds).saturating_sub(1)]
}

/// The division of an array into chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkGrid {
    dimensions: Vec<GridDimension>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegularConfiguration {
    chunk_shape: Vec<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RectilinearConfiguration {
    kind: Kind,
    chunk_shapes: Vec<Edges>,
}

#[derive(Deserialize)]
enum Kind {
    #[serde(rename = "inline")]
    Inline,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Edges {
    Same(u64),
    Listed(Vec<Edge>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Edge {
    One(u64),
    Repeated(u64, u64),
}

impl Edges {
    /// Divides a dimension of `len` elements. Runs are kept as runs, however many chunks they stand
    /// for.
    fn bind(&self, len: u64) -> Result<GridDimension> {
        let too_short = || Error::invalid("0", "chunk lengths and repeat counts of at least 1");
        let edges = match self {
            Self::Same(0) => return Err(too_short()),
            Self::Same(len) => return Ok(GridDimension::Fixed(*len)),
            Self::Listed(edges) => edges,
        };
        let (mut cell, mut start) = (0_u64, 0_u64);
        let mut runs: Vec<ChunkRun> = Vec::new();
        for edge in edges {
            let (len, count) = match *edge {
                Edge::One(len) => (len, 1),
                Edge::Repeated(len, count) => (len, count),
            };
            if len == 0 || count == 0 {
                return Err(too_short());
            }
            if runs.last().is_none_or(|run| run.len != len) {
                runs.push(ChunkRun { cell, start, len });
            }
            let end = len
                .checked_mul(count)
                .and_then(|size| start.checked_add(size));
            (cell, start) = cell
                .checked_add(count)
                .zip(end)
                .ok_or_else(|| Error::TooLarge {
                    what: "sum of chunk lengths",
                    wanted: format!("{start} + {count} chunks of {len}"),
                    limit: u64::MAX,
                })?;
        }
        if start < len || runs.is_empty() {
            return Err(Error::invalid(
                format!("chunk lengths that add up to {start}"),
                format!("at least {len}"),
            ));
        }
        Ok(GridDimension::Varying(runs.into()))
    }
}

impl ChunkGrid {
    /// Binds `rectilinear`: chunk lengths listed for each dimension.
    ///
    /// # Errors
    /// Fails if a length is 0, the lengths do not reach the end of the array, or they are not
    /// listed exactly once for each dimension.
    pub fn bind_rectilinear(extension: &Extension, shape: &[u64]) -> Result<Self> {
        let RectilinearConfiguration {
            kind: Kind::Inline,
            chunk_shapes,
        } = extension.parse()?;
        let member = "configuration.chunk_shapes";
        if chunk_shapes.len() != shape.len() {
            let found = format!("chunk lengths for {} dimensions", chunk_shapes.len());
            return Err(Error::invalid(found, format!("{}", shape.len())).member(member));
        }
        let dimensions = chunk_shapes
            .iter()
            .zip(shape)
            .enumerate()
            .map(|(axis, (edges, &len))| {
                edges
                    .bind(len)
                    .map_err(|error| error.member(format_args!("{member}[{axis}]")))
            });
        Ok(Self {
            dimensions: dimensions.collect::<Result<_>>()?,
        })
    }

    /// Creates a grid of chunks of one shape.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a length is 0.
    pub fn regular(chunk_shape: &[u64]) -> Result<Self> {
        if chunk_shape.contains(&0) {
            return Err(
                Error::invalid(format!("{chunk_shape:?}"), "chunk lengths of at least 1")
                    .member("chunk_shape"),
            );
        }
        Ok(Self {
            dimensions: chunk_shape
                .iter()
                .map(|&len| GridDimension::Fixed(len))
                .collect(),
        })
    }

    /// Binds `regular`: chunks of one shape.
    ///
    /// # Errors
    /// Fails if the chunk shape is missing, differs in rank from `shape`, or has a length of 0.
    pub fn bind_regular(extension: &Extension, shape: &[u64]) -> Result<Self> {
        let RegularConfiguration { chunk_shape } = extension.parse()?;
        if chunk_shape.len() != shape.len() {
            return Err(Error::invalid(
                format!("{chunk_shape:?}"),
                format!(
                    "{} lengths, one for each dimension of {shape:?}",
                    shape.len()
                ),
            )
            .member("configuration.chunk_shape"));
        }
        Self::regular(&chunk_shape).map_err(|error| error.member("configuration"))
    }

    /// The division of each dimension.
    #[must_use]
    pub fn dimensions(&self) -> &[GridDimension] {
        &self.dimensions
    }

    /// Returns the shape of a chunk in elements, including the part beyond the array.
    #[must_use]
    pub fn chunk_shape(&self, cell: &[u64]) -> Vec<u64> {
        self.dimensions
            .iter()
            .zip(cell)
            .map(|(dimension, &cell)| dimension.len(cell))
            .collect()
    }

    /// Returns all shapes that chunks can have; fails if there are more than `limit`.
    pub(crate) fn chunk_shapes(&self, limit: usize) -> Result<Vec<Vec<u64>>> {
        let mut shapes = vec![Vec::new()];
        for dimension in &self.dimensions {
            let lengths = dimension.lengths();
            if shapes.len().saturating_mul(lengths.len()) > limit {
                return Err(Error::TooLarge {
                    what: "number of chunk shapes",
                    wanted: format!("{} x {}", shapes.len(), lengths.len()),
                    limit: limit as u64,
                });
            }
            let longer = shapes.iter().flat_map(|shape| {
                lengths
                    .iter()
                    .map(move |&len| [shape.as_slice(), &[len]].concat())
            });
            shapes = longer.collect();
        }
        Ok(shapes)
    }

    /// Returns the number of chunks along each dimension of an array of this shape.
    #[must_use]
    pub fn grid_shape(&self, shape: &[u64]) -> Vec<u64> {
        self.dimensions
            .iter()
            .zip(shape)
            .map(|(dimension, &len)| dimension.cells(len))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::{Value, json};

    fn rectilinear(shapes: Value, shape: &[u64]) -> Result<ChunkGrid> {
        let extension = Extension::new("rectilinear")
            .with("kind", "inline")
            .with("chunk_shapes", shapes);
        ChunkGrid::bind_rectilinear(&extension, shape)
    }

    #[test]
    fn runs_and_lists_divide_a_dimension() {
        let grid = rectilinear(json!([[[1, 3], 3, [2, 2], 9]]), &[9]).unwrap();
        let [dimension] = grid.dimensions() else {
            panic!("{grid:?}")
        };
        let cells = (0..9)
            .map(|index| dimension.cell_of(index))
            .collect::<Vec<_>>();
        assert_eq!(cells, [0, 1, 2, 3, 3, 3, 4, 4, 5]);
        assert_eq!(
            (0..7).map(|cell| dimension.start(cell)).collect::<Vec<_>>(),
            [0, 1, 2, 3, 6, 8, 10]
        );
        assert_eq!(
            (0..7).map(|cell| dimension.len(cell)).collect::<Vec<_>>(),
            [1, 1, 1, 3, 2, 2, 9]
        );
        assert_eq!(
            (grid.grid_shape(&[9]), grid.grid_shape(&[0])),
            (vec![6], vec![0])
        );
        assert_eq!(
            rectilinear(json!([4]), &[6]).unwrap(),
            ChunkGrid::regular(&[4]).unwrap()
        );
    }

    #[test]
    fn bad_lengths_are_refused_and_long_runs_not_expanded() {
        for shapes in [
            json!([[2, 3]]),
            json!([[0, 9]]),
            json!([[[2, 0], 9]]),
            json!([0]),
            json!([[]]),
            json!([[1.5]]),
            json!([[[1, 2, 3]]]),
            json!([]),
        ] {
            assert!(rectilinear(shapes.clone(), &[9]).is_err(), "{shapes}");
        }
        assert!(rectilinear(json!([[[9_000_000_000_000_000_000_u64, 9]]]), &[9]).is_err());
        let grid = rectilinear(json!([[[1, 9_000_000_000_000_000_000_u64]]]), &[9]).unwrap();
        assert_eq!(grid.grid_shape(&[9]), [9]);
    }
}
