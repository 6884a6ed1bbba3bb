//! Follows redirects (RFC 9110, 15.4) without leaking secrets: another origin receives only the
//! public headers of a request.

use object_store::client::{HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpResponse};
use url::Url;

/// The most redirects of one request.
const MOST: usize = 10;

/// The headers that any server may see.
const PUBLIC: [&str; 10] = [
    "accept",
    "accept-encoding",
    "content-length",
    "content-type",
    "depth",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "range",
    "user-agent",
];

#[derive(Debug, thiserror::Error)]
#[error("more than {MOST} redirects")]
struct TooMany;

/// Sends a request and follows its redirects.
pub(super) async fn send(
    client: &HttpClient,
    mut request: HttpRequest,
) -> Result<HttpResponse, HttpError> {
    let asked = request.uri().clone();
    for _ in 0..=MOST {
        let response = client.execute(request.clone()).await?;
        match moved(&request, &response) {
            Some(next) => request = next,
            None => return Ok(landed(&asked, &request, response)),
        }
    }
    Err(HttpError::new(HttpErrorKind::Unknown, TooMany))
}

/// Marks a directory's response with the URL that it came from.
#[cfg(feature = "http")]
fn landed(
    asked: &impl ToString,
    request: &HttpRequest,
    mut response: HttpResponse,
) -> HttpResponse {
    use crate::wire::{Directory, Landed};

    if request.extensions().get::<Directory>().is_some() {
        let landed = Landed {
            asked: asked.to_string(),
            at: request.uri().to_string(),
        };
        response.extensions_mut().insert(landed);
    }
    response
}

#[cfg(not(feature = "http"))]
fn landed(_: &impl ToString, _: &HttpRequest, response: HttpResponse) -> HttpResponse {
    response
}

/// Returns the request that a redirect asks for; `None` if the response is not a redirect that can
/// be followed.
fn moved(request: &HttpRequest, response: &HttpResponse) -> Option<HttpRequest> {
    let status = response.status().as_u16();
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let place = response.headers().get("location")?.to_str().ok()?;
    let from = Url::parse(&request.uri().to_string()).ok()?;
    let mut to = from.join(place).ok()?;
    to.set_fragment(None);
    // Fails only for URLs without a host, which have no user info.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    let elsewhere = from.origin() != to.origin();
    let reads = matches!(request.method().as_str(), "GET" | "HEAD" | "PROPFIND");
    if !reads && (elsewhere || !matches!(status, 307 | 308)) {
        return None;
    }
    let mut next = request.clone();
    *next.uri_mut() = to.as_str().parse().ok()?;
    next.headers_mut().remove("host");
    if elsewhere {
        let names: Vec<_> = next.headers().keys().cloned().collect();
        for name in names {
            if !PUBLIC.contains(&name.as_str()) {
                next.headers_mut().remove(name);
            }
        }
    }
    Some(next)
}
