//! The Python package `zarr_py`. So far only the shell of it: a module that loads and knows its version.

use pyo3::prelude::*;

/// Zarr for Python, by the Rust engine.
#[pymodule]
mod zarr_py {
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
