//! The HTTP service below `object_store` that sends every request to a remote store: adds the
//! caller's headers, follows redirects and converts responses (`answer`). If a busy server says
//! when to come back, the service waits until then, because `object_store` retries at times of its
//! own.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use tokio::time::Instant;

use super::{answer, client, redirect};
use crate::error::Cause;
use crate::wire::Patience;

/// Creates the clients of a store.
#[derive(Debug)]
pub(super) struct Connector {
    /// The time limit of a request that carries none itself.
    pub(super) patience: Duration,
    /// Whether requests are retried.
    pub(super) retries: bool,
    /// Why no request may be sent, if so.
    pub(super) denied: Option<String>,
    /// Whether a metadata service that refuses a token is queried without a token.
    pub(super) without_token: bool,
}

#[derive(Debug)]
struct Client {
    http: HttpClient,
    options: ClientOptions,
    patience: Duration,
    retries: bool,
    denied: Option<String>,
    without_token: bool,
}

/// A request that is not sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Denied(String);

/// A redirect without a target, such as that of a bucket in another region.
#[derive(Debug, thiserror::Error)]
#[error("status {status}: a redirect without a Location; is the region right? {reason}")]
struct Nowhere {
    status: u16,
    reason: String,
}

#[derive(Debug, thiserror::Error)]
#[error("status {status}: the server asks to retry after {} s, which is longer than this request may take: \
         {reason}", away.as_secs())]
struct Away {
    status: u16,
    away: Duration,
    reason: String,
}

/// A failure to connect that would repeat every time.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Final(Cause);

/// Credentials that were requested from the metadata service, because no others were given, and
/// that the service does not have.
#[derive(Debug, thiserror::Error)]
#[error(
    "no credentials: none in the options, the environment or a profile, and {host} has no account for this \
     machine ({cause}); for public data set skip_signature = true"
)]
struct NoCredentials {
    host: String,
    cause: String,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Client {
            http: HttpClient::new(client::client(options)?),
            options: options.clone(),
            patience: self.patience,
            retries: self.retries,
            denied: self.denied.clone(),
            without_token: self.without_token,
        }))
    }
}

#[async_trait]
impl HttpService for Client {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if let Some(reason) = &self.denied {
            return Err(HttpError::new(
                HttpErrorKind::Unknown,
                Denied(reason.clone()),
            ));
        }
        let patience = request.extensions().get::<Patience>().cloned();
        let patience = patience.unwrap_or_else(|| Patience {
            until: Instant::now().checked_add(self.patience),
            ..Patience::default()
        });
        patience.count();
        for (name, value) in self.options.get_default_headers().into_iter().flatten() {
            if !request.headers().contains_key(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        #[cfg(feature = "http")]
        if request
            .extensions()
            .get::<crate::wire::Directory>()
            .is_some()
        {
            end_in_slash(&mut request);
        }
        drop_empty_token(&mut request);
        let metadata = metadata_host(&request);
        let (is_get, is_head) = (request.method() == "GET", request.method() == "HEAD");
        let range = request.headers().get("range");
        let range = range.and_then(|range| range.to_str().ok().map(str::to_owned));
        if let Some(host) = metadata {
            return self.ask_machine(&patience, request, host).await;
        }
        let response = match redirect::send(&self.http, request).await {
            Ok(response) => response,
            Err(error) => return Err(failed(&patience, error)),
        };
        if matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308)
            && !response.headers().contains_key("location")
        {
            let status = response.status().as_u16();
            let reason = answer::of_refusal(response)
                .await?
                .into_body()
                .bytes()
                .await?;
            let reason = String::from_utf8_lossy(&reason).into_owned();
            return Err(HttpError::new(
                HttpErrorKind::Unknown,
                Nowhere { status, reason },
            ));
        }
        if is_get || is_head {
            let status = response.status();
            if !status.is_success() && !is_head && !status.is_redirection() {
                return self.refused(&patience, response).await;
            }
            return answer::of_read(response, is_get, range.as_deref());
        }
        match response.status().is_success() || response.status().is_redirection() {
            true => Ok(response),
            false => self.refused(&patience, response).await,
        }
    }
}

impl Client {
    /// Requests the machine's account from the metadata service. Any refusal is treated as missing
    /// credentials; transient failures are retried.
    async fn ask_machine(
        &self,
        patience: &Patience,
        request: HttpRequest,
        host: String,
    ) -> Result<HttpResponse, HttpError> {
        let gives_token = request.method() == "PUT" && self.without_token;
        let mut attempts = if self.retries { 3_u32 } else { 1 };
        let cause = loop {
            attempts = attempts.saturating_sub(1);
            let response = match redirect::send(&self.http, request.clone()).await {
                Ok(response) => response,
                Err(error) => break Cause::new(&error).to_string(),
            };
            let status = response.status();
            if status.is_success() || (gives_token && status.as_u16() == 403) {
                return Ok(response);
            }
            patience.note(format!("status {status}"));
            if attempts == 0 || !status.is_server_error() {
                break format!("status {status}");
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let none = NoCredentials { host, cause };
        Err(HttpError::new(HttpErrorKind::Unknown, none))
    }

    /// Returns a refusal with its message, after the time given in `Retry-After`.
    async fn refused(
        &self,
        patience: &Patience,
        response: HttpResponse,
    ) -> Result<HttpResponse, HttpError> {
        let response = answer::of_refusal(response).await?;
        let status = response.status().as_u16();
        patience.note(format!("status {}", response.status()));
        let away = response.headers().get("retry-after");
        let away = away.and_then(|value| retry_after(value.to_str().ok()?));
        let Some(away) = away.filter(|_| matches!(status, 429 | 503)) else {
            return Ok(response);
        };
        let left = patience
            .until
            .map(|until| until.saturating_duration_since(Instant::now()));
        if !self.retries {
            return Ok(response);
        }
        if left.is_some_and(|left| left < away) {
            let reason = response.into_body().bytes().await?;
            let reason = String::from_utf8_lossy(&reason).into_owned();
            let away = Away {
                status,
                away,
                reason,
            };
            return Err(HttpError::new(HttpErrorKind::Unknown, away));
        }
        tokio::time::sleep(away).await;
        Ok(response)
    }
}

/// Converts a failure to get a response. A failure that would repeat is final.
fn failed(patience: &Patience, error: HttpError) -> HttpError {
    let cause = Cause::new(&error);
    patience.note(cause.to_string());
    match cause.is_lasting() && error.kind() == HttpErrorKind::Connect {
        true => HttpError::new(HttpErrorKind::Unknown, Final(cause)),
        false => error,
    }
}

/// Removes an empty token, as in an anonymous put to Google Cloud Storage.
fn drop_empty_token(request: &mut HttpRequest) {
    let token = request.headers().get("authorization");
    if token.is_some_and(|token| token.as_bytes().trim_ascii() == b"Bearer") {
        request.headers_mut().remove("authorization");
    }
}

/// Returns the host of a request to a cloud's metadata service, which knows the machine's account;
/// `None` for any other request.
fn metadata_host(request: &HttpRequest) -> Option<String> {
    const HOSTS: [&str; 4] = [
        "169.254.169.254",
        "169.254.170.2",
        "metadata",
        "metadata.google.internal",
    ];
    const PATHS: [&str; 4] = [
        "/latest/api/token",
        "/latest/meta-data/",
        "/computeMetadata/",
        "/metadata/identity/",
    ];
    let (host, path) = (request.uri().host()?, request.uri().path());
    let known = HOSTS.contains(&host) || PATHS.iter().any(|start| path.starts_with(start));
    known.then(|| host.to_owned())
}

/// Makes the path of a request end in `/`, as a directory's does.
#[cfg(feature = "http")]
fn end_in_slash(request: &mut HttpRequest) {
    let text = request.uri().to_string();
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (text.as_str(), String::new()),
    };
    if !path.ends_with('/')
        && let Ok(uri) = format!("{path}/{query}").parse()
    {
        *request.uri_mut() = uri;
    }
}

/// Returns the time to wait: a number of seconds, or until a date (RFC 9110, 10.2.3).
fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value.trim()).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_say_when_to_come_back() {
        assert_eq!(retry_after(" 7"), Some(Duration::from_secs(7)));
        let soon = SystemTime::now() + Duration::from_secs(100);
        let wait = retry_after(&httpdate::fmt_http_date(soon));
        assert!(
            wait.is_some_and(|wait| (90..=100).contains(&wait.as_secs())),
            "{wait:?}"
        );
        let past = retry_after("Mon, 01 Jan 2024 00:00:00 GMT");
        assert_eq!(past, Some(Duration::ZERO));
        assert_eq!(retry_after("later"), None);
    }
}
