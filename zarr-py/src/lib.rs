//! The Python package `zarr_py`: the native half, which the Python files in `python/zarr_py` are thin covers of.
//!
//! `store` is what `zarr_py.Store` calls, `pipeline` what `zarr_py.CodecPipeline` calls, `array` the arrays and groups that
//! need no zarr-python. Under them: `runtime` waits (for a thread or for an event loop), `events` tells what was requested,
//! `error` makes Python's exceptions, `buffer` passes bytes without copying them.
//!
//! Nothing here holds the GIL while it waits or computes, and nothing survives a fork: see [`zarr::process::PerProcess`].

mod array;
mod buffer;
mod error;
mod events;
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
        Memory, NativeArray, NativeGroup, Opened, bind_node, check_zarr_2, create_array,
        create_group, create_like, open_node,
    };
    #[pymodule_export]
    use crate::buffer::Buffer;
    #[pymodule_export]
    use crate::events::RequestCounter;
    #[pymodule_export]
    use crate::pipeline::NativePipeline;
    #[pymodule_export]
    use crate::store::Batches;
    #[pymodule_export]
    use crate::store::{NativeStore, ObjectVersion};

    /// Whether this is a local path, rather than a URL or a mistake in one.
    #[pyfunction]
    fn is_path(url: &str) -> bool {
        zarr_store::Store::is_path(url)
    }

    /// Sets the number of computing threads; 0 is one a core.
    #[pyfunction]
    fn set_threads(count: usize) -> PyResult<()> {
        Ok(zarr::limits::set_threads(count).map_err(crate::error::Error::from)?)
    }

    /// The number of computing threads.
    #[pyfunction]
    fn threads() -> usize {
        zarr::limits::threads()
    }

    /// Sets the encoded bytes that wait for decoding, for each store that is opened from now on.
    #[pyfunction]
    fn set_bytes_in_flight(size: u64) {
        zarr::limits::set_bytes_in_flight(size);
    }

    /// The encoded bytes that wait for decoding at most.
    #[pyfunction]
    fn bytes_in_flight() -> u64 {
        zarr::limits::bytes_in_flight()
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::events::start();
        let close = wrap_pyfunction!(crate::runtime::close, module)?;
        module
            .py()
            .import("atexit")?
            .call_method1("register", (close,))?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
