//! The builders of remote stores, each behind the feature of its name.
//!
//! The environment is read first, as the builder of each store does, then the options are applied. Connects time out after
//! 5 s and silence after 30 s unless either says otherwise; how long a request may take as a whole is the
//! [`Deadline`](crate::Deadline), which the options `timeout` and `retry_timeout` set.

use url::Url;

use crate::Store;
use crate::error::Result;
use crate::open::{Options, invalid};

/// The schemes of buckets.
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

/// The error for a scheme that this build leaves out.
#[cfg(not(all(feature = "s3", feature = "gcs", feature = "azure", feature = "http")))]
fn feature_is_off(url: &Url, feature: &str) -> crate::Error {
    invalid(
        url.as_str(),
        &format!("zarr-store is built without its feature \"{feature}\""),
    )
}

/// Builds a store of a cloud. A macro, since the three builders have the same methods and no trait in common.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
macro_rules! bucket {
    ($url:expr, $options:expr, $builder:expr, $key:ty, $environment:literal, $credentials:path, $quirks:expr, $known:literal) => {{
        let (
            url,
            Options {
                named: mut options,
                credentials,
            },
        ) = ($url, $options);
        let patience = settings::take_patience(url, &mut options)?;
        let quirks = settings::take_quirks(url, &mut options, $quirks)?;
        settings::check_values(url, &options)?;
        let mut builder = $builder
            .with_http_connector(connector::StrictConnector::default())
            .with_url(url.as_str())
            .with_retry(patience.retry);
        if let Some(source) = credentials {
            builder = builder.with_credentials($credentials(source));
        }
        for (key, value) in settings::timeouts($environment) {
            builder = builder.with_config(<$key>::Client(key), value);
        }
        for (name, value) in &options {
            let key: $key = settings::parse(url, name, $known)?;
            builder = builder.with_config(key, value);
        }
        let store = builder
            .build()
            .map_err(|error| settings::failed(url, &options, &error))?;
        let store = settings::bucket(url, std::sync::Arc::new(store), quirks);
        Ok(store.with_deadline(patience.deadline))
    }};
}

#[cfg(feature = "s3")]
fn s3(url: &Url, mut options: Options) -> Result<Store> {
    use object_store::aws::AmazonS3ConfigKey;

    let builder = s3::builder(url, &mut options.named)?;
    bucket!(
        url,
        options,
        builder,
        AmazonS3ConfigKey,
        "AWS_",
        credentials::aws,
        crate::object::Quirks::default(),
        "see object_store::aws::AmazonS3ConfigKey, and retry_timeout, max_retries, profile, single_writer, missing_on_403"
    )
}

#[cfg(not(feature = "s3"))]
fn s3(url: &Url, _: Options) -> Result<Store> {
    Err(feature_is_off(url, "s3"))
}

#[cfg(feature = "gcs")]
fn gcs(url: &Url, options: Options) -> Result<Store> {
    use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};

    bucket!(
        url,
        options,
        GoogleCloudStorageBuilder::from_env(),
        GoogleConfigKey,
        "GOOGLE_",
        credentials::gcp,
        crate::object::Quirks::default(),
        "see object_store::gcp::GoogleConfigKey, and retry_timeout, max_retries, single_writer, missing_on_403"
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
    bucket!(
        url,
        options,
        MicrosoftAzureBuilder::from_env(),
        AzureConfigKey,
        "AZURE_",
        credentials::azure,
        quirks,
        "see object_store::azure::AzureConfigKey, and retry_timeout, max_retries, single_writer, missing_on_403"
    )
}

#[cfg(not(feature = "azure"))]
fn azure(url: &Url, _: Options) -> Result<Store> {
    Err(feature_is_off(url, "azure"))
}

/// A web server. The URL is kept as the base of every request, its query included, so that signed URLs of a directory work.
#[cfg(feature = "http")]
fn http(url: &Url, options: Options) -> Result<Store> {
    use std::sync::Arc;

    use object_store::http::HttpBuilder;

    use crate::CostModel;
    use crate::object::{ObjectBackend, Quirks};

    const KNOWN: &str = "see object_store::ClientConfigKey, and retry_timeout, max_retries, webdav, single_writer, missing_on_403";

    crate::open::no_credentials(url.as_str(), &options)?;
    let mut options = options.named;
    let patience = settings::take_patience(url, &mut options)?;
    let quirks = Quirks {
        list: settings::take_flag(url, &mut options, "webdav")?,
        // Known to have no conditional puts.
        probe: false,
        ..settings::take_quirks(url, &mut options, Quirks::default())?
    };
    settings::check_values(url, &options)?;
    let mut base = url.clone();
    base.set_path(url.path().trim_end_matches('/'));
    base.set_fragment(None);
    let mut builder = HttpBuilder::new()
        .with_http_connector(connector::StrictConnector::default())
        .with_url(base)
        .with_retry(patience.retry);
    if url.scheme() == "http" {
        builder = builder.with_config(object_store::ClientConfigKey::AllowHttp, "true");
    }
    for (key, value) in settings::timeouts("") {
        builder = builder.with_config(key, value);
    }
    for (name, value) in &options {
        builder = builder.with_config(settings::parse(url, name, KNOWN)?, value);
    }
    let store = builder
        .build()
        .map_err(|error| settings::failed(url, &options, &error))?;
    let backend = ObjectBackend::new(Arc::new(store), quirks);
    let store = Store::from_object(backend, &settings::location(url), CostModel::http());
    Ok(store.with_deadline(patience.deadline))
}

#[cfg(not(feature = "http"))]
fn http(url: &Url, _: Options) -> Result<Store> {
    Err(feature_is_off(url, "http"))
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod connector;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod credentials;
#[cfg(feature = "s3")]
mod profile;
#[cfg(feature = "s3")]
mod s3;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod settings;
