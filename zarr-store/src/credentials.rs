//! Credentials from the caller, for stores in a cloud.

use std::fmt;
use std::time::SystemTime;

use async_trait::async_trait;

/// Where credentials come from. A store asks for them when it first needs them, and again five minutes before they expire.
#[async_trait]
pub trait CredentialSource: fmt::Debug + Send + Sync + 'static {
    /// Credentials of now.
    ///
    /// # Errors
    ///
    /// If there are none; the request that needs them fails with what the error says.
    async fn credentials(
        &self,
    ) -> Result<Credentials, Box<dyn std::error::Error + Send + Sync + 'static>>;
}

/// Credentials by name: for S3 `access_key_id`, `secret_access_key` and perhaps `token`; for Google Cloud Storage `token`; for
/// Azure `access_key`, `sas_token` or `token`.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Names and values.
    pub values: Vec<(String, String)>,
    /// When they are of no more use; `None` if never.
    pub expires_at: Option<SystemTime>,
}

impl Credentials {
    #[cfg_attr(
        not(any(feature = "s3", feature = "gcs", feature = "azure")),
        expect(dead_code, reason = "only clouds have credentials")
    )]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.values.iter();
        values
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.values.iter().map(|(name, _)| name);
        f.debug_struct("Credentials")
            .field("names", &names.collect::<Vec<_>>())
            .field("expires_at", &self.expires_at)
            .finish()
    }
}
