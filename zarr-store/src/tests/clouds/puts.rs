//! Puts, their conditions, and deletions.

use super::*;

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
