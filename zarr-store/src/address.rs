//! The text of URLs and paths: splitting it, and appending prefixes.

use url::Url;

/// Splits a URL pipeline at its first `|`. A `|` that no scheme follows belongs to a path.
pub(crate) fn split_pipeline(url: &str) -> Option<(&str, &str)> {
    let (first, stages) = url.split_once('|')?;
    let (scheme, _) = stages.split_once(':')?;
    let legal = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (legal && !scheme.is_empty()).then_some((first, stages))
}

/// Splits off the scheme, in lower case, from the text after its colon; `None` for a path. A scheme
/// must be followed by `//`, except `memory:` and `file:`.
pub(crate) fn split_scheme(url: &str) -> Option<(String, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let legal = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let marked = rest.starts_with("//") || scheme == "memory" || scheme == "file";
    (legal && marked).then_some((scheme, rest))
}

/// Returns the URL or path that opens everything below a prefix; `None` if no URL can. URLs of web
/// servers are encoded.
pub(crate) fn shown(location: &str, prefix: &str) -> Option<String> {
    let web = matches!(split_scheme(location), Some((scheme, _)) if scheme.starts_with("http"));
    let archive = |text: &str| split_pipeline(text).is_some();
    // The text after an archive is taken literally.
    if let (true, Ok(mut url)) = (web && !archive(location), Url::parse(location)) {
        let mut segments = url.path_segments_mut().ok()?;
        segments.pop_if_empty().extend(prefix.split('/'));
        drop(segments);
        return Some(url.as_str().replace('|', "%7C"));
    }
    if archive(prefix) {
        return None;
    }
    let location = location.strip_suffix('/').unwrap_or(location);
    Some(format!("{location}/{prefix}"))
}
