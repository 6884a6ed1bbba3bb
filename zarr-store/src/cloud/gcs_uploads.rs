//! Objects composed of an old object and a temporary one, on conditions: a feature of Google Cloud
//! Storage that `object_store` lacks.
//!
//! A composition takes whole objects only, so the old object stays as a whole. The requests are
//! those of the XML API, which `object_store` also uses: both see the same entity tags.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use object_store::client::HttpConnector;
use object_store::gcp::{GoogleCloudStorage, GoogleCloudStorageBuilder, GoogleConfigKey as Key};
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt, PutPayload, PutResult, Result, UpdateVersion};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;

use super::upload_requests::{Sender, escaped, is_limited, retried};
use crate::object::patch::{PREFIX, Upload, Uploads, Way};

/// The server whose objects the builder reaches if it is given no other.
const SERVER: &str = "https://storage.googleapis.com";

pub(super) struct GcsUploads {
    store: Arc<GoogleCloudStorage>,
    sender: Sender,
    /// The URL of the bucket.
    bucket: String,
}

/// Creates the uploads of a bucket.
pub(super) fn uploads(
    bucket: Option<&str>,
    builder: &GoogleCloudStorageBuilder,
    store: Arc<GoogleCloudStorage>,
    connector: &dyn HttpConnector,
) -> Option<Arc<dyn Uploads>> {
    let setting = |key| builder.get_config_value(&Key::Client(key));
    let server = builder.get_config_value(&Key::BaseUrl);
    let server = server.unwrap_or_else(|| SERVER.to_owned());
    let bucket = utf8_percent_encode(bucket?, NON_ALPHANUMERIC);
    Some(Arc::new(GcsUploads {
        store,
        sender: Sender::new("GCS", &[412], connector, setting)?,
        bucket: format!("{}/{bucket}", server.trim_end_matches('/')),
    }))
}

#[async_trait]
impl Uploads for GcsUploads {
    fn way(&self) -> Way {
        Way::Compose
    }

    /// Names the temporary object.
    async fn start(&self, path: &Path) -> Result<Upload> {
        let directory = path
            .as_ref()
            .rsplit_once('/')
            .map(|(directory, _)| directory);
        let directory = directory.map_or(String::new(), |directory| format!("{directory}/"));
        Ok(Upload {
            path: path.clone(),
            id: format!("{directory}{PREFIX}{:016x}", fastrand::u64(..)),
        })
    }

    /// Names the object at its generation.
    async fn copy(
        &self,
        upload: &Upload,
        _: usize,
        _: Range<u64>,
        version: &UpdateVersion,
    ) -> Result<PartId> {
        Ok(component(upload.path.as_ref(), version.version.as_deref()))
    }

    /// Puts the temporary object.
    async fn put(&self, upload: &Upload, _: usize, payload: PutPayload) -> Result<PartId> {
        let put = self.store.put(&Path::parse(&upload.id)?, payload).await?;
        Ok(component(&upload.id, put.version.as_deref()))
    }

    async fn complete(
        &self,
        Upload { path, .. }: &Upload,
        parts: &[PartId],
        version: &UpdateVersion,
    ) -> Result<PutResult> {
        let parts = parts.iter().map(|part| part.content_id.as_str());
        let body = format!(
            "<ComposeRequest>{}</ComposeRequest>",
            parts.collect::<String>()
        );
        let name = utf8_percent_encode(path.as_ref(), NON_ALPHANUMERIC);
        let url = format!("{}/{name}?compose", self.bucket);
        let mut fields = vec![
            ("content-type", "application/octet-stream".to_owned()),
            ("content-length", body.len().to_string()),
            (
                "x-goog-if-generation-match",
                version.version.clone().unwrap_or_default(),
            ),
        ];
        let credential = self.store.credentials().get_credential().await?;
        if !credential.bearer.is_empty() {
            fields.push(("authorization", format!("Bearer {}", credential.bearer)));
        }
        // An object may change only about once a second.
        let (headers, body) = retried(is_limited, || async {
            let request = self
                .sender
                .request(Method::PUT, &url, &fields, body.clone())?;
            self.sender.send(path, request).await
        })
        .await?;
        let field = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
        match field("x-goog-generation") {
            None => Err(self.sender.refused(200, &body, path)),
            generation => Ok(PutResult {
                e_tag: field("etag"),
                version: generation,
                extensions: object_store::Extensions::default(),
            }),
        }
    }

    /// Deletes the temporary object.
    async fn abort(&self, upload: &Upload) -> Result<()> {
        match self.store.delete(&Path::parse(&upload.id)?).await {
            Err(Error::NotFound { .. }) => Ok(()),
            deleted => deleted,
        }
    }
}

/// Describes a generation of an object as a component.
fn component(name: &str, generation: Option<&str>) -> PartId {
    let generation = generation.unwrap_or_default();
    PartId {
        content_id: format!(
            "<Component><Name>{}</Name><Generation>{generation}</Generation></Component>",
            escaped(name)
        ),
    }
}
