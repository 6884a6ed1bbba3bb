//! The text of URLs and paths: their parts, and what is below them.

use url::Url;

/// What stands before the first `|` of a URL pipeline, and the parts behind it. A `|` that no scheme follows is of a path.
pub(crate) fn split_pipeline(url: &str) -> Option<(&str, &str)> {
    let (first, stages) = url.split_once('|')?;
    let (scheme, _) = stages.split_once(':')?;
    let legal = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (legal && !scheme.is_empty()).then_some((first, stages))
}

/// The scheme, in lower case, and what follows its colon. Anything else is a path: a scheme has to be followed by `//`, but
/// for `memory:` and `file:`.
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

/// The URL or path of what is below a prefix, which opens just that; `None` where no URL can. Those of web servers are encoded.
pub(crate) fn shown(location: &str, prefix: &str) -> Option<String> {
    let web = matches!(split_scheme(location), Some((scheme, _)) if scheme.starts_with("http"));
    let archive = |text: &str| split_pipeline(text).is_some();
    // What stands behind an archive is taken to the letter.
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
