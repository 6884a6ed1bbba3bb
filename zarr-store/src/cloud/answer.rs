//! Converts responses of servers to responses that `object_store` accepts. [`Facts`] carry what
//! `object_store` has no field for: objects of unknown size, fewer bytes than requested, encoded
//! bytes.

use std::ops::Range;

use bytes::Bytes;

use http_body_util::BodyExt;
use object_store::client::{HttpError, HttpErrorKind, HttpResponse, HttpResponseBody};
use reqwest::StatusCode;

use crate::byte_range::length;
use crate::object::decode::codings;
use crate::wire::{Facts, UNKNOWN_SIZE};

/// The most bytes that are read of a failure's message.
const REASON: usize = 1 << 16;

/// An invalid response.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("status {0}, expected 200 or 206")]
    Status(u16),
    #[error("status 206 (a part of the object), but the request was for the whole object")]
    Unasked,
    #[error("a partial response without a valid Content-Range")]
    NoPlace,
    #[error("the response has bytes {}..{}, but the request was for {asked}", got.start, got.end)]
    Other { got: Range<u64>, asked: String },
}

fn wrong(wrong: Wrong) -> HttpError {
    HttpError::new(HttpErrorKind::Decode, wrong)
}

/// Converts the response to a GET or HEAD with this `Range` header.
pub(super) fn of_read(
    response: HttpResponse,
    is_get: bool,
    asked: Option<&str>,
) -> Result<HttpResponse, HttpError> {
    let status = response.status();
    if !status.is_success() {
        return Ok(response);
    }
    if is_get && !matches!(status.as_u16(), 200 | 206) {
        return Err(wrong(Wrong::Status(status.as_u16())));
    }
    let mut response = plain(response);
    if is_get && status.as_u16() == 206 && is_nothing(&response) {
        *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
        return Ok(response);
    }
    let encoding = field(&response, "content-encoding").filter(|value| !codings(value).is_empty());
    let mut facts = Facts {
        encoding,
        ..Facts::default()
    };
    if status.as_u16() == 206 && is_get {
        response = part(response, asked, &mut facts)?;
    } else if field(&response, "content-length").is_none() {
        facts.size_unknown = true;
        set(&mut response, "content-length", &UNKNOWN_SIZE.to_string());
    }
    response.headers_mut().remove("content-encoding");
    response.extensions_mut().insert(facts);
    Ok(response)
}

/// Whether a partial response has no bytes and either no `Content-Range` or one that ends before it
/// begins (`bytes 10-9/10`): Azurite's response to a range that begins at the end of an object.
fn is_nothing(response: &HttpResponse) -> bool {
    let size = field(response, "content-length");
    match field(response, "content-range") {
        None => size.is_none_or(|size| size.trim() == "0"),
        Some(place) => size.is_some_and(|size| size.trim() == "0") && parse(&place).is_none(),
    }
}

/// Returns a refusal with its message as valid text: without it, `object_store` would not see the
/// status.
pub(super) async fn of_refusal(response: HttpResponse) -> Result<HttpResponse, HttpError> {
    let (parts, mut body) = response.into_parts();
    let mut reason = Vec::new();
    while reason.len() < REASON
        && let Some(frame) = body.frame().await.transpose()?
    {
        if let Ok(bytes) = frame.into_data() {
            reason.extend_from_slice(&bytes);
        }
    }
    reason.truncate(REASON);
    let reason = String::from_utf8_lossy(&reason).into_owned();
    Ok(HttpResponse::from_parts(parts, Bytes::from(reason).into()))
}

/// Converts a partial response to the response that the request expects.
fn part(
    mut response: HttpResponse,
    asked: Option<&str>,
    facts: &mut Facts,
) -> Result<HttpResponse, HttpError> {
    let place = field(&response, "content-range");
    let place = place
        .as_deref()
        .and_then(parse)
        .ok_or_else(|| wrong(Wrong::NoPlace))?;
    let (got, total) = place;
    let Some(asked) = asked else {
        let whole = got.start == 0 && total == Some(got.end);
        return whole
            .then_some(response)
            .ok_or_else(|| wrong(Wrong::Unasked));
    };
    let size = total.unwrap_or(got.end);
    let refuse = || {
        wrong(Wrong::Other {
            got: got.clone(),
            asked: asked.to_owned(),
        })
    };
    let (wanted, reaches) = resolve(asked, size).ok_or_else(refuse)?;
    facts.size_unknown = total.is_none() && reaches;
    // If the object has unknown size, a range that is complete ends at its requested end.
    let size = match total {
        None if reaches => got.end.min(wanted.end),
        _ => size,
    };
    let covers = got.start <= wanted.start && wanted.end <= got.end;
    if covers && facts.encoding.is_none() {
        response = cut(response, &got, &wanted);
    } else if got.start == wanted.start && !covers {
        facts.part = Some(got);
    } else if got != wanted {
        return Err(refuse());
    }
    let last = wanted.end.saturating_sub(1);
    set(
        &mut response,
        "content-length",
        &length(&wanted).to_string(),
    );
    let place = format!("bytes {}-{last}/{size}", wanted.start);
    set(&mut response, "content-range", &place);
    Ok(response)
}

/// Parses the range and the size in `bytes 0-9/100`, or `bytes 0-9/*`.
fn parse(value: &str) -> Option<(Range<u64>, Option<u64>)> {
    let value = value.trim();
    let (unit, rest) = value.split_at_checked(5)?;
    let rest = rest.trim_start_matches([' ', '=']);
    let (range, total) = rest.split_once('/')?;
    let (start, last) = range.trim().split_once('-')?;
    let (start, last) = (start.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
    let end = last
        .checked_add(1)
        .filter(|end| start < *end && *end < UNKNOWN_SIZE)?;
    let total = match total.trim() {
        "*" => None,
        total => Some(total.parse().ok().filter(|total| end <= *total)?),
    };
    unit.eq_ignore_ascii_case("bytes")
        .then_some((start..end, total))
}

/// Resolves `bytes=0-9` in an object of this size, and tells whether the range would be longer in a
/// larger object; `None` if the range is unsatisfiable.
fn resolve(asked: &str, size: u64) -> Option<(Range<u64>, bool)> {
    let (start, last) = asked.strip_prefix("bytes=")?.split_once('-')?;
    let (range, reaches) = match (start.parse::<u64>(), last.parse::<u64>()) {
        (Ok(start), Ok(last)) => (start..last.saturating_add(1).min(size), true),
        (Ok(start), Err(_)) => (start..size, true),
        (Err(_), Ok(suffix)) => (size.saturating_sub(suffix)..size, false),
        (Err(_), Err(_)) => return None,
    };
    (range.start < range.end).then_some((range, reaches))
}

/// Cuts the bytes of `wanted` out of a response with the bytes of `got`.
fn cut(response: HttpResponse, got: &Range<u64>, wanted: &Range<u64>) -> HttpResponse {
    if got == wanted {
        return response;
    }
    let (mut skip, mut left) = (wanted.start.saturating_sub(got.start), length(wanted));
    let (parts, body) = response.into_parts();
    let body = body.map_frame(move |frame| {
        frame.map_data(|bytes: Bytes| {
            let from = skip.min(bytes.len() as u64);
            let to = left.saturating_add(from).min(bytes.len() as u64);
            skip = skip.saturating_sub(from);
            left = left.saturating_sub(to.saturating_sub(from));
            let place = |at| usize::try_from(at).unwrap_or(bytes.len());
            bytes.slice(place(from)..place(to))
        })
    });
    HttpResponse::from_parts(parts, HttpResponseBody::new(body))
}

/// Removes headers that this crate does not read and that make `object_store` fail if they are not
/// as expected.
fn plain(mut response: HttpResponse) -> HttpResponse {
    let modified = field(&response, "last-modified");
    let modified = modified.and_then(|value| httpdate::parse_http_date(value.trim()).ok());
    match modified {
        Some(date) => set(
            &mut response,
            "last-modified",
            &httpdate::fmt_http_date(date),
        ),
        None => drop(response.headers_mut().remove("last-modified")),
    }
    let headers = response.headers_mut();
    for name in ["cache-control", "content-disposition", "content-language"] {
        headers.remove(name);
    }
    let odd = headers.iter().filter(|(_, value)| value.to_str().is_err());
    for name in odd.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
        headers.remove(name);
    }
    response
}

fn field(response: &HttpResponse, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

fn set(response: &mut HttpResponse, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
}
