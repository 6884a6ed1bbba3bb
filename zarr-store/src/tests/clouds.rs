//! Cloud stores: errors name what is wrong with options and responses, puts carry the requested
//! attributes, and conditions are probed only on unknown services, beside the key being written.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::raw::{Asked, Raw, sized, without_body};
use crate::{ByteRange, Error, ErrorKind, Precondition, Store};

const S3: [(&str, &str); 5] = [
    ("region", "r"),
    ("access_key_id", "me"),
    ("secret_access_key", "hush"),
    ("max_retries", "0"),
    ("timeout", "3s"),
];

fn s3(endpoint: &str, more: &[(&str, &str)]) -> Store {
    let options = S3.into_iter().chain([("endpoint", endpoint)]);
    Store::open_with("s3://b/x", options.chain(more.iter().copied())).unwrap()
}

fn azure(endpoint: &str) -> Store {
    let endpoint = format!("{endpoint}/acc");
    let options = [
        ("account_name", "acc"),
        ("account_key", "aHVzaA=="),
        ("endpoint", endpoint.as_str()),
        ("allow_http", "true"),
        ("max_retries", "0"),
    ];
    Store::open_with("az://b/x", options).unwrap()
}

fn gcs(endpoint: &str, more: &[(&str, &str)]) -> Store {
    let options = [
        ("base_url", endpoint),
        ("bearer_token", "hush"),
        ("allow_http", "true"),
        ("max_retries", "0"),
    ];
    Store::open_with("gs://b/x", options.into_iter().chain(more.iter().copied())).unwrap()
}

async fn read(store: &Store) -> Error {
    store
        .get("k", &ByteRange::Range(0..9), None)
        .await
        .unwrap_err()
}

#[test]
fn values_are_checked_before_use() {
    for (url, name, value, says) in [
        ("s3://b", "allow_http", "maybe", "must be true or false"),
        ("s3://b", "skip_signature", "", "must be true or false"),
        (
            "s3://b",
            "aws_virtual_hosted_style_request",
            "path",
            "must be true or false",
        ),
        ("s3://b", "single_writer", "2", "must be true or false"),
        ("s3://b", "timeout", "30", "time with a unit"),
        ("s3://b", "connect_timeout", "soon", "time with a unit"),
        ("s3://b", "retry_timeout", "1 fortnight", "time with a unit"),
        ("s3://b", "max_retries", "many", "not a number"),
        ("s3://b", "max_retries", "-1", "not a number"),
        ("s3://b", "pool_max_idle_per_host", "1.5", "not a number"),
        ("s3://b", "http2_max_frame_size", "big", "not a number"),
        (
            "s3://b",
            "metadata_endpoint",
            "169.254.169.254",
            "http://host",
        ),
        (
            "s3://b",
            "endpoint_url_sts",
            "sts.amazonaws.com",
            "http://host",
        ),
        ("s3://b", "cache_control", "caf\u{e9}", "ASCII"),
        ("s3://b", "storage_class", "", "ASCII"),
        ("gs://b", "base_url", "localhost:4443", "http://host"),
        ("gs://b", "bearer_token", "a\nb", "line break"),
        ("az://b", "endpoint", "127.0.0.1:10000", "http://host"),
        ("az://b", "use_emulator", "si", "must be true or false"),
        ("az://b", "msi_endpoint", "x", "http://host"),
        (
            "az://b",
            "authority_host",
            "login.microsoftonline.com",
            "http://host",
        ),
        (
            "az://b",
            "azure_authority_host",
            "https://login.us?a",
            "has a ?",
        ),
        ("az://b", "sas_token", "sv=1\r\n", "line break"),
        ("http://h", "storage_class", "COLD", "storage_class"),
        ("http://h", "bearer_token", "a\nb", "line break"),
        ("http://h", "webdav", "yes please", "must be true or false"),
        ("http://h", "read_timeout", "-1s", "time with a unit"),
    ] {
        let error = Store::open_with(url, [(name, value)]).unwrap_err();
        let text = error.to_string();
        assert_eq!(
            error.kind(),
            ErrorKind::InvalidUrl,
            "{name}={value}: {text}"
        );
        assert!(
            text.contains(name) && text.contains(says),
            "{name}={value}: {text}"
        );
        let shown = value.len() > 3 && !says.contains(value) && text.contains(value);
        assert!(!shown, "values may be secret: {text}");
    }
    let both = [("webdav", "true"), ("html_index", "true")];
    assert!(
        Store::open_with("http://h", both)
            .unwrap_err()
            .to_string()
            .contains("html_index")
    );
}

#[test]
fn unknown_names_come_with_the_nearest_known() {
    for (url, name, meant) in [
        ("s3://b", "regoin", "region"),
        ("s3://b", "aws_acces_key_id", "access_key_id"),
        ("s3://b", "Endpoint-URL", "endpoint_url"),
        ("s3://b", "storageclass", "storage_class"),
        ("s3://b", "retries", "max_retries"),
        ("gs://b", "service_acount", "service_account"),
        ("gs://b", "google_baerer_token", "bearer_token"),
        ("az://b", "acount_name", "account_name"),
        ("az://b", "azure_sas_tokn", "sas_token"),
        ("http://h", "time_out", "timeout"),
        ("http://h", "default_header", "default_headers"),
    ] {
        let options = [(name, "http://secret"), ("account_name", "a")];
        let only = options
            .into_iter()
            .take(if url.starts_with("az") { 2 } else { 1 });
        let error = Store::open_with(url, only).unwrap_err();
        let text = error.to_string();
        if name == "retries" {
            assert_eq!(error.kind(), ErrorKind::UnknownOption, "{text}");
            continue;
        }
        assert!(
            text.contains(&format!("did you mean \"{meant}\"?")),
            "{name}: {text}"
        );
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn what_keeps_a_request_from_its_server_is_said_at_once() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let plain = Raw::start(|asked| sized("400 no", "", asked.method.as_bytes()));
    let tls = plain.address.replace("http:", "https:");
    let impatient = [("max_retries", "10"), ("timeout", "3s")];
    for (endpoint, says) in [
        (format!("http://{closed}"), "connection refused"),
        ("http://no-such-host.invalid".to_owned(), "host"),
        ("https://no-such-host.invalid".to_owned(), "host"),
        (tls, "TLS failed"),
    ] {
        for options in [&[][..], &impatient[..]] {
            let web = Store::open_with(
                &endpoint,
                [("max_retries", "0")]
                    .into_iter()
                    .chain(options.iter().copied()),
            );
            for store in [s3(&endpoint, options), web.unwrap()] {
                let start = Instant::now();
                let text = read(&store).await.to_string();
                assert!(text.contains(says), "{endpoint}: {text}");
                assert!(
                    start.elapsed() < Duration::from_secs(5),
                    "{endpoint}: {text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn refused_credentials_are_refused_with_the_words_of_the_server() {
    let xml = |code: &str| {
        format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>not you</Message></Error>"
        )
    };
    for (status, code) in [
        ("400 no", "ExpiredToken"),
        ("400 no", "InvalidToken"),
        ("400 no", "TokenRefreshRequired"),
        ("403 no", "InvalidAccessKeyId"),
        ("403 no", "SignatureDoesNotMatch"),
        ("403 no", "RequestTimeTooSkewed"),
        ("403 no", "AccessDenied"),
        ("401 no", "Unauthorized"),
        ("403 no", "AuthenticationFailed"),
        ("400 no", "InvalidAuthenticationInfo"),
        ("403 no", "AuthorizationPermissionMismatch"),
    ] {
        let body = xml(code);
        let server = Raw::start(move |_| {
            sized(status, "Content-Type: application/xml\r\n", body.as_bytes())
        });
        for store in [
            s3(&server.address, &[]),
            azure(&server.address),
            gcs(&server.address, &[]),
        ] {
            let error = read(&store).await;
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{code}: {error}");
            let text = error.to_string();
            assert!(text.contains(code) && text.contains("not you"), "{text}");
            assert!(!text.contains("hush"), "{text}");
        }
    }
    let json = r#"{"error":{"code":401,"message":"Invalid Credentials"}}"#;
    let server = Raw::start(move |_| sized("401 no", "", json.as_bytes()));
    let error = read(&gcs(&server.address, &[])).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains("Invalid Credentials"), "{error}");
    let busy = Raw::start(move |_| sized("400 no", "", xml("InvalidArgument").as_bytes()));
    assert_eq!(
        read(&s3(&busy.address, &[])).await.kind(),
        ErrorKind::Backend
    );
}

#[tokio::test]
async fn without_credentials_the_error_says_so() {
    let options = [
        ("region", "r"),
        ("metadata_endpoint", "http://127.0.0.1:9"),
        ("timeout", "5s"),
    ];
    let start = Instant::now();
    let error = read(&Store::open_with("s3://b/x", options).unwrap()).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let text = error.to_string();
    assert!(
        text.contains("no credentials") && text.contains("skip_signature"),
        "{text}"
    );
    assert!(start.elapsed() < Duration::from_secs(2), "{text}");
    // A machine that has no account, says so, or fails.
    for status in ["403 no", "404 no", "500 no", "400 no"] {
        let machine = Raw::start(move |_| sized(status, "", b"go away"));
        let msi = format!("{}/metadata/identity/oauth2/token", machine.address);
        let s3 = [
            ("region", "r"),
            ("metadata_endpoint", machine.address.as_str()),
            ("timeout", "5s"),
        ];
        let az = [
            ("account_name", "a"),
            ("msi_endpoint", msi.as_str()),
            ("timeout", "5s"),
        ];
        for store in [
            Store::open_with("s3://b/x", s3),
            Store::open_with("az://b/x", az),
        ] {
            let error = read(&store.unwrap()).await;
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            let text = error.to_string();
            assert!(
                text.contains("no credentials") && text.contains(&status[..3]),
                "{text}"
            );
        }
    }
    // Unsigned requests need no credentials, not even for writes.
    let server = bucket();
    let options = [
        ("base_url", server.address.as_str()),
        ("skip_signature", "true"),
        ("allow_http", "true"),
        ("max_retries", "0"),
    ];
    let store = Store::open_with("gs://b/x", options).unwrap();
    store
        .put("k", vec!["x".into()], Precondition::None)
        .await
        .unwrap();
    assert!(puts(&server)[0].field("authorization").is_none());
}

#[derive(Debug)]
struct Odd(&'static str);

#[async_trait::async_trait]
impl crate::CredentialSource for Odd {
    async fn credentials(
        &self,
    ) -> Result<crate::Credentials, Box<dyn std::error::Error + Send + Sync + 'static>> {
        let names = ["access_key_id", "secret_access_key", "token"];
        Ok(crate::Credentials {
            values: names
                .map(|name| (name.to_owned(), self.0.to_owned()))
                .into(),
            expires_at: None,
        })
    }
}

#[tokio::test]
async fn credentials_that_no_request_can_carry_are_an_error() {
    let server = Raw::start(|_| sized("200 OK", "", b""));
    for value in ["hush\n", "hush\r\nx", "hush\u{e9}", "hush\0"] {
        for url in ["s3://b/x", "gs://b/x", "az://b/x"] {
            let options: &[(&str, &str)] = match &url[..2] {
                "s3" => &[("region", "r"), ("endpoint", &server.address)],
                "gs" => &[("base_url", &server.address), ("allow_http", "true")],
                _ => &[
                    ("account_name", "a"),
                    ("endpoint", &server.address),
                    ("allow_http", "true"),
                ],
            };
            let source = std::sync::Arc::new(Odd(value));
            let options = options.iter().copied();
            let store = Store::open_with_credentials(url, options, Some(source)).unwrap();
            let error = read(&store).await;
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            let text = error.to_string();
            assert!(
                text.contains("line break") && !text.contains("hush"),
                "{text}"
            );
        }
    }
    assert!(server.methods().is_empty());
}

#[tokio::test]
async fn servers_without_conditions_or_bulk_deletion() {
    for status in ["501 no", "405 no", "400 no"] {
        let server = Raw::start(move |asked| match asked.method.as_str() {
            "PUT" if asked.field("if-none-match").is_some() => {
                sized(status, "", b"<Error><Code>NotImplemented</Code></Error>")
            }
            "POST" => sized(status, "", b"<Error><Code>NotImplemented</Code></Error>"),
            "DELETE" => b"HTTP/1.1 204 OK\r\n\r\n".to_vec(),
            _ => sized("200 OK", "ETag: \"1\"\r\n", b""),
        });
        let places = ["s3://b/x", "s3a://b/x", "s3://b/y"];
        for (number, url) in places.into_iter().enumerate() {
            let endpoint = format!("{}{}", server.address, "/".repeat(number % 2));
            let options = S3.into_iter().chain([("endpoint", endpoint.as_str())]);
            let store = Store::open_with(url, options).unwrap();
            let error = store.put("k", vec![], Precondition::IfAbsent).await;
            let error = error.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{status}: {error}");
            assert!(
                error.to_string().contains("single_writer = true"),
                "{error}"
            );
            let asked = server.methods();
            assert_eq!(asked.is_empty(), number > 0, "{url}: {asked:?}");
        }
        let store = s3(&server.address, &[]);
        let keys = ["a".to_owned(), "b".to_owned()];
        store.delete_all(&keys).await.unwrap();
        assert_eq!(server.methods(), ["POST", "DELETE", "DELETE"], "{status}");
        store.delete("c").await.unwrap();
        assert_eq!(server.methods(), ["DELETE"], "what was found out is kept");
        s3(&server.address, &[]).delete("c").await.unwrap();
        assert_eq!(server.methods(), ["POST", "DELETE"], "{status}");
    }
}

#[tokio::test]
async fn a_bulk_deletion_that_is_not_found_deletes_nothing_and_says_so() {
    for (status, body) in [
        ("404 Not Found", ""),
        ("404 Not Found", "<html>no such page</html>"),
        ("404 Not Found", "<Error><Code>NoSuchKey</Code></Error>"),
        (
            "400 Bad Request",
            "<Error><Code>UnsupportedOperation</Code></Error>",
        ),
    ] {
        let server = Raw::start(move |asked| match asked.method.as_str() {
            "POST" => sized(status, "", body.as_bytes()),
            "DELETE" => b"HTTP/1.1 204 OK\r\n\r\n".to_vec(),
            _ => sized("200 OK", "", b""),
        });
        let store = s3(&server.address, &[]);
        let keys = ["a".to_owned(), "b".to_owned()];
        store.delete_all(&keys).await.unwrap();
        assert_eq!(server.methods(), ["POST", "DELETE", "DELETE"], "{body}");
        s3(&server.address, &[]).delete("c").await.unwrap();
        assert_eq!(server.methods(), ["POST", "DELETE"], "{body}");
    }
    let missing = "<Error><Code>NoSuchBucket</Code></Error>";
    let server = Raw::start(move |_| sized("404 Not Found", "", missing.as_bytes()));
    let error = s3(&server.address, &[]).delete("c").await.unwrap_err();
    assert!(error.to_string().contains("NoSuchBucket"), "{error}");
}

#[test]
fn options_that_name_another_place_than_the_url_are_refused() {
    for (url, name, value) in [
        ("s3://b/x", "bucket", "other"),
        ("s3://b/x", "aws_bucket_name", "B"),
        ("gs://b/x", "google_bucket", "other"),
        ("az://c/x", "container_name", "other"),
        (
            "abfs://c@acc.dfs.core.windows.net/x",
            "azure_container_name",
            "acc",
        ),
        (
            "abfss://c@acc.dfs.core.windows.net/x",
            "account_name",
            "other",
        ),
    ] {
        let error = Store::open_with(url, [(name, value)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{url}: {error}");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains("URL"), "{text}");
    }
    for (url, name, value) in [
        ("s3://b/x", "bucket", "b"),
        ("abfs://c@acc.dfs.core.windows.net/x", "account_name", "acc"),
    ] {
        Store::open_with(url, [(name, value)]).unwrap();
    }
}

#[test]
fn servers_that_a_service_account_names_are_checked() {
    let account = |base: &str| {
        format!(
            r#"{{"gcs_base_url":"{base}","disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}}"#
        )
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    for base in [
        "localhost:4443",
        "http://localhost:4443?x",
        "http://u:p@localhost:4443",
        "http://localhost:4443\\n",
    ] {
        let key = account(base);
        std::fs::write(file.path(), &key).unwrap();
        for (name, value) in [
            ("service_account_key", key.as_str()),
            ("google_service_account", file.path().to_str().unwrap()),
        ] {
            let error = Store::open_with("gs://b", [(name, value)]).unwrap_err();
            let text = error.to_string();
            assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{base}: {text}");
            assert!(text.contains("gcs_base_url"), "{base}: {text}");
            assert!(!text.contains("u:p"), "{text}");
        }
    }
}

#[tokio::test]
async fn keys_are_added_to_the_server_that_a_service_account_names() {
    let server = Raw::start(|asked| match asked.method.as_str() {
        "PUT" => sized("200 OK", "ETag: \"1\"\r\nx-goog-generation: 1\r\n", b""),
        _ => sized("404 Not Found", "", b""),
    });
    let key = format!(
        r#"{{"gcs_base_url":"{}/","disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}}"#,
        server.address
    );
    let options = [
        ("service_account_key", key.as_str()),
        ("allow_http", "true"),
        ("max_retries", "0"),
    ];
    let store = Store::open_with("gs://b/x", options).unwrap();
    let found = store.get("k", &ByteRange::All, None).await.unwrap();
    assert!(found.is_none());
    assert_eq!(server.take()[0].target, "/b/x%2Fk");
    // Whether the server honours conditions is unknown.
    let error = store.put("k", vec![], Precondition::IfAbsent).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn the_first_reason_is_kept() {
    let moved = "<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message><Endpoint>b.s3-eu.amazonaws.com</Endpoint></Error>";
    let server = Raw::start(move |_| sized("301 Moved Permanently", "", moved.as_bytes()));
    let text = read(&s3(&server.address, &[])).await.to_string();
    for part in [
        "301",
        "PermanentRedirect",
        "elsewhere",
        "b.s3-eu.amazonaws.com",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let closed =
        "<Error><Code>PublicAccessNotPermitted</Code><Message>not public</Message></Error>";
    let server = Raw::start(move |_| sized("409 no", "", closed.as_bytes()));
    let error = read(&azure(&server.address)).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains("not public"), "{error}");
}

#[tokio::test]
async fn lost_credentials_ask_nobody() {
    let metadata = Raw::start(|_| sized("200 OK", "", b"token"));
    let lost = ("credentials_lost", "access_key_id, secret_access_key");
    let options = [
        ("region", "r"),
        ("metadata_endpoint", metadata.address.as_str()),
        lost,
    ];
    let error = read(&Store::open_with("s3://b/x", options).unwrap()).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(
        error
            .to_string()
            .contains("a pickle does not keep access_key_id"),
        "{error}"
    );
    assert!(metadata.methods().is_empty());
    let error =
        read(&Store::open_with("gs://b/x", [("credentials_lost", "service_account_key")]).unwrap())
            .await;
    assert!(error.to_string().contains("service_account_key"), "{error}");
    let options = [("account_name", "a"), ("credentials_lost", "account_key")];
    let error = read(&Store::open_with("az://b/x", options).unwrap()).await;
    assert!(error.to_string().contains("account_key"), "{error}");
    // With other credentials, or without need of any, nothing is lost.
    let server = Raw::start(|_| sized("403 no", "", b""));
    let error = read(&s3(&server.address, &[("credentials_lost", "token")])).await;
    assert!(
        error.to_string().contains("403")
            && error.to_string().contains("a pickle does not keep token"),
        "{error}"
    );
    let absent = Raw::start(|_| sized("404 no", "", b""));
    for names in [
        "default_headers",
        "bearer_token",
        "the user or query of the URL",
    ] {
        let options = [("credentials_lost", names), ("max_retries", "0")];
        let store = Store::open_with(&absent.address, options).unwrap();
        for error in [
            read(&store).await,
            store
                .put("k", vec![], Precondition::None)
                .await
                .unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            assert_eq!(error.to_string().matches(names).count(), 1, "{error}");
        }
        assert!(absent.methods().is_empty());
        let options = options.into_iter().chain([("bearer_token", "other")]);
        let store = Store::open_with(&absent.address, options).unwrap();
        assert!(
            store
                .get("k", &ByteRange::All, None)
                .await
                .unwrap()
                .is_none()
        );
        absent.take();
    }
}

/// A server that honours conditions.
fn bucket() -> Raw {
    let objects = Mutex::new(BTreeMap::<String, u64>::new());
    Raw::start(move |asked| {
        let mut objects = objects.lock().unwrap();
        let path = asked.target.split('?').next().unwrap().to_owned();
        let old = objects.get(&path).copied();
        let tag = |number: u64| {
            format!(
                "ETag: \"{number}\"\r\nx-goog-generation: {number}\r\nLast-Modified: Fri, 27 Nov 2026 10:00:00 GMT\r\n"
            )
        };
        match asked.method.as_str() {
            "PUT" => {
                let absent = asked.field("if-none-match").is_some()
                    || asked.field("x-goog-if-generation-match") == Some("0");
                let expected = asked.field("if-match").map(str::to_owned);
                let differs = expected
                    .is_some_and(|tag| Some(tag) != old.map(|number| format!("\"{number}\"")));
                if (absent && old.is_some()) || differs {
                    return sized("412 no", "", b"");
                }
                let number = objects.len() as u64 + 1000 * old.unwrap_or(1);
                objects.insert(path, number);
                sized("200 OK", &tag(number), b"")
            }
            "DELETE" => {
                objects.remove(&path);
                b"HTTP/1.1 204 OK\r\n\r\n".to_vec()
            }
            method => match old {
                None => sized("404 no", "", b""),
                Some(number) if method == "HEAD" => {
                    without_body(sized("200 OK", &tag(number), b""))
                }
                Some(number) => sized("200 OK", &tag(number), b""),
            },
        }
    })
}

fn puts(server: &Raw) -> Vec<Asked> {
    server
        .take()
        .into_iter()
        .filter(|asked| asked.method == "PUT")
        .collect()
}

#[tokio::test]
async fn puts_carry_what_was_asked_for() {
    let server = bucket();
    let more = [
        ("storage_class", "STANDARD_IA"),
        ("cache_control", "no-cache, max-age=0"),
        ("content_type", "application/x-zarr"),
        ("content_language", "en"),
        ("content_disposition", "inline"),
        ("default_headers", "x-amz-acl: public-read\nx-mine: 1"),
    ];
    for condition in [Precondition::None, Precondition::IfAbsent] {
        let store = s3(&server.address, &more);
        let key = format!("c/{condition:?}");
        store.put(&key, vec!["x".into()], condition).await.unwrap();
        let sent = puts(&server).pop().unwrap();
        for (name, value) in [
            ("x-amz-storage-class", "STANDARD_IA"),
            ("cache-control", "no-cache, max-age=0"),
            ("content-type", "application/x-zarr"),
            ("content-language", "en"),
            ("content-disposition", "inline"),
            ("x-amz-acl", "public-read"),
            ("x-mine", "1"),
        ] {
            assert_eq!(sent.field(name), Some(value));
        }
        let signed = sent.field("authorization").unwrap();
        assert!(
            signed.contains("x-amz-acl") && signed.contains("x-amz-storage-class"),
            "{signed}"
        );
    }
    let store = gcs(&server.address, &more[..2]);
    store
        .put("k", vec!["x".into()], Precondition::None)
        .await
        .unwrap();
    let sent = puts(&server).pop().unwrap();
    assert_eq!(sent.field("x-goog-storage-class"), Some("STANDARD_IA"));
    assert_eq!(sent.field("cache-control"), Some("no-cache, max-age=0"));
    let web = Store::open_with(
        &format!("{}/w", server.address),
        [("cache_control", "no-store")],
    )
    .unwrap();
    web.put("k", vec!["x".into()], Precondition::None)
        .await
        .unwrap();
    assert_eq!(
        puts(&server).pop().unwrap().field("cache-control"),
        Some("no-store")
    );
}

#[tokio::test]
async fn conditions_are_probed_beside_the_key_once_for_a_place_and_process() {
    let server = bucket();
    for (number, key) in ["c/0", "c/1", "zarr.json"].into_iter().enumerate() {
        // Every store is new, as after unpickling.
        let store = s3(&server.address, &[]);
        store
            .put(key, vec!["x".into()], Precondition::IfAbsent)
            .await
            .unwrap();
        store.put(key, vec![], Precondition::None).await.unwrap();
        let names: Vec<_> = puts(&server)
            .into_iter()
            .map(|asked| asked.target)
            .collect();
        let probes = names.iter().filter(|name| name.contains("probe"));
        assert!(
            probes
                .clone()
                .all(|name| name.starts_with("/b/x/c/.zarr-store-probe-")),
            "{names:?}"
        );
        assert_eq!(probes.count(), if number == 0 { 3 } else { 0 }, "{names:?}");
    }
    let other = Store::open_with(
        "s3://other/x",
        S3.into_iter()
            .chain([("endpoint", server.address.as_str())]),
    );
    other
        .unwrap()
        .put("a/k", vec![], Precondition::IfAbsent)
        .await
        .unwrap();
    assert_eq!(puts(&server).len(), 4, "another bucket is another place");
}

#[tokio::test]
async fn services_that_are_known_to_honour_conditions_are_not_probed() {
    // Requests go through a proxy, which sees their target.
    for (url, options) in [
        ("s3://b/x", vec![]),
        (
            "s3://b/x",
            vec![("endpoint", "http://s3.eu-west-1.amazonaws.com")],
        ),
        (
            "s3://b/x",
            vec![(
                "endpoint",
                "http://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com",
            )],
        ),
        (
            "s3://b/x",
            vec![("endpoint", "http://s3.cn-north-1.amazonaws.com.cn")],
        ),
        (
            "s3://b/x",
            vec![("endpoint", "http://0123.r2.cloudflarestorage.com")],
        ),
        (
            "s3://b/x",
            vec![("endpoint", "http://0123.eu.r2.cloudflarestorage.com")],
        ),
        (
            "s3://b/x",
            vec![("endpoint", "http://storage.googleapis.com")],
        ),
        (
            "gs://b/x",
            vec![("base_url", "http://storage.googleapis.com")],
        ),
        (
            "az://b/x",
            vec![("endpoint", "http://acc.blob.core.windows.net")],
        ),
    ] {
        let server = Raw::start(|_| sized("403 no", "", b""));
        let proxy = [
            ("proxy_url", server.address.as_str()),
            ("allow_http", "true"),
            ("max_retries", "0"),
        ];
        let login: &[(&str, &str)] = match &url[..2] {
            "s3" => &S3[..3],
            "gs" => &[("bearer_token", "x")],
            _ => &[("account_name", "acc"), ("account_key", "aHVzaA==")],
        };
        if url == "s3://b/x" && options.is_empty() {
            // TLS, which hides the target from a proxy.
            let all = login.iter().copied().chain(options);
            assert!(
                !format!("{:?}", Store::open_with(url, all).unwrap().inner.backend)
                    .contains("probe: true")
            );
            continue;
        }
        let all = login
            .iter()
            .copied()
            .chain(proxy)
            .chain(options.iter().copied());
        let store = Store::open_with(url, all).unwrap();
        let _ = store.put("k", vec![], Precondition::IfAbsent).await;
        let asked = server.take();
        assert!(
            !asked.is_empty() && asked.iter().all(|asked| !asked.target.contains("probe")),
            "{options:?} {asked:?}"
        );
    }
    for endpoint in [
        "http://amazonaws.com.evil.org",
        "http://notamazonaws.com",
        "http://127.0.0.1:9",
    ] {
        let store = s3(endpoint, &[]);
        assert!(
            format!("{:?}", store.inner.backend).contains("probe: true"),
            "{endpoint}"
        );
    }
}
