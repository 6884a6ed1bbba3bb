//! Sweeps of what killed writers left: incomplete uploads, and temporary objects by name.

use std::sync::Arc;
use std::time::SystemTime;

use futures::TryStreamExt;
use object_store::ObjectStoreExt;

use super::{ObjectBackend, patch, probe};
use crate::absent::absent;
use crate::context::Context;
use crate::error::Result;
use crate::key;
use crate::sweep::{Leftover, LeftoverKind};

impl ObjectBackend {
    /// Removes the leftovers from before a time.
    pub(crate) async fn sweep(
        &self,
        context: &Arc<Context>,
        before: SystemTime,
    ) -> Result<Vec<Leftover>> {
        let mut swept = self.sweep_uploads(context, before).await?;
        if !self.leaves_objects() || !self.can_list() {
            return Ok(swept);
        }
        let mut listed = self.list(context, "");
        while let Some(entry) = listed.try_next().await? {
            let key = entry.key;
            if let Some(kind) = kind_of(&key)
                && self.is_from_before(context, &key, before).await?
            {
                self.delete(context, &key).await?;
                swept.push(Leftover { kind, key });
            }
        }
        Ok(swept)
    }

    async fn sweep_uploads(
        &self,
        context: &Arc<Context>,
        before: SystemTime,
    ) -> Result<Vec<Leftover>> {
        let Some(uploads) = self.multipart() else {
            return Ok(Vec::new());
        };
        let (backend, owned) = (self.clone(), context.clone());
        self.request(context, "", async move {
            owned.counters.list();
            let mut request = backend.start(&owned, "", "list uploads");
            let found = request.pages(uploads.under_way(&backend.prefix)).await?;
            let mut swept = Vec::new();
            for (upload, since) in found.map_err(|error| request.error(&error))? {
                let key = key::below(&backend.prefix, upload.path.as_ref());
                let Some(key) = key.filter(|_| since < before) else {
                    continue;
                };
                owned.counters.delete();
                match request.next(uploads.abort(&upload)).await? {
                    Err(error) if !absent(&error) => return Err(request.error(&error)),
                    // Also if the upload was completed or aborted meanwhile.
                    _ => swept.push(Leftover {
                        kind: LeftoverKind::Upload,
                        key: key.to_owned(),
                    }),
                }
            }
            Ok(swept)
        })
        .await
    }

    /// Whether an object was last changed before a time; `false` if the backend does not tell when.
    async fn is_from_before(
        &self,
        context: &Arc<Context>,
        key: &str,
        before: SystemTime,
    ) -> Result<bool> {
        let path = self.path(context, key)?;
        let (backend, owned, place) = (self.clone(), context.clone(), key.to_owned());
        self.request(context, key, async move {
            owned.counters.head();
            let mut request = backend.start(&owned, &place, "head");
            match request.within(0, backend.store.head(&path)).await? {
                Ok(meta) => {
                    let changed = SystemTime::from(meta.last_modified);
                    Ok(changed != SystemTime::UNIX_EPOCH && changed < before)
                }
                Err(error) if absent(&error) => Ok(false),
                Err(error) => Err(request.error(&error)),
            }
        })
        .await
    }
}

/// Returns the kind of leftover that an object is by its name.
fn kind_of(key: &str) -> Option<LeftoverKind> {
    let name = key.rsplit('/').next().unwrap_or(key);
    let kinds = [
        (probe::PREFIX, LeftoverKind::Probe),
        (patch::PREFIX, LeftoverKind::Temporary),
    ];
    let number = |prefix| {
        let number: Option<&str> = name.strip_prefix(prefix);
        number.filter(|number| number.len() == 16 && number.bytes().all(|c| c.is_ascii_hexdigit()))
    };
    let found = kinds
        .into_iter()
        .find(|(prefix, _)| number(*prefix).is_some());
    found.map(|(_, kind)| kind)
}
