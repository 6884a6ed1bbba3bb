//! The store that Python holds: what it was opened with, and in each process the store and the engine over it.

use pyo3::prelude::*;
use zarr::Hierarchy;
use zarr::process::PerProcess;
use zarr_store::Store;

use crate::error::Result;

/// A store and the engine over it, which shares its caches with everything that uses the store.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) store: Store,
    pub(crate) hierarchy: Hierarchy,
}

/// What a store is opened with, again in each process that uses it.
#[derive(Clone, Debug)]
enum Recipe {
    Url {
        url: String,
        options: Vec<(String, String)>,
    },
}

/// The native half of `zarr_py.Store`.
#[pyclass(frozen, module = "zarr_py._native")]
pub(crate) struct NativeStore {
    recipe: Recipe,
    handle: PerProcess<Handle>,
}

impl NativeStore {
    /// The store in this process.
    pub(crate) fn handle(&self) -> Result<Handle> {
        let handle = self.handle.get_or_try_make(|| self.recipe.open())?;
        Ok((*handle).clone())
    }
}

impl Recipe {
    fn open(&self) -> Result<Handle> {
        let store = match self {
            Self::Url { url, options } => Store::open_with(url, options.clone())?,
        };
        let hierarchy = Hierarchy::new(store.clone(), zarr::registry());
        Ok(Handle { store, hierarchy })
    }
}

#[pymethods]
impl NativeStore {
    #[new]
    #[pyo3(signature = (url, options = Vec::new()))]
    fn new(url: String, options: Vec<(String, String)>) -> PyResult<Self> {
        let store = Self {
            recipe: Recipe::Url { url, options },
            handle: PerProcess::new(),
        };
        store.handle()?;
        Ok(store)
    }

    /// Where the store is, without secrets.
    #[getter]
    fn location(&self) -> PyResult<String> {
        Ok(self.handle()?.store.location().to_owned())
    }
}
