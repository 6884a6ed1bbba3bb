//! Reads of fixed-size elements.

use std::sync::Arc;

use pyo3::prelude::*;
use zarr_core::{Output, Selection};

use super::NativeArray;
use super::finish::Finish;
use super::key::Wanted;
use super::memory::{Fresh, check_shape, lend_output};
use super::node::OpenArray;
use super::variable::read_variable;
use crate::error::{Error, Result};
use crate::{events, runtime};

/// Local reads that decode at most this many bytes run on the calling thread: they finish within a
/// few milliseconds, and handing most of them to another thread would take longer.
const INLINE: u64 = 4 << 20;

/// A planned read and its output.
struct Task {
    open: Arc<OpenArray>,
    selection: Selection,
    output: Output,
    strides: Vec<isize>,
}

/// The memory that a read filled.
enum Filled {
    Fresh(Fresh),
    /// The memory of the output array.
    Lent,
}

/// A completed read.
struct Done {
    filled: Filled,
    finish: Finish,
}

impl NativeArray {
    pub(super) fn read_now<'py>(
        &self,
        py: Python<'py>,
        open: Arc<OpenArray>,
        wanted: Wanted,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if open.is_variable() {
            let (read, finish) = read_variable(py, open, wanted, out)?;
            let elements = runtime::wait(py, read)?;
            return finish.strings(py, elements);
        }
        let is_small = wanted.decoded <= INLINE
            && open
                .array
                .as_async()
                .hierarchy()
                .store()
                .as_local()
                .is_some();
        let (task, done) = self.start(py, open, wanted, out)?;
        if is_small {
            events::listen(py);
            let read = py.detach(|| task.run());
            events::deliver(py);
            read?;
        } else {
            runtime::wait(py, task.run_async())?;
        }
        done.into_pyobject(py)
    }

    pub(super) fn read_later<'py>(
        &self,
        py: Python<'py>,
        open: Arc<OpenArray>,
        wanted: Wanted,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if open.is_variable() {
            let (read, finish) = read_variable(py, open, wanted, out)?;
            return runtime::awaitable(py, async move { Ok(finish.with(read.await?)) });
        }
        let (task, done) = self.start(py, open, wanted, out)?;
        runtime::awaitable(py, async move {
            task.run_async().await?;
            Ok(done)
        })
    }

    fn start<'py>(
        &self,
        py: Python<'py>,
        open: Arc<OpenArray>,
        wanted: Wanted,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Task, Done)> {
        let dtype = open.dtype(py)?.clone();
        let lent = match out {
            None => None,
            Some(out) => match place(out, &wanted)? {
                Some(view) => lend_output(&view, &dtype)?,
                None => None,
            },
        };
        let (filled, output, strides) = match lent {
            Some((output, strides)) => (Filled::Lent, output, strides),
            None => {
                let fresh = Fresh::new(&wanted.shape, open.item_size, open.is_fortran)?;
                let output = fresh.output.clone();
                let strides = fresh.strides.clone();
                (Filled::Fresh(fresh), output, strides)
            }
        };
        let task = Task {
            open,
            selection: wanted.selection,
            output,
            strides,
        };
        let finish = Finish {
            shape: wanted.shape,
            dtype: dtype.unbind(),
            arranged: wanted.arranged,
            scalar: wanted.scalar,
            out: out.map(|out| out.clone().unbind()),
        };
        Ok((task, Done { filled, finish }))
    }
}

/// Returns the output array in the engine's shape; `None` if that requires a copy.
fn place<'py>(out: &Bound<'py, PyAny>, wanted: &Wanted) -> PyResult<Option<Bound<'py, PyAny>>> {
    match &wanted.arranged {
        None => {
            check_shape(out, &wanted.shape)?;
            Ok(Some(out.clone()))
        }
        Some(prepared) => {
            let view = prepared.bind(out.py()).call_method1("place", (out,))?;
            Ok((!view.is_none()).then_some(view))
        }
    }
}

impl Task {
    fn run(self) -> Result<()> {
        let array = &self.open.array;
        array.read_output(&self.selection, self.output, &self.strides)?;
        Ok(())
    }

    async fn run_async(self) -> Result<()> {
        let array = self.open.array.as_async();
        array
            .read_output(&self.selection, self.output, &self.strides)
            .await?;
        Ok(())
    }
}

impl<'py> IntoPyObject<'py> for Done {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.filled {
            Filled::Fresh(fresh) => {
                let array = fresh.into_array(py, &self.finish.shape, self.finish.dtype.bind(py))?;
                self.finish.arrange(array)
            }
            Filled::Lent => self
                .finish
                .out
                .map(|out| out.into_bound(py))
                .ok_or_else(|| {
                    Error::from(zarr::Error::Internal {
                        reason: "the output array is missing".to_owned(),
                    })
                    .into()
                }),
        }
    }
}
