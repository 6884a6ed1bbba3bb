//! Credentials from the caller: requested on first use, and again before they expire.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use object_store::CredentialProvider;
use tokio::sync::Mutex;

use crate::credentials::{CredentialSource, Credentials};

/// How long before their expiry credentials are replaced: longer than a request takes, retries
/// included.
const MARGIN: Duration = Duration::from_secs(300);

/// Adapts a source of credentials to the trait of `object_store`.
#[derive(Debug)]
struct Provider<T> {
    source: Arc<dyn CredentialSource>,
    convert: fn(&Credentials) -> Result<T, String>,
    current: Mutex<Option<Current<T>>>,
}

#[derive(Debug)]
struct Current<T> {
    credential: Arc<T>,
    expires_at: Option<SystemTime>,
}

impl<T> Current<T> {
    fn lasts(&self) -> bool {
        let now = SystemTime::now();
        self.expires_at.is_none_or(|expires_at| {
            expires_at
                .duration_since(now)
                .is_ok_and(|left| left > MARGIN)
        })
    }
}

#[async_trait]
impl<T: std::fmt::Debug + Send + Sync + 'static> CredentialProvider for Provider<T> {
    type Credential = T;

    async fn get_credential(&self) -> object_store::Result<Arc<T>> {
        let mut current = self.current.lock().await;
        if let Some(current) = current.as_ref().filter(|current| current.lasts()) {
            return Ok(Arc::clone(&current.credential));
        }
        let failed = |source| object_store::Error::Generic {
            store: "credentials",
            source,
        };
        let found = self.source.credentials().await.map_err(failed)?;
        let credential = (self.convert)(&found).map_err(|reason| failed(reason.into()))?;
        let credential = Arc::new(credential);
        *current = Some(Current {
            credential: Arc::clone(&credential),
            expires_at: found.expires_at,
        });
        Ok(credential)
    }
}

fn provider<T: std::fmt::Debug + Send + Sync + 'static>(
    source: Arc<dyn CredentialSource>,
    convert: fn(&Credentials) -> Result<T, String>,
) -> Arc<dyn CredentialProvider<Credential = T>> {
    Arc::new(Provider {
        source,
        convert,
        current: Mutex::default(),
    })
}

fn required(credentials: &Credentials, name: &str) -> Result<String, String> {
    let found = optional(credentials, name)?;
    found.ok_or_else(|| format!("no credentials: the provider returned no {name}"))
}

/// Returns a value that is legal in a header, which `object_store` takes for granted.
fn optional(credentials: &Credentials, name: &str) -> Result<Option<String>, String> {
    let Some(value) = credentials.get(name) else {
        return Ok(None);
    };
    match value.bytes().all(|letter| matches!(letter, b' '..=b'~')) {
        true => Ok(Some(value.to_owned())),
        false => Err(format!(
            "no credentials: the {name} of the provider has a line break or another character that is not printable \
             ASCII; was it read from a file with its newline?"
        )),
    }
}

#[cfg(feature = "s3")]
pub(super) fn aws(source: Arc<dyn CredentialSource>) -> object_store::aws::AwsCredentialProvider {
    provider(source, |credentials| {
        Ok(object_store::aws::AwsCredential {
            key_id: required(credentials, "access_key_id")?,
            secret_key: required(credentials, "secret_access_key")?,
            token: optional(credentials, "token")?,
        })
    })
}

#[cfg(feature = "gcs")]
pub(super) fn gcp(source: Arc<dyn CredentialSource>) -> object_store::gcp::GcpCredentialProvider {
    provider(source, |credentials| {
        Ok(object_store::gcp::GcpCredential {
            bearer: required(credentials, "token")?,
        })
    })
}

/// Returns anonymous credentials: `object_store` requests credentials before a put even if requests
/// are unsigned, and the client sends no empty token.
#[cfg(feature = "gcs")]
pub(super) fn nobody() -> object_store::gcp::GcpCredentialProvider {
    let bearer = String::new();
    Arc::new(object_store::StaticCredentialProvider::new(
        object_store::gcp::GcpCredential { bearer },
    ))
}

#[cfg(feature = "azure")]
pub(super) fn azure(
    source: Arc<dyn CredentialSource>,
) -> object_store::azure::AzureCredentialProvider {
    use object_store::azure::{AzureAccessKey, AzureCredential};

    provider(source, |credentials| {
        if let Some(key) = optional(credentials, "access_key")? {
            // The error may quote the key.
            let key = AzureAccessKey::try_new(&key).map_err(|_| "the access key is malformed")?;
            return Ok(AzureCredential::AccessKey(key));
        }
        if let Some(token) = optional(credentials, "sas_token")? {
            let pairs = url::form_urlencoded::parse(token.trim_start_matches('?').as_bytes());
            return Ok(AzureCredential::SASToken(pairs.into_owned().collect()));
        }
        Ok(AzureCredential::BearerToken(required(
            credentials,
            "token",
        )?))
    })
}
