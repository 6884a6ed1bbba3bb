//! Puts and deletes. Values are copied first, so later changes by the caller have no effect.

use bytes::Bytes;
use pyo3::prelude::*;
use zarr_store::{ErrorKind, Precondition, Store};

use super::NativeStore;
use crate::buffer::copy_of;
use crate::error::Result;

/// The Python result `None`.
type Nothing = Option<bool>;

async fn put(store: Store, key: String, value: Bytes) -> Result<Nothing> {
    store.put(&key, vec![value], Precondition::None).await?;
    Ok(None)
}

async fn delete(store: Store, key: String) -> Result<Nothing> {
    store.delete(&key).await?;
    Ok(None)
}

#[pymethods]
impl NativeStore {
    /// Puts an object; returns `None` or an awaitable of it.
    fn set<'py>(
        &self,
        py: Python<'py>,
        key: String,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (store, value) = (self.store()?, copy_of(value)?);
        self.call(py, put(store, key, value))
    }

    /// Puts an object, blocking.
    fn set_sync(&self, py: Python<'_>, key: String, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let (store, value) = (self.store()?, copy_of(value)?);
        self.wait(py, put(store, key, value))?;
        Ok(())
    }

    /// Puts an object if the key is absent; returns whether it did, or an awaitable of that.
    fn set_if_absent<'py>(
        &self,
        py: Python<'py>,
        key: String,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (store, value) = (self.store()?, copy_of(value)?);
        self.call(py, async move {
            match store.put(&key, vec![value], Precondition::IfAbsent).await {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Deletes an object if it exists; returns `None` or an awaitable of it.
    fn delete<'py>(&self, py: Python<'py>, key: String) -> PyResult<Bound<'py, PyAny>> {
        let store = self.store()?;
        self.call(py, delete(store, key))
    }

    /// Deletes an object if it exists, blocking.
    fn delete_sync(&self, py: Python<'_>, key: String) -> PyResult<()> {
        let store = self.store()?;
        self.wait(py, delete(store, key))?;
        Ok(())
    }

    /// Deletes everything below a prefix; returns `None` or an awaitable of it.
    fn delete_prefix<'py>(&self, py: Python<'py>, prefix: String) -> PyResult<Bound<'py, PyAny>> {
        let store = self.store()?;
        self.call(py, async move {
            store.delete_prefix(&prefix).await?;
            Ok(None::<bool>)
        })
    }
}
