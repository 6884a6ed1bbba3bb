//! A read or write cut into tasks: boxes of whole objects, or of the selected elements in them. No
//! two tasks share an object, so they may run anywhere, in any order, and again.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::part::ReadOptions;
use super::read::ReadPlan;
use crate::chunk_grid::GridDimension;
use crate::error::{Error, Result};
use crate::layout::ArrayLayout;
use crate::selection::{Axis, BasicIndex, Layout, Parts, Resolved, Selection, Slice, Steps};

/// The tasks of a read or a write, each made on request: a list of any length takes little memory.
#[derive(Clone, Debug)]
pub struct Tasks {
    layout: Arc<ArrayLayout>,
    prefix: Arc<str>,
    /// The options of a read; `None` for a write.
    read: Option<ReadOptions>,
    lines: Vec<Line>,
}

/// One task: the selected elements of some neighbouring objects, which no other task touches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The elements in the array.
    pub selection: Selection,
    /// The elements in the result of the whole selection, or in the data for it.
    pub part: Vec<Range<u64>>,
    /// The number of objects.
    pub objects: u64,
    /// The number of objects that a write stores whole, without reading them; it merges the others
    /// with the stored ones. 0 for a read.
    pub replaced: u64,
    /// The size of the decoded elements, in bytes; 0 for strings and byte strings.
    pub bytes: u64,
    /// The minimum number of requests. A write needs one to store an object, two to merge with it.
    pub requests: u64,
}

/// One dimension of a selection, cut along the grid.
#[derive(Clone, Debug)]
struct Line {
    steps: Steps,
    parts: Parts,
    dimension: GridDimension,
    /// The length of the array.
    len: u64,
    /// Whether the result has the dimension.
    is_kept: bool,
    /// The number of tasks along the dimension.
    tasks: u64,
}

impl Tasks {
    /// Cuts a read of the array whose keys start with `prefix` into one task for each object, or
    /// into at most `workers` tasks.
    ///
    /// # Errors
    /// [`Error::Selection`] for a selection with lists of indices, points or new axes.
    pub fn of_read(
        layout: Arc<ArrayLayout>,
        prefix: Arc<str>,
        selection: &Resolved,
        options: ReadOptions,
        workers: Option<u64>,
    ) -> Result<Self> {
        let tasks = Self::of_write(layout, prefix, selection, workers)?;
        let read = Some(options);
        Ok(Self { read, ..tasks })
    }

    /// Cuts a write, as [`Self::of_read`] cuts a read.
    ///
    /// # Errors
    /// The errors of [`Self::of_read`].
    pub fn of_write(
        layout: Arc<ArrayLayout>,
        prefix: Arc<str>,
        selection: &Resolved,
        workers: Option<u64>,
    ) -> Result<Self> {
        let dimensions = layout.grid().dimensions().iter().zip(layout.shape());
        let lines = selection.axes().and_then(|axes| {
            let lines = axes.into_iter().zip(dimensions);
            lines
                .map(|((axis, is_kept), (dimension, &len))| {
                    Line::new(axis, dimension, len, is_kept)
                })
                .collect::<Option<Vec<_>>>()
        });
        let mut lines = lines.ok_or_else(|| {
            Error::selection("only slices and single indices can be cut into tasks")
        })?;
        if let Some(workers) = workers {
            let counts = lines.iter().map(|line| line.parts.len());
            let shares = shares(&counts.collect::<Vec<_>>(), workers);
            for (line, share) in lines.iter_mut().zip(shares) {
                line.tasks = share;
            }
        }
        let read = None;
        Ok(Self {
            layout,
            prefix,
            read,
            lines,
        })
    }

    /// The number of tasks.
    #[must_use]
    pub fn len(&self) -> u64 {
        product(self.lines.iter().map(|line| line.tasks))
    }

    /// Whether nothing is selected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The shape of the selection.
    #[must_use]
    pub fn shape(&self) -> Vec<u64> {
        self.kept().map(|line| line.steps.count).collect()
    }

    /// The lengths of the tasks along each dimension of the selection.
    #[must_use]
    pub fn lengths(&self) -> Vec<Vec<u64>> {
        let lengths = |line: &Line| {
            let ranges = (0..line.tasks).map(|task| line.positions(&line.objects(task)));
            ranges.map(|range| range.end - range.start).collect()
        };
        self.kept().map(lengths).collect()
    }

    /// The number of objects of all tasks.
    #[must_use]
    pub fn objects(&self) -> u64 {
        product(self.lines.iter().map(|line| line.parts.len()))
    }

    /// The number of objects that the tasks of a write store whole, without reading them; 0 for a
    /// read.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        let whole = |line: &Line| line.replaced(0..line.parts.len());
        match self.read {
            Some(_) => 0,
            None => product(self.lines.iter().map(whole)),
        }
    }

    /// Returns task `number`, in C order; `None` beyond the last.
    #[must_use]
    pub fn get(&self, mut number: u64) -> Option<Task> {
        if number >= self.len() {
            return None;
        }
        let mut objects = Vec::with_capacity(self.lines.len());
        for line in self.lines.iter().rev() {
            objects.push(line.objects(number % line.tasks));
            number /= line.tasks;
        }
        objects.reverse();
        Some(self.task(&objects))
    }

    /// Iterates over the tasks, in C order.
    pub fn iter(&self) -> impl Iterator<Item = Task> {
        (0..self.len()).filter_map(|number| self.get(number))
    }

    fn kept(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.is_kept)
    }

    /// Returns the task of a box of objects.
    fn task(&self, objects: &[Range<u64>]) -> Task {
        let lines = || self.lines.iter().zip(objects);
        let positions = lines().map(|(line, objects)| line.positions(objects));
        let positions = positions.collect::<Vec<_>>();
        let selected = || self.lines.iter().zip(&positions);
        let indices = selected().map(|(line, range)| line.index(range));
        let part = selected().filter(|(line, _)| line.is_kept);
        let elements = product(positions.iter().map(|range| range.end - range.start));
        let item = self.layout.codecs().decoded().item_size() as u64;
        let mut task = Task {
            selection: Selection::slices(indices),
            part: part.map(|(_, range)| range.clone()).collect(),
            objects: product(objects.iter().map(|range| range.end - range.start)),
            replaced: 0,
            bytes: elements.saturating_mul(item),
            requests: 0,
        };
        match self.read {
            Some(options) => task.requests = self.read_requests(&task.selection, options),
            None => {
                let whole = lines().map(|(line, objects)| line.replaced(objects.clone()));
                task.replaced = product(whole);
                task.requests = (2 * task.objects).saturating_sub(task.replaced);
            }
        }
        task
    }

    fn read_requests(&self, selection: &Selection, options: ReadOptions) -> u64 {
        let resolved = selection.resolve(self.layout.shape());
        let resolved = resolved.expect("a part of a selection that fits");
        ReadPlan::new(self.layout.clone(), self.prefix.clone(), &resolved)
            .with_options(options)
            .requests()
    }
}

impl Line {
    /// Cuts evenly spaced indices; `None` for a list.
    fn new(axis: &Axis, dimension: &GridDimension, len: u64, is_kept: bool) -> Option<Self> {
        let Layout::Range(steps) = axis.layout() else {
            return None;
        };
        let parts = axis.parts(dimension);
        Some(Self {
            steps,
            tasks: parts.len(),
            parts,
            dimension: dimension.clone(),
            len,
            is_kept,
        })
    }

    /// Returns the objects of a task along this dimension, in the order of the selection.
    fn objects(&self, task: u64) -> Range<u64> {
        let edge = |task: u64| {
            let edge = u128::from(self.parts.len()) * u128::from(task) / u128::from(self.tasks);
            u64::try_from(edge).expect("at most the number of objects")
        };
        edge(task)..edge(task + 1)
    }

    /// Returns the cell of an object, in the order of the selection, and its elements.
    fn part(&self, object: u64) -> (u64, Axis) {
        // The parts of a dimension ascend regardless of the sign of the step.
        self.parts.get(match self.steps.step < 0 {
            true => self.parts.len() - 1 - object,
            false => object,
        })
    }

    /// Returns the positions in the selection of the elements of objects.
    fn positions(&self, objects: &Range<u64>) -> Range<u64> {
        let of = |object: u64| match self.part(object).1.layout() {
            Layout::Range(steps) => steps.position..steps.position + steps.count,
            Layout::List(_) => unreachable!("a part of evenly spaced indices"),
        };
        of(objects.start).start..of(objects.end - 1).end
    }

    /// Returns the index that selects the elements at these positions.
    fn index(&self, positions: &Range<u64>) -> BasicIndex {
        let signed = |index: u64| isize::try_from(index).unwrap_or(isize::MAX);
        let at = |position: u64| self.steps.index(position);
        let (first, last) = (at(positions.start), at(positions.end - 1));
        if !self.is_kept {
            return BasicIndex::Integer(signed(first));
        }
        let step = isize::try_from(self.steps.step).expect("the step of a selection");
        let (low, high) = (first.min(last), first.max(last));
        Slice::new(signed(low), Some(signed(high + 1)), step).into()
    }

    /// Returns how many of these objects are selected entirely along this dimension, as far as they
    /// lie inside the array.
    fn replaced(&self, objects: Range<u64>) -> u64 {
        let is_whole = |&object: &u64| {
            let (cell, axis) = self.part(object);
            let left = self.len.saturating_sub(self.dimension.start(cell));
            axis.covers(left.min(self.dimension.len(cell)))
        };
        objects.filter(is_whole).count() as u64
    }
}

fn product(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(1, u64::saturating_mul)
}

/// Returns the number of tasks along each dimension, at most `workers` in all: as many as possible,
/// and preferably along the first dimensions.
fn shares(counts: &[u64], workers: u64) -> Vec<u64> {
    let mut best = counts.iter().map(|&count| count.min(1)).collect::<Vec<_>>();
    for first in 0..counts.len() {
        let (mut found, mut left) = (best.clone(), workers.max(1));
        let others = (0..counts.len()).filter(|&axis| axis != first);
        for axis in std::iter::once(first).chain(others) {
            found[axis] = counts[axis].min(left);
            left /= found[axis].max(1);
        }
        if product(found.iter().copied()) > product(best.iter().copied()) {
            best = found;
        }
    }
    best
}
