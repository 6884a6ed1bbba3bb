//! Writes of fixed-size elements.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::NativeArray;
use super::answer::Answer;
use super::key::Wanted;
use super::memory::lend_input;
use super::node::OpenArray;
use super::variable::write_variable;
use crate::error::Result;
use crate::runtime;

type Write = futures::future::BoxFuture<'static, Result<()>>;

impl NativeArray {
    pub(super) fn write_now(
        &self,
        py: Python<'_>,
        open: Arc<OpenArray>,
        wanted: Wanted,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let write = self.prepare_write(py, open, wanted, value)?;
        runtime::wait(py, write)
    }

    pub(super) fn write_later<'py>(
        &self,
        py: Python<'py>,
        open: Arc<OpenArray>,
        wanted: Wanted,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let write = self.prepare_write(py, open, wanted, value)?;
        runtime::awaitable(py, async move {
            write.await?;
            Ok(Answer::Nothing)
        })
    }

    fn prepare_write(
        &self,
        py: Python<'_>,
        open: Arc<OpenArray>,
        wanted: Wanted,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<Write> {
        static TO_MEMORY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        self.handle.check_writable()?;
        let to_memory = TO_MEMORY.import(py, "zarr_py._dtypes", "to_memory")?;
        let mut value = to_memory.call1((value, open.dtype(py)?))?;
        if let Some(prepared) = &wanted.arranged {
            value = prepared.bind(py).call_method1("give", (value,))?;
        }
        if open.is_variable() {
            return write_variable(open, wanted, &value);
        }
        let (input, strides) = lend_input(&value, &wanted.shape)?;
        let selection = wanted.selection;
        Ok(Box::pin(async move {
            let array = open.array.as_async();
            array.write_input(&selection, input, &strides).await?;
            Ok(())
        }))
    }
}
