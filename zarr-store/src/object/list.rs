//! Listings, with keys and names relative to the store.

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;

use super::ObjectBackend;
use crate::absent::absent;
use crate::error::{Error, Result};
use crate::{Entry, Listing, Store, key};

impl ObjectBackend {
    pub(crate) fn list(&self, store: &Store, prefix: &str) -> BoxStream<'static, Result<Entry>> {
        let start = match self.listed_path(store, prefix) {
            Ok(path) => path,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        store.counters().list();
        let (root, store, prefix) = (self.prefix.clone(), store.clone(), prefix.to_owned());
        let below = key::join(&root, &prefix).into_owned();
        self.store
            .list(start.as_ref())
            .try_filter_map(move |meta| {
                let path = meta.location.as_ref();
                let entry = key::below(&below, path)
                    .and_then(|_| key::below(&root, path))
                    .map(|key| Entry {
                        key: key.to_owned(),
                        size: meta.size,
                    });
                std::future::ready(Ok(entry))
            })
            .map_err(move |error| Self::error(&store, &prefix, "list", &error))
            .boxed()
    }

    pub(crate) async fn list_dir(&self, store: &Store, prefix: &str) -> Result<Listing> {
        let start = self.listed_path(store, prefix)?;
        let below = key::join(&self.prefix, prefix).into_owned();
        let (backend, owned, place) = (self.clone(), store.clone(), prefix.to_owned());
        self.request(store, prefix, async move {
            owned.counters().list();
            let result = match backend.store.list_with_delimiter(start.as_ref()).await {
                Ok(result) => result,
                Err(error) if absent(&error) => return Ok(Listing::default()),
                Err(error) => return Err(Self::error(&owned, &place, "list", &error)),
            };
            let keys = result.objects.iter().map(|meta| &meta.location);
            Ok(Listing {
                keys: names(&below, keys),
                prefixes: names(&below, result.common_prefixes.iter()),
            })
        })
        .await
    }

    /// The path to list; `None` for the whole bucket.
    pub(super) fn listed_path(&self, store: &Store, prefix: &str) -> Result<Option<Path>> {
        if !self.quirks.list {
            return Err(Error::Unsupported {
                place: store.place(prefix),
                operation: "list",
                reason:
                    "web servers have no listings; set the option webdav = true if this one has"
                        .into(),
            });
        }
        let path = self.path(store, prefix)?;
        Ok(Some(path).filter(|path| !path.as_ref().is_empty()))
    }
}

/// The first segments below a prefix, sorted, without duplicates.
fn names<'a>(prefix: &str, paths: impl Iterator<Item = &'a Path>) -> Vec<String> {
    let mut names: Vec<String> = paths
        .filter_map(|path| key::below(prefix, path.as_ref()))
        .filter_map(|rest| rest.split('/').next())
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}
