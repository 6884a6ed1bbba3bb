//! A read-only S3 server of a folder, which answers late and slowly, and counts what it serves:
//! `GET /-/counts` returns the requests and bytes since the last call.
//!
//! Each response starts after the latency, more or less a random jitter, and its body is limited to
//! a bandwidth per connection. Files are read at once and from the page cache, so that the server
//! takes little of the time.

use std::convert::Infallible;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream;

/// The size of the pieces in which a body is sent, in bytes.
const PIECE: usize = 128 << 10;

/// How late and how slowly responses arrive.
#[derive(Clone, Copy)]
pub struct Wire {
    latency: Duration,
    jitter: Duration,
    /// The time that a piece of a body takes.
    piece: Duration,
}

impl Wire {
    /// `speed` is in MiB per second and connection; 0 means no limit.
    pub fn new(latency_ms: f64, jitter_ms: f64, speed: f64) -> Self {
        let ms = |ms: f64| Duration::from_secs_f64(ms / 1e3);
        let piece = if speed > 0.0 {
            PIECE as f64 / (speed * f64::from(1 << 20))
        } else {
            0.0
        };
        Self {
            latency: ms(latency_ms),
            jitter: ms(jitter_ms),
            piece: Duration::from_secs_f64(piece),
        }
    }

    /// Returns the latency of a request: the jitter depends on its number alone, so that all
    /// implementations meet the same sequence.
    fn delay(&self, number: u64) -> Duration {
        let random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let part = random as f64 / f64::from(1 << 24);
        (self.latency + self.jitter.mul_f64(2.0 * part)).saturating_sub(self.jitter)
    }
}

struct Server {
    folder: PathBuf,
    wire: Wire,
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// Serves the folder on a free port, which is printed, until the process ends.
#[tokio::main(flavor = "current_thread")]
pub async fn serve(folder: PathBuf, wire: Wire) {
    let server = Arc::new(Server {
        folder,
        wire,
        requests: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    println!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new()
        .route("/-/counts", get(counts))
        .fallback(object)
        .with_state(server);
    axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true))),
        router,
    )
    .await
    .expect("serves");
}

async fn counts(State(server): State<Arc<Server>>) -> String {
    let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
    format!("{} {}", take(&server.requests), take(&server.bytes))
}

/// Answers a GET or HEAD of an object of the bucket, `/bucket/key`.
async fn object(State(server): State<Arc<Server>>, request: Request) -> Response {
    let number = server.requests.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(server.wire.delay(number)).await;
    let key = request
        .uri()
        .path()
        .trim_start_matches('/')
        .split_once('/')
        .map_or("", |(_, key)| key);
    let is_head = request.method() == Method::HEAD;
    if key.is_empty() {
        // Some clients ask for the region of the bucket.
        return [("x-amz-bucket-region", "us-east-1")].into_response();
    }
    if !is_head && request.method() != Method::GET {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    match found(&server.folder.join(key), request.headers()) {
        Ok(found) => found.respond(&server, is_head),
        Err(status) => (status, no_such_key(status)).into_response(),
    }
}

fn no_such_key(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => {
            "<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>"
        }
        _ => "",
    }
}

/// The requested part of an object.
struct Found {
    bytes: Bytes,
    tag: String,
    modified: HeaderValue,
    /// The content range, if a range was requested.
    range: Option<String>,
}

fn found(path: &Path, headers: &HeaderMap) -> Result<Found, StatusCode> {
    let file = std::fs::File::open(path).map_err(|_| StatusCode::NOT_FOUND)?;
    let metadata = file.metadata().map_err(|_| StatusCode::NOT_FOUND)?;
    if !metadata.is_file() {
        return Err(StatusCode::NOT_FOUND);
    }
    let tag = format!(
        "\"{:x}-{:x}-{:x}\"",
        metadata.ino(),
        metadata.len(),
        metadata.mtime_nsec()
    );
    if headers
        .get(header::IF_MATCH)
        .is_some_and(|wanted| wanted.as_bytes() != tag.as_bytes())
    {
        return Err(StatusCode::PRECONDITION_FAILED);
    }
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return Err(StatusCode::NOT_MODIFIED);
    }
    let size = metadata.len();
    let wanted = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok()?.strip_prefix("bytes="));
    let (start, end) = match wanted.map(|range| parse(range, size)) {
        None => (0, size),
        Some(range) => range.ok_or(StatusCode::RANGE_NOT_SATISFIABLE)?,
    };
    let mut bytes = vec![0; usize::try_from(end - start).expect("64 bits")];
    file.read_exact_at(&mut bytes, start)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let modified = metadata
        .modified()
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Found {
        bytes: bytes.into(),
        tag,
        modified: HeaderValue::from_str(&httpdate::fmt_http_date(modified)).expect("ASCII"),
        range: wanted.map(|_| format!("bytes {start}-{}/{size}", end.saturating_sub(1))),
    })
}

/// Parses `a-b`, `a-` or `-n`; `None` if no byte of the object is in the range.
fn parse(range: &str, size: u64) -> Option<(u64, u64)> {
    let (first, last) = range.split_once('-')?;
    let (start, end) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(start), Ok(last)) => (start, size.min(last + 1)),
        (Ok(start), Err(_)) => (start, size),
        (Err(_), Ok(count)) => (size.saturating_sub(count), size),
        _ => return None,
    };
    (start < end).then_some((start, end))
}

impl Found {
    fn respond(self, server: &Server, is_head: bool) -> Response {
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(
            header::ETAG,
            HeaderValue::from_str(&self.tag).expect("ASCII"),
        );
        headers.insert(header::LAST_MODIFIED, self.modified);
        headers.insert(header::CONTENT_LENGTH, self.bytes.len().into());
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        if let Some(range) = &self.range {
            headers.insert(
                header::CONTENT_RANGE,
                HeaderValue::from_str(range).expect("ASCII"),
            );
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        if !is_head {
            server
                .bytes
                .fetch_add(self.bytes.len() as u64, Ordering::Relaxed);
            *response.body_mut() = body(self.bytes, server.wire.piece);
        }
        response
    }
}

/// Sends a body in pieces, each of which takes some time.
fn body(bytes: Bytes, piece: Duration) -> Body {
    if piece.is_zero() {
        return bytes.into();
    }
    Body::from_stream(stream::unfold(bytes, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        let next = rest.split_to(PIECE.min(rest.len()));
        tokio::time::sleep(piece.mul_f64(next.len() as f64 / PIECE as f64)).await;
        Some((Ok::<_, Infallible>(next), rest))
    }))
}
