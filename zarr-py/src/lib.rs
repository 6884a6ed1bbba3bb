//! The Python package `zarr_py`: the native half, which the Python files in `python/zarr_py` are thin covers of.
//!
//! `store` is what `zarr_py.Store` calls, `pipeline` what `zarr_py.CodecPipeline` calls, `array` the arrays and groups that
//! need no zarr-python. Under them: `runtime` waits (for a thread or for an event loop), `error` makes Python's exceptions,
//! `buffer` passes bytes without copying them.
//!
//! Nothing here holds the GIL while it waits or computes, and nothing survives a fork: see [`zarr::process::PerProcess`].

mod array;
mod buffer;
mod error;
mod lent;
mod pipeline;
mod runtime;
mod store;

use pyo3::prelude::*;

/// The native half of `zarr_py`.
#[pymodule(gil_used = false)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::array::{
        Memory, NativeArray, NativeGroup, Opened, bind_node, create_array, create_group, open_node,
    };
    #[pymodule_export]
    use crate::buffer::Buffer;
    #[pymodule_export]
    use crate::pipeline::NativePipeline;
    #[pymodule_export]
    use crate::store::Batches;
    #[pymodule_export]
    use crate::store::NativeStore;

    /// Whether this is a local path, rather than a URL or a mistake in one.
    #[pyfunction]
    fn is_path(url: &str) -> bool {
        zarr_store::Store::is_path(url)
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let close = wrap_pyfunction!(crate::runtime::close, module)?;
        module
            .py()
            .import("atexit")?
            .call_method1("register", (close,))?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
