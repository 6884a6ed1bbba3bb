//! Multipart uploads with ranges of objects as parts (`UploadPartCopy`) and conditional completion:
//! S3 features that `object_store` lacks. Requests use URLs that `object_store` signs.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey as Key};
use object_store::client::HttpConnector;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use object_store::{PutPayload, PutResult, Result, UpdateVersion};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::HeaderMap;

use super::upload_requests::{Sender, escaped, may_pass, retried};
use crate::object::patch::{Upload, Uploads, Way};

/// How long the signed URL of a request is valid.
const VALID: Duration = Duration::from_secs(3600);

/// The characters that are percent-encoded in the name of a copied object.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

pub(super) struct S3Uploads {
    store: Arc<AmazonS3>,
    sender: Sender,
    bucket: String,
    /// The endpoint and the region.
    service: String,
}

/// Creates the uploads of a bucket; `None` if a setting asks for unsupported features:
/// customer-provided keys, checksums, sessions of directory buckets.
pub(super) fn uploads(
    bucket: Option<&str>,
    builder: &AmazonS3Builder,
    store: Arc<AmazonS3>,
    connector: &dyn HttpConnector,
) -> Option<Arc<dyn Uploads>> {
    let text = |key| {
        builder
            .get_config_value(&key)
            .filter(|value| !value.is_empty())
    };
    let is_on = |key| text(key).is_some_and(|value| value != "false");
    let encryption = "aws_server_side_encryption".parse().ok()?;
    let bucket = bucket?.to_owned();
    let plain = !is_on(Key::SkipSignature)
        && !is_on(Key::S3Express)
        && !is_on(Key::Checksum)
        && !bucket.ends_with("--x-s3")
        && text(encryption).is_none_or(|kind| !kind.contains("sse-c"));
    if !plain {
        return None;
    }
    let sender = Sender::new("S3", &[409, 412], connector, |key| text(Key::Client(key)))?;
    let setting = |key| text(key).unwrap_or_default();
    Some(Arc::new(S3Uploads {
        store,
        sender,
        bucket,
        service: format!("{} {}", setting(Key::Endpoint), setting(Key::Region)),
    }))
}

#[async_trait]
impl Uploads for S3Uploads {
    fn way(&self) -> Way {
        Way::Multipart
    }

    async fn start(&self, path: &Path) -> Result<Upload> {
        Ok(Upload {
            path: path.clone(),
            id: self.store.create_multipart(path).await?,
        })
    }

    async fn copy(
        &self,
        Upload { path, id }: &Upload,
        number: usize,
        range: Range<u64>,
        version: &UpdateVersion,
    ) -> Result<PartId> {
        let source = source(&self.bucket, path);
        let last = range.end.saturating_sub(1);
        let headers = [
            ("x-amz-copy-source", source),
            (
                "x-amz-copy-source-range",
                format!("bytes={}-{last}", range.start),
            ),
            ("x-amz-copy-source-if-match", tag(version)),
        ];
        let query = [
            ("partNumber", number.saturating_add(1).to_string()),
            ("uploadId", id.clone()),
        ];
        retried(may_pass, || async {
            let sent = self.send(Method::PUT, path, &query, &headers, String::new());
            let (_, body) = sent.await?;
            let content_id = self.element(&body, "CopyPartResult", "ETag", path)?;
            Ok(PartId { content_id })
        })
        .await
    }

    async fn put(
        &self,
        Upload { path, id }: &Upload,
        number: usize,
        payload: PutPayload,
    ) -> Result<PartId> {
        self.store.put_part(path, id, number, payload).await
    }

    async fn complete(
        &self,
        Upload { path, id }: &Upload,
        parts: &[PartId],
        version: &UpdateVersion,
    ) -> Result<PutResult> {
        let query = [("uploadId", id.clone())];
        let headers = [("if-match", tag(version))];
        let parts = (1..).zip(parts).map(|(number, part): (usize, _)| {
            let tag = escaped(&part.content_id);
            format!("<Part><ETag>{tag}</ETag><PartNumber>{number}</PartNumber></Part>")
        });
        let body = format!(
            "<CompleteMultipartUpload>{}</CompleteMultipartUpload>",
            parts.collect::<String>()
        );
        let sent = self.send(Method::POST, path, &query, &headers, body);
        let (answer, body) = sent.await?;
        let tag = self.element(&body, "CompleteMultipartUploadResult", "ETag", path)?;
        let version = answer.get("x-amz-version-id");
        Ok(PutResult {
            e_tag: Some(format!("\"{}\"", tag.trim_matches('"'))),
            version: version.and_then(|version| Some(version.to_str().ok()?.to_owned())),
            extensions: object_store::Extensions::default(),
        })
    }

    fn bucket(&self) -> Option<(&str, &str)> {
        Some((&self.service, &self.bucket))
    }

    async fn copy_object(&self, bucket: &str, from: &Path, to: &Path) -> Result<()> {
        let headers = [("x-amz-copy-source", source(bucket, from))];
        retried(may_pass, || async {
            let sent = self.send(Method::PUT, to, &[], &headers, String::new());
            let (_, body) = sent.await?;
            self.element(&body, "CopyObjectResult", "ETag", to)
                .map(drop)
        })
        .await
    }

    async fn under_way(&self, prefix: &str) -> Result<Vec<(Upload, SystemTime)>> {
        let (root, mut found) = (Path::default(), Vec::new());
        let mut query = vec![("uploads", String::new()), ("prefix", prefix.to_owned())];
        loop {
            let sent = self.send(Method::GET, &root, &query, &[], String::new());
            let (_, body) = sent.await?;
            for upload in body.split("<Upload>").skip(1) {
                let text = |name| text(upload, name);
                let (key, id, since) = (text("Key"), text("UploadId"), text("Initiated"));
                let since = since.and_then(|since| humantime::parse_rfc3339(&since).ok());
                let path = key.and_then(|key| Path::parse(key).ok());
                if let (Some(path), Some(id), Some(since)) = (path, id, since) {
                    found.push((Upload { path, id }, since));
                }
            }
            let (key, upload) = (
                text(&body, "NextKeyMarker"),
                text(&body, "NextUploadIdMarker"),
            );
            match (text(&body, "IsTruncated").as_deref(), key, upload) {
                (Some("true"), Some(key), Some(upload)) => {
                    query.truncate(2);
                    query.extend([("key-marker", key), ("upload-id-marker", upload)]);
                }
                _ => return Ok(found),
            }
        }
    }

    async fn abort(&self, Upload { path, id }: &Upload) -> Result<()> {
        self.store.abort_multipart(path, id).await
    }
}

impl S3Uploads {
    /// Sends a request by a URL that covers the header fields.
    async fn send(
        &self,
        method: Method,
        path: &Path,
        query: &[(&str, String)],
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<(HeaderMap, String)> {
        let mut options = SignedUrlOptions::default()
            .with_query(query.iter().map(|(name, value)| (*name, value.clone())));
        let sender = &self.sender;
        let mut request = sender.request(method.clone(), "/", headers, body)?;
        for (name, value) in request.headers() {
            options = options.with_signed_header(name.clone(), value.clone());
        }
        let store = &self.store;
        let url = store.signed_url_opts(method, path, VALID, &options).await?;
        *request.uri_mut() = url
            .as_str()
            .parse()
            .map_err(|error| sender.generic(error))?;
        sender.send(path, request).await
    }

    /// Returns the text of an element in a response of this kind.
    fn element(&self, body: &str, kind: &str, name: &str, path: &Path) -> Result<String> {
        let found = body.contains(&format!("<{kind}")).then_some(body);
        let text = found.and_then(|body| text(body, name));
        text.ok_or_else(|| self.sender.refused(200, body, path))
    }
}

/// Returns the name of an object to be copied.
fn source(bucket: &str, path: &Path) -> String {
    let name = format!("{bucket}/{path}");
    format!("/{}", utf8_percent_encode(&name, ENCODED))
}

fn tag(version: &UpdateVersion) -> String {
    version.e_tag.clone().unwrap_or_default()
}

/// Returns the text of the first element of this name.
fn text(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once('<')?;
    let named = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#x22;", "\""),
        ("&apos;", "'"),
        ("&#39;", "'"),
    ];
    let named = named
        .into_iter()
        .chain([("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]);
    Some(named.fold(text.to_owned(), |text, (name, what)| {
        text.replace(name, what)
    }))
}
