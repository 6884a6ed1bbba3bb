//! Sizes and listings.

use futures::stream;
use futures::{StreamExt, TryStreamExt};
use pyo3::prelude::*;
use zarr_store::Store;

use super::NativeStore;
use super::batches::{Batch, Batches};
use crate::error::{Error, Result};

async fn size(store: Store, key: String) -> Result<Option<u64>> {
    Ok(store.size(&key).await?)
}

#[pymethods]
impl NativeStore {
    /// The size of an object in bytes, or an awaitable of it; `None` if the object does not exist.
    fn size<'py>(&self, py: Python<'py>, key: String) -> PyResult<Bound<'py, PyAny>> {
        self.call(py, size(self.store()?, key))
    }

    /// The size of an object in bytes, blocking; `None` if the object does not exist.
    fn size_sync(&self, py: Python<'_>, key: String) -> PyResult<Option<u64>> {
        let store = self.store()?;
        self.wait(py, size(store, key))
    }

    /// The total size of all objects below a prefix in bytes, or an awaitable of it.
    fn size_prefix<'py>(&self, py: Python<'py>, prefix: String) -> PyResult<Bound<'py, PyAny>> {
        let entries = self.store()?.list(&prefix);
        self.call(py, async move {
            let sizes = entries.try_fold(0_u64, |sum, entry| {
                std::future::ready(Ok(sum.saturating_add(entry.size)))
            });
            Ok(sizes.await?)
        })
    }

    /// Whether no object is below a prefix, or an awaitable of that.
    fn is_empty<'py>(&self, py: Python<'py>, prefix: String) -> PyResult<Bound<'py, PyAny>> {
        let mut entries = self.store()?.list(&prefix);
        self.call(py, async move { Ok(entries.try_next().await?.is_none()) })
    }

    /// The keys and sizes of all objects below a prefix, blocking.
    fn entries_sync(&self, py: Python<'_>, prefix: &str) -> PyResult<Vec<(String, u64)>> {
        let entries = self.store()?.list(prefix);
        self.wait(py, async move {
            let entries = entries.map_ok(|entry| (entry.key, entry.size));
            Ok(entries.try_collect().await?)
        })
    }

    /// All keys with a prefix, in batches.
    fn list_keys(&self, prefix: &str) -> PyResult<Batches> {
        let store = self.store()?;
        let (directory, start) = match prefix.rsplit_once('/') {
            Some((directory, start)) => (directory.to_owned(), start),
            None => (String::new(), prefix),
        };
        if start.is_empty() {
            let keys = store.list_keys(&directory);
            return Ok(Batches::start(
                keys.map_ok(Batch::Keys).map_err(Error::from).boxed(),
            ));
        }
        let start = start.to_owned();
        let found = stream::once(async move {
            let listing = store.list_dir(&directory).await?;
            let below = |name: &str| match directory.is_empty() {
                true => name.to_owned(),
                false => format!("{directory}/{name}"),
            };
            let wanted = |name: &&String| name.starts_with(&start);
            let keys = listing.keys.iter().filter(wanted).map(|name| below(name));
            let keys: Vec<String> = keys.collect();
            let prefixes = listing.prefixes.iter().filter(wanted);
            let prefixes: Vec<String> = prefixes.map(|name| below(name)).collect();
            let deeper = stream::iter(prefixes)
                .map(move |prefix| Ok(store.list_keys(&prefix)))
                .try_flatten();
            let keys = (!keys.is_empty()).then_some(Ok(keys));
            Ok::<_, Error>(stream::iter(keys).chain(deeper).map_err(Error::from))
        });
        Ok(Batches::start(
            found.try_flatten().map_ok(Batch::Keys).boxed(),
        ))
    }

    /// The names directly below a prefix, or an awaitable of them.
    fn list_names<'py>(&self, py: Python<'py>, prefix: String) -> PyResult<Bound<'py, PyAny>> {
        let store = self.store()?;
        self.call(py, async move {
            let listing = store.list_dir(&prefix).await?;
            let mut names = listing.keys;
            names.extend(listing.prefixes);
            names.sort_unstable();
            names.dedup();
            Ok(names)
        })
    }
}
