//! The arguments that a store was opened with; each process opens it anew.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use zarr::{CacheOptions, ChunkForm, Hierarchy, Strictness, WriteOptions};
use zarr_store::{CostModel, CredentialSource, Deadline, Store};

use super::Handle;
use super::called::Called;
use super::credentials::Provider;
use super::memory::Memory;
use crate::error::{Error, Result};

/// All arguments of a store.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) source: Source,
    pub(super) settings: Settings,
    /// Whether documents must follow the specification, or may use spellings of other libraries.
    pub(super) strictness: Strictness,
}

/// The settings of the engine: attributes of the Python object `zarr_py._source.Source`.
#[derive(Clone, Debug, FromPyObject)]
pub(super) struct Settings {
    /// Limit of requests in flight.
    pub(super) max_concurrency: Option<usize>,
    /// Size of the chunk cache, in bytes.
    pub(super) cache_bytes: u64,
    /// The form of cached chunks: `"encoded"` or `"decoded"`.
    pub(super) cache_form: String,
    /// The most dead space that a write leaves in a shard, in percent.
    pub(super) dead_space: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_concurrency: None,
            cache_bytes: 0,
            cache_form: "encoded".to_owned(),
            dead_space: WriteOptions::default().dead_space,
        }
    }
}

#[derive(Clone)]
pub(super) enum Source {
    Url {
        url: String,
        options: Vec<(String, String)>,
        credentials: Option<Provider>,
    },
    Called {
        called: Called,
        missing_on_forbidden: bool,
        single_writer: bool,
        /// Whether the store only maps keys to bytes: without versions, sizes and conditions.
        bare: bool,
    },
    Memory {
        memory: Arc<Memory>,
        prefix: String,
    },
    /// An in-memory store of another process, with the reason why it is unavailable.
    Gone(String),
}

impl Recipe {
    pub(super) fn open(&self) -> Result<Handle> {
        let mut store = match &self.source {
            Source::Url {
                url,
                options,
                credentials,
            } => {
                let source = credentials.clone();
                let source = source.map(|source| Arc::new(source) as Arc<dyn CredentialSource>);
                Store::open_with_credentials(url, options.clone(), source)?
            }
            Source::Called {
                called,
                missing_on_forbidden,
                single_writer,
                bare,
            } => {
                let mut store = Store::new(Arc::new(called.clone()), called.name.clone());
                if *missing_on_forbidden {
                    store = store.with_missing_on_403();
                }
                if *single_writer {
                    store = store.with_single_writer();
                }
                if *bare {
                    store = bare_store(store);
                }
                store
            }
            Source::Memory { memory, prefix } => memory.store().with_prefix(prefix)?,
            Source::Gone(reason) => return Err(Error::Named("InvalidError", reason.clone())),
        };
        if let Some(most) = self.settings.max_concurrency {
            let mut cost = store.cost_model().clone();
            cost.max_in_flight = most;
            store = store.with_cost_model(cost);
        }
        Ok(self.over(store))
    }

    /// Returns the engine over an open store.
    pub(super) fn over(&self, store: Store) -> Handle {
        let settings = &self.settings;
        let caches = CacheOptions {
            chunk_size: settings.cache_bytes,
            chunk_form: match settings.cache_form.as_str() {
                "decoded" => ChunkForm::Decoded,
                _ => ChunkForm::Encoded,
            },
            ..CacheOptions::default()
        };
        let options = WriteOptions {
            dead_space: settings.dead_space,
            ..WriteOptions::default()
        };
        let registry = zarr::registry().with_strictness(self.strictness);
        let hierarchy = Hierarchy::with_caches(store.clone(), registry, caches);
        let hierarchy = hierarchy.with_write_options(options);
        Handle { store, hierarchy }
    }
}

/// Wraps a bare store: adds no deadline, and reads each range in one request, as its callers do.
fn bare_store(store: Store) -> Store {
    let cost = CostModel {
        split: false,
        ..CostModel::object()
    };
    let deadline = Deadline {
        base: Duration::MAX,
        ..Deadline::default()
    };
    store
        .with_bare_backend()
        .with_cost_model(cost)
        .with_deadline(deadline)
}

impl fmt::Debug for Source {
    /// Omits URLs and options, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Url { .. } => "Url",
            Self::Called { .. } => "Called",
            Self::Memory { .. } => "Memory",
            Self::Gone(_) => "Gone",
        })
    }
}
