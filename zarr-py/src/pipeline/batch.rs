//! The batches of zarr-python: the key and shape of each chunk, its selected elements, and their
//! position in the caller's array.
//!
//! Supports the selections of zarr-python's indexers: slices and integers, one array between
//! slices, arrays as made by `numpy.ix_`, and one coordinate array per dimension. Any other
//! selection is `None` and not an error.

use std::sync::Arc;

use pyo3::buffer::{PyBuffer, PyUntypedBuffer};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyList, PySlice, PyTuple};
use zarr_core::plan::ChunkAccess;
use zarr_core::{AxisPlaces, ChunkSelection, PlacedIndices};

/// The accesses to the chunks of a batch.
pub(super) struct Chunks(pub(super) Vec<ChunkAccess>);

/// The layout of the caller's array.
struct Buffer<'a> {
    shape: &'a [usize],
    strides: &'a [isize],
    /// Chunk dimensions that the caller's array drops, although the selection holds an array for
    /// each of them.
    drop_axes: &'a [usize],
}

/// The indices along one dimension of a chunk or of the caller's array.
enum Indices {
    One(u64),
    Range {
        start: u64,
        step: u64,
        count: u64,
    },
    List {
        indices: Vec<u64>,
        /// The shape of the array that held the indices.
        shape: Vec<usize>,
    },
}

impl Chunks {
    /// Parses a batch for a caller's array of this shape, with these strides in bytes.
    pub(super) fn of(
        batch: &Bound<'_, PyList>,
        shape: &[usize],
        strides: &[isize],
        drop_axes: &[usize],
    ) -> PyResult<Option<Self>> {
        let buffer = Buffer {
            shape,
            strides,
            drop_axes,
        };
        let mut chunks = Vec::with_capacity(batch.len());
        let mut last: Option<(Bound<'_, PyAny>, Arc<[u64]>)> = None;
        for item in batch {
            let item = item.cast_into::<PyTuple>()?;
            let spec = item.get_item(1)?;
            let shape = match &last {
                Some((known, shape)) if known.is(&spec) => shape.clone(),
                _ => {
                    let shape = spec.getattr(intern!(item.py(), "shape"))?;
                    let shape: Arc<[u64]> = shape.extract::<Vec<u64>>()?.into();
                    last = Some((spec, shape.clone()));
                    shape
                }
            };
            let selections = (item.get_item(2)?, item.get_item(3)?);
            let Some(selection) = buffer.selection(&selections.0, &selections.1, &shape)? else {
                return Ok(None);
            };
            let key = item.get_item(0)?.getattr(intern!(item.py(), "path"))?;
            chunks.push(ChunkAccess {
                key: key.extract::<String>()?.into(),
                shape,
                selection,
                complete: item.get_item(4)?.is_truthy()?,
            });
        }
        Ok(Some(Self(chunks)))
    }
}

impl Buffer<'_> {
    fn selection(
        &self,
        of_chunk: &Bound<'_, PyAny>,
        of_buffer: &Bound<'_, PyAny>,
        shape: &[u64],
    ) -> PyResult<Option<ChunkSelection>> {
        let (Some(chunk), Some(buffer)) = (
            Indices::all(of_chunk, shape)?,
            Indices::all(of_buffer, &wide(self.shape))?,
        ) else {
            return Ok(None);
        };
        if chunk.len() != shape.len() {
            return Ok(None);
        }
        let rank = |indices: &Indices| match indices {
            Indices::List { shape, .. } => shape.len(),
            _ => 0,
        };
        let arrays = chunk.iter().filter(|indices| rank(indices) > 0).count();
        let all_of = |wanted| chunk.iter().all(|indices| rank(indices) == wanted);
        if arrays > 1 && all_of(1) {
            return Ok(self.points(chunk, &buffer));
        }
        let orthogonal = match arrays {
            0 => true,
            1 if chunk.len() == 1 => all_of(1),
            1 => {
                all_of(chunk.len())
                    || chunk.iter().all(|indices| match indices {
                        Indices::One(_) => false,
                        Indices::Range { .. } => true,
                        Indices::List { shape, .. } => shape.len() == 1,
                    })
            }
            _ => all_of(chunk.len()),
        };
        Ok(orthogonal.then(|| self.orthogonal(chunk, buffer)).flatten())
    }

    /// Builds an orthogonal selection: all combinations of the indices.
    fn orthogonal(&self, chunk: Vec<Indices>, buffer: Vec<Indices>) -> Option<ChunkSelection> {
        let kept = |axis: usize, indices: &Indices| {
            !matches!(indices, Indices::One(_)) && !self.drop_axes.contains(&axis)
        };
        let dimensions = chunk.iter().enumerate();
        let dimensions = dimensions.filter(|(axis, indices)| kept(*axis, indices));
        // A single value is broadcast to all elements.
        let repeated = self.shape.is_empty();
        if !repeated && (dimensions.count() != self.shape.len() || buffer.len() != self.shape.len())
        {
            return None;
        }
        let mut places = buffer.into_iter().zip(self.strides);
        let axes = chunk.into_iter().enumerate().map(|(axis, indices)| {
            if repeated || !kept(axis, &indices) {
                if !repeated && indices.len() != 1 {
                    return None;
                }
                let indices = indices.placed(&Indices::first(indices.len()), true)?;
                return Some(AxisPlaces { indices, stride: 0 });
            }
            let (positions, &stride) = places.next()?;
            let indices = indices.placed(&positions, false)?;
            Some(AxisPlaces { indices, stride })
        });
        Some(ChunkSelection::orthogonal(
            axes.collect::<Option<Vec<_>>>()?,
        ))
    }

    /// Builds a selection of single elements.
    fn points(&self, chunk: Vec<Indices>, buffer: &[Indices]) -> Option<ChunkSelection> {
        let coordinates = chunk
            .into_iter()
            .map(Indices::into_list)
            .collect::<Option<Vec<_>>>()?;
        let len = coordinates.first()?.len();
        let (positions, stride) = match (self.shape, buffer) {
            ([], _) => (vec![0; len], 0),
            ([_], [positions]) => (positions.to_list(), self.strides[0]),
            _ => return None,
        };
        ChunkSelection::points(&coordinates, positions, stride).ok()
    }
}

impl Indices {
    /// The first `count` indices.
    fn first(count: u64) -> Self {
        Self::Range {
            start: 0,
            step: 1,
            count,
        }
    }

    /// Parses the indices of all dimensions of a selection: a tuple, or one item for rank 1.
    fn all(selection: &Bound<'_, PyAny>, shape: &[u64]) -> PyResult<Option<Vec<Self>>> {
        let Ok(selection) = selection.cast::<PyTuple>() else {
            let len = shape.first().copied().unwrap_or(u64::MAX);
            return Ok(Self::of(selection, len)?.map(|indices| vec![indices]));
        };
        // The selection from a single value has rank 0 and is ignored.
        let lengths = shape.iter().copied().chain(std::iter::repeat(u64::MAX));
        selection
            .iter()
            .zip(lengths)
            .map(|(indices, len)| Self::of(&indices, len))
            .collect()
    }

    /// Parses the indices of one dimension of this length.
    fn of(selection: &Bound<'_, PyAny>, len: u64) -> PyResult<Option<Self>> {
        if let Ok(slice) = selection.cast::<PySlice>() {
            let found = slice.indices(isize::try_from(len).unwrap_or(isize::MAX))?;
            return Ok(u64::try_from(found.step).ok().map(|step| Self::Range {
                start: found.start.unsigned_abs() as u64,
                step,
                count: found.slicelength as u64,
            }));
        }
        if selection.is_exact_instance_of::<PyInt>() {
            return Ok(selection.extract::<u64>().ok().map(Self::One));
        }
        let Ok(buffer) = PyUntypedBuffer::get(selection) else {
            return Ok(None);
        };
        if buffer.dimensions() == 0 {
            return Ok(selection.extract::<u64>().ok().map(Self::One));
        }
        let shape = buffer.shape().to_vec();
        let indices = if buffer.format().to_bytes() == b"?" {
            let mask = selection.call_method1(intern!(selection.py(), "view"), ("u1",))?;
            let mask = PyBuffer::<u8>::get(&mask)?.to_vec(selection.py())?;
            let set = (0..).zip(mask).filter(|(_, wanted)| *wanted != 0);
            set.map(|(index, _)| index).collect()
        } else {
            let Ok(indices) = PyBuffer::<i64>::get(selection) else {
                return Ok(None);
            };
            let indices = indices.to_vec(selection.py())?;
            match indices.into_iter().map(u64::try_from).collect() {
                Ok(indices) => indices,
                // A negative index, which zarr-python never passes.
                Err(_) => return Ok(None),
            }
        };
        Ok(Some(Self::List { indices, shape }))
    }

    fn len(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Range { count, .. } => *count,
            Self::List { indices, .. } => indices.len() as u64,
        }
    }

    /// The first index, step and count, if the indices are evenly spaced.
    fn range(&self) -> Option<(u64, i64, u64)> {
        match self {
            Self::One(index) => Some((*index, 1, 1)),
            Self::Range { start, step, count } => {
                Some((*start, i64::try_from(*step).ok()?, *count))
            }
            Self::List { indices, .. } => match **indices {
                [] => Some((0, 1, 0)),
                [index] => Some((index, 1, 1)),
                [first, second, ..] => {
                    let step = second.cast_signed() - first.cast_signed();
                    let even = |pair: &[u64]| pair[1].cast_signed() - pair[0].cast_signed() == step;
                    (step != 0 && indices.windows(2).all(even)).then_some((
                        first,
                        step,
                        indices.len() as u64,
                    ))
                }
            },
        }
    }

    fn to_list(&self) -> Vec<u64> {
        match self {
            Self::One(index) => vec![*index],
            Self::Range { start, step, count } => {
                (0..*count).map(|number| start + number * step).collect()
            }
            Self::List { indices, .. } => indices.clone(),
        }
    }

    fn into_list(self) -> Option<Vec<u64>> {
        match self {
            Self::List { indices, .. } => Some(indices),
            _ => None,
        }
    }

    /// Places these indices at those positions of the buffer, all at position 0 if `repeated`;
    /// `None` if the numbers of indices and positions differ.
    fn placed(&self, positions: &Self, repeated: bool) -> Option<PlacedIndices> {
        if self.len() != positions.len() {
            return None;
        }
        if let (Some((start, step, count)), Some((position, 1, _))) =
            (self.range(), positions.range())
        {
            return Some(PlacedIndices::Range {
                start,
                step,
                count,
                position: if repeated { 0 } else { position },
            });
        }
        let pairs = self.to_list().into_iter().zip(positions.to_list());
        Some(PlacedIndices::Pairs(pairs.collect()))
    }
}

fn wide(shape: &[usize]) -> Vec<u64> {
    shape.iter().map(|&len| len as u64).collect()
}
