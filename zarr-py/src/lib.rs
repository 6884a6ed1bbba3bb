//! The native half of the Python package `zarr_py`; the Python files in `python/zarr_py` are thin
//! wrappers around it.
//!
//! `store` implements `zarr_py.Store`, `pipeline` implements `zarr_py.CodecPipeline`, and `array`
//! implements arrays and groups that need no zarr-python. Below them, `runtime` waits (for a thread
//! or for an event loop), `events` reports requests, `error` builds Python exceptions, `buffer`
//! passes bytes without copying them, and `elements` makes Python strings.
//!
//! Nothing in this crate holds the GIL while it waits or computes, except calls on in-memory stores
//! and reads from the page cache (see `store`). No state survives a fork: see
//! [`zarr::process::PerProcess`].

mod array;
mod buffer;
mod elements;
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
        Memory, NativeArray, NativeGroup, NativeTasks, Opened, bind_node, check_zarr_2, copy_node,
        create_array, create_group, create_like, open_node, overlap,
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

    /// Whether a text is a local path, and neither a URL nor a mistyped URL.
    #[pyfunction]
    fn is_path(url: &str) -> bool {
        zarr_store::Store::is_path(url)
    }

    /// Sets the number of compute threads; 0 means one per core.
    #[pyfunction]
    fn set_threads(count: usize) -> PyResult<()> {
        Ok(zarr::limits::set_threads(count).map_err(crate::error::Error::from)?)
    }

    /// The number of compute threads.
    #[pyfunction]
    fn threads() -> usize {
        zarr::limits::threads()
    }

    /// Sets the limit of encoded bytes that wait for decoding, for each store opened from now on.
    #[pyfunction]
    fn set_bytes_in_flight(size: u64) {
        zarr::limits::set_bytes_in_flight(size);
    }

    /// The limit of encoded bytes that wait for decoding.
    #[pyfunction]
    fn bytes_in_flight() -> u64 {
        zarr::limits::bytes_in_flight()
    }

    /// Runs the command line `zarrctl`, and returns its exit code.
    #[cfg(feature = "zarrctl")]
    #[pyfunction]
    fn zarrctl(py: Python<'_>, args: Vec<std::ffi::OsString>) -> u8 {
        py.detach(|| ::zarrctl::main_with(args))
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
