//! Copies on the side of the backend.

use object_store::{Error as E, ObjectStoreExt};

use super::{Listings, ObjectBackend};
use crate::Store;
use crate::absent::absent;
use crate::error::{Error, Result};

impl ObjectBackend {
    /// Copies an object on the side of the backend, replacing what is there; `false` if that is not possible.
    pub(crate) async fn copy(&self, store: &Store, from: &str, to: &str) -> Result<bool> {
        // Of web servers, those that speak WebDAV can. A copy has the attributes of the old object, not those of the store.
        if self.quirks.list != Listings::Native || !self.attributes.is_empty() {
            return Ok(false);
        }
        let (source, target) = (self.path(store, from)?, self.path(store, to)?);
        let (backend, owned, key) = (self.clone(), store.clone(), from.to_owned());
        self.request(store, from, async move {
            owned.counters().put(0);
            let mut request = backend.start(&owned, &key, "copy");
            // Of who knows how many bytes.
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
