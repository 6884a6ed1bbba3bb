//! From a URL or a path to a store.

use std::sync::Arc;

use url::Url;

use crate::error::{Error, Result};
use crate::{CredentialSource, Store, cloud, redact};

/// Options as they were given, names and values, and where credentials come from.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) named: Vec<(String, String)>,
    pub(crate) credentials: Option<Arc<dyn CredentialSource>>,
}

pub(crate) fn open(url: &str, options: Options) -> Result<Store> {
    let Some((first, stages)) = split_pipeline(url) else {
        return open_first(url, options);
    };
    let (directory, mut key) = split_name(first);
    let mut store = open_first(&directory, options)?;
    for stage in stages.split('|') {
        let path = stage
            .strip_prefix("zip:")
            .ok_or_else(|| invalid(first, "unknown part after |; known: zip"))?;
        store = store.zip(&key)?;
        key = path.trim_matches('/').to_owned();
    }
    store.with_prefix(&key)
}

/// What stands before the first `|` of a URL pipeline, and the parts behind it. A `|` that no scheme follows is of a path.
fn split_pipeline(url: &str) -> Option<(&str, &str)> {
    let (first, stages) = url.split_once('|')?;
    let (scheme, _) = stages.split_once(':')?;
    let legal = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (legal && !scheme.is_empty()).then_some((first, stages))
}

/// The URL or path of a file as that of its directory, where the query stays, and its name.
fn split_name(url: &str) -> (String, String) {
    let is_url = split_scheme(url).is_some();
    let (path, query) = match url.find('?').filter(|_| is_url) {
        Some(at) => url.split_at(at),
        None => (url, ""),
    };
    let separators: &[char] = if is_url { &['/', ':'] } else { &['/'] };
    let (directory, name) = match path.rfind(separators) {
        Some(at) => path.split_at(at + 1),
        None => (".", path),
    };
    let decoded = object_store::path::Path::from_url_path(name);
    match decoded {
        Ok(decoded) if is_url => (format!("{directory}{query}"), decoded.as_ref().to_owned()),
        _ => (directory.to_owned(), name.to_owned()),
    }
}

fn open_first(url: &str, options: Options) -> Result<Store> {
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

/// The error for credentials where nobody asks for any.
pub(crate) fn no_credentials(url: &str, options: &Options) -> Result<()> {
    match &options.credentials {
        None => Ok(()),
        Some(_) => Err(invalid(url, "this kind of store has no credentials")),
    }
}

fn no_options(url: &str, options: &Options) -> Result<()> {
    no_credentials(url, options)?;
    match options.named.first() {
        None => Ok(()),
        Some((option, _)) => Err(Error::UnknownOption {
            url: redact::text(url),
            option: option.clone(),
            known: "this kind of store has no options",
        }),
    }
}
