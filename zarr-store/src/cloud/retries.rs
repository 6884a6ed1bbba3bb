//! Timeouts, retries and deadlines of remote stores.

use std::str::FromStr;
use std::time::Duration;

use object_store::{ClientConfigKey, RetryConfig};
use url::Url;

use super::named::{self, Named};
use crate::Deadline;
use crate::error::Result;
use crate::options::invalid;

/// Returns our default timeouts, except those that the environment sets with this prefix.
pub(super) fn timeouts(environment: &str) -> impl Iterator<Item = (ClientConfigKey, &'static str)> {
    [
        (ClientConfigKey::ConnectTimeout, "5s"),
        (ClientConfigKey::ReadTimeout, "30s"),
        // A deadline that grows with the request's size replaces this timeout.
        (ClientConfigKey::Timeout, "1day"),
    ]
    .into_iter()
    .filter(move |(key, _)| {
        let name = format!("{environment}{}", key.as_ref().to_ascii_uppercase());
        environment.is_empty() || std::env::var_os(name).is_none_or(|value| value.is_empty())
    })
}

/// The retries and the deadline of a request.
#[derive(Debug)]
pub(super) struct Retries {
    pub(super) retry: RetryConfig,
    pub(super) deadline: Deadline,
}

/// Takes the options of retries and of the deadline. The base of the deadline is the option
/// `timeout`, which the client also gets, plus `retry_timeout`, so that one more attempt fits after
/// `retry_timeout`.
pub(super) fn take(url: &Url, options: &mut Named) -> Result<Retries> {
    let mut retry = RetryConfig::default();
    let mut deadline = Deadline::default();
    if let Some(value) = named::take(options, "max_retries") {
        retry.max_retries = number(url, "max_retries", &value)?;
    }
    if let Some(value) = named::take(options, "backoff_base") {
        retry.backoff.base = number(url, "backoff_base", &value)?;
    }
    if let Some(value) = named::take(options, "init_backoff") {
        retry.backoff.init_backoff = duration(url, "init_backoff", &value)?;
    }
    if let Some(value) = named::take(options, "max_backoff") {
        retry.backoff.max_backoff = duration(url, "max_backoff", &value)?;
    }
    let mut given = options.iter();
    if let Some((_, value)) = given.find(|(name, _)| name.eq_ignore_ascii_case("timeout")) {
        deadline.base = duration(url, "timeout", value)?;
    }
    if let Some(value) = named::take(options, "retry_timeout") {
        retry.retry_timeout = duration(url, "retry_timeout", &value)?;
        deadline.base = deadline.base.saturating_add(retry.retry_timeout);
    }
    Ok(Retries { retry, deadline })
}

fn number<T: FromStr>(url: &Url, name: &str, value: &str) -> Result<T> {
    let reason = || format!("option {name} is not a number");
    value.parse().map_err(|_| invalid(url.as_str(), &reason()))
}

fn duration(url: &Url, name: &str, value: &str) -> Result<Duration> {
    let reason = || format!("option {name} is not a time with a unit, such as 30s or 500ms");
    humantime::parse_duration(value).map_err(|_| invalid(url.as_str(), &reason()))
}
