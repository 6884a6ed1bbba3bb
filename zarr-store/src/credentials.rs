//! Credentials from the caller, for stores in a cloud.

use std::fmt;
use std::time::SystemTime;

use async_trait::async_trait;

/// A source of credentials. A store asks the source when it first needs credentials, and again five
/// minutes before they expire.
#[async_trait]
pub trait CredentialSource: fmt::Debug + Send + Sync + 'static {
    /// Returns the current credentials.
    ///
    /// # Errors
    ///
    /// If there are no credentials; the request that needs them fails with the text of this error.
    async fn credentials(
        &self,
    ) -> Result<Credentials, Box<dyn std::error::Error + Send + Sync + 'static>>;
}

/// Credentials by name: `access_key_id`, `secret_access_key` and optionally `token` for S3; `token`
/// for Google Cloud Storage; `access_key`, `sas_token` or `token` for Azure.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Names and values.
    pub values: Vec<(String, String)>,
    /// When the credentials expire; `None` if never.
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
