//! Multipart uploads with ranges of objects as parts (`UploadPartCopy`) and conditional completion:
//! S3 features that `object_store` lacks. Requests use URLs that `object_store` signs.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey as Key};
use object_store::client::{
    ClientConfigKey, ClientOptions, HttpClient, HttpConnector, HttpRequest, HttpRequestBody,
};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer};
use object_store::{Error, PutPayload, PutResult, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::backoff::Backoff;
use crate::object::patch::{UnderWay, Uploads};

/// How long the signed URL of a request is valid.
const VALID: Duration = Duration::from_secs(3600);

/// The retries of a copy that the server could not answer.
const RETRIES: u32 = 3;

const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(2),
};

/// The characters that are percent-encoded in the name of a copied object.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The settings of a store's HTTP client.
const CLIENT: [ClientConfigKey; 19] = [
    ClientConfigKey::UserAgent,
    ClientConfigKey::AllowHttp,
    ClientConfigKey::AllowInvalidCertificates,
    ClientConfigKey::Http2KeepAliveWhileIdle,
    ClientConfigKey::Http2MaxFrameSize,
    ClientConfigKey::ProxyUrl,
    ClientConfigKey::ProxyExcludes,
    ClientConfigKey::ProxyCaCertificate,
    ClientConfigKey::NoSystemCertificates,
    ClientConfigKey::Timeout,
    ClientConfigKey::ConnectTimeout,
    ClientConfigKey::ReadTimeout,
    ClientConfigKey::PoolIdleTimeout,
    ClientConfigKey::PoolMaxIdlePerHost,
    ClientConfigKey::Http2KeepAliveInterval,
    ClientConfigKey::Http2KeepAliveTimeout,
    ClientConfigKey::Http1Only,
    ClientConfigKey::Http2Only,
    ClientConfigKey::RandomizeAddresses,
];

pub(super) struct S3Uploads {
    store: Arc<AmazonS3>,
    http: HttpClient,
    bucket: String,
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
    let mut options = ClientOptions::new();
    for key in CLIENT {
        if let Some(value) = text(Key::Client(key)) {
            options = options.with_config(key, value);
        }
    }
    let http = connector.connect(&options).ok()?;
    Some(Arc::new(S3Uploads {
        store,
        http,
        bucket,
    }))
}

#[async_trait]
impl Uploads for S3Uploads {
    async fn start(&self, path: &Path) -> Result<String> {
        self.store.create_multipart(path).await
    }

    async fn copy(
        &self,
        path: &Path,
        (upload, number): (&String, usize),
        range: Range<u64>,
        tag: &str,
    ) -> Result<PartId> {
        let name = format!("{}/{path}", self.bucket);
        let source = format!("/{}", utf8_percent_encode(&name, ENCODED));
        let last = range.end.saturating_sub(1);
        let headers = [
            ("x-amz-copy-source", source),
            (
                "x-amz-copy-source-range",
                format!("bytes={}-{last}", range.start),
            ),
            ("x-amz-copy-source-if-match", tag.to_owned()),
        ];
        let query = [
            ("partNumber", (number + 1).to_string()),
            ("uploadId", upload.clone()),
        ];
        let mut attempt = 0;
        loop {
            let sent = self.send(Method::PUT, path, &query, &headers, String::new());
            match sent.await {
                Ok((_, body)) => {
                    let content_id = element(&body, "CopyPartResult", "ETag", path)?;
                    return Ok(PartId { content_id });
                }
                Err(error) if attempt < RETRIES && may_pass(&error) => {
                    BACKOFF.wait(attempt).await;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn put(
        &self,
        path: &Path,
        (upload, number): (&String, usize),
        payload: PutPayload,
    ) -> Result<PartId> {
        self.store.put_part(path, upload, number, payload).await
    }

    async fn complete(
        &self,
        path: &Path,
        upload: &str,
        parts: &[PartId],
        tag: &str,
    ) -> Result<PutResult> {
        let query = [("uploadId", upload.to_owned())];
        let headers = [("if-match", tag.to_owned())];
        let parts = parts.iter().enumerate().map(|(number, part)| {
            let tag = part.content_id.replace('&', "&amp;").replace('"', "&quot;");
            let number = number + 1;
            format!("<Part><ETag>{tag}</ETag><PartNumber>{number}</PartNumber></Part>")
        });
        let body = format!(
            "<CompleteMultipartUpload>{}</CompleteMultipartUpload>",
            parts.collect::<String>()
        );
        let sent = self.send(Method::POST, path, &query, &headers, body);
        let (answer, body) = sent.await?;
        let tag = element(&body, "CompleteMultipartUploadResult", "ETag", path)?;
        let version = answer.get("x-amz-version-id");
        Ok(PutResult {
            e_tag: Some(format!("\"{}\"", tag.trim_matches('"'))),
            version: version.and_then(|version| Some(version.to_str().ok()?.to_owned())),
            extensions: object_store::Extensions::default(),
        })
    }

    async fn under_way(&self, prefix: &str) -> Result<Vec<UnderWay>> {
        let (root, mut found) = (Path::default(), Vec::new());
        let mut query = vec![("uploads", String::new()), ("prefix", prefix.to_owned())];
        loop {
            let sent = self.send(Method::GET, &root, &query, &[], String::new());
            let (_, body) = sent.await?;
            for upload in body.split("<Upload>").skip(1) {
                let text = |name| text(upload, name);
                let (key, upload, since) = (text("Key"), text("UploadId"), text("Initiated"));
                let since = since.and_then(|since| humantime::parse_rfc3339(&since).ok());
                let path = key.and_then(|key| Path::parse(key).ok());
                if let (Some(path), Some(upload), Some(since)) = (path, upload, since) {
                    found.push(UnderWay {
                        path,
                        upload,
                        since,
                    });
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

    async fn abort(&self, path: &Path, upload: &str) -> Result<()> {
        self.store.abort_multipart(path, &upload.to_owned()).await
    }
}

impl S3Uploads {
    /// Sends a request and returns the response. Servers may begin with 200 and then report an
    /// error in the body.
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
        let mut fields = HeaderMap::new();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(generic)?;
            let name = HeaderName::from_static(name);
            options = options.with_signed_header(name.clone(), value.clone());
            fields.insert(name, value);
        }
        let url = self
            .store
            .signed_url_opts(method.clone(), path, VALID, &options);
        let mut request = HttpRequest::new(HttpRequestBody::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = url.await?.as_str().parse().map_err(generic)?;
        *request.headers_mut() = fields;
        let answer = self.http.execute(request).await.map_err(generic)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.into_body().bytes().await.map_err(generic)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        match status.is_success() && !body.contains("<Error>") {
            true => Ok((headers, body)),
            false => Err(refused(status.as_u16(), &body, path)),
        }
    }
}

/// Converts an error response to an error of `object_store`.
fn refused(status: u16, body: &str, path: &Path) -> Error {
    let says = |code: &str| body.contains(&format!("<Code>{code}</Code>"));
    let body = body.chars().take(1000).collect::<String>();
    let source = format!("Server returned an error, status code: {status}: {body}").into();
    let path = path.to_string();
    match status {
        412 | 409 => Error::Precondition { path, source },
        _ if says("PreconditionFailed") || says("ConditionalRequestConflict") => {
            Error::Precondition { path, source }
        }
        404 => Error::NotFound { path, source },
        403 => Error::PermissionDenied { path, source },
        _ => Error::Generic {
            store: "S3",
            source,
        },
    }
}

/// Whether another attempt may succeed.
fn may_pass(error: &Error) -> bool {
    let text = error.to_string();
    let busy = ["429", "500", "502", "503", "504"];
    let says = |status: &&str| text.contains(&format!("status code: {status}"));
    let failed = ["SlowDown", "InternalError"];
    matches!(error, Error::Generic { .. })
        && (crate::object::is_transport(error)
            || busy.iter().any(says)
            || failed
                .iter()
                .any(|code| text.contains(&format!("<Code>{code}</Code>"))))
}

fn generic(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic {
        store: "S3",
        source: Box::new(source),
    }
}

/// Returns the text of an element in a response of this kind.
fn element(body: &str, kind: &str, name: &str, path: &Path) -> Result<String> {
    let found = body.contains(&format!("<{kind}")).then_some(body);
    let text = found.and_then(|body| text(body, name));
    text.ok_or_else(|| refused(200, body, path))
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
