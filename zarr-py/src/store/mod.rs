//! The native store. `recipe` holds the arguments that the store was opened with, from which each
//! process builds the store and its engine; `read`, `write` and `list` implement `zarr_py.Store`,
//! `objects` implements `zarr_py.objects`; `coalesce` plans byte ranges for zarr-python, `batches`
//! delivers many results. `called` makes a store from a Python object, which may live on an
//! `event_loop`, `credentials` from a function; `memory` tracks in-memory stores by name.
//!
//! Reads served from memory or the page cache keep the GIL, because releasing it costs more than
//! the read. Everything else releases it.

mod batches;
mod byte_range;
mod called;
mod coalesce;
mod credentials;
mod event_loop;
mod list;
mod memory;
mod objects;
mod read;
mod recipe;
mod write;

use futures::FutureExt;
use futures::executor::block_on;
use pyo3::BoundObject;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use zarr::process::PerProcess;
use zarr::{Hierarchy, Strictness};
use zarr_store::Store;

pub(crate) use self::batches::{Batch, Batches};
use self::called::Called;
use self::credentials::Provider;
pub(crate) use self::objects::ObjectVersion;
use self::recipe::{Recipe, Settings, Source};
use crate::error::Result;
use crate::events::RequestCounter;
use crate::{events, runtime};

/// A store and its engine, which shares its caches with all users of the store.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) store: Store,
    pub(crate) hierarchy: Hierarchy,
}

/// The native half of `zarr_py.Store`.
#[pyclass(frozen, weakref, module = "zarr_py._native")]
pub(crate) struct NativeStore {
    recipe: Recipe,
    handle: PerProcess<Handle>,
}

impl NativeStore {
    /// Returns the store in this process.
    pub(crate) fn handle(&self) -> Result<Handle> {
        let handle = self.handle.get_or_try_make(|| self.recipe.open())?;
        Ok((*handle).clone())
    }

    fn store(&self) -> Result<Store> {
        let handle = self.handle.get_or_try_make(|| self.recipe.open())?;
        Ok(handle.store.clone())
    }

    /// Fails if the store refuses every write.
    pub(crate) fn check_writable(&self) -> Result<()> {
        let handle = self.handle.get_or_try_make(|| self.recipe.open())?;
        Ok(handle.store.check_writable()?)
    }

    /// Whether a call only needs a short lock: such a call keeps the GIL, which excludes forks, so
    /// no child inherits a taken lock.
    fn is_memory(&self) -> bool {
        matches!(self.recipe.source, Source::Memory { .. })
    }

    /// Whether this is a local directory or a store in memory.
    pub(crate) fn is_near(&self) -> Result<bool> {
        Ok(self.is_memory() || self.store()?.as_local().is_some())
    }

    /// Runs a call without the GIL: on this thread if it needs no network, otherwise where Ctrl-C
    /// interrupts.
    fn wait<T: Send + 'static>(
        &self,
        py: Python<'_>,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> PyResult<T> {
        let store = self.store()?;
        if !self.is_memory() && store.is_remote() {
            return runtime::wait(py, call);
        }
        events::listen(py);
        let result = if self.is_memory() {
            block_on(call)
        } else {
            py.detach(|| block_on(call))
        };
        events::deliver(py);
        Ok(result?)
    }

    /// Returns an awaitable of a call; for an in-memory store, its result.
    fn call<'py, T>(
        &self,
        py: Python<'py>,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        T: for<'a> IntoPyObject<'a> + Send + 'static,
    {
        let mut call = call.boxed();
        if self.is_memory()
            && let Some(answer) = (&mut call).now_or_never()
        {
            let answer = answer?.into_pyobject(py).map_err(Into::into)?;
            return Ok(answer.into_bound().into_any());
        }
        runtime::awaitable(py, call)
    }

    /// Opens lazily: a pickle may be loaded where opening the store fails.
    fn from_recipe(source: Source, settings: Settings) -> Self {
        Self {
            recipe: Recipe {
                source,
                settings,
                strictness: Strictness::default(),
            },
            handle: PerProcess::new(),
        }
    }
}

#[pymethods]
impl NativeStore {
    /// Opens a store at a URL or path, with options named as in `object_store`.
    #[new]
    #[pyo3(signature = (url, options = Vec::new(), *, credential_provider = None, settings = Settings::default()))]
    fn new(
        url: String,
        options: Vec<(String, String)>,
        credential_provider: Option<Py<PyAny>>,
        settings: Settings,
    ) -> Self {
        let source = Source::Url {
            url,
            options,
            credentials: credential_provider.map(Provider::new),
        };
        Self::from_recipe(source, settings)
    }

    /// Wraps a Python object behind a `zarr_py._called.Calls`.
    #[staticmethod]
    #[pyo3(signature = (calls, name, *, missing_on_forbidden = false, single_writer = false, settings = Settings::default()))]
    fn called(
        calls: Py<PyAny>,
        name: String,
        missing_on_forbidden: bool,
        single_writer: bool,
        settings: Settings,
    ) -> Self {
        let source = Source::Called {
            called: Called::new(calls, name),
            missing_on_forbidden,
            single_writer,
            bare: false,
        };
        Self::from_recipe(source, settings)
    }

    /// Wraps a zarr-python store, which only maps keys to bytes, behind a `zarr_py._foreign.Calls`.
    #[staticmethod]
    #[pyo3(signature = (calls, name, *, max_concurrency = None))]
    fn on_event_loop(calls: Py<PyAny>, name: String, max_concurrency: Option<usize>) -> Self {
        let source = Source::Called {
            called: Called::on_event_loop(calls, name),
            missing_on_forbidden: false,
            single_writer: false,
            bare: true,
        };
        let settings = Settings {
            max_concurrency,
            ..Settings::default()
        };
        Self::from_recipe(source, settings)
    }

    /// Opens an in-memory store: the one of this name in this process, or a new one.
    #[staticmethod]
    #[pyo3(signature = (name = None, prefix = "", *, settings = Settings::default()))]
    fn memory(name: Option<&str>, prefix: &str, settings: Settings) -> Self {
        let source = Source::Memory {
            memory: memory::open(name),
            prefix: prefix.to_owned(),
        };
        Self::from_recipe(source, settings)
    }

    /// Finds the in-memory store of a pickle by its name and identity.
    #[staticmethod]
    #[pyo3(signature = (name, identity, prefix = "", *, settings = Settings::default()))]
    fn memory_again(name: &str, identity: u64, prefix: &str, settings: Settings) -> Self {
        let source = match memory::find(name, identity) {
            Some(memory) => Source::Memory {
                memory,
                prefix: prefix.to_owned(),
            },
            None => Source::Gone(memory::not_here(name)),
        };
        Self::from_recipe(source, settings)
    }

    /// Returns this store with strict parsing of documents. A store that cannot be opened raises on
    /// first use.
    fn strict(&self) -> Self {
        let recipe = Recipe {
            strictness: Strictness::Strict,
            ..self.recipe.clone()
        };
        let handle = match self.store() {
            Ok(store) => PerProcess::of(recipe.over(store)),
            Err(_) => PerProcess::new(),
        };
        Self { recipe, handle }
    }

    /// The location of the store, without secrets.
    #[getter]
    fn location(&self) -> PyResult<String> {
        Ok(self.store()?.location().to_owned())
    }

    /// Whether the directory of a local store is a file.
    #[getter]
    fn is_file(&self) -> PyResult<bool> {
        let store = self.store()?;
        Ok(store.as_local().is_some_and(|local| local.root().is_file()))
    }

    /// Whether calls need a network.
    #[getter]
    fn is_remote(&self) -> PyResult<bool> {
        Ok(self.store()?.is_remote())
    }

    /// Whether every write is refused, as in an archive.
    #[getter]
    fn is_read_only(&self) -> PyResult<bool> {
        Ok(self.store()?.is_read_only())
    }

    /// Whether listings are supported.
    #[getter]
    fn can_list(&self) -> PyResult<bool> {
        Ok(self.store()?.can_list())
    }

    /// The name and identity of an in-memory store.
    #[getter]
    fn memory_name(&self) -> Option<(String, u64)> {
        match &self.recipe.source {
            Source::Memory { memory, .. } => Some((memory.name.clone(), memory.identity)),
            _ => None,
        }
    }

    /// Counts requests for objects whose keys start with a prefix.
    fn count_requests(&self, prefix: &str) -> PyResult<RequestCounter> {
        Ok(RequestCounter::new(self.store()?.location(), prefix))
    }

    /// Request and byte counts in this process so far, by kind.
    pub(crate) fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        events::by_kind(py, self.store()?.requests())
    }
}
