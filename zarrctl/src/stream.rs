//! The elements of a selection in C order, read a part at a time: of any size, in bounded memory.

use std::cell::RefCell;
use std::ops::Range;

use serde::ser::{Error, Serialize, SerializeSeq, Serializer};
use serde_json::Value;
use zarr::blocking::Array;
use zarr::core::size::cell_at;
use zarr::{AxisSelect, AxisSelection, Elements, Slice};

use crate::failure::{Failure, Result};
use crate::selection::Axis;
use crate::values;

/// The size of a part, in bytes.
const PART: u64 = 16 << 20;

/// The size up to which a part is widened to whole chunks, in bytes.
const WIDEST: u64 = 256 << 20;

/// The selected indices along a dimension of an array.
#[derive(Clone, Debug)]
pub(crate) enum Along {
    /// One index: the result lacks the dimension.
    Index(isize),
    /// `len` indices from `start`, `step` apart.
    Steps { start: u64, step: u64, len: u64 },
    /// The listed indices.
    List(Vec<u64>),
}

impl Along {
    fn new(selection: AxisSelection, len: u64) -> Result<Self> {
        let from = |index: isize| match u64::try_from(index) {
            Ok(index) => index.min(len),
            Err(_) => len.saturating_sub(index.unsigned_abs() as u64),
        };
        Ok(match selection {
            AxisSelection::Index(index) => Self::Index(index),
            AxisSelection::Slice(slice) => {
                let (start, step) = (from(slice.start), slice.step.unsigned_abs() as u64);
                let end = slice.end.map_or(len, from);
                let len = end.saturating_sub(start).div_ceil(step.max(1));
                Self::Steps { start, step, len }
            }
            AxisSelection::Indices(indices) => Self::List(indices.into_iter().map(from).collect()),
            _ => return Err(Failure::new("this selection has no indices")),
        })
    }

    /// Returns the number of indices; `None` for a dimension that the result lacks.
    fn len(&self) -> Option<u64> {
        match self {
            Self::Index(_) => None,
            Self::Steps { len, .. } => Some(*len),
            Self::List(indices) => Some(indices.len() as u64),
        }
    }

    /// Returns the index in the array at a position.
    fn at(&self, position: u64) -> u64 {
        match self {
            Self::Index(index) => index.unsigned_abs() as u64,
            Self::Steps { start, step, .. } => start + position * step,
            Self::List(indices) => usize::try_from(position).map_or(0, |at| indices[at]),
        }
    }

    /// Selects positions.
    fn part(&self, positions: &Range<u64>) -> AxisSelection {
        let index = |index: u64| isize::try_from(index).unwrap_or(isize::MAX);
        match self {
            Self::Index(at) => AxisSelection::Index(*at),
            Self::Steps { step, .. } if !positions.is_empty() => {
                let (start, last) = (self.at(positions.start), self.at(positions.end - 1));
                let slice = Slice::new(index(start), Some(index(last + 1)), index(*step));
                AxisSelection::Slice(slice)
            }
            _ => AxisSelection::Indices(
                positions
                    .clone()
                    .map(|position| index(self.at(position)))
                    .collect(),
            ),
        }
    }
}

/// A selection of an array: its dimensions in the result are `names` and `shape`.
pub(crate) struct Stream<'a> {
    array: &'a Array,
    along: Vec<Along>,
    names: Vec<String>,
    shape: Vec<u64>,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(array: &'a Array, selection: &Vec<Axis>) -> Result<Self> {
        // Refuses selections that do not fit.
        array.plan_read(selection)?;
        let names = array.metadata().dimension_names().unwrap_or_default();
        let name = |axis: usize| {
            let name = names.get(axis).cloned().flatten();
            name.unwrap_or_else(|| format!("dim_{axis}"))
        };
        let along = array.shape().iter().enumerate().map(|(axis, &len)| {
            let named = |item: &&Axis| item.name() == Some(name(axis).as_str());
            let by_position = selection.get(axis).filter(|item| item.name().is_none());
            let item = selection.iter().find(named).or(by_position);
            let all = AxisSelection::Slice(Slice::all());
            Along::new(item.map_or(all, AxisSelect::axis), len)
        });
        let along = along.collect::<Result<Vec<_>>>()?;
        let kept = along.iter().enumerate();
        let kept = kept.filter_map(|(axis, along)| Some((name(axis), along.len()?)));
        let (names, shape) = kept.unzip();
        Ok(Self {
            array,
            along,
            names,
            shape,
        })
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Returns the indices in the array of a position in C order, along the dimensions of the
    /// result.
    pub(crate) fn index_of(&self, position: u64) -> Vec<u64> {
        self.indices_at(&cell_at(position, &self.shape))
    }

    /// Returns the indices in the array of positions along the dimensions of the result.
    pub(crate) fn indices_at(&self, positions: &[u64]) -> Vec<u64> {
        let kept = self.along.iter().filter(|along| along.len().is_some());
        kept.zip(positions)
            .map(|(along, &at)| along.at(at))
            .collect()
    }

    /// Reads a part, by positions along the dimensions of the result.
    pub(crate) fn read(&self, part: &[Range<u64>]) -> Result<Elements> {
        let mut part = part.iter();
        let axes = self.along.iter().map(|along| {
            let positions = match along {
                Along::Index(_) => 0..1,
                _ => part.next().cloned().unwrap_or(0..0),
            };
            Axis::at(None, along.part(&positions))
        });
        let selection = axes.collect::<Vec<_>>();
        Ok(self.array.read::<Elements>(&selection)?)
    }

    /// Reads all elements, part after part in C order.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Result<Elements>> {
        let item = self.array.data_type().fixed_size().unwrap_or(64) as u64;
        let below = |axis: usize| {
            let below = self.shape[axis + 1..].iter();
            below.fold(item, |size, &len| size.saturating_mul(len.max(1)))
        };
        // The parts are ranges along one axis, and whole along those behind it.
        let axis = (0..self.shape.len()).find(|&axis| below(axis) <= PART);
        let rows = axis.map_or(1, |axis| {
            let chunk = self.chunk_len(axis);
            match below(axis).saturating_mul(chunk) <= WIDEST {
                true => chunk * (PART / (below(axis) * chunk)).max(1),
                false => (PART / below(axis)).max(1),
            }
        });
        let (axis, rank) = (axis.unwrap_or(0), self.shape.len());
        let counts = self.shape.iter().enumerate().map(move |(at, &len)| {
            let is_single = rank == 0 || at > axis;
            if is_single {
                u64::from(len > 0)
            } else {
                len.div_ceil(if at < axis { 1 } else { rows })
            }
        });
        let counts = counts.collect::<Vec<_>>();
        let number = counts
            .iter()
            .fold(1_u64, |all, &len| all.saturating_mul(len));
        (0..number).map(move |number| {
            let cell = cell_at(number, &counts);
            let part = cell.iter().zip(&self.shape).enumerate();
            let part = part.map(|(at, (&cell, &len))| match at {
                _ if at < axis => cell..cell + 1,
                _ if at > axis => 0..len,
                _ => cell * rows..len.min((cell + 1).saturating_mul(rows)),
            });
            self.read(&part.collect::<Vec<_>>())
        })
    }

    /// Returns the number of selected positions in a chunk, along a dimension of the result.
    fn chunk_len(&self, axis: usize) -> u64 {
        let lengths = self.array.layout().chunk_shape().to_vec();
        let kept = self.along.iter().zip(lengths);
        let mut kept = kept.filter(|(along, _)| along.len().is_some());
        kept.nth(axis).map_or(1, |(along, len)| match along {
            Along::Steps { step, .. } => (len / step.max(&1)).max(1),
            _ => 1,
        })
    }
}

/// The elements as nested lists: reads while it is serialized.
impl Serialize for Stream<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut parts = self.parts();
        let mut current: Option<(Elements, usize)> = None;
        let next = move || {
            loop {
                if let Some((elements, position)) = &mut current
                    && *position < elements.len()
                {
                    *position += 1;
                    return Ok(values::json(elements, *position - 1));
                }
                let part = parts.next().transpose()?;
                let missing = || Failure::new("fewer elements than selected");
                current = Some((part.ok_or_else(missing)?, 0));
            }
        };
        let next = RefCell::new(next);
        let next = &|| next.borrow_mut()();
        let shape = &self.shape[..];
        Nested { next, shape }.serialize(serializer)
    }
}

struct Nested<'a> {
    next: &'a dyn Fn() -> Result<Value>,
    shape: &'a [u64],
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Some((&len, shape)) = self.shape.split_first() else {
            let value = (self.next)().map_err(|failure| S::Error::custom(failure.message()))?;
            return value.serialize(serializer);
        };
        let mut items = serializer.serialize_seq(usize::try_from(len).ok())?;
        for _ in 0..len {
            items.serialize_element(&Nested {
                next: self.next,
                shape,
            })?;
        }
        items.end()
    }
}
