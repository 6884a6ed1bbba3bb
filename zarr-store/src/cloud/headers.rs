//! The headers of every request of a store: the option `default_headers`, tokens, and the user info
//! of a URL.

#[cfg(feature = "http")]
use base64::Engine;
#[cfg(feature = "http")]
use base64::prelude::BASE64_STANDARD;
#[cfg(feature = "http")]
use reqwest::header::AUTHORIZATION;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::named::{Named, take};
use crate::error::Result;
use crate::options::invalid;

/// Takes the option `default_headers`: one header per line, as in `Authorization: Bearer abc`.
pub(super) fn take_default(url: &Url, options: &mut Named) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let Some(lines) = take(options, "default_headers") else {
        return Ok(headers);
    };
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let field = line.split_once(':').and_then(|(name, value)| {
            let name: HeaderName = name.trim().parse().ok()?;
            Some((name, secret(value.trim())?))
        });
        // The line may be secret.
        let (name, value) = field.ok_or_else(|| {
            let reason = "option default_headers has a line that is not a header; expected lines of the \
                          form \"name: value\"";
            invalid(url.as_str(), reason)
        })?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Adds the user info of a URL, or the option `bearer_token`, as `Authorization`.
#[cfg(feature = "http")]
pub(super) fn authorize(url: &Url, options: &mut Named, headers: &mut HeaderMap) -> Result<()> {
    let decode = |text: &str| {
        let bytes = percent_encoding::percent_decode_str(text);
        bytes.collect::<Vec<u8>>()
    };
    let text = match take(options, "bearer_token") {
        Some(token) => format!("Bearer {token}"),
        None if url.username().is_empty() && url.password().is_none() => return Ok(()),
        None => {
            let mut user = decode(url.username());
            user.push(b':');
            user.extend(decode(url.password().unwrap_or_default()));
            format!("Basic {}", BASE64_STANDARD.encode(user))
        }
    };
    let reason = "option bearer_token has a line break or another control character; was it read from a file with its newline?";
    let value = secret(&text).ok_or_else(|| invalid(url.as_str(), reason))?;
    headers.insert(AUTHORIZATION, value);
    Ok(())
}

/// Makes a header value that is never shown.
fn secret(text: &str) -> Option<HeaderValue> {
    let mut value: HeaderValue = text.parse().ok()?;
    value.set_sensitive(true);
    Some(value)
}
