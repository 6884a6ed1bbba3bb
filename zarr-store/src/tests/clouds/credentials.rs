//! Credentials: refused, missing, malformed or lost.

use super::*;

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
