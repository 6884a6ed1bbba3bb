//! Signed URLs, for stores in a cloud.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use object_store::path::Path;

use super::ObjectBackend;
use crate::context::Context;
use crate::error::{Error, Result};

/// A kind of request that a URL can be signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A read.
    Get,
    /// A request for the size and version.
    Head,
    /// A write.
    Put,
    /// A delete.
    Delete,
}

/// Signs the URL of one kind of request for an object, valid for a limited time.
pub(crate) type Sign = Arc<
    dyn Fn(Method, Path, Duration) -> BoxFuture<'static, object_store::Result<String>>
        + Send
        + Sync,
>;

const NONE: &str = "only S3, Google Cloud Storage and Azure support signed URLs, and a store with \
                    skip_signature has no credentials for them";

/// The message of `object_store` if the Azure credentials are themselves a signature.
const OF_SAS: &str = "with SAS tokens auth is not supported";

impl ObjectBackend {
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    pub(crate) fn with_sign(mut self, sign: Option<Sign>) -> Self {
        self.sign = sign;
        self
    }

    pub(crate) async fn sign(
        &self,
        context: &Arc<Context>,
        key: &str,
        method: Method,
        expires_in: Duration,
    ) -> Result<String> {
        let path = self.path(context, key)?;
        let sign = self.sign.clone().ok_or_else(|| unsupported(context, key))?;
        let (backend, owned, name) = (self.clone(), context.clone(), key.to_owned());
        self.request(context, key, async move {
            let mut request = backend.start(&owned, &name, "sign");
            let signed = sign(method, path, expires_in);
            request.within(0, signed).await?.map_err(|error| {
                if error.to_string().contains(OF_SAS) {
                    refused(
                        &owned,
                        &name,
                        "a shared access signature cannot sign URLs; pass an account key",
                    )
                } else {
                    request.error(&error)
                }
            })
        })
        .await
    }
}

/// The error of a store that cannot sign.
pub(crate) fn unsupported(context: &Arc<Context>, key: &str) -> Error {
    refused(context, key, NONE)
}

fn refused(context: &Arc<Context>, key: &str, reason: &str) -> Error {
    Error::Unsupported {
        place: context.place(key),
        operation: "sign",
        reason: reason.to_owned(),
    }
}
