//! Copies done by the backend itself.

use object_store::{Error as E, ObjectStoreExt};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::patch::Uploads;
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
        if self.quirks.list != Listings::Native || !target.attributes.is_empty() {
            return Ok(false);
        }
        let across = match Arc::ptr_eq(&self.store, &target.store) {
            true => None,
            false => match self.in_service(target) {
                None => return Ok(false),
                across => across,
            },
        };
        let refused = target.refuses_copies.clone();
        let (source, target) = (self.path(context, from)?, target.path(target_context, to)?);
        let (backend, owned, key) = (self.clone(), context.clone(), from.to_owned());
        self.request(context, from, async move {
            owned.counters.put(0);
            let mut request = backend.start(&owned, &key, "copy");
            // The number of bytes is unknown.
            let copied = match &across {
                None => request.pages(backend.store.copy(&source, &target)).await?,
                Some((bucket, uploads)) => {
                    let copied = uploads.copy_object(bucket, &source, &target);
                    let copied = request.pages(copied).await?;
                    if copied.is_err() {
                        // Whatever the reason, such as other rights: objects are read and put.
                        refused.store(true, Ordering::Relaxed);
                        return Ok(false);
                    }
                    copied
                }
            };
            match copied {
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

    /// Returns the bucket of this backend and the requests with which the service copies from it to
    /// the bucket of the target; `None` if the two are of different services.
    fn in_service(&self, target: &Self) -> Option<(String, Arc<dyn Uploads>)> {
        let (ours, theirs) = (self.multipart()?, target.multipart()?);
        let (service, bucket) = ours.bucket()?;
        let is_one = theirs.bucket().is_some_and(|(other, _)| other == service);
        let is_refused = target.refuses_copies.load(Ordering::Relaxed);
        (is_one && !is_refused).then(|| (bucket.to_owned(), theirs))
    }
}
