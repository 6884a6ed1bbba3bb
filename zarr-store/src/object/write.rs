//! Puts and deletes: one request for an object as a whole, and the settling of lost acknowledgements.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutOptions, PutPayload};
use zarr_core::ByteRange;

use super::ObjectBackend;
use super::read::Read;
use crate::error::{Error, Result};
use crate::version::{Precondition, Version};
use crate::{Store, key};

impl ObjectBackend {
    pub(crate) async fn put(
        &self,
        store: &Store,
        key: &str,
        payload: Vec<Bytes>,
        precondition: Precondition,
    ) -> Result<Version> {
        let put = Put {
            backend: self.clone(),
            store: store.clone(),
            path: self.path(store, key)?,
            key: key.to_owned(),
            payload,
        };
        self.request(store, key, async move { put.run(precondition).await })
            .await
    }

    pub(crate) async fn delete(&self, store: &Store, key: &str) -> Result<()> {
        let path = self.path(store, key)?;
        let (backend, owned, place) = (self.clone(), store.clone(), key.to_owned());
        self.request(store, key, async move {
            owned.counters().delete();
            match backend.store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(Self::error(&owned, &place, "delete", &error)),
            }
        })
        .await
    }

    pub(crate) async fn delete_prefix(&self, store: &Store, prefix: &str) -> Result<()> {
        let start = self.listed_path(store, prefix)?;
        let below = key::join(&self.prefix, prefix).into_owned();
        let counters = store.counters().clone();
        counters.list();
        let paths = self
            .store
            .list(start.as_ref())
            .map_ok(|meta| meta.location)
            .try_filter(move |path| std::future::ready(key::below(&below, path.as_ref()).is_some()))
            .inspect_ok(move |_| counters.delete())
            .boxed();
        let mut deleted = self.store.delete_stream(paths);
        while let Some(result) = deleted.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(Self::error(store, prefix, "delete", &error)),
            }
        }
        Ok(())
    }
}

/// One put of one object.
struct Put {
    backend: ObjectBackend,
    store: Store,
    path: Path,
    key: String,
    payload: Vec<Bytes>,
}

impl Put {
    async fn run(self, precondition: Precondition) -> Result<Version> {
        use object_store::Error as E;

        let conditional = precondition != Precondition::None;
        let options = PutOptions {
            mode: self.mode(&precondition)?,
            ..PutOptions::default()
        };
        let payload: PutPayload = self.payload.iter().cloned().collect();
        self.store.counters().put(payload.content_length() as u64);
        match self
            .backend
            .store
            .put_opts(&self.path, payload, options)
            .await
        {
            Ok(result) => Ok(Version::of_put(&result)),
            Err(E::AlreadyExists { .. } | E::Precondition { .. }) if conditional => {
                self.settle("the object is another version").await
            }
            Err(E::NotFound { .. }) if matches!(precondition, Precondition::IfVersion(_)) => {
                self.settle("the object is gone").await
            }
            Err(E::NotImplemented { .. } | E::NotSupported { .. }) if conditional => {
                Err(self.unsupported("the backend has no conditional puts"))
            }
            Err(error) => Err(ObjectBackend::error(&self.store, &self.key, "put", &error)),
        }
    }

    fn mode(&self, precondition: &Precondition) -> Result<PutMode> {
        match precondition {
            Precondition::None => Ok(PutMode::Overwrite),
            Precondition::IfAbsent => Ok(PutMode::Create),
            Precondition::IfVersion(version) => version
                .to_update()
                .map(PutMode::Update)
                .ok_or_else(|| self.unsupported("the version is unknown")),
        }
    }

    /// A condition that failed: our own success if the object is what we sent, which happens when an acknowledgement is
    /// lost and `object_store` tries again.
    async fn settle(self, reason: &'static str) -> Result<Version> {
        let conflict = Error::Conflict {
            place: self.store.place(&self.key),
            reason,
        };
        if !self.backend.quirks.retries {
            return Err(conflict);
        }
        let size = self
            .payload
            .iter()
            .map(|bytes| bytes.len() as u64)
            .sum::<u64>();
        let read = Read {
            backend: self.backend,
            store: self.store,
            path: self.path,
            key: self.key,
            version: None,
        };
        // One byte more than was sent: a longer object is told apart without reading it.
        let wanted = ByteRange::Range(0..size.saturating_add(1));
        match read.run(wanted).await? {
            Some(body) if body.object_size == size && equal(&self.payload, &body.bytes) => {
                Ok(body.version)
            }
            _ => Err(conflict),
        }
    }

    fn unsupported(&self, reason: &str) -> Error {
        Error::Unsupported {
            place: self.store.place(&self.key),
            operation: "conditional put",
            reason: reason.to_owned(),
        }
    }
}

/// Whether segments one after the other are these bytes.
fn equal(segments: &[Bytes], bytes: &[u8]) -> bool {
    let rest = segments
        .iter()
        .try_fold(bytes, |rest, segment| rest.strip_prefix(&segment[..]));
    rest.is_some_and(<[u8]>::is_empty)
}
