//! What the builders of all remote stores share: options, timeouts, retries, locations, errors.

use std::str::FromStr;

use std::time::Duration;

use object_store::{ClientConfigKey, RetryConfig};
use url::Url;

use crate::Deadline;
use crate::error::{Error, Result};
use crate::object::Quirks;
use crate::open::invalid;
use crate::redact;

/// Names and values of options.
pub(super) type Named = Vec<(String, String)>;

/// Our timeouts, where the environment, with this prefix, does not name its own.
pub(super) fn timeouts(environment: &str) -> impl Iterator<Item = (ClientConfigKey, &'static str)> {
    [
        (ClientConfigKey::ConnectTimeout, "5s"),
        (ClientConfigKey::ReadTimeout, "30s"),
        // Each request has a deadline that grows with its size instead.
        (ClientConfigKey::Timeout, "1day"),
    ]
    .into_iter()
    .filter(move |(key, _)| {
        let name = format!("{environment}{}", key.as_ref().to_ascii_uppercase());
        environment.is_empty() || std::env::var_os(name).is_none()
    })
}

/// Takes an option that the builder does not know.
pub(super) fn take(options: &mut Named, name: &str) -> Option<String> {
    let at = options
        .iter()
        .position(|(option, _)| option.eq_ignore_ascii_case(name))?;
    Some(options.remove(at).1)
}

/// Takes an option that is yes or no.
pub(super) fn take_flag(url: &Url, options: &mut Named, name: &str) -> Result<bool> {
    match take(options, name)
        .map(|value| value.to_ascii_lowercase())
        .as_deref()
    {
        None | Some("false" | "0" | "no" | "off") => Ok(false),
        Some("true" | "1" | "yes" | "on") => Ok(true),
        Some(_) => Err(invalid(
            url.as_str(),
            &format!("option {name} is neither true nor false"),
        )),
    }
}

/// What options say about a backend. That of a cloud is asked whether it honours conditions.
pub(super) fn take_quirks(url: &Url, options: &mut Named, quirks: Quirks) -> Result<Quirks> {
    Ok(Quirks {
        probe: true,
        single_writer: take_flag(url, options, "single_writer")?,
        missing_on_403: take_flag(url, options, "missing_on_403")?,
        ..quirks
    })
}

/// How long and how often a request is tried.
pub(super) struct Patience {
    pub(super) retry: RetryConfig,
    pub(super) deadline: Deadline,
}

/// The retries, as the options of them want them, and the deadline: the option `timeout`, which the client gets as well, and
/// after `retry_timeout` one more attempt.
pub(super) fn take_patience(url: &Url, options: &mut Named) -> Result<Patience> {
    let mut retry = RetryConfig::default();
    let mut deadline = Deadline::default();
    if let Some(value) = take(options, "max_retries") {
        retry.max_retries = number(url, "max_retries", &value)?;
    }
    if let Some(value) = take(options, "backoff_base") {
        retry.backoff.base = number(url, "backoff_base", &value)?;
    }
    if let Some(value) = take(options, "init_backoff") {
        retry.backoff.init_backoff = duration(url, "init_backoff", &value)?;
    }
    if let Some(value) = take(options, "max_backoff") {
        retry.backoff.max_backoff = duration(url, "max_backoff", &value)?;
    }
    let mut given = options.iter();
    if let Some((_, value)) = given.find(|(name, _)| name.eq_ignore_ascii_case("timeout")) {
        deadline.base = duration(url, "timeout", value)?;
    }
    if let Some(value) = take(options, "retry_timeout") {
        retry.retry_timeout = duration(url, "retry_timeout", &value)?;
        deadline.base = deadline.base.saturating_add(retry.retry_timeout);
    }
    Ok(Patience { retry, deadline })
}

fn number<T: FromStr>(url: &Url, name: &str, value: &str) -> Result<T> {
    let reason = || format!("option {name} is not a number");
    value.parse().map_err(|_| invalid(url.as_str(), &reason()))
}

fn duration(url: &Url, name: &str, value: &str) -> Result<Duration> {
    let reason = || format!("option {name} is not a time with a unit, such as 30s or 500ms");
    humantime::parse_duration(value).map_err(|_| invalid(url.as_str(), &reason()))
}

/// The key of an option.
pub(super) fn parse<K: FromStr>(url: &Url, name: &str, known: &'static str) -> Result<K> {
    name.to_ascii_lowercase()
        .parse()
        .map_err(|_| Error::UnknownOption {
            url: redact::text(url.as_str()),
            option: name.to_owned(),
            known,
        })
}

/// Refuses values that clients could only fail on, some of them with a panic: an endpoint that is no URL, characters that no
/// header can have.
pub(super) fn check_values(url: &Url, options: &Named) -> Result<()> {
    for (name, value) in options {
        let refuse = |reason: &str| Err(invalid(url.as_str(), &format!("option {name} {reason}")));
        if value.chars().any(char::is_control) {
            return refuse(
                "has a line break or another control character; was it read from a file with its newline?",
            );
        }
        let lower = name.to_ascii_lowercase();
        let is_url = lower.contains("endpoint")
            || lower.ends_with("proxy_url")
            || lower.ends_with("base_url");
        if is_url && !value.is_empty() {
            let parsed = Url::parse(value);
            let web = parsed.is_ok_and(|parsed| {
                matches!(parsed.scheme(), "http" | "https" | "socks5" | "socks5h")
                    && parsed.has_host()
            });
            if !web {
                return refuse("is no URL: expected http://host:port or https://host");
            }
        }
    }
    Ok(())
}

/// The error of a builder, without the values of options that may be secret.
pub(super) fn failed(url: &Url, options: &Named, error: &object_store::Error) -> Error {
    let mut reason = error.to_string();
    for (name, value) in options {
        let name = name.to_ascii_lowercase();
        let secret = ["key", "secret", "token", "pass", "cred", "sas"]
            .iter()
            .any(|word| name.contains(word));
        if secret && !value.is_empty() {
            reason = reason.replace(value, "REDACTED");
        }
    }
    invalid(url.as_str(), &reason)
}

/// The URL without user info, query and fragment.
pub(super) fn location(url: &Url) -> String {
    let mut url = url.clone();
    // These fail for URLs without a host only, which have no user info.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// A store of a bucket. Its URL has no secrets: the user of an Azure URL is the container.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
pub(super) fn bucket(
    url: &Url,
    store: std::sync::Arc<dyn object_store::ObjectStore>,
    quirks: Quirks,
) -> crate::Store {
    let backend = crate::object::ObjectBackend::new(store, quirks);
    crate::Store::from_object(backend, url.as_str(), crate::CostModel::object())
}
