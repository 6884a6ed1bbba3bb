//! Blobs made of ranges of their old blocks and new blocks (`Put Block From URL`), committed on
//! condition of the old version: features of Azure that `object_store` lacks.
//!
//! Blocks have random names, so that two writers of a blob never name each other's blocks. All
//! names of a blob have to be equally long, so they are as long as those of `object_store`; if the
//! blob has blocks with other names, the service refuses and the blob is put as a whole.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use object_store::azure::{
    AzureAuthorizer, AzureConfigKey as Key, AzureCredential, MicrosoftAzure, MicrosoftAzureBuilder,
};
use object_store::client::HttpConnector;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{PutPayload, PutResult, Result, UpdateVersion};
use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;

use super::upload_requests::{Sender, may_pass, retried};
use crate::object::patch::{Upload, Uploads, Way};

/// How long the signed URL of a source is valid.
const VALID: Duration = Duration::from_secs(3600);

pub(super) struct AzureUploads {
    store: Arc<MicrosoftAzure>,
    sender: Sender,
    account: String,
    /// The URL of the container.
    container: Url,
}

/// Creates the uploads of a container; `None` if a setting asks for unsupported features:
/// customer-provided keys, OneLake, the emulator's account, requests that are not signed.
pub(super) fn uploads(
    url: &Url,
    builder: &MicrosoftAzureBuilder,
    store: Arc<MicrosoftAzure>,
    connector: &dyn HttpConnector,
) -> Option<Arc<dyn Uploads>> {
    let text = |key| {
        let value = builder.get_config_value(&key);
        value.filter(|value| !matches!(value.as_str(), "" | "false"))
    };
    let unsupported = [
        Key::UseEmulator,
        Key::UseFabricEndpoint,
        Key::SkipSignature,
        Key::EncryptionKey,
    ];
    if unsupported.into_iter().any(|key| text(key).is_some()) {
        return None;
    }
    // As `object_store` does: the user of a URL is the container, and its host names the account.
    let host = url.host_str()?;
    let (account, container) = match url.username() {
        "" => (text(Key::AccountName)?, host),
        container => match host.split_once('.')? {
            (_, rest) if rest.ends_with("fabric.microsoft.com") => return None,
            (account, _) => (account.to_owned(), container),
        },
    };
    let endpoint = text(Key::Endpoint);
    let endpoint = endpoint.unwrap_or_else(|| format!("https://{account}.blob.core.windows.net"));
    let mut place = Url::parse(&endpoint).ok()?;
    place
        .path_segments_mut()
        .ok()?
        .pop_if_empty()
        .push(container);
    Some(Arc::new(AzureUploads {
        store,
        sender: Sender::new("Azure", &[412], connector, |key| text(Key::Client(key)))?,
        account,
        container: place,
    }))
}

#[async_trait]
impl Uploads for AzureUploads {
    fn way(&self) -> Way {
        Way::Blocks
    }

    async fn start(&self, path: &Path) -> Result<Upload> {
        Ok(Upload {
            path: path.clone(),
            id: String::new(),
        })
    }

    async fn copy(
        &self,
        Upload { path, .. }: &Upload,
        _: usize,
        range: Range<u64>,
        version: &UpdateVersion,
    ) -> Result<PartId> {
        let content_id = format!("{:032x}", fastrand::u128(..));
        let query = [
            ("comp", "block"),
            ("blockid", &BASE64_STANDARD.encode(&content_id)),
        ];
        let last = range.end.saturating_sub(1);
        let fields = [
            ("x-ms-source-range", format!("bytes={}-{last}", range.start)),
            ("x-ms-source-if-match", tag(version)),
        ];
        retried(may_pass, || async {
            let mut fields = fields.to_vec();
            fields.extend(self.source(path).await?);
            self.send(path, &query, fields, String::new()).await
        })
        .await?;
        Ok(PartId { content_id })
    }

    async fn put(&self, upload: &Upload, number: usize, payload: PutPayload) -> Result<PartId> {
        let store = &self.store;
        store
            .put_part(&upload.path, &upload.id, number, payload)
            .await
    }

    async fn complete(
        &self,
        Upload { path, .. }: &Upload,
        parts: &[PartId],
        version: &UpdateVersion,
    ) -> Result<PutResult> {
        let parts = parts
            .iter()
            .map(|part| BASE64_STANDARD.encode(&part.content_id));
        let parts = parts.map(|name| format!("<Uncommitted>{name}</Uncommitted>"));
        let body = format!("<BlockList>{}</BlockList>", parts.collect::<String>());
        let fields = vec![("if-match", tag(version))];
        let (headers, _) = self
            .send(path, &[("comp", "blocklist")], fields, body)
            .await?;
        let field = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
        Ok(PutResult {
            e_tag: field("etag"),
            version: field("x-ms-version-id"),
            extensions: object_store::Extensions::default(),
        })
    }

    /// Does nothing: the service drops uncommitted blocks itself, with the next change of the blob
    /// or after a week.
    async fn abort(&self, _: &Upload) -> Result<()> {
        Ok(())
    }
}

impl AzureUploads {
    /// Sends a PUT with the credentials of the store.
    async fn send(
        &self,
        path: &Path,
        query: &[(&str, &str)],
        mut fields: Vec<(&'static str, String)>,
        body: String,
    ) -> Result<(HeaderMap, String)> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        fields.push(("content-length", body.len().to_string()));
        let sender = &self.sender;
        let mut request = sender.request(Method::PUT, url.as_str(), &fields, body)?;
        let credential = self.store.credentials().get_credential().await?;
        AzureAuthorizer::new(&credential, &self.account).try_authorize(&mut request)?;
        sender.send(path, request).await
    }

    /// Returns the fields that name a blob as the source of a copy, and that allow it to be read.
    async fn source(&self, path: &Path) -> Result<Vec<(&'static str, String)>> {
        let mut url = self.url(path);
        let mut fields = Vec::new();
        match &*self.store.credentials().get_credential().await? {
            AzureCredential::AccessKey(_) => {
                url = self.store.signed_url(Method::GET, path, VALID).await?;
            }
            AzureCredential::SASToken(pairs) => {
                url.query_pairs_mut().extend_pairs(pairs);
            }
            AzureCredential::BearerToken(token) => {
                fields.push(("x-ms-copy-source-authorization", format!("Bearer {token}")));
            }
        }
        fields.push(("x-ms-copy-source", url.into()));
        Ok(fields)
    }

    fn url(&self, path: &Path) -> Url {
        let mut url = self.container.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path.parts());
        }
        url
    }
}

fn tag(version: &UpdateVersion) -> String {
    version.e_tag.clone().unwrap_or_default()
}
