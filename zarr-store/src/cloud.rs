//! The builders of remote stores, each behind the feature named after its store.
//!
//! Each builder reads the environment first and then applies the options. By default, connecting
//! times out after 5 s and silence after 30 s. The [`Deadline`](crate::Deadline) limits a whole
//! request; the options `timeout` and `retry_timeout` set it.

use url::Url;

use crate::Store;
use crate::error::Result;
use crate::options::{Options, invalid};

/// The URL schemes of buckets.
pub(crate) const BUCKETS: [&str; 7] = ["s3", "s3a", "gs", "az", "azure", "abfs", "abfss"];

/// Opens a bucket at a prefix.
pub(crate) fn bucket(scheme: &str, url: &Url, prefix: &str, options: Options) -> Result<Store> {
    let bucket = match scheme {
        "s3" | "s3a" => s3(url, options)?,
        "gs" => gcs(url, options)?,
        "az" | "azure" | "abfs" | "abfss" => azure(url, options)?,
        _ => {
            return Err(invalid(
                url.as_str(),
                "unknown scheme; known: memory, file, s3, s3a, gs, az, azure, abfs, abfss, http, https",
            ));
        }
    };
    bucket.with_prefix(prefix)
}

/// Opens a directory of a web server.
pub(crate) fn web(url: &Url, options: Options) -> Result<Store> {
    http(url, options)
}

/// The error for a scheme whose feature this build leaves out.
#[cfg(not(all(feature = "s3", feature = "gcs", feature = "azure", feature = "http")))]
fn feature_is_off(url: &Url, feature: &str) -> crate::Error {
    crate::Error::Unsupported {
        place: crate::Place::new(&crate::redact::text(url.as_str()).into(), ""),
        operation: "open",
        reason: format!("this build lacks the feature \"{feature}\""),
    }
}

/// Builds a cloud store from a builder with everything but the options. A macro, since the three
/// builders have the same methods but no common trait.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
macro_rules! bucket {
    ($url:expr, $setup:expr, $builder:expr, $key:ty, $kind:expr, $credentials:path, $finish:expr, $singly:expr, $uploads:expr) => {{
        let (url, setup) = ($url, $setup);
        let mut builder = $builder
            .with_http_connector(setup.connector())
            .with_url(url.as_str())
            .with_retry(setup.retries.retry.clone());
        for (key, value) in retries::timeouts($kind.environment) {
            builder = builder.with_config(<$key>::Client(key), value);
        }
        for (name, value) in &setup.named {
            let key: $key = names::parse(url, name, &$kind)?;
            builder = builder.with_config(key, value);
        }
        let has = |keys: &[$key]| {
            let mut values = keys.iter().filter_map(|key| builder.get_config_value(key));
            values.any(|value| !matches!(value.as_str(), "" | "false"))
        };
        let given = has(&<$key as login::Login>::LOGINS);
        let signs = !has(&<$key as login::Login>::UNSIGNED);
        if let Some(source) = setup.source(given) {
            builder = builder.with_credentials($credentials(source));
        }
        let builder = $finish(builder)?;
        let singly = $singly(&builder);
        let before = builder.clone();
        let endpoints = <$key as login::Login>::ENDPOINTS;
        let mut endpoints = endpoints.iter();
        let endpoint = endpoints.find_map(|key| builder.get_config_value(key));
        let store = builder
            .build()
            .map_err(|error| settings::failed(url, &setup.named, &error))?;
        let store = std::sync::Arc::new(store);
        let uploads = $uploads(&before, &store, &setup);
        Ok(setup.bucket(url, store, (singly, uploads), endpoint.as_deref(), signs))
    }};
}

#[cfg(feature = "s3")]
fn s3(url: &Url, options: Options) -> Result<Store> {
    use object_store::aws::AmazonS3ConfigKey;

    let mut setup = settings::Setup::new(url, options, crate::object::Quirks::default())?;
    let client = setup.client_options();
    let builder = s3::builder(url, &mut setup.named, client)?;
    bucket!(
        url,
        setup,
        builder,
        AmazonS3ConfigKey,
        names::S3,
        credentials::aws,
        Ok::<_, crate::Error>,
        s3::singly,
        |builder: &_,
         store: &std::sync::Arc<object_store::aws::AmazonS3>,
         setup: &settings::Setup| {
            s3_uploads::uploads(url.host_str(), builder, store.clone(), &setup.connector())
        }
    )
}

#[cfg(not(feature = "s3"))]
fn s3(url: &Url, _: Options) -> Result<Store> {
    Err(feature_is_off(url, "s3"))
}

#[cfg(feature = "gcs")]
fn gcs(url: &Url, options: Options) -> Result<Store> {
    use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};

    let setup = settings::Setup::new(url, options, crate::object::Quirks::default())?;
    let mut builder = GoogleCloudStorageBuilder::new().with_client_options(setup.client_options());
    if let Ok(path) = std::env::var("SERVICE_ACCOUNT") {
        builder = builder.with_service_account_path(path);
    }
    for (key, value) in settings::environment(url, names::GCS.environment)? {
        builder = builder.with_config(key, value);
    }
    bucket!(
        url,
        setup,
        builder,
        GoogleConfigKey,
        names::GCS,
        credentials::gcp,
        |builder| gcs::finish(url, builder),
        |_: &GoogleCloudStorageBuilder| crate::object::Singly::default(),
        |builder: &_,
         store: &std::sync::Arc<object_store::gcp::GoogleCloudStorage>,
         setup: &settings::Setup| {
            gcs_uploads::uploads(url.host_str(), builder, store.clone(), &setup.connector())
        }
    )
}

#[cfg(not(feature = "gcs"))]
fn gcs(url: &Url, _: Options) -> Result<Store> {
    Err(feature_is_off(url, "gcs"))
}

#[cfg(feature = "azure")]
fn azure(url: &Url, options: Options) -> Result<Store> {
    use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

    let quirks = crate::object::Quirks {
        suffix: false,
        ..crate::object::Quirks::default()
    };
    let setup = settings::Setup::new(url, options, quirks)?;
    let mut builder = MicrosoftAzureBuilder::new().with_client_options(setup.client_options());
    for (key, value) in settings::environment(url, names::AZURE.environment)? {
        builder = builder.with_config(key, value);
    }
    if let Ok(endpoint) = std::env::var("IDENTITY_ENDPOINT") {
        builder = builder.with_msi_endpoint(endpoint);
    }
    bucket!(
        url,
        setup,
        builder,
        AzureConfigKey,
        names::AZURE,
        credentials::azure,
        Ok::<_, crate::Error>,
        |_: &MicrosoftAzureBuilder| crate::object::Singly::default(),
        |builder: &_,
         store: &std::sync::Arc<object_store::azure::MicrosoftAzure>,
         setup: &settings::Setup| {
            azure_uploads::uploads(url, builder, store.clone(), &setup.connector())
        }
    )
}

#[cfg(not(feature = "azure"))]
fn azure(url: &Url, _: Options) -> Result<Store> {
    Err(feature_is_off(url, "azure"))
}

#[cfg(feature = "http")]
use web::open as http;

#[cfg(not(feature = "http"))]
fn http(url: &Url, _: Options) -> Result<Store> {
    Err(feature_is_off(url, "http"))
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod answer;
#[cfg(feature = "azure")]
mod azure_uploads;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod client;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod connector;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod credentials;
#[cfg(feature = "gcs")]
mod gcs;
#[cfg(feature = "gcs")]
mod gcs_uploads;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod headers;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod login;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod named;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod names;
#[cfg(feature = "s3")]
mod profile;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod redirect;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod retries;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "s3")]
mod s3_uploads;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod settings;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod upload_requests;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod values;
#[cfg(feature = "http")]
mod web;
