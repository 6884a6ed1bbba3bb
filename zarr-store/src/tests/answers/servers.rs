//! Redirects, credentials, busy servers and index pages.

use super::*;

#[tokio::test]
async fn redirects_are_followed_and_take_no_credentials_along() {
    let other = Raw::start(|asked| orderly(asked, TAG));
    let address = other.address.clone();
    for status in [301, 302, 303, 307, 308] {
        let address = address.clone();
        let server = Raw::start(move |asked| match asked.target.starts_with("/data/moved") {
            true => sized(&format!("{status} moved"), "Location: k\r\n", b""),
            false => {
                let place = format!("Location: {address}/elsewhere?sig=theirs\r\n");
                sized(&format!("{status} moved"), &place, b"moved")
            }
        });
        let url = format!(
            "{}/data?sig=ours",
            server.address.replace("//", "//me:hush@")
        );
        let options = [
            ("default_headers", "X-Api-Key: hush\nCookie: hush"),
            ("max_retries", "0"),
        ];
        let store = Store::open_with(&url, options).unwrap();
        for range in [ByteRange::All, ByteRange::Range(2..9), ByteRange::Suffix(4)] {
            for key in ["k", "moved"] {
                check(&range, store.get(key, &range, None).await);
            }
        }
        let first = server.take();
        assert!(
            first
                .iter()
                .all(|asked| asked.field("authorization") == Some("Basic bWU6aHVzaA=="))
        );
        assert!(
            first
                .iter()
                .all(|asked| asked.field("x-api-key") == Some("hush"))
        );
        for asked in other.take() {
            assert_eq!(asked.target, "/elsewhere?sig=theirs");
            let text = format!("{asked:?}");
            assert!(!text.contains("hush") && !text.contains("ours"), "{text}");
            assert!(asked.field("range").is_some() || text.contains("GET"));
        }
    }
}

#[tokio::test]
async fn redirects_without_an_end_are_errors() {
    let error = fails(ByteRange::All, |asked| {
        sized(
            "302 moved",
            &format!("Location: {}x\r\n", asked.target),
            b"",
        )
    })
    .await;
    assert!(error.to_string().contains("redirect"), "{error}");
    let error = fails(ByteRange::All, |_| sized("302 moved", "", b"")).await;
    assert!(error.to_string().contains("edirect"), "{error}");
}

#[tokio::test]
async fn queries_go_with_each_key() {
    let server = Raw::start(|asked| orderly(asked, TAG));
    for (base, target) in [
        ("/d?sig=a%2Bb%3D&x=1", "/d/c/0?sig=a%2Bb%3D&x=1"),
        ("/d/?sig=a", "/d/c/0?sig=a"),
        ("/d///?sig=a", "/d/c/0?sig=a"),
        ("/a%20b/%23c?s", "/a%20b/%23c/c/0?s"),
        ("", "/c/0"),
        ("/", "/c/0"),
        ("?sig=a", "/c/0?sig=a"),
    ] {
        let store = Store::open(&format!("{}{base}", server.address)).unwrap();
        store.get("c/0", &ByteRange::All, None).await.unwrap();
        store
            .with_prefix("c")
            .unwrap()
            .get("0", &ByteRange::All, None)
            .await
            .unwrap();
        for asked in server.take() {
            assert_eq!(asked.target, target, "{base}");
        }
        assert!(!store.location().contains("sig"), "{base}");
    }
}

#[tokio::test]
async fn passwords_tokens_and_fields_are_sent() {
    let server = Raw::start(|asked| orderly(asked, TAG));
    let url = |user: &str| format!("{}/d", server.address.replace("//", &format!("//{user}")));
    for (user, options, name, value) in [
        ("me:pass@", &[][..], "authorization", "Basic bWU6cGFzcw=="),
        ("me@", &[][..], "authorization", "Basic bWU6"),
        (
            "m%40e:p%3Aa%20s@",
            &[][..],
            "authorization",
            "Basic bUBlOnA6YSBz",
        ),
        (
            "",
            &[("bearer_token", "abc")][..],
            "authorization",
            "Bearer abc",
        ),
        (
            "",
            &[("default_headers", "Authorization: Bearer abc")][..],
            "authorization",
            "Bearer abc",
        ),
        (
            "",
            &[("default_headers", "x-one: 1\n X-Two :  2 ")][..],
            "x-two",
            "2",
        ),
        ("", &[("user_agent", "me/1")][..], "user-agent", "me/1"),
    ] {
        let store = Store::open_with(&url(user), options.iter().copied()).unwrap();
        store.get("k", &ByteRange::All, None).await.unwrap();
        store.get("k", &ByteRange::Range(1..4), None).await.unwrap();
        store.size("k").await.unwrap();
        for asked in server.take() {
            assert_eq!(asked.field(name), Some(value), "{user} {options:?}");
        }
        let shown = format!("{store:?} {}", store.location());
        assert!(
            !shown.contains("pass") && !shown.contains("abc") && !shown.contains("me:"),
            "{shown}"
        );
    }
    for value in ["no colon", "bad name: x", ": x", "x: \u{1}"] {
        let error = Store::open_with(&url(""), [("default_headers", value)]).unwrap_err();
        assert!(error.to_string().contains("default_headers"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_sends_us_away_for_long_is_an_error_that_says_so() {
    for (status, away) in [
        ("429 Too Many Requests", "3600"),
        ("503 busy", "Fri, 31 Dec 2100 23:59:59 GMT"),
    ] {
        let server =
            Raw::start(move |_| sized(status, &format!("Retry-After: {away}\r\n"), b"slow down"));
        let url = format!("{}/d", server.address);
        let store = Store::open_with(&url, [("timeout", "2s")]).unwrap();
        let start = Instant::now();
        let error = store.get("k", &ByteRange::All, None).await.unwrap_err();
        assert!(error.to_string().contains(&status[..3]), "{error}");
        assert!(start.elapsed() < Duration::from_secs(1), "{error}");
        assert_eq!(server.take().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_sends_us_away_again_and_again_is_an_error_that_says_so() {
    let server = Raw::start(|_| sized("429 no", "Retry-After: 1\r\n", b""));
    let url = format!("{}/d", server.address);
    let store = Store::open_with(&url, [("timeout", "3s")]).unwrap();
    let start = Instant::now();
    let error = store.get("k", &ByteRange::All, None).await.unwrap_err();
    assert!(error.to_string().contains("429"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5), "{error}");
    // Without retries, no call waits.
    let store = open(&server, &[]);
    let start = Instant::now();
    let error = store.get("k", &ByteRange::All, None).await.unwrap_err();
    assert!(error.to_string().contains("429"), "{error}");
    assert!(start.elapsed() < Duration::from_millis(900), "{error}");
}

#[tokio::test]
async fn a_server_that_was_busy_is_asked_again() {
    let busy = std::sync::atomic::AtomicBool::new(true);
    let server =
        Raw::start(
            move |asked| match busy.swap(false, std::sync::atomic::Ordering::Relaxed) {
                true => sized("503 busy", "Retry-After: 1\r\n", b""),
                false => orderly(asked, TAG),
            },
        );
    let store = Store::open(&format!("{}/d", server.address)).unwrap();
    check(&ByteRange::All, store.get("k", &ByteRange::All, None).await);
    assert_eq!(server.methods().len(), 2);
}

#[tokio::test]
async fn index_pages_are_listings_behind_an_option() {
    let page = |links: &[&str]| -> Vec<u8> {
        let links: String = links
            .iter()
            .map(|link| format!("<A class=x HREF=\"{link}\">n</A>\n"))
            .collect();
        sized(
            "200 OK",
            "Content-Type: text/html; charset=utf-8\r\n",
            format!("<html>{links}</html>").as_bytes(),
        )
    };
    let server = Raw::start(move |asked| match asked.target.as_str() {
        "/d/?s=1" => page(&[
            "../",
            "zarr.json",
            "a%20b/",
            "c/",
            "./x&amp;y",
            "?C=N;O=D",
            "/d/abs",
            "/other",
            "#top",
            "https://elsewhere.org/d/z",
            "mailto:x@y",
            "q?download=1",
            "c/",
        ]),
        "/d/c/?s=1" => page(&["/d/", "0", "deep/"]),
        "/d/c/deep/?s=1" => page(&["../", "1"]),
        "/d/a%20b/?s=1" => page(&["../"]),
        "/d/text/?s=1" => sized("200 OK", "Content-Type: text/plain\r\n", b"<a href=\"x\">"),
        "/d/none/?s=1" => sized("404 no", "", b""),
        none if none.starts_with("/d/none/") => without_body(sized("404 no", "", b"")),
        "/d/node/?s=1" => sized("404 no", "", b""),
        "/d/login/?s=1" => sized("302 no", "Location: /signin/\r\n", b""),
        "/signin/" => page(&["forgot"]),
        "/d/slash/?s=1" => sized("302 no", "Location: /e/slash/?s=1\r\n", b""),
        "/e/slash/?s=1" => page(&["0"]),
        "/d/gz/?s=1" => sized(
            "200 OK",
            "Content-Type: text/html\r\nContent-Encoding: gzip\r\n",
            &gzip(b"<a href=\"0\">"),
        ),
        "/d/br/?s=1" => sized(
            "200 OK",
            "Content-Type: text/html\r\nContent-Encoding: br\r\n",
            b"xx",
        ),
        "/d/hidden/?s=1" => sized("403 no", "", b""),
        _ => orderly(asked, TAG),
    });
    let url = format!("{}/d?s=1", server.address);
    let store = Store::open_with(&url, [("max_retries", "0"), ("html_index", "true")]).unwrap();
    assert!(store.can_list());
    let listing = store.list_dir("").await.unwrap();
    assert_eq!(listing.keys, ["abs", "x&y", "zarr.json"]);
    assert_eq!(listing.prefixes, ["a b", "c"]);
    let listing = store.list_dir("c").await.unwrap();
    assert_eq!(
        (listing.keys, listing.prefixes),
        (vec!["0".to_owned()], vec!["deep".to_owned()])
    );
    let below = store.with_prefix("c").unwrap();
    assert_eq!(below.list_dir("deep").await.unwrap().keys, ["1"]);
    assert_eq!(
        store.list_dir("none").await.unwrap(),
        crate::Listing::default()
    );
    assert_eq!(
        store.list_dir("hidden").await.unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert!(
        store
            .list_dir("text")
            .await
            .unwrap_err()
            .to_string()
            .contains("text/plain")
    );
    for (directory, says) in [
        ("node", "no page of links"),
        ("login", "signin"),
        ("br", "Content-Encoding: br"),
    ] {
        let error = store.list_dir(directory).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{directory}");
        assert!(error.to_string().contains(says), "{directory}: {error}");
    }
    for directory in ["gz", "slash"] {
        assert_eq!(store.list_dir(directory).await.unwrap().keys, ["0"]);
    }
    let plain = open(&server, &[]);
    assert!(!plain.can_list() && plain.list_dir("").await.is_err());

    use futures::TryStreamExt;
    let mut all: Vec<_> = store.list("").try_collect().await.unwrap();
    all.sort();
    let keys: Vec<_> = all
        .iter()
        .map(|entry| (entry.key.as_str(), entry.size))
        .collect();
    assert_eq!(
        keys,
        [
            ("abs", 100),
            ("c/0", 100),
            ("c/deep/1", 100),
            ("x&y", 100),
            ("zarr.json", 100)
        ]
    );
    let batches: Vec<_> = store.list_keys("c").try_collect().await.unwrap();
    assert_eq!(batches.concat(), ["c/0", "c/deep/1"]);
}
