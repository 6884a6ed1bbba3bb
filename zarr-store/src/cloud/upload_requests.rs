//! The requests of uploads that `object_store` cannot send: they go through the store's own HTTP
//! client, and their failures become errors of `object_store`.

use std::time::Duration;

use object_store::client::{
    ClientConfigKey, ClientOptions, HttpClient, HttpConnector, HttpRequest, HttpRequestBody,
};
use object_store::path::Path;
use object_store::{Error, Result};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::backoff::Backoff;

/// The retries of a request that the server could not answer.
const RETRIES: u32 = 5;

const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(200),
    longest: Duration::from_secs(4),
};

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

/// Sends requests to one service.
pub(super) struct Sender {
    http: HttpClient,
    service: &'static str,
    /// The statuses that say that a condition does not hold.
    conflicts: &'static [u16],
}

impl Sender {
    /// Creates a sender with a store's settings of the HTTP client.
    pub(super) fn new(
        service: &'static str,
        conflicts: &'static [u16],
        connector: &dyn HttpConnector,
        setting: impl Fn(ClientConfigKey) -> Option<String>,
    ) -> Option<Self> {
        let mut options = ClientOptions::new();
        for key in CLIENT {
            if let Some(value) = setting(key).filter(|value| !value.is_empty()) {
                options = options.with_config(key, value);
            }
        }
        Some(Self {
            http: connector.connect(&options).ok()?,
            service,
            conflicts,
        })
    }

    /// Makes a request with these header fields.
    pub(super) fn request(
        &self,
        method: Method,
        url: &str,
        fields: &[(&'static str, String)],
        body: String,
    ) -> Result<HttpRequest> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let value = HeaderValue::from_str(value).map_err(|error| self.generic(error))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let mut request = HttpRequest::new(HttpRequestBody::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = url.parse().map_err(|error| self.generic(error))?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Sends a request about an object and returns the response. Servers may begin with a success
    /// and then report an error in the body.
    pub(super) async fn send(
        &self,
        path: &Path,
        request: HttpRequest,
    ) -> Result<(HeaderMap, String)> {
        let answer = self.http.execute(request).await;
        let answer = answer.map_err(|error| self.generic(error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.into_body().bytes().await;
        let body = body.map_err(|error| self.generic(error))?;
        let body = String::from_utf8_lossy(&body).into_owned();
        match status.is_success() && !body.contains("<Error>") {
            true => Ok((headers, body)),
            false => Err(self.refused(status.as_u16(), &body, path)),
        }
    }

    /// Converts an error response to an error of `object_store`.
    pub(super) fn refused(&self, status: u16, body: &str, path: &Path) -> Error {
        let says = |code: &str| body.contains(&format!("<Code>{code}</Code>"));
        let text = body.chars().take(1000).collect::<String>();
        let source = format!("Server returned an error, status code: {status}: {text}").into();
        let path = path.to_string();
        let failed = ["PreconditionFailed", "ConditionalRequestConflict"];
        match status {
            // Azure could not read the source of a copy, for whatever reason.
            _ if says("CannotVerifyCopySource") => Error::Generic {
                store: self.service,
                source,
            },
            _ if self.conflicts.contains(&status) || failed.iter().any(|code| says(code)) => {
                Error::Precondition { path, source }
            }
            404 => Error::NotFound { path, source },
            401 | 403 => Error::PermissionDenied { path, source },
            _ => Error::Generic {
                store: self.service,
                source,
            },
        }
    }

    pub(super) fn generic(&self, source: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::Generic {
            store: self.service,
            source: Box::new(source),
        }
    }
}

/// Repeats an attempt while its failure may pass.
pub(super) async fn retried<T, F: Future<Output = Result<T>>>(
    passes: fn(&Error) -> bool,
    mut attempt: impl FnMut() -> F,
) -> Result<T> {
    for number in 0..RETRIES {
        match attempt().await {
            Err(error) if passes(&error) => BACKOFF.wait(number).await,
            done => return done,
        }
    }
    attempt().await
}

/// Whether another attempt may succeed.
#[cfg_attr(
    not(any(feature = "s3", feature = "azure")),
    expect(dead_code, reason = "only of S3 and Azure")
)]
pub(super) fn may_pass(error: &Error) -> bool {
    let text = error.to_string();
    let busy = ["429", "500", "502", "503", "504"];
    let says = |status: &&str| text.contains(&format!("status code: {status}"));
    let failed = ["SlowDown", "InternalError", "ServerBusy"];
    matches!(error, Error::Generic { .. })
        && (crate::object::is_transport(error)
            || busy.iter().any(says)
            || failed
                .iter()
                .any(|code| text.contains(&format!("<Code>{code}</Code>"))))
}

/// Whether the server refused a request because it gets too many.
#[cfg_attr(not(feature = "gcs"), expect(dead_code, reason = "only of GCS"))]
pub(super) fn is_limited(error: &Error) -> bool {
    matches!(error, Error::Generic { .. }) && error.to_string().contains("status code: 429")
}

/// Escapes text for XML.
#[cfg_attr(
    not(any(feature = "s3", feature = "gcs")),
    expect(dead_code, reason = "only of S3 and GCS")
)]
pub(super) fn escaped(text: &str) -> String {
    let pairs = [
        ('&', "&amp;"),
        ('"', "&quot;"),
        ('<', "&lt;"),
        ('>', "&gt;"),
    ];
    let escaped = |text: String, (letter, name): (char, &str)| text.replace(letter, name);
    pairs.into_iter().fold(text.to_owned(), escaped)
}
