//! The front door without `async`, for programs that have no runtime. Local reads run on the calling thread and the computing ones,
//! everything else on one runtime of the process.

use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewD, ArrayViewMutD, SliceInfoElem};
use tokio::runtime::Runtime;
use zarr_core::metadata::{ArrayMetadata, Attributes};
use zarr_core::plan::ReadPlan;
use zarr_core::{Element, NodePath, Output, Selection};

use crate::array::{Compaction, DeadSpace, InputLayout, OutputLayout, VariableElement, into_array};
use crate::engine::Target;
use crate::error::{Error, Result};
use crate::hierarchy::NodeKind;
use crate::process::PerProcess;

/// The threads that wait, one runtime for all of the process.
#[doc(hidden)]
pub fn runtime() -> Arc<Runtime> {
    static RUNTIME: PerProcess<Runtime> = PerProcess::new();
    RUNTIME.get_or_make(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("zarr-wait")
            .enable_all()
            .build()
            .expect("the system can start threads")
    })
}

/// Opens the hierarchy at a URL or path, as [`crate::open`].
///
/// # Errors
/// Those of [`crate::open`].
pub fn open(url: &str) -> Result<Hierarchy> {
    Ok(Hierarchy(crate::open(url)?))
}

/// A hierarchy, as [`crate::Hierarchy`]. Not to be used on a thread of an async runtime.
#[derive(Clone, Debug)]
pub struct Hierarchy(pub crate::Hierarchy);

/// A group, as [`crate::Group`].
#[derive(Clone, Debug)]
pub struct Group(pub crate::Group);

/// An array, as [`crate::Array`].
#[derive(Clone, Debug)]
pub struct Array(pub crate::Array);

impl Hierarchy {
    /// Opens an array, as [`crate::Hierarchy::array`].
    ///
    /// # Errors
    /// Those of [`crate::Hierarchy::array`].
    pub fn array(&self, path: &str) -> Result<Array> {
        runtime().block_on(self.0.array(path)).map(Array)
    }

    /// Opens a group, as [`crate::Hierarchy::group`].
    ///
    /// # Errors
    /// Those of [`crate::Hierarchy::group`].
    pub fn group(&self, path: &str) -> Result<Group> {
        runtime().block_on(self.0.group(path)).map(Group)
    }

    /// Creates an array, as [`crate::Hierarchy::create_array`].
    ///
    /// # Errors
    /// Those of [`crate::Hierarchy::create_array`].
    pub fn create_array(&self, path: &str, metadata: ArrayMetadata) -> Result<Array> {
        runtime()
            .block_on(self.0.create_array(path, metadata))
            .map(Array)
    }

    /// Creates a group, as [`crate::Hierarchy::create_group`].
    ///
    /// # Errors
    /// Those of [`crate::Hierarchy::create_group`].
    pub fn create_group(&self, path: &str, attributes: Attributes) -> Result<Group> {
        runtime()
            .block_on(self.0.create_group(path, attributes))
            .map(Group)
    }

    /// Deletes a node and everything below it, as [`crate::Hierarchy::delete`].
    ///
    /// # Errors
    /// Those of [`crate::Hierarchy::delete`].
    pub fn delete(&self, path: &str) -> Result<()> {
        runtime().block_on(self.0.delete(path))
    }
}

impl Group {
    /// All nodes below, as [`crate::Group::walk`].
    ///
    /// # Errors
    /// Those of [`crate::Group::walk`].
    pub fn walk(&self) -> Result<Vec<(NodePath, NodeKind)>> {
        runtime().block_on(self.0.walk())
    }

    /// Opens an array by its path below the group, as [`crate::Group::array`].
    ///
    /// # Errors
    /// Those of [`crate::Group::array`].
    pub fn array(&self, path: &str) -> Result<Array> {
        runtime().block_on(self.0.array(path)).map(Array)
    }

    /// Consolidates metadata, as [`crate::Group::consolidate`].
    ///
    /// # Errors
    /// Those of [`crate::Group::consolidate`].
    pub fn consolidate(&mut self) -> Result<()> {
        runtime().block_on(self.0.consolidate())
    }
}

impl Array {
    /// Reads slices, as [`crate::Array::read`].
    ///
    /// # Errors
    /// Those of [`crate::Array::read`].
    pub fn read<T: Element>(&self, slices: impl AsRef<[SliceInfoElem]>) -> Result<ArrayD<T>> {
        self.read_selection(&crate::slices(slices))
    }

    /// Reads any selection, as [`crate::Array::read_selection`].
    ///
    /// # Errors
    /// Those of [`crate::Array::read_selection`].
    pub fn read_selection<T: Element>(&self, selection: &Selection) -> Result<ArrayD<T>> {
        let (resolved, output) = self.0.prepare_read::<T>(selection)?;
        self.run(self.0.read_plan(&resolved), &output)?;
        into_array(output, resolved.shape())
    }

    /// Reads any selection into an array of the shape of the result, without a copy on the way. After an error it may hold a
    /// part of the result.
    ///
    /// # Errors
    /// Those of [`crate::Array::read`], and [`Error::Shape`] where the array has another shape.
    pub fn read_into<T: Element>(
        &self,
        selection: &Selection,
        array: &mut ArrayViewMutD<'_, T>,
    ) -> Result<()> {
        let resolved = self.0.prepare_write::<T>(selection)?;
        if array.shape() != resolved.shape() {
            return Err(Error::Shape {
                found: array.shape().to_vec(),
                expected: resolved.shape().to_vec(),
            });
        }
        // SAFETY: `wait_for` does not return before all jobs have dropped their handles, nor do local reads.
        let target = unsafe { OutputLayout::borrow(array) };
        let plan = self.0.strided_plan(&resolved, &target.strides)?;
        let result = self.run(plan, &target.output);
        wait_for(|| target.output.handles());
        result
    }

    /// Reads any selection into memory of the caller, as [`crate::Array::read_output`].
    ///
    /// # Errors
    /// Those of [`crate::Array::read_output`].
    pub fn read_output(
        &self,
        selection: &Selection,
        output: Output,
        strides: &[isize],
    ) -> Result<()> {
        let plan = self.0.strided_plan(&self.0.resolve(selection)?, strides)?;
        self.run(plan, &output)
    }

    fn run(&self, plan: ReadPlan, output: &Output) -> Result<()> {
        let engine = self.0.hierarchy().engine();
        let target = Target::fixed(output.clone());
        match engine.read_blocking(&plan, &target) {
            Some(result) => result,
            None => runtime().block_on(engine.read(plan, target)),
        }
    }

    /// Writes slices, as [`crate::Array::write`], from an array of any layout, without a copy of it.
    ///
    /// # Errors
    /// Those of [`crate::Array::write`].
    pub fn write<'a, T: Element>(
        &self,
        slices: impl AsRef<[SliceInfoElem]>,
        data: impl Into<ArrayViewD<'a, T>>,
    ) -> Result<()> {
        self.write_selection(&crate::slices(slices), data)
    }

    /// Writes any selection, as [`crate::Array::write_selection`], from an array of any layout, without a copy of it.
    ///
    /// # Errors
    /// Those of [`crate::Array::write_selection`].
    pub fn write_selection<'a, T: Element>(
        &self,
        selection: &Selection,
        data: impl Into<ArrayViewD<'a, T>>,
    ) -> Result<()> {
        let data = data.into();
        let resolved = self.0.prepare_write::<T>(selection)?;
        // SAFETY: `wait_for` does not return before all jobs have dropped their handles.
        let source = unsafe { InputLayout::borrow(&data, resolved.shape())? };
        let input = source.input.clone();
        let result = runtime().block_on(self.0.write_input(&resolved, source));
        wait_for(|| input.handles());
        result
    }

    /// Reads strings or byte strings, as [`crate::Array::read_variable_selection`].
    ///
    /// # Errors
    /// Those of [`crate::Array::read_variable_selection`].
    pub fn read_variable<T: VariableElement>(&self, selection: &Selection) -> Result<ArrayD<T>> {
        runtime().block_on(self.0.read_variable_selection(selection))
    }

    /// Writes strings or byte strings, as [`crate::Array::write_variable_selection`].
    ///
    /// # Errors
    /// Those of [`crate::Array::write_variable_selection`].
    pub fn write_variable<T: VariableElement>(
        &self,
        selection: &Selection,
        data: ArrayD<T>,
    ) -> Result<()> {
        runtime().block_on(self.0.write_variable_selection(selection, data))
    }

    /// Gives the array another shape, as [`crate::Array::resize`].
    ///
    /// # Errors
    /// Those of [`crate::Array::resize`].
    pub fn resize(&mut self, shape: &[u64]) -> Result<()> {
        runtime().block_on(self.0.resize(shape))
    }

    /// The dead space of every shard, as [`crate::Array::dead_space`].
    ///
    /// # Errors
    /// Those of [`crate::Array::dead_space`].
    pub fn dead_space(&self) -> Result<Vec<DeadSpace>> {
        runtime().block_on(self.0.dead_space())
    }

    /// Stores shards again without their dead space, as [`crate::Array::compact`].
    ///
    /// # Errors
    /// Those of [`crate::Array::compact`].
    pub fn compact(&self, percent: u8) -> Result<Compaction> {
        runtime().block_on(self.0.compact(percent))
    }

    /// Replaces the attributes, as [`crate::Array::set_attributes`].
    ///
    /// # Errors
    /// Those of [`crate::Array::set_attributes`].
    pub fn set_attributes(&mut self, attributes: Attributes) -> Result<()> {
        runtime().block_on(self.0.set_attributes(attributes))
    }
}

/// Waits until only the caller's own handle of a buffer is left: after an error, jobs may still run for a moment.
fn wait_for(handles: impl Fn() -> usize) {
    while handles() > 1 {
        std::thread::yield_now();
    }
}
