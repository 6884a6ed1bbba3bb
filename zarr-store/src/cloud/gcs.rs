//! Completes a builder for Google Cloud Storage: anonymous credentials, and the server named by a
//! service account.

use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey as Key};
use url::Url;

use super::{credentials, values};
use crate::error::Result;

pub(super) fn finish(
    url: &Url,
    mut builder: GoogleCloudStorageBuilder,
) -> Result<GoogleCloudStorageBuilder> {
    let unsigned = builder.get_config_value(&Key::SkipSignature);
    if unsigned.as_deref() == Some("true") {
        builder = builder.with_credentials(credentials::nobody());
    }
    // Set as an option, the URL is checked, and the store knows that the server is not Google's.
    if builder.get_config_value(&Key::BaseUrl).is_none()
        && let Some(base) = named_by_account(&builder)
    {
        values::check(url, "the service account's", "gcs_base_url", &base)?;
        builder = builder.with_config(Key::BaseUrl, base.trim_end_matches('/'));
    }
    Ok(builder)
}

fn named_by_account(builder: &GoogleCloudStorageBuilder) -> Option<String> {
    let file = || std::fs::read_to_string(builder.get_config_value(&Key::ServiceAccount)?).ok();
    let text = builder
        .get_config_value(&Key::ServiceAccountKey)
        .or_else(file)?;
    let account: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(account.get("gcs_base_url")?.as_str()?.to_owned())
}
