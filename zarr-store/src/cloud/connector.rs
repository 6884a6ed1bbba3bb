//! The HTTP client of all remote stores: a GET that succeeds in an odd way (202, 203, 204, ...) is an error, since
//! `object_store` takes any success for the object, and an empty one would read as fill values. And where a server that is busy
//! says when to come back, it is not asked before: `object_store` tries again after a time of its own.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};

/// The longest that a server may send us away for.
const AWAY_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct StrictConnector(ReqwestConnector);

#[derive(Debug)]
struct StrictClient(HttpClient);

#[derive(Debug, thiserror::Error)]
#[error("status {0}, expected 200 or 206")]
struct OddSuccess(u16);

impl HttpConnector for StrictConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(StrictClient(self.0.connect(options)?)))
    }
}

#[async_trait]
impl HttpService for StrictClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_get = request.method().as_str() == "GET";
        let response = self.0.execute(request).await?;
        let status = response.status();
        if is_get && status.is_success() && !matches!(status.as_u16(), 200 | 206) {
            let odd = OddSuccess(status.as_u16());
            return Err(HttpError::new(HttpErrorKind::Decode, odd));
        }
        if matches!(status.as_u16(), 429 | 503)
            && let Some(value) = response.headers().get("retry-after")
            && let Some(away) = value.to_str().ok().and_then(retry_after)
        {
            tokio::time::sleep(away.min(AWAY_MAX)).await;
        }
        Ok(response)
    }
}

/// The time to wait: a number of seconds, or until a date (RFC 9110, 10.2.3).
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
