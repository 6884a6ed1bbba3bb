//! An upload that removes what it occupies, even if its patch fails or is dropped.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::uploads::{Upload, Uploads};
use crate::context::Context;
use crate::object::request::Request;

/// A started upload, aborted if dropped before it is finished.
pub(super) struct Started {
    upload: Option<(Arc<dyn Uploads>, Upload)>,
}

impl Started {
    pub(super) fn new(uploads: &Arc<dyn Uploads>, upload: &Upload) -> Self {
        Self {
            upload: Some((uploads.clone(), upload.clone())),
        }
    }

    /// Removes what the upload leaves. A failure is only logged, because the upload is no longer
    /// needed.
    pub(super) async fn finish(
        &mut self,
        completed: bool,
        context: &Arc<Context>,
        request: &mut Request,
    ) {
        let Some((uploads, upload)) = &self.upload else {
            return;
        };
        if uploads.way().leaves(completed) {
            context.counters.delete();
            if !matches!(request.next(uploads.abort(upload)).await, Ok(Ok(()))) {
                tracing::debug!(key = upload.path.as_ref(), "could not abort an upload");
            }
        }
        self.upload = None;
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let (Some((uploads, upload)), Ok(runtime)) = (self.upload.take(), Handle::try_current())
        else {
            return;
        };
        runtime.spawn(async move { drop(uploads.abort(&upload).await) });
    }
}
