//! Copies done by the backend itself.

use object_store::{Error as E, ObjectStoreExt};
use std::sync::Arc;

use super::{Listings, ObjectBackend};
use crate::absent::absent;
use crate::context::Context;
use crate::error::{Error, Result};

impl ObjectBackend {
    /// Copies an object within the backend and replaces the target; `false` if the backend cannot
    /// copy.
    pub(crate) async fn copy(
        &self,
        context: &Arc<Context>,
        from: &str,
        (target, target_context): (&Self, &Arc<Context>),
        to: &str,
    ) -> Result<bool> {
        // Of web servers, only those with WebDAV can copy. A copy keeps the attributes of the old
        // object instead of taking those of the store.
        if !Arc::ptr_eq(&self.store, &target.store)
            || self.quirks.list != Listings::Native
            || !target.attributes.is_empty()
        {
            return Ok(false);
        }
        let (source, target) = (self.path(context, from)?, target.path(target_context, to)?);
        let (backend, owned, key) = (self.clone(), context.clone(), from.to_owned());
        self.request(context, from, async move {
            owned.counters.put(0);
            let mut request = backend.start(&owned, &key, "copy");
            // The number of bytes is unknown.
            let copied = request.pages(backend.store.copy(&source, &target));
            match copied.await? {
                Ok(()) => Ok(true),
                Err(E::NotImplemented { .. } | E::NotSupported { .. }) => Ok(false),
                Err(error) if absent(&error) => Err(Error::NotFound {
                    place: owned.place(&key),
                }),
                Err(error) => Err(request.error(&error)),
            }
        })
        .await
    }
}
