//! `zarrctl serve`: a store over HTTP, for viewers in browsers.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use clap::Args;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tokio::net::TcpListener;
use zarr::Store;
use zarr::blocking::runtime;
use zarr::store::{Body, ByteRange, ErrorKind};

use crate::context::{self, Context};
use crate::failure::{Failure, Outcome, Result};
use crate::text::escaped;

/// Serve a hierarchy over HTTP, for viewers in browsers and other programs
#[derive(Debug, Args)]
#[command(after_help = "\
Reads only: GET and HEAD with ranges and ETags, and CORS for all origins. Any
source can be served: a bucket, an archive. Directories are web pages that list
them. Prints the URL, then one line for each request with -v.

Examples:
  zarrctl serve data.zarr
  zarrctl serve s3://bucket/data.zarr --port 9000
  zarrctl serve data.zip --bind 0.0.0.0 --origin https://viewer.example.com")]
pub(crate) struct Serve {
    /// The hierarchy
    source: String,
    /// The port; 0 chooses a free one
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// The address; 0.0.0.0 serves other machines, too
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// The web pages that may read: an origin, or * for all
    #[arg(long, value_name = "ORIGIN", default_value = "*")]
    origin: String,
}

/// What is served, and to whom.
struct Served {
    store: Store,
    origin: HeaderValue,
    logs: bool,
}

pub(crate) fn run(context: &Context, args: &Serve) -> Result<Outcome> {
    let source = context.open(&args.source)?;
    let origin = HeaderValue::from_str(&args.origin).map_err(|_| {
        Failure::new(format!("--origin: {:?} is no origin", args.origin))
            .hint("give https://host or *")
    })?;
    let served = Arc::new(Served {
        store: source.hierarchy.store().clone().read_only(),
        origin,
        logs: context.verbose(),
    });
    runtime().block_on(async {
        let address = SocketAddr::new(args.bind, args.port);
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::new(format!("{address}: {error}"))
                .hint("choose another --port; 0 takes a free one")
        })?;
        let url = format!("http://{}", listener.local_addr()?);
        context.print(
            &serde_json::json!({"url": url, "location": source.location()}),
            || format!("serving {} at {url}; Ctrl-C ends\n", source.location()),
        )?;
        if !args.bind.is_loopback() {
            context.note("every machine that reaches this address can read the data");
        }
        accept(listener, served).await
    })
}

async fn accept(listener: TcpListener, served: Arc<Served>) -> Result<Outcome> {
    loop {
        // An error concerns one connection: the client is gone, or too many are open.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        let served = served.clone();
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let served = served.clone();
                async move { Ok::<_, Infallible>(served.answer(&request).await) }
            });
            let http = hyper::server::conn::http1::Builder::new();
            // The client may end the connection at any time.
            drop(http.serve_connection(TokioIo::new(stream), answer).await);
        });
    }
}

impl Served {
    async fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let mut response = match *request.method() {
            Method::GET => self.get(request, false).await,
            Method::HEAD => self.get(request, true).await,
            Method::OPTIONS => status(StatusCode::NO_CONTENT),
            _ => status(StatusCode::METHOD_NOT_ALLOWED),
        };
        if self.logs {
            context::complain(&format!(
                "{} {} {}\n",
                request.method(),
                request.uri().path(),
                response.status().as_u16()
            ));
        }
        self.allow(response.headers_mut());
        response
    }

    /// Allows web pages of the origin to read the response.
    fn allow(&self, headers: &mut HeaderMap) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.origin.clone());
        let fixed = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "Range, If-None-Match, If-Match, If-Range, Content-Type",
            ),
            (
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                "Content-Length, Content-Range, ETag, Accept-Ranges",
            ),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
            (header::ALLOW, "GET, HEAD, OPTIONS"),
            (header::ACCEPT_RANGES, "bytes"),
            (header::VARY, "Origin"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }

    async fn get<B>(&self, request: &Request<B>, head: bool) -> Response<Full<Bytes>> {
        let key = request.uri().path().trim_start_matches('/');
        let key = percent_decode_str(key).decode_utf8().ok();
        let Some(key) = key else {
            return status(StatusCode::NOT_FOUND);
        };
        let answer = match key.is_empty() || key.ends_with('/') {
            true => self.index(key.trim_end_matches('/'), head).await,
            false => self.read(request, &key, head).await,
        };
        match answer {
            Ok(response) => response,
            Err(error) => status(match error.kind() {
                ErrorKind::InvalidKey => StatusCode::NOT_FOUND,
                ErrorKind::PermissionDenied => StatusCode::FORBIDDEN,
                ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
                _ => StatusCode::BAD_GATEWAY,
            }),
        }
    }

    /// Lists what lies directly below a directory, as a web page.
    async fn index(&self, path: &str, head: bool) -> zarr::store::Result<Response<Full<Bytes>>> {
        if !self.store.can_list() {
            return Ok(status(StatusCode::NOT_FOUND));
        }
        let listing = self.store.list_dir(path).await?;
        let directories = listing.prefixes.into_iter().map(|name| name + "/");
        let mut lines = String::new();
        for name in directories.chain(listing.keys) {
            let link = utf8_percent_encode(&name, NON_ALPHANUMERIC);
            let link = link.to_string().replace("%2F", "/").replace("%2E", ".");
            lines += &format!("<li><a href=\"./{link}\">{}</a></li>", escaped(&name));
        }
        if lines.is_empty() {
            return Ok(status(StatusCode::NOT_FOUND));
        }
        let title = escaped(&format!("/{path}"));
        let page = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
             <h1>{title}</h1><ul>{lines}</ul></html>\n"
        );
        let mut response = status(StatusCode::OK);
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, html);
        match head {
            true => {
                let len = Some(page.len().to_string());
                insert(response.headers_mut(), header::CONTENT_LENGTH, len);
            }
            false => *response.body_mut() = Full::new(page.into()),
        }
        Ok(response)
    }

    async fn read<B>(
        &self,
        request: &Request<B>,
        key: &str,
        head: bool,
    ) -> zarr::store::Result<Response<Full<Bytes>>> {
        let headers = request.headers();
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let range = text(header::RANGE).and_then(asked);
        if head
            || text(header::IF_NONE_MATCH).is_some()
            || text(header::IF_MATCH).is_some()
            || text(header::IF_RANGE).is_some()
        {
            let Some(info) = self.store.head(key).await? else {
                return Ok(status(StatusCode::NOT_FOUND));
            };
            let tag = tag(&info.version);
            let equals = |tags: &str| {
                tags.split(',')
                    .any(|text| text.trim() == "*" || Some(text.trim()) == tag.as_deref())
            };
            if text(header::IF_MATCH).is_some_and(|tags| !equals(tags)) {
                return Ok(status(StatusCode::PRECONDITION_FAILED));
            }
            if text(header::IF_NONE_MATCH).is_some_and(equals) {
                let mut response = status(StatusCode::NOT_MODIFIED);
                insert(response.headers_mut(), header::ETAG, tag);
                return Ok(response);
            }
            let range = range.filter(|_| text(header::IF_RANGE).is_none_or(equals));
            if head {
                return Ok(described(range, info.size, tag));
            }
            return self.body(key, range).await;
        }
        self.body(key, range).await
    }

    async fn body(
        &self,
        key: &str,
        range: Option<ByteRange>,
    ) -> zarr::store::Result<Response<Full<Bytes>>> {
        let body = self
            .store
            .get(key, range.as_ref().unwrap_or(&ByteRange::All), None)
            .await?;
        let Some(Body {
            bytes,
            range: found,
            object_size,
            version,
        }) = body
        else {
            return Ok(status(StatusCode::NOT_FOUND));
        };
        let mut response = match range {
            Some(_) if found.is_empty() => return Ok(unsatisfiable(object_size)),
            Some(_) => partial(&found, object_size),
            None => status(StatusCode::OK),
        };
        insert(response.headers_mut(), header::ETAG, tag(&version));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, kind(key));
        *response.body_mut() = Full::new(bytes);
        Ok(response)
    }
}

/// Answers HEAD: the headers that GET would have.
fn described(range: Option<ByteRange>, size: u64, tag: Option<String>) -> Response<Full<Bytes>> {
    let (mut response, len) = match range.map(|range| range.resolve(size)) {
        Some(range) if range.is_empty() => return unsatisfiable(size),
        Some(range) => (partial(&range, size), range.end - range.start),
        None => (status(StatusCode::OK), size),
    };
    insert(response.headers_mut(), header::ETAG, tag);
    insert(
        response.headers_mut(),
        header::CONTENT_LENGTH,
        Some(len.to_string()),
    );
    response
}

fn partial(range: &Range<u64>, size: u64) -> Response<Full<Bytes>> {
    let mut response = status(StatusCode::PARTIAL_CONTENT);
    let place = format!("bytes {}-{}/{size}", range.start, range.end - 1);
    insert(response.headers_mut(), header::CONTENT_RANGE, Some(place));
    response
}

fn unsatisfiable(size: u64) -> Response<Full<Bytes>> {
    let mut response = status(StatusCode::RANGE_NOT_SATISFIABLE);
    insert(
        response.headers_mut(),
        header::CONTENT_RANGE,
        Some(format!("bytes */{size}")),
    );
    response
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: Option<String>) {
    if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
        headers.insert(name, value);
    }
}

/// Returns the version of an object as a tag in quotes.
fn tag(version: &zarr::store::Version) -> Option<String> {
    version.is_known().then(|| {
        let text = version.to_string();
        let letters = text
            .chars()
            .filter(|letter| letter.is_ascii_graphic() && *letter != '"');
        format!("\"{}\"", letters.collect::<String>())
    })
}

fn kind(key: &str) -> HeaderValue {
    let name = key.rsplit('/').next().unwrap_or(key);
    let is_json =
        name.ends_with(".json") || [".zarray", ".zgroup", ".zattrs", ".zmetadata"].contains(&name);
    HeaderValue::from_static(if is_json {
        "application/json"
    } else {
        "application/octet-stream"
    })
}

/// Parses a range of bytes; `None` for several ranges and other units, which are ignored as the
/// HTTP standard allows.
fn asked(text: &str) -> Option<ByteRange> {
    let (start, end) = text.strip_prefix("bytes=")?.split_once('-')?;
    match (start.trim(), end.trim()) {
        ("", len) => len.parse().ok().map(ByteRange::Suffix),
        (start, "") => start.parse().ok().map(ByteRange::From),
        (start, end) => {
            let (start, end) = (start.parse().ok()?, end.parse::<u64>().ok()?);
            (start <= end).then(|| ByteRange::Range(start..end.saturating_add(1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_three_forms() {
        assert_eq!(asked("bytes=0-9"), Some(ByteRange::Range(0..10)));
        assert_eq!(asked("bytes=5-"), Some(ByteRange::From(5)));
        assert_eq!(asked("bytes=-5"), Some(ByteRange::Suffix(5)));
        for ignored in [
            "bytes=9-0",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=-",
            "bytes=a-b",
        ] {
            assert_eq!(asked(ignored), None, "{ignored}");
        }
    }
}
