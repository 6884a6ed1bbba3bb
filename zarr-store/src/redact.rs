//! Removes secrets from locations and messages: the user info and query of every URL, and the parts
//! of a signed request that S3 quotes, session token included.

use std::borrow::Cow;

/// Elements of S3 responses that quote the request.
const QUOTED: [&str; 5] = [
    "CanonicalRequest",
    "CanonicalRequestBytes",
    "StringToSign",
    "StringToSignBytes",
    "SignatureProvided",
];

/// Returns the text without the secrets it may contain.
pub(crate) fn text(text: &str) -> String {
    let mut out = urls(text);
    for element in QUOTED {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        if let Some((before, rest)) = out.split_once(&open) {
            let after = rest.find(&close).map_or("", |at| &rest[at..]);
            out = format!("{before}{open}REDACTED{after}");
        }
    }
    out
}

/// Schemes whose keys are literal: a `?`, `#` or `@` in them hides nothing.
const LITERAL: [&str; 10] = [
    "s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl", "file", "memory",
];

/// Strips every URL in a text of user info, query and fragment.
fn urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at.saturating_add(3));
        let end = after.find(ends_url).unwrap_or(after.len());
        let (tail, next) = after.split_at(end);
        let scheme = before[..at]
            .rsplit(|c: char| !c.is_ascii_alphanumeric())
            .next();
        let scheme = scheme.unwrap_or_default().to_ascii_lowercase();
        out.push_str(before);
        match LITERAL.contains(&scheme.as_str()) {
            true => out.push_str(bucket_tail(tail)),
            false => out.push_str(&url_tail(tail)),
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

/// Redacts a URL that could not be parsed, so the end of its user info is unknown: keeps the text
/// after the last `@`, up to a query.
pub(crate) fn unparsed(url: &str) -> String {
    let (scheme, tail) = url.split_once(':').unwrap_or(("", url));
    let tail = tail.rsplit_once('@').map_or(tail, |(_, host)| host);
    let kept = tail.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}://{}", kept.trim_start_matches('/'))
}

/// Returns the text after the `scheme://` of a bucket, without a password. A user without a
/// password is an Azure container.
fn bucket_tail(tail: &str) -> &str {
    let authority = tail.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => &tail[user.len().saturating_add(1)..],
        _ => tail,
    }
}

/// Returns the text after `scheme://`, without user info, query and fragment.
fn url_tail(tail: &str) -> Cow<'_, str> {
    let cut = tail.find(['?', '#']).unwrap_or(tail.len());
    let kept = &tail[..cut];
    let authority_end = kept.find('/').unwrap_or(kept.len());
    let host = kept[..authority_end]
        .rfind('@')
        .map_or(0, |at| at.saturating_add(1));
    if cut == tail.len() {
        Cow::Borrowed(&kept[host..])
    } else {
        Cow::Owned(format!("{}?REDACTED", &kept[host..]))
    }
}

fn ends_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ')' | '>' | '<' | '}' | ',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_requests_are_removed() {
        let body =
            "<Error><StringToSign>a</StringToSign><CanonicalRequest>x-amz-security-token:b\n";
        let expected = "<Error><StringToSign>REDACTED</StringToSign><CanonicalRequest>REDACTED";
        assert_eq!(text(body), expected);
    }

    #[test]
    fn urls_that_cannot_be_parsed_lose_more() {
        for (from, to) in [
            ("https://u:p/w@h/x?y", "https://h/x"),
            ("https://u:p?w@h:port/x", "https://h:port/x"),
            ("gs://b ad/?sig", "gs://b ad/"),
        ] {
            assert_eq!(unparsed(from), to);
        }
    }

    #[test]
    fn user_info_query_and_fragment_are_removed() {
        for (from, to) in [
            (
                "GET https://me:pw@h.org:1/a/b?sig=x&y=z in 3 s",
                "GET https://h.org:1/a/b?REDACTED in 3 s",
            ),
            ("\"http://h/a#token\"", "\"http://h/a?REDACTED\""),
            ("http://a@b@h/x http://k:s@h", "http://h/x http://h"),
            ("no url at all?x=1", "no url at all?x=1"),
            ("s3://bucket/a@b", "s3://bucket/a@b"),
            ("in s3://bucket/run?1#x: no", "in s3://bucket/run?1#x: no"),
            ("gs://k:s@bucket/a?b", "gs://bucket/a?b"),
            (
                "abfs://c@acc.dfs.core.windows.net/x#1",
                "abfs://c@acc.dfs.core.windows.net/x#1",
            ),
            (
                "(file:///a?b) HTTPS://u@h?q",
                "(file:///a?b) HTTPS://h?REDACTED",
            ),
            ("memory://a#b s3a://b/?x", "memory://a#b s3a://b/?x"),
        ] {
            assert_eq!(text(from), to);
        }
    }
}
