//! Parts that the builders of all remote stores share: options, locations, errors.

#[cfg(any(feature = "gcs", feature = "azure"))]
use std::str::FromStr;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
use std::sync::Arc;

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
use object_store::signer::{self, Signer};
use object_store::{Attribute, Attributes, ClientOptions};
use reqwest::header::HeaderMap;
use url::Url;

use super::connector::Connector;
use super::named::{Named, take, take_aim, take_flag};
use super::retries::{self, Retries};
use super::{client, headers, values};
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
use crate::CredentialSource;
use crate::error::{Error, Result};
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
use crate::object::Singly;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
use crate::object::patch::{Patches, Uploads};
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
use crate::object::sign::{Method, Sign};
use crate::object::{ObjectBackend, Quirks};
use crate::options::{Options, invalid};
use crate::{CostModel, Store};

/// The options that are handled before the builder receives the rest.
pub(super) struct Setup {
    /// The remaining options.
    pub(super) named: Named,
    pub(super) retries: Retries,
    pub(super) quirks: Quirks,
    pub(super) headers: HeaderMap,
    /// Adapts the cost model to the caller's aim.
    aim: fn(CostModel) -> CostModel,
    attributes: Attributes,
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    credentials: Option<Arc<dyn CredentialSource>>,
    /// The names of secrets that a pickle dropped.
    lost: Option<String>,
    /// Why no request may be sent, if so.
    denied: Option<String>,
}

impl Setup {
    pub(super) fn new(url: &Url, options: Options, quirks: Quirks) -> Result<Self> {
        let mut named = options.named;
        let retries = retries::take(url, &mut named)?;
        let quirks = Quirks {
            probe: true,
            reads_again: retries.retry.max_retries > 0,
            single_writer: take_flag(url, &mut named, "single_writer")?,
            missing_on_403: take_flag(url, &mut named, "missing_on_403")?,
            ..quirks
        };
        let headers = headers::take_default(url, &mut named)?;
        let aim = take_aim(url, &mut named)?;
        let lost = take(&mut named, "credentials_lost");
        for (name, value) in &mut named {
            values::check(url, "option", name, value)?;
            values::check_place(url, name, value)?;
            if values::is_base(&name.to_ascii_lowercase()) {
                value.truncate(value.trim_end_matches('/').len());
            }
        }
        let attributes = take_attributes(url, &mut named)?;
        Ok(Self {
            named,
            retries,
            quirks,
            headers,
            aim,
            attributes,
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            credentials: options.credentials,
            lost: lost.filter(|lost| !lost.is_empty()),
            denied: None,
        })
    }

    pub(super) fn connector(&self) -> Connector {
        Connector {
            patience: self.retries.deadline.base,
            retries: self.retries.retry.max_retries > 0,
            denied: self.denied.clone(),
            without_token: self.falls_back(),
        }
    }

    /// Whether a metadata service that issues no token is asked for the account without one.
    fn falls_back(&self) -> bool {
        let is_it = |name: &str| matches!(name, "imdsv1_fallback" | "aws_imdsv1_fallback");
        let mut named = self.named.iter();
        let given = named.rfind(|(name, _)| is_it(&name.to_ascii_lowercase()));
        let given = given.map(|(_, value)| value.clone());
        let value = given.or_else(|| std::env::var("AWS_IMDSV1_FALLBACK").ok());
        value.is_some_and(|value| client::is_true(&value))
    }

    /// Denies all requests if credentials were lost, because a server may tell an anonymous client
    /// that an object does not exist.
    #[cfg(feature = "http")]
    pub(super) fn deny_lost(&mut self) {
        let lost = self.lost.as_deref();
        self.denied = lost.map(|names| {
            format!(
                "no credentials: a pickle does not keep {names}; open the store with them again, or create \
                 it with pickle_secrets=True"
            )
        });
    }

    pub(super) fn client_options(&self) -> ClientOptions {
        ClientOptions::new().with_default_headers(self.headers.clone())
    }

    /// Returns the source that replaces the builder's credentials: the caller's source, or, if
    /// credentials were lost and the builder was given none, a source that fails, since the
    /// machine's account is not the intended one.
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    pub(super) fn source(&self, given: bool) -> Option<Arc<dyn CredentialSource>> {
        let lost = || Some(Arc::new(Lost(self.lost_text()?)) as Arc<dyn CredentialSource>);
        let source = self.credentials.clone();
        source.or_else(|| if given { None } else { lost() })
    }

    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    fn lost_text(&self) -> Option<String> {
        let names = self.lost.as_deref()?;
        Some(format!(
            "no credentials: a pickle does not keep {names}, and this machine has none in the environment \
             or a profile; put credentials there, pass a credential_provider, or create the store with pickle_secrets=True"
        ))
    }

    /// Builds a store of a bucket. The bucket's URL has no secrets: the user in an Azure URL is the
    /// container.
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    pub(super) fn bucket<S: object_store::ObjectStore + Signer>(
        mut self,
        url: &Url,
        store: Arc<S>,
        (singly, uploads): (Singly, Option<Arc<dyn Uploads>>),
        endpoint: Option<&str>,
        signs: bool,
    ) -> Store {
        self.quirks.probe = !endpoint.is_none_or(honours_conditions);
        let place = probed_place(url, endpoint);
        // A signed URL does not cover the caller's headers.
        let uploads = uploads.filter(|_| self.headers.is_empty());
        let patches = uploads.map(|uploads| {
            let own: &[&str] = match url.scheme() {
                "s3" | "s3a" => &AMAZON,
                "gs" => &["storage.googleapis.com"],
                _ => &["blob.core.windows.net"],
            };
            let known = endpoint.is_none_or(|endpoint| is_of(endpoint, own));
            Patches::new(uploads, &place, !known)
        });
        let sign = signs.then(|| sign_with(store.clone()));
        let backend = ObjectBackend::new(store, self.quirks)
            .probed_as(&place)
            .deleting(singly)
            .patching(patches)
            .with_sign(sign);
        self.finish(backend, url.as_str(), CostModel::object())
    }

    pub(super) fn finish(self, backend: ObjectBackend, location: &str, cost: CostModel) -> Store {
        let hint = self
            .lost
            .as_deref()
            .map(|names| format!("a pickle does not keep {names}"));
        let backend = backend.with_attributes(self.attributes).with_hint(hint);
        Store::from_object(backend, location, (self.aim)(cost)).with_deadline(self.retries.deadline)
    }
}

/// Makes a signer of URLs from the credentials of a store.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn sign_with(signer: Arc<impl Signer>) -> Sign {
    Arc::new(move |method, path, expires_in| {
        let signer = Arc::clone(&signer);
        Box::pin(async move {
            let method = match method {
                Method::Get => signer::Method::GET,
                Method::Head => signer::Method::HEAD,
                Method::Put => signer::Method::PUT,
                Method::Delete => signer::Method::DELETE,
            };
            let url = signer.signed_url(method, &path, expires_in).await?;
            Ok(url.into())
        })
    })
}

/// Returns the name under which a probe's finding is shared: equal for all spellings of a server
/// and bucket.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn probed_place(url: &Url, endpoint: Option<&str>) -> String {
    let endpoint = endpoint.unwrap_or_default();
    let server = Url::parse(endpoint).map_or_else(|_| endpoint.to_owned(), String::from);
    let cloud = match url.scheme() {
        "s3a" => "s3",
        "azure" | "abfs" | "abfss" => "az",
        scheme => scheme,
    };
    let bucket = match url.username() {
        "" => url.host_str().unwrap_or_default(),
        container => container,
    };
    format!("{} {cloud}://{bucket}", server.trim_end_matches('/'))
}

/// Whether the service at an endpoint is known to honour the conditions of puts.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn honours_conditions(endpoint: &str) -> bool {
    const SERVICES: [&str; 5] = [
        "r2.cloudflarestorage.com",
        "storage.googleapis.com",
        "blob.core.windows.net",
        "dfs.core.windows.net",
        "fabric.microsoft.com",
    ];
    is_of(endpoint, &AMAZON) || is_of(endpoint, &SERVICES)
}

/// The domains of Amazon S3.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
const AMAZON: [&str; 3] = ["amazonaws.com", "amazonaws.com.cn", "api.aws"];

/// Whether an endpoint is in one of these domains.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn is_of(endpoint: &str, domains: &[&str]) -> bool {
    let host = Url::parse(endpoint).ok();
    let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
    domains.iter().any(|domain| {
        let before = host.strip_suffix(domain);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

/// A source without credentials, and the reason.
#[derive(Debug)]
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
struct Lost(String);

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
#[async_trait::async_trait]
impl CredentialSource for Lost {
    async fn credentials(
        &self,
    ) -> Result<crate::Credentials, Box<dyn std::error::Error + Send + Sync + 'static>> {
        Err(self.0.clone().into())
    }
}

/// Takes the options for the attributes of every object written.
fn take_attributes(url: &Url, options: &mut Named) -> Result<Attributes> {
    let mut attributes = Attributes::new();
    for (name, attribute) in [
        ("storage_class", Attribute::StorageClass),
        ("cache_control", Attribute::CacheControl),
        ("content_type", Attribute::ContentType),
        ("content_disposition", Attribute::ContentDisposition),
        ("content_language", Attribute::ContentLanguage),
    ] {
        let Some(value) = take(options, name) else {
            continue;
        };
        if !value.is_ascii() || value.is_empty() {
            let reason = format!(
                "option {name} is not a valid header value; expected printable ASCII characters"
            );
            return Err(invalid(url.as_str(), &reason));
        }
        if attribute == Attribute::StorageClass && matches!(url.scheme(), "http" | "https") {
            let reason =
                "HTTP stores have no option storage_class; pass headers in default_headers";
            return Err(invalid(url.as_str(), reason));
        }
        attributes.insert(attribute, value.into());
    }
    Ok(attributes)
}

/// Returns the environment variables that a builder knows, checked.
#[cfg(any(feature = "gcs", feature = "azure"))]
pub(super) fn environment<K: FromStr>(url: &Url, prefix: &str) -> Result<Vec<(K, String)>> {
    let mut found = Vec::new();
    for (name, value) in std::env::vars_os() {
        let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) else {
            continue;
        };
        // An empty variable counts as unset, as in the clouds' tools.
        if let Ok(key) = name.to_ascii_lowercase().parse()
            && name.starts_with(prefix)
            && !value.is_empty()
        {
            values::check(url, "variable", &name, &value)?;
            found.push((key, value));
        }
    }
    Ok(found)
}

/// Converts the error of a builder, without values of options that may be secret.
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
