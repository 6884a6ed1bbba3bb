//! Option names for messages: those of `object_store`, without prefixes, and those of this crate.

use std::str::FromStr;

use strsim::osa_distance;
use url::Url;

use crate::error::{Error, Result};
use crate::redact;

/// The options of one kind of store.
pub(super) struct Kind {
    /// The prefix of the environment variables.
    pub(super) environment: &'static str,
    own: &'static [&'static str],
    /// The page that describes all options.
    reference: &'static str,
}

/// The options of every remote store.
const SHARED: &[&str] = &[
    "allow_http",
    "allow_invalid_certificates",
    "connect_timeout",
    "default_content_type",
    "http1_only",
    "http2_keep_alive_interval",
    "http2_keep_alive_timeout",
    "http2_keep_alive_while_idle",
    "http2_max_frame_size",
    "http2_only",
    "pool_idle_timeout",
    "pool_max_idle_per_host",
    "proxy_url",
    "proxy_ca_certificate",
    "proxy_excludes",
    "randomize_addresses",
    "read_timeout",
    "timeout",
    "user_agent",
];

/// The options that this crate handles itself.
const OURS: &[&str] = &[
    "max_retries",
    "retry_timeout",
    "init_backoff",
    "max_backoff",
    "backoff_base",
    "single_writer",
    "missing_on_403",
    "optimize_for",
    "default_headers",
    "storage_class",
    "cache_control",
    "content_type",
    "content_disposition",
    "content_language",
];

#[cfg(feature = "s3")]
pub(super) const S3: Kind = Kind {
    environment: "AWS_",
    own: &[
        "access_key_id",
        "secret_access_key",
        "token",
        "session_token",
        "region",
        "default_region",
        "bucket",
        "endpoint",
        "endpoint_url",
        "virtual_hosted_style_request",
        "s3_express",
        "imdsv1_fallback",
        "metadata_endpoint",
        "unsigned_payload",
        "checksum_algorithm",
        "container_credentials_relative_uri",
        "container_credentials_full_uri",
        "container_authorization_token_file",
        "web_identity_token_file",
        "role_arn",
        "role_session_name",
        "endpoint_url_sts",
        "skip_signature",
        "copy_if_not_exists",
        "conditional_put",
        "disable_tagging",
        "disable_bulk_delete",
        "request_payer",
        "server_side_encryption",
        "sse_kms_key_id",
        "sse_bucket_key_enabled",
        "sse_customer_key_base64",
        "profile",
    ],
    reference: "object_store::aws::AmazonS3ConfigKey lists all options",
};

#[cfg(feature = "gcs")]
pub(super) const GCS: Kind = Kind {
    environment: "GOOGLE_",
    own: &[
        "service_account",
        "service_account_path",
        "service_account_key",
        "bucket",
        "base_url",
        "application_credentials",
        "bearer_token",
        "skip_signature",
    ],
    reference: "object_store::gcp::GoogleConfigKey lists all options",
};

#[cfg(feature = "azure")]
pub(super) const AZURE: Kind = Kind {
    environment: "AZURE_",
    own: &[
        "account_name",
        "account_key",
        "access_key",
        "client_id",
        "client_secret",
        "tenant_id",
        "authority_id",
        "authority_host",
        "sas_key",
        "sas_token",
        "bearer_token",
        "token",
        "use_emulator",
        "endpoint",
        "msi_endpoint",
        "object_id",
        "msi_resource_id",
        "federated_token_file",
        "use_fabric_endpoint",
        "use_azure_cli",
        "skip_signature",
        "container_name",
        "disable_tagging",
        "credential_type",
        "encryption_key",
    ],
    reference: "object_store::azure::AzureConfigKey lists all options",
};

#[cfg(feature = "http")]
pub(super) const HTTP: Kind = Kind {
    environment: "",
    own: &["bearer_token", "webdav", "html_index"],
    reference: "object_store::ClientConfigKey lists all options",
};

/// Parses the name of an option to a builder's key.
pub(super) fn parse<K: FromStr>(url: &Url, name: &str, kind: &Kind) -> Result<K> {
    name.to_ascii_lowercase().parse().map_err(|_| {
        let known = match nearest(name, kind) {
            Some(meant) => format!("did you mean \"{meant}\"? {}", kind.reference),
            None => kind.reference.to_owned(),
        };
        Error::UnknownOption {
            url: redact::text(url.as_str()),
            option: name.to_owned(),
            known,
        }
    })
}

/// Returns the known name that a misspelt name is closest to.
fn nearest(name: &str, kind: &Kind) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let name = name
        .strip_prefix(&kind.environment.to_ascii_lowercase())
        .unwrap_or(&name);
    let known = [kind.own, SHARED, OURS].into_iter().flatten().copied();
    let near = known.map(|known| (osa_distance(name, known), known));
    let (slips, found) = near.min_by_key(|(slips, _)| *slips)?;
    (slips.saturating_sub(1) <= found.len() / 4).then_some(found)
}

#[cfg(all(
    test,
    feature = "s3",
    feature = "gcs",
    feature = "azure",
    feature = "http"
))]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_that_object_store_knows() {
        let url = Url::parse("s3://b").expect("a URL");
        for name in S3
            .own
            .iter()
            .chain(SHARED)
            .filter(|name| **name != "profile")
        {
            let key = parse::<object_store::aws::AmazonS3ConfigKey>(&url, name, &S3);
            assert!(key.is_ok(), "{name}");
        }
        for name in GCS.own.iter().chain(SHARED) {
            assert!(
                parse::<object_store::gcp::GoogleConfigKey>(&url, name, &GCS).is_ok(),
                "{name}"
            );
        }
        for name in AZURE.own.iter().chain(SHARED) {
            assert!(
                parse::<object_store::azure::AzureConfigKey>(&url, name, &AZURE).is_ok(),
                "{name}"
            );
        }
        for name in SHARED {
            assert!(
                parse::<object_store::ClientConfigKey>(&url, name, &HTTP).is_ok(),
                "{name}"
            );
        }
    }

    #[test]
    fn slips_are_recognised() {
        for (slip, meant) in [
            ("regoin", Some("region")),
            ("acces_key_id", Some("access_key_id")),
            ("aws_regin", Some("region")),
            ("endpoint-url", Some("endpoint_url")),
            ("skip_signatur", Some("skip_signature")),
            ("max_retry", Some("max_retries")),
            ("storageclass", Some("storage_class")),
            ("bananas", None),
            ("x", None),
        ] {
            assert_eq!(nearest(slip, &S3), meant, "{slip}");
        }
    }
}
