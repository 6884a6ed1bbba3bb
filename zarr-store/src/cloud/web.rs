//! Web servers. The URL is the base of every request, query included, so that signed URLs of a
//! directory work; its user info moves to a header.

use std::sync::Arc;

use object_store::ClientConfigKey;
use object_store::http::HttpBuilder;
use reqwest::header::HeaderValue;
use url::Url;

use super::named::{Named, take_flag};
use super::retries;
use super::settings::{self, Setup};
use super::{headers, names};
use crate::error::Result;
use crate::object::{Listings, ObjectBackend, Quirks};
use crate::options::{Options, invalid, no_credentials};
use crate::{CostModel, Store};

pub(super) fn open(url: &Url, options: Options) -> Result<Store> {
    no_credentials(url.as_str(), &options)?;
    let mut setup = Setup::new(url, options, Quirks::default())?;
    setup.quirks.list = listings(url, &mut setup.named)?;
    // Web servers are known to have no conditional puts.
    setup.quirks.probe = false;
    headers::authorize(url, &mut setup.named, &mut setup.headers)?;
    if setup.headers.is_empty() && url.query().is_none() {
        setup.deny_lost();
    }
    let identity = HeaderValue::from_static("identity");
    setup.headers.entry("accept-encoding").or_insert(identity);

    let mut base = url.clone();
    base.set_path(url.path().trim_end_matches('/'));
    base.set_fragment(None);
    // Fails only for URLs without a host, which have no user info.
    let _ = base.set_username("");
    let _ = base.set_password(None);
    let mut builder = HttpBuilder::new()
        .with_http_connector(setup.connector())
        .with_client_options(setup.client_options())
        .with_url(base)
        .with_retry(setup.retries.retry.clone());
    if url.scheme() == "http" {
        builder = builder.with_config(ClientConfigKey::AllowHttp, "true");
    }
    for (key, value) in retries::timeouts("") {
        builder = builder.with_config(key, value);
    }
    for (name, value) in &setup.named {
        builder = builder.with_config(names::parse(url, name, &names::HTTP)?, value);
    }
    let store = builder
        .build()
        .map_err(|error| settings::failed(url, &setup.named, &error))?;
    let backend = ObjectBackend::new(Arc::new(store), setup.quirks);
    let location = location(url);
    Ok(setup.finish(backend, &location, CostModel::http()))
}

/// Returns how directories are listed, if at all.
fn listings(url: &Url, options: &mut Named) -> Result<Listings> {
    let webdav = take_flag(url, options, "webdav")?;
    match (webdav, take_flag(url, options, "html_index")?) {
        (false, false) => Ok(Listings::None),
        (true, false) => Ok(Listings::Native),
        (false, true) => Ok(Listings::Html),
        (true, true) => Err(invalid(
            url.as_str(),
            "options webdav and html_index exclude each other; set one of them",
        )),
    }
}

/// Returns the URL without user info, query and fragment.
fn location(url: &Url) -> String {
    let mut url = url.clone();
    // Fails only for URLs without a host, which have no user info.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}
