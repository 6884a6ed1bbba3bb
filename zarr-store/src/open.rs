//! Opens a store from a URL or a path.

use std::sync::Arc;

use url::Url;

use crate::address::{split_pipeline, split_scheme};
use crate::error::{Error, Result};
use crate::options::{Options, invalid, no_credentials};
use crate::{CredentialSource, Store, cloud, redact};

impl Store {
    /// Opens the store at a URL or path. `memory:` is a new store in memory, `memory://name` the
    /// store of that name; a bare path or `file://` is a local directory. `s3://` (feature `s3`),
    /// `gs://` (`gcs`), `az://` (`azure`), `http://` and `https://` (`http`) need the feature in
    /// parentheses. Credentials and settings come from the environment and, for S3, also from a
    /// profile in `~/.aws`. `<url of an archive>|zip:<path>` opens a [`zip`](Self::zip) archive at
    /// any of these locations.
    ///
    /// ```
    /// let store = zarr_store::Store::open("memory:")?;
    /// assert_eq!(store.location(), "memory://");
    /// # Ok::<_, zarr_store::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the URL names no known store, its feature is off, or the settings do not yield a client.
    pub fn open(url: &str) -> Result<Self> {
        open(url, Options::default())
    }

    /// Opens a store like [`open`](Self::open), with options that take precedence over the
    /// environment. Options have the names of `object_store` (`aws_region`, `endpoint`,
    /// `skip_signature`, `connect_timeout`, `read_timeout`, ...). Further options: for retries
    /// `max_retries`, `retry_timeout`, `init_backoff`, `max_backoff` and `backoff_base`;
    /// `single_writer`; `missing_on_403`; `optimize_for`, which is `time`, `requests` or `bytes`
    /// ([`CostModel::for_time`](crate::CostModel::for_time) and the others), by default a balance of
    /// time and requests; `default_headers` (one header `name: value` per line);
    /// for the attributes of written objects `storage_class`, `cache_control`, `content_type`,
    /// `content_disposition` and `content_language`; for S3 `profile` (a profile in `~/.aws`); for
    /// web servers `bearer_token`, and `webdav = true` or `html_index = true` to allow listing.
    ///
    /// # Errors
    ///
    /// The errors of [`open`](Self::open), and an error for an option that the store does not
    /// support.
    pub fn open_with(
        url: &str,
        options: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Result<Self> {
        Self::open_with_credentials(url, options, None)
    }

    /// Opens a store like [`open_with`](Self::open_with), with credentials from the caller, which
    /// take precedence over all others.
    ///
    /// # Errors
    ///
    /// The errors of [`open_with`](Self::open_with), and an error if the store is not in a cloud.
    pub fn open_with_credentials(
        url: &str,
        options: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
        credentials: Option<Arc<dyn CredentialSource>>,
    ) -> Result<Self> {
        let named = options
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        open(url, Options { named, credentials })
    }

    /// Whether [`open`](Self::open) takes the text for a local path, rather than a URL or a
    /// mistyped URL.
    #[must_use]
    pub fn is_path(url: &str) -> bool {
        let first = split_pipeline(url).map_or(url, |(first, _)| first);
        split_scheme(first).is_none() && check_path(first).is_ok() && check_text(first).is_ok()
    }
}

fn open(url: &str, options: Options) -> Result<Store> {
    let Some((first, stages)) = split_pipeline(url) else {
        return open_first(url, options);
    };
    let (directory, mut key) = split_name(first);
    let mut store = open_first(&directory, options)?;
    for stage in stages.split('|') {
        let path = stage
            .strip_prefix("zip:")
            .ok_or_else(|| invalid(first, "unknown suffix after |; known: zip"))?;
        store = store.zip(&key)?;
        key = path.trim_matches('/').to_owned();
    }
    store.with_prefix(&key)
}

/// Splits the URL or path of a file into that of its directory, which keeps the query, and the
/// file's name.
fn split_name(url: &str) -> (String, String) {
    let scheme = split_scheme(url).map(|(scheme, _)| scheme);
    let encoded = matches!(scheme.as_deref(), Some("file" | "http" | "https"));
    let (path, query) = match url.find('?').filter(|_| encoded) {
        Some(at) => url.split_at(at),
        None => (url, ""),
    };
    let separators: &[char] = match scheme {
        Some(_) => &['/', ':'],
        None => &['/'],
    };
    let (directory, name) = match path.rfind(separators) {
        Some(at) => path.split_at(at.saturating_add(1)),
        None => (".", path),
    };
    let decoded = object_store::path::Path::from_url_path(name);
    match decoded {
        Ok(decoded) if encoded => (format!("{directory}{query}"), decoded.as_ref().to_owned()),
        _ => (directory.to_owned(), name.to_owned()),
    }
}

fn open_first(url: &str, options: Options) -> Result<Store> {
    check_text(url)?;
    let Some((scheme, rest)) = split_scheme(url) else {
        if url.is_empty() {
            return Err(invalid(
                url,
                "no URL and no path; write . for the current directory",
            ));
        }
        check_path(url)?;
        no_options(url, &options)?;
        return Store::local(url);
    };
    match scheme.as_str() {
        "memory" => {
            no_options(url, &options)?;
            let (name, prefix) = rest
                .trim_matches('/')
                .split_once('/')
                .unwrap_or((rest.trim_matches('/'), ""));
            match name {
                "" => Ok(Store::memory()),
                name => Store::memory_named(name).with_prefix(prefix),
            }
        }
        "file" => {
            no_options(url, &options)?;
            if !rest.starts_with('/') {
                let reason = "file: is followed by an absolute path, as in file:///data/x.zarr; a relative path has no file:";
                return Err(invalid(url, reason));
            }
            let parsed = parse(url)?;
            refuse_rest(&parsed, url)?;
            let path = parsed
                .to_file_path()
                .map_err(|()| invalid(url, "not a path on this machine"))?;
            Store::local(path)
        }
        "http" | "https" => {
            check_web(url, rest)?;
            let parsed = parse(url)?;
            match parsed.fragment() {
                None => cloud::web(&parsed, options),
                Some(_) => Err(invalid(
                    url,
                    "clients do not send the part after a #; write a # in a name as %23",
                )),
            }
        }
        chain if CHAINS.contains(&chain) => Err(invalid(url, CHAINED)),
        _ => {
            let (bucket, prefix) = split_bucket(url, &scheme, rest)?;
            cloud::bucket(&scheme, &bucket, prefix, options)
        }
    }
}

/// Prefixes that fsspec puts before `::`.
const CHAINS: [&str; 9] = [
    "blockcache",
    "cached",
    "dir",
    "filecache",
    "libarchive",
    "reference",
    "simplecache",
    "tar",
    "zip",
];

const CHAINED: &str = "fsspec chains (name::url) are not supported; pass the URL of the data, and append \
                       |zip: for an archive";

/// Refuses characters that cannot be part of a URL: surrounding white space and control characters.
fn check_text(url: &str) -> Result<()> {
    let meant = url.trim();
    let is_url = split_scheme(meant).is_some() || check_path(meant).is_err();
    if is_url && meant.len() != url.len() {
        return Err(invalid(url.trim(), "remove the white space around the URL"));
    }
    if is_url && url.contains(char::is_control) {
        let url: String = url.chars().filter(|c| !c.is_control()).collect();
        return Err(invalid(
            &url,
            "a URL cannot contain line breaks or other control characters",
        ));
    }
    Ok(())
}

/// Refuses text that only looks like a path: one of our schemes without its slashes, an unknown
/// scheme before `://`, fsspec chains, and syntax specific to shells, other programs or other
/// systems.
fn check_path(url: &str) -> Result<()> {
    let first = url.split('/').next().unwrap_or_default();
    if url.contains('\0') {
        return Err(invalid(&url.replace('\0', ""), "a path cannot contain NUL"));
    }
    if first == "~" {
        let reason = "only shells expand ~; write the path of the home directory, or ./~ for a directory of \
                      this name";
        return Err(invalid(url, reason));
    }
    let scheme = first.split_once(':').map_or("", |(scheme, _)| scheme);
    let scheme = scheme.trim().to_ascii_lowercase();
    let chained = first.contains("::") && url.contains("://");
    if chained || (CHAINS.contains(&scheme.as_str()) && first.contains("::")) {
        return Err(invalid(url, CHAINED));
    }
    if first.ends_with(':') && url[first.len()..].starts_with("//") {
        let reason =
            format!("the scheme before :// is missing; write ./{first}... for a file of this name");
        return Err(invalid(url, &reason));
    }
    if matches!(scheme.as_str(), "http" | "https") || cloud::BUCKETS.contains(&scheme.as_str()) {
        let reason = format!(
            "{scheme}: must be followed by //; write ./{scheme}:... for a file of this name"
        );
        return Err(invalid(url, &reason));
    }
    let host = first.ends_with(':') && first.len() < url.len();
    let drive = scheme.len() == 1 && first.contains(":\\");
    if !cfg!(windows) && (host || drive || scheme == "arn") {
        let reason = "not a path on this machine: hosts, drives and ARNs are not supported; write ./ before \
                      a file of this name";
        // The text before the `@` may be a password.
        let shown = url.rsplit('@').next().unwrap_or_default();
        return Err(invalid(shown, reason));
    }
    Ok(())
}

/// Refuses URLs that parsers silently change: a missing host, backslashes.
fn check_web(url: &str, rest: &str) -> Result<()> {
    let path = rest.split('?').next().unwrap_or_default();
    let host = path.strip_prefix("//").unwrap_or_default();
    if host.is_empty() || host.starts_with(['/', '\\', ':']) {
        return Err(invalid(url, "expected the name of a host after //"));
    }
    match path.contains('\\') {
        true => Err(invalid(url, "write a \\ in a name as %5C")),
        false => Ok(()),
    }
}

/// Refuses a query or fragment in a file URL, since neither is part of the file's name.
fn refuse_rest(parsed: &Url, url: &str) -> Result<()> {
    match (parsed.query(), parsed.fragment()) {
        (None, None) => Ok(()),
        _ => Err(invalid(url, "write ? and # in a name as %3F and %23")),
    }
}

/// Splits off the URL of a bucket and the prefix in the bucket. The prefix is taken literally, as
/// the clouds' tools take it: `%`, `?`, `#` and spaces are characters of keys.
fn split_bucket<'a>(url: &str, scheme: &str, rest: &'a str) -> Result<(Url, &'a str)> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let container = scheme.starts_with("abfs") || scheme.starts_with("az");
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    if user.is_some_and(|user| !container || user.contains(':')) {
        let reason =
            "the URL of a bucket cannot contain a user or a password; pass credentials as options";
        return Err(Error::InvalidUrl {
            url: redact::unparsed(url),
            reason: reason.to_owned(),
        });
    }
    if authority.is_empty() || authority.contains(['?', '#', '%', ' ']) {
        return Err(invalid(url, "expected the name of a bucket after //"));
    }
    if authority.contains(':') {
        let reason = "a bucket has no port, and ARNs are not supported; pass the server as the option \
                      endpoint, http://host:port";
        return Err(invalid(url, reason));
    }
    if prefix.contains("//") || prefix.starts_with('/') {
        let reason = "keys with // cannot be read or written; copy the objects to other keys";
        return Err(invalid(url, reason));
    }
    Ok((parse(&format!("{scheme}://{authority}"))?, prefix))
}

fn parse(url: &str) -> Result<Url> {
    Url::parse(url).map_err(|error| Error::InvalidUrl {
        url: redact::unparsed(url),
        reason: error.to_string(),
    })
}

fn no_options(url: &str, options: &Options) -> Result<()> {
    no_credentials(url, options)?;
    match options.named.first() {
        None => Ok(()),
        Some((option, _)) => Err(Error::UnknownOption {
            url: redact::text(url),
            option: option.clone(),
            known: "this kind of store has no options".to_owned(),
        }),
    }
}
