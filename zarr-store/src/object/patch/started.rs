//! An upload that removes what it occupies, even if its patch fails or is dropped.
//!
//! The start and the parts run as tasks of their own, to their end: a service may carry out a
//! request whose caller is gone. It then starts an upload that nobody knows, or keeps a part that
//! arrives after the upload was aborted. Neither changes the object, so a dropped patch still never
//! lands.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{Error, PutPayload, Result, UpdateVersion};
use tokio::runtime::Handle;

use super::uploads::{Upload, Uploads};
use crate::context::Context;
use crate::object::request::Request;
use crate::task;

/// A started upload, aborted if dropped before it is finished.
pub(super) struct Started {
    shared: Arc<Shared>,
    /// Where a dropped upload is aborted.
    runtime: Option<Handle>,
}

/// An upload, which its parts share.
struct Shared {
    uploads: Arc<dyn Uploads>,
    upload: Upload,
    /// Set before the upload is aborted: a part that ends later aborts it once more.
    is_over: AtomicBool,
}

impl Started {
    /// Starts an upload. If the caller is dropped meanwhile, the upload is aborted once started.
    pub(super) async fn start(uploads: &Arc<dyn Uploads>, path: &Path) -> Result<Self> {
        let (uploads, path) = (uploads.clone(), path.clone());
        to_its_end(async move {
            let upload = uploads.start(&path).await?;
            let is_over = AtomicBool::new(false);
            Ok(Self {
                shared: Arc::new(Shared {
                    uploads,
                    upload,
                    is_over,
                }),
                runtime: Handle::try_current().ok(),
            })
        })
        .await
    }

    /// See [`Uploads::copy`].
    pub(super) async fn copy(
        &self,
        number: usize,
        range: Range<u64>,
        version: &UpdateVersion,
    ) -> Result<PartId> {
        let (shared, version) = (self.shared.clone(), version.clone());
        to_its_end(async move {
            let copied = shared
                .uploads
                .copy(&shared.upload, number, range, &version)
                .await;
            shared.end_of_part().await;
            copied
        })
        .await
    }

    /// See [`Uploads::put`].
    pub(super) async fn put(&self, number: usize, payload: PutPayload) -> Result<PartId> {
        let shared = self.shared.clone();
        to_its_end(async move {
            let put = shared.uploads.put(&shared.upload, number, payload).await;
            shared.end_of_part().await;
            put
        })
        .await
    }

    pub(super) fn upload(&self) -> &Upload {
        &self.shared.upload
    }

    /// Removes what the upload leaves. A failure is only logged, because the upload is no longer
    /// needed.
    pub(super) async fn finish(
        self,
        completed: bool,
        context: &Arc<Context>,
        request: &mut Request,
    ) {
        let shared = self.shared.clone();
        shared.is_over.store(true, Ordering::SeqCst);
        if shared.uploads.way().leaves(completed) {
            let key = shared.upload.path.clone();
            context.counters.delete();
            let aborted = to_its_end(async move { shared.abort().await });
            if !matches!(request.next(aborted).await, Ok(Ok(()))) {
                tracing::debug!(key = key.as_ref(), "could not abort an upload");
            }
        }
    }
}

impl Shared {
    async fn abort(&self) -> Result<()> {
        self.uploads.abort(&self.upload).await
    }

    /// Aborts the upload once more if it was aborted during a part.
    async fn end_of_part(&self) {
        if self.is_over.load(Ordering::SeqCst) {
            drop(self.abort().await);
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let shared = self.shared.clone();
        if !shared.is_over.swap(true, Ordering::SeqCst)
            && let Some(runtime) = &self.runtime
        {
            runtime.spawn(async move { drop(shared.abort().await) });
        }
    }
}

async fn to_its_end<T: Send + 'static>(
    request: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let ended = task::to_its_end(request).await;
    ended.map_err(|source| Error::Generic {
        store: "upload",
        source: source.into(),
    })?
}
