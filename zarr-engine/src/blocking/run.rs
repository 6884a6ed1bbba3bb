//! Calls that run on this thread where possible and lend caller-owned memory to jobs.

use futures::stream::{Stream, StreamExt};
use ndarray::{ArrayViewMut, Dimension};
use zarr_core::plan::ReadPlan;

use super::wait;
use crate::array::{
    Data, InputLayout, OutputLayout, ReadAs, ReadElement, Select, WriteData, plain,
};
use crate::engine::Target;
use crate::error::{At, Result};

/// Iterates over the items of a stream, waiting for each item on demand.
pub(super) fn each<T>(stream: impl Stream<Item = T> + Send) -> impl Iterator<Item = T> + Send {
    let mut stream = Box::pin(stream);
    std::iter::from_fn(move || wait(stream.next()))
}

/// Reads on this thread if the store is local.
pub(super) fn read<T: ReadAs>(array: &crate::Array, selection: impl Select) -> Result<T::Output> {
    let (plan, new) = array.start_read::<T>(&selection)?;
    let read = run(array, plan, new.target());
    array.end_read::<T>(read, new)
}

pub(super) fn read_into<T: ReadElement, D: Dimension>(
    array: &crate::Array,
    selection: impl Select,
    into: ArrayViewMut<'_, T, D>,
) -> Result<()> {
    let Some(plain) = plain::<T>(array.data_type()) else {
        return wait(array.read_into(selection, into));
    };
    let resolved = array.prepare::<T>(&selection)?;
    array.check_shape(&resolved, into.shape())?;
    let mut into = into.into_dyn();
    // SAFETY: `lent` waits until all jobs have dropped their handles.
    let target = unsafe { OutputLayout::borrow(&mut into, &plain) };
    let lent = Lent(|| target.output.handles());
    let plan = array.strided_plan(&resolved, &target.strides)?;
    let result = run(array, plan, Target::fixed(target.output.clone()));
    drop(lent);
    result.at(array.path())
}

/// Writes data without copying views.
pub(super) fn write<'a, W: WriteData<'a>>(
    array: &crate::Array,
    selection: impl Select,
    data: W,
) -> Result<()> {
    let Some(plain) = plain::<W::Element>(array.data_type()) else {
        return wait(array.write(selection, data));
    };
    let resolved = array.prepare::<W::Element>(&selection)?;
    let data = match data.into_data(resolved.shape()).at(array.path())? {
        Data::Array(data) => data,
        Data::Elements(elements) => return wait(array.write(selection, elements)),
    };
    let view = data.view();
    // SAFETY: `_lent` waits until all jobs have dropped their handles.
    let source = unsafe { InputLayout::borrow(&view, resolved.shape(), &plain) };
    let source = source.at(array.path())?;
    let input = source.input.clone();
    let _lent = Lent(|| input.handles());
    wait(array.write_layout(&resolved, source))
}

pub(super) fn run(array: &crate::Array, plan: ReadPlan, target: Target) -> Result<()> {
    let engine = array.hierarchy().engine();
    match engine.read_blocking(&plan, &target) {
        Some(result) => result,
        None => wait(engine.read(plan, target)),
    }
}

/// Memory lent to jobs. When dropped, also by a panic, waits until only the caller's own handle is
/// left: jobs may still run briefly. The function returns the number of handles.
struct Lent<F: Fn() -> usize>(F);

impl<F: Fn() -> usize> Drop for Lent<F> {
    fn drop(&mut self) {
        while (self.0)() > 1 {
            std::thread::yield_now();
        }
    }
}
