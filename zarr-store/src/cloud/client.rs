//! The HTTP client below all remote stores: like the client that `object_store` builds from the
//! same options, except that `connector` handles redirects and default headers, because
//! `object_store`'s client sends secret headers, and queries in `Referer`, to other hosts.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use object_store::{ClientConfigKey as Key, ClientOptions};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, NoProxy, Proxy};

const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

pub(super) fn client(options: &ClientOptions) -> object_store::Result<Client> {
    let failed = |error: reqwest::Error| object_store::Error::Generic {
        store: "HTTP client",
        source: Box::new(error),
    };
    let text = |key: Key| options.get_config_value(&key);
    let flag = |key| text(key).is_some_and(|value| is_true(&value));
    let time = |key| text(key).and_then(|value| humantime::parse_duration(&value).ok());
    let number = |key| text(key).and_then(|value| value.parse().ok());

    let mut builder = Client::builder()
        .redirect(Policy::none())
        .referer(false)
        .user_agent(text(Key::UserAgent).unwrap_or_else(|| USER_AGENT.to_owned()))
        .https_only(!flag(Key::AllowHttp))
        .danger_accept_invalid_certs(flag(Key::AllowInvalidCertificates))
        .http2_keep_alive_while_idle(flag(Key::Http2KeepAliveWhileIdle))
        .http2_max_frame_size(number(Key::Http2MaxFrameSize))
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate();
    if let Some(proxy) = text(Key::ProxyUrl) {
        let mut proxy = Proxy::all(proxy).map_err(failed)?;
        if let Some(excludes) = text(Key::ProxyExcludes) {
            proxy = proxy.no_proxy(NoProxy::from_string(&excludes));
        }
        builder = builder.proxy(proxy);
    }
    if let Some(certificate) = text(Key::ProxyCaCertificate) {
        let certificate = Certificate::from_pem(certificate.as_bytes()).map_err(failed)?;
        builder = builder.tls_certs_merge([certificate]);
    }
    if flag(Key::NoSystemCertificates) {
        builder = builder.tls_certs_only([]);
    }
    for (key, set) in TIMES {
        if let Some(time) = time(key) {
            builder = set(builder, time);
        }
    }
    if let Some(most) = text(Key::PoolMaxIdlePerHost).and_then(|value| value.parse().ok()) {
        builder = builder.pool_max_idle_per_host(most);
    }
    if flag(Key::Http1Only) {
        builder = builder.http1_only();
    }
    if flag(Key::Http2Only) {
        builder = builder.http2_prior_knowledge();
    }
    if flag(Key::RandomizeAddresses) {
        builder = builder.dns_resolver(Shuffled);
    }
    builder.build().map_err(failed)
}

type SetTime = fn(reqwest::ClientBuilder, Duration) -> reqwest::ClientBuilder;

const TIMES: [(Key, SetTime); 6] = [
    (Key::Timeout, |builder, time| builder.timeout(time)),
    (Key::ConnectTimeout, |builder, time| {
        builder.connect_timeout(time)
    }),
    (Key::ReadTimeout, |builder, time| builder.read_timeout(time)),
    (Key::PoolIdleTimeout, |builder, time| {
        builder.pool_idle_timeout(time)
    }),
    (Key::Http2KeepAliveInterval, |builder, time| {
        builder.http2_keep_alive_interval(time)
    }),
    (Key::Http2KeepAliveTimeout, |builder, time| {
        builder.http2_keep_alive_timeout(time)
    }),
];

/// Whether a flag is on, in the spellings that `object_store` accepts.
pub(super) fn is_true(value: &str) -> bool {
    matches!(
        value.to_ascii_lowercase().as_str(),
        "1" | "true" | "on" | "yes" | "y"
    )
}

/// Resolves a host to its addresses in random order, to spread requests over all servers of a
/// bucket.
struct Shuffled;

impl Resolve for Shuffled {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let look = move || (name.as_str(), 0).to_socket_addrs().map(Vec::from_iter);
            let mut found: Vec<SocketAddr> = tokio::task::spawn_blocking(look).await??;
            fastrand::shuffle(&mut found);
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}
