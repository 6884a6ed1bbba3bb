//! Values of options and variables are checked before a client gets them: some of them it could only fail on, with a panic or
//! without a name.

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

/// Refuses a value that no client can use. `what` is `option`, or `variable` of the environment.
pub(super) fn check(url: &Url, what: &str, name: &str, value: &str) -> Result<()> {
    let refuse = |reason: &str| Err(invalid(url.as_str(), &format!("{what} {name} {reason}")));
    let lower = name.to_ascii_lowercase();
    let is_text = lower.contains("certificate") || lower.ends_with("service_account_key");
    if !is_text && value.chars().any(char::is_control) {
        return refuse(
            "has a line break or another control character; was it read from a file with its newline?",
        );
    }
    let is_url =
        lower.contains("endpoint") || lower.ends_with("proxy_url") || lower.ends_with("base_url");
    let plain = ["aws_", "google_", "azure_storage_", "azure_"];
    let plain = plain
        .iter()
        .find_map(|prefix| lower.strip_prefix(prefix))
        .unwrap_or(&lower);
    if FLAGS.contains(&plain) {
        return match is_flag(value) {
            true => Ok(()),
            false => refuse("is neither true nor false"),
        };
    }
    if is_url && !value.is_empty() && !is_web(value) {
        return refuse("is no URL: expected http://host:port or https://host");
    }
    if TIMES.contains(&plain) && humantime::parse_duration(value).is_err() {
        return refuse("is not a time with a unit, such as 30s or 500ms");
    }
    if NUMBERS.contains(&plain) && value.parse::<u32>().is_err() {
        return refuse("is not a number");
    }
    Ok(())
}

/// The words for flags that `object_store` takes.
fn is_flag(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    super::client::is_true(&value) || matches!(value.as_str(), "0" | "false" | "off" | "no" | "n")
}

fn is_web(value: &str) -> bool {
    Url::parse(value).is_ok_and(|parsed| {
        matches!(parsed.scheme(), "http" | "https" | "socks5" | "socks5h") && parsed.has_host()
    })
}
