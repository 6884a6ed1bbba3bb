//! Checks values of options and variables before a client receives them, since a client would panic
//! on some, or fail without naming the option.

use url::Url;

use crate::error::Result;
use crate::options::invalid;

const FLAGS: [&str; 20] = [
    "allow_http",
    "allow_invalid_certificates",
    "disable_bulk_delete",
    "disable_tagging",
    "http1_only",
    "http2_keep_alive_while_idle",
    "http2_only",
    "imdsv1_fallback",
    "missing_on_403",
    "randomize_addresses",
    "request_payer",
    "s3_express",
    "single_writer",
    "skip_signature",
    "sse_bucket_key_enabled",
    "unsigned_payload",
    "use_azure_cli",
    "use_emulator",
    "use_fabric_endpoint",
    "virtual_hosted_style_request",
];

const TIMES: [&str; 6] = [
    "connect_timeout",
    "http2_keep_alive_interval",
    "http2_keep_alive_timeout",
    "pool_idle_timeout",
    "read_timeout",
    "timeout",
];

const NUMBERS: [&str; 2] = ["http2_max_frame_size", "pool_max_idle_per_host"];

/// Options whose values go into requests, so only ASCII is legal.
const ASCII: [&str; 6] = [
    "access_key_id",
    "bearer_token",
    "container_authorization_token",
    "session_token",
    "sas_token",
    "token",
];

/// Refuses a value that no client can use. `what` is `option`, or `variable` for one of the
/// environment.
pub(super) fn check(url: &Url, what: &str, name: &str, value: &str) -> Result<()> {
    let refuse = |reason: &str| Err(invalid(url.as_str(), &format!("{what} {name} {reason}")));
    let lower = name.to_ascii_lowercase();
    let is_text = lower.contains("certificate") || lower.ends_with("service_account_key");
    if !is_text && value.chars().any(char::is_control) {
        return refuse(
            "has a line break or another control character; was it read from a file with its newline?",
        );
    }
    let plain = plain_name(&lower);
    if FLAGS.contains(&plain) {
        return match is_flag(value) {
            true => Ok(()),
            false => refuse("must be true or false"),
        };
    }
    if ASCII.contains(&plain) && !value.is_ascii() {
        return refuse("has characters outside ASCII");
    }
    if is_endpoint(plain)
        && let Err(reason) = check_endpoint(value)
    {
        return refuse(reason);
    }
    if plain == "proxy_url" && !value.is_empty() && !is_web(value) {
        return refuse("is not a URL; expected http://host:port or https://host");
    }
    if matches!(plain, "region" | "default_region") && !is_label(value) {
        return refuse("is not a region; expected letters, digits, - and _, as in us-east-1");
    }
    if plain == "account_name" && !is_label(value) {
        return refuse("is not an account; expected letters and digits, as in myaccount");
    }
    if TIMES.contains(&plain) && humantime::parse_duration(value).is_err() {
        return refuse("is not a time with a unit, such as 30s or 500ms");
    }
    if NUMBERS.contains(&plain) && value.parse::<u32>().is_err() {
        return refuse("is not a number");
    }
    Ok(())
}

/// Refuses an option that names another bucket, container or account than the URL, because it would
/// be ignored.
pub(super) fn check_place(url: &Url, name: &str, value: &str) -> Result<()> {
    let host = url.host_str().unwrap_or_default();
    let (container, account) = match url.username() {
        "" => (host, None),
        user => (user, host.split('.').next()),
    };
    let named = match plain_name(&name.to_ascii_lowercase()) {
        "bucket" | "bucket_name" | "container_name" => Some(container),
        "account_name" => account,
        _ => None,
    };
    match named {
        Some(named) if named != value => {
            let reason = format!("option {name} contradicts the URL; leave the option out");
            Err(invalid(url.as_str(), &reason))
        }
        _ => Ok(()),
    }
}

/// Returns a lower-case name without the prefix of its cloud.
fn plain_name(lower: &str) -> &str {
    let prefixes = ["aws_", "google_", "azure_storage_", "azure_"];
    let mut prefixes = prefixes.iter();
    prefixes
        .find_map(|prefix| lower.strip_prefix(prefix))
        .unwrap_or(lower)
}

/// Whether an option, of any prefix, is the address of a server.
fn is_endpoint(plain: &str) -> bool {
    plain.contains("endpoint") || matches!(plain, "base_url" | "gcs_base_url" | "authority_host")
}

/// Whether an option, of any prefix, is the address that keys are appended to.
pub(super) fn is_base(lower: &str) -> bool {
    let bases = ["endpoint", "endpoint_url", "base_url", "authority_host"];
    bases.contains(&plain_name(lower))
}

/// Refuses an address that no path can be appended to: anything after a `?` or `#` would not be
/// part of a key.
fn check_endpoint(value: &str) -> Result<(), &'static str> {
    const EXPECTED: &str = "is not a URL; expected http://host:port or https://host";
    let rest = value
        .split_once("://")
        .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        .map(|(_, rest)| rest);
    let rest = rest.ok_or(EXPECTED)?;
    let legal =
        |letter: u8| letter.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&letter);
    if rest.starts_with('/') || !rest.bytes().all(legal) {
        return Err(EXPECTED);
    }
    if rest.contains(['?', '#']) {
        return Err("has a ? or #, which would cut off the keys; expected http://host:port/path");
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Err("contains a user; pass credentials as options, and only http://host:port here");
    }
    let odd = authority.ends_with(':') || rest.trim_end_matches('/').contains("//");
    match !odd && is_web(value) {
        true => Ok(()),
        false => Err(EXPECTED),
    }
}

/// Whether a name is legal in a host name.
fn is_label(value: &str) -> bool {
    let legal = |letter: u8| letter.is_ascii_alphanumeric() || b"-_".contains(&letter);
    !value.is_empty() && value.bytes().all(legal)
}

/// The flag values that `object_store` accepts.
fn is_flag(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    super::client::is_true(&value) || matches!(value.as_str(), "0" | "false" | "off" | "no" | "n")
}

fn is_web(value: &str) -> bool {
    Url::parse(value).is_ok_and(|parsed| {
        matches!(parsed.scheme(), "http" | "https" | "socks5" | "socks5h") && parsed.has_host()
    })
}
