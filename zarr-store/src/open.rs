//! From a URL or a path to a store.

use url::Url;

use crate::error::{Error, Result};
use crate::{Store, cloud, redact};

pub(crate) fn open(url: &str, options: Vec<(String, String)>) -> Result<Store> {
    let Some((scheme, rest)) = split_scheme(url) else {
        no_options(url, &options)?;
        return Store::local(url);
    };
    match scheme.as_str() {
        "memory" => {
            no_options(url, &options)?;
            Store::memory().with_prefix(rest.trim_matches('/'))
        }
        "file" => {
            no_options(url, &options)?;
            let parsed = parse(url)?;
            let path = parsed
                .to_file_path()
                .map_err(|()| invalid(url, "not a local path"))?;
            Store::local(path)
        }
        _ => cloud::open(&scheme, &parse(url)?, options),
    }
}

/// The scheme, in lower case, and what follows its colon. Anything else is a path: a scheme has to be followed by `//`, but
/// for `memory:` and `file:`.
fn split_scheme(url: &str) -> Option<(String, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let legal = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let marked = rest.starts_with("//") || scheme == "memory" || scheme == "file";
    (legal && marked).then_some((scheme, rest))
}

fn parse(url: &str) -> Result<Url> {
    Url::parse(url).map_err(|error| Error::InvalidUrl {
        url: redact::unparsed(url),
        reason: error.to_string(),
    })
}

/// An error about a URL, which it shows without its secrets.
pub(crate) fn invalid(url: &str, reason: &str) -> Error {
    Error::InvalidUrl {
        url: redact::text(url),
        reason: redact::text(reason),
    }
}

fn no_options(url: &str, options: &[(String, String)]) -> Result<()> {
    match options.first() {
        None => Ok(()),
        Some((option, _)) => Err(Error::UnknownOption {
            url: redact::text(url),
            option: option.clone(),
            known: "this kind of store has no options",
        }),
    }
}
