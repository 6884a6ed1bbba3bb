//! Listings, with keys and names relative to the store.

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use std::sync::Arc;

#[cfg(feature = "http")]
use super::Listings;
use super::ObjectBackend;
use crate::absent::absent;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::{Entry, Listing, key};

impl ObjectBackend {
    pub(crate) fn list(
        &self,
        context: &Arc<Context>,
        prefix: &str,
    ) -> BoxStream<'static, Result<Entry>> {
        let start = match self.listed_path(context, prefix) {
            Ok(path) => path,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        #[cfg(feature = "http")]
        if self.quirks.list == Listings::Html {
            return self.list_pages(context, prefix);
        }
        context.counters.list();
        let root = self.prefix.clone();
        let below = key::join(&root, prefix).into_owned();
        let pages = self.store.list(start.as_ref()).map_ok(move |meta| {
            let path = meta.location.as_ref();
            let key = key::below(&below, path).and_then(|_| key::below(&root, path))?;
            Some(Entry {
                key: key.to_owned(),
                size: meta.size,
            })
        });
        let request = self.start(context, prefix, "list");
        stream::try_unfold(
            (pages, request),
            async |(mut pages, mut request)| match request.next(pages.try_next()).await? {
                Ok(entry) => Ok(entry.map(|entry| (entry, (pages, request)))),
                Err(error) => Err(request.error(&error)),
            },
        )
        .try_filter_map(|entry| std::future::ready(Ok(entry)))
        .boxed()
    }

    pub(crate) async fn list_dir(&self, context: &Arc<Context>, prefix: &str) -> Result<Listing> {
        let start = self.listed_path(context, prefix)?;
        #[cfg(feature = "http")]
        if self.quirks.list == Listings::Html {
            return self.list_page(context, prefix).await;
        }
        let below = key::join(&self.prefix, prefix).into_owned();
        let (backend, owned, place) = (self.clone(), context.clone(), prefix.to_owned());
        self.request(context, prefix, async move {
            owned.counters.list();
            let mut request = backend.start(&owned, &place, "list");
            let listing = backend.store.list_with_delimiter(start.as_ref());
            let result = match request.pages(listing).await? {
                Ok(result) => result,
                Err(error) if absent(&error) => return Ok(Listing::default()),
                Err(error) => return Err(request.error(&error)),
            };
            let keys = result.objects.iter().map(|meta| &meta.location);
            Ok(Listing {
                keys: names(&below, keys),
                prefixes: names(&below, result.common_prefixes.iter()),
            })
        })
        .await
    }

    /// Returns the path to list; `None` for the whole bucket.
    pub(super) fn listed_path(&self, context: &Arc<Context>, prefix: &str) -> Result<Option<Path>> {
        if !self.can_list() {
            return Err(Error::Unsupported {
                place: context.place(prefix),
                operation: "list",
                reason:
                    "HTTP has no listings; if this server has WebDAV, set the option webdav = true; if it \
                     has pages of links, set html_index = true"
                        .into(),
            });
        }
        let path = self.path(context, prefix)?;
        Ok(Some(path).filter(|path| !path.as_ref().is_empty()))
    }
}

/// Returns the first segments below a prefix, sorted, without duplicates.
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
