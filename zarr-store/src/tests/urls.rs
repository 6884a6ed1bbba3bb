//! A URL names one place: it opens what a person means, literally, or is refused with advice.

use crate::{ErrorKind, Store};

/// Returns the place that a URL opens, or the reason why it opens none.
fn place(url: &str) -> Result<String, String> {
    let options: &[(&str, &str)] = match url.split_once(':') {
        Some(("s3" | "s3a", _)) => &[("region", "r"), ("skip_signature", "true")],
        Some(("az" | "azure" | "abfs" | "abfss", _)) => {
            &[("account_name", "acc"), ("skip_signature", "true")]
        }
        Some(("gs", _)) => &[("skip_signature", "true")],
        _ => &[],
    };
    match Store::open_with(url, options.iter().copied()) {
        Ok(store) => Ok(store.location().to_owned()),
        Err(error) => {
            assert!(
                matches!(error.kind(), ErrorKind::InvalidUrl | ErrorKind::InvalidKey),
                "{url}: {error:?}"
            );
            Err(error.to_string())
        }
    }
}

#[cfg(all(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
#[test]
fn keys_of_buckets_are_taken_to_the_letter() {
    let names = [
        "run#1.zarr",
        "run#2.zarr",
        "run",
        "run?1.zarr",
        "run?2.zarr",
        "a b",
        "a%20b",
        "a%2520b",
        "100%",
        "%",
        "a+b",
        "é",
        "e\u{301}",
        "x?y#z",
        "#",
        "?",
        "a@b",
        "a:b",
        "~",
        "$x",
        "a|b",
        "a&b=c",
        "[0]",
        "x\u{7f}y",
    ];
    let mut seen = Vec::new();
    for bucket in [
        "s3://bucket",
        "s3a://bucket",
        "gs://bucket",
        "az://container",
        "abfs://one@acc.dfs.core.windows.net",
        "abfss://two@acc.dfs.core.windows.net",
    ] {
        for name in names {
            let url = format!("{bucket}/{name}/deep");
            let Ok(place) = place(&url) else {
                // Control characters are refused, not changed.
                assert!(name.contains('\u{7f}'), "{url}");
                continue;
            };
            assert!(!seen.contains(&place), "{url} is {place} too");
            if !name.contains('\u{7f}') {
                assert_eq!(place, url, "the displayed URL opens the store again");
            }
            seen.push(place);
        }
    }
}

#[cfg(all(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
#[test]
fn slashes_at_the_end_are_not_part_of_a_place() {
    for url in [
        "s3://bucket/x",
        "gs://bucket/x/y",
        "memory:x",
        "file:///tmp/x",
    ] {
        let plain = place(url).unwrap();
        assert_eq!(
            place(&format!("{url}/")).unwrap().trim_end_matches('/'),
            plain.trim_end_matches('/')
        );
    }
    assert_eq!(
        place("s3://bucket").unwrap(),
        place("s3://bucket/").unwrap()
    );
}

#[cfg(all(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
#[test]
fn what_names_no_place_is_refused_with_advice() {
    for (url, advice) in [
        ("file:data.zarr", "absolute path"),
        ("file:./data.zarr", "absolute path"),
        ("file:", "absolute path"),
        ("file:///tmp/run#1", "%23"),
        ("file:///tmp/run?1", "%3F"),
        ("file://otherhost/tmp/x", "this machine"),
        ("s3:/bucket/x", "//"),
        ("s3:bucket/x", "//"),
        ("S3:/bucket", "//"),
        ("gs:/bucket/x", "//"),
        ("az:/c/x", "//"),
        ("abfs:/c/x", "//"),
        ("https:/host/x", "//"),
        ("http:host", "//"),
        ("https://host/run#1.zarr", "%23"),
        ("s3://key:secret@bucket/x", "credentials"),
        ("s3://user@bucket/x", "credentials"),
        ("gs://user@bucket/x", "credentials"),
        (
            "abfs://container:secret@acc.dfs.core.windows.net/x",
            "credentials",
        ),
        ("s3:///x", "bucket"),
        ("s3://", "bucket"),
        ("s3://bucket?x=1", "bucket"),
        ("s3://bucket#x", "bucket"),
        ("ftp://host/x", "known:"),
        ("s3://bucket/a//b", "keys with //"),
        ("gs://bucket//b", "keys with //"),
        ("az://bucket/b//", "keys with //"),
        ("s3://bucket//", "keys with //"),
        ("s3://bucket/a/../b", ""),
        (" s3://bucket/x", "white space"),
        ("\ts3://bucket/x", "white space"),
        ("s3://bucket/x ", "white space"),
        ("s3://bucket/x\n", "white space"),
        ("\nhttp://h/x", "white space"),
        (" gs:b", "white space"),
        (" memory:x", "white space"),
        ("file:///tmp/x\n", "white space"),
        ("http://h/x\n", "white space"),
        ("http://h/x\r\n/y", "control characters"),
        ("http://h/\0", "control characters"),
        ("s3://bucket/a\tb", "control characters"),
        ("memory://a\nb", "control characters"),
        ("simplecache::s3://b/x", "fsspec"),
        ("zip::s3://b/x.zip", "fsspec"),
        ("zip://inner::https://h/x.zip", "fsspec"),
        ("reference::/data/x.json", "fsspec"),
        ("filecache::http://h/x", "fsspec"),
        ("blockcache::az://c/x", "fsspec"),
        ("my_cache::gs://b/x", "fsspec"),
        ("~/x.zarr", "home"),
        ("~", "home"),
        ("host:/data/x.zarr", "not a path on this machine"),
        ("me@host:/data/x.zarr", "not a path on this machine"),
        ("me:secret@host:/data/x.zarr", "not a path on this machine"),
        ("C:/data/x.zarr", "not a path on this machine"),
        ("C:\\data\\x.zarr", "not a path on this machine"),
        ("d:\\x.zarr", "not a path on this machine"),
        ("arn:aws:s3:::bucket/x", "not a path on this machine"),
        ("/tmp/\0x", "control characters"),
        ("s3://bucket:9000/x", "no port"),
        ("gs://bucket:443/x", "no port"),
        ("az://container:10000/x", "no port"),
        (
            "s3://arn:aws:s3:us-west-2:1:accesspoint/me/x",
            "option endpoint",
        ),
        ("s3 ://b/x", "the scheme before"),
        ("s_3://b/x", "the scheme before"),
        ("://b/x", "the scheme before"),
        ("3s://b", "the scheme before"),
        ("http:///x", "name of a host"),
        ("https:////h/x", "name of a host"),
        ("http://:80/x", "name of a host"),
        ("http://", "name of a host"),
        ("http://?x", "name of a host"),
        ("http://h\\x", "%5C"),
        ("http://h/a\\b", "%5C"),
    ] {
        let error = place(url).unwrap_err();
        assert!(error.contains(advice), "{url:?}: {error}");
        assert!(!error.contains("secret"), "{url}: {error}");
        assert!(!Store::is_path(url), "{url}");
    }
}

#[test]
fn paths_are_paths() {
    for path in [
        "x",
        "./s3:",
        "./s3:/x",
        "a/b.zarr",
        "/tmp/a#b?c%20d",
        "C:",
        "a b",
        "time:12",
        "data.zip|zip:",
        "x|y",
        "/data/a b",
        " x",
        "x ",
        "./x:y",
        "./~",
        "~x/y",
        "x~",
        "a/~/b",
        "2020-01-01T00:00:00.zarr",
        "run:1/x.zarr",
        "./C:/x",
        "./s3 ://b",
        "a::b",
        "data/zip::x",
        "dir/x://y",
        "a\\b",
    ] {
        assert!(Store::is_path(path), "{path}");
    }
    for url in [
        "memory:",
        "memory://a b",
        "file:///x",
        "s3://b/x|zip:",
        "https://h/x",
    ] {
        assert!(!Store::is_path(url), "{url}");
    }
    assert!(
        Store::open("/tmp/a#b?c%20d")
            .unwrap()
            .location()
            .ends_with("a#b?c%20d")
    );
    assert_ne!(place("memory:a%20b").unwrap(), place("memory:a b").unwrap());
}

#[cfg(all(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
#[test]
fn archives_in_buckets_keep_their_names() {
    for name in ["run#1.zip", "run?1.zip", "a%20b.zip", "a b.zip"] {
        let url = format!("s3://bucket/dir/{name}|zip:inner");
        assert_eq!(
            place(&url).unwrap(),
            format!("s3://bucket/dir/{name}|zip:/inner")
        );
    }
}

#[test]
fn names_of_stores_in_memory_are_shared_while_they_are_held() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let sizes = |url: &str, key: &str| {
        runtime
            .block_on(Store::open(url).unwrap().size(key))
            .unwrap()
    };
    let held = Store::open("memory://shared/deep").unwrap();
    runtime.block_on(super::put(&held, "k", "x"));
    for (url, key) in [
        ("memory://shared", "deep/k"),
        ("memory:shared", "deep/k"),
        ("MEMORY://shared/deep/", "k"),
        (held.location(), "k"),
    ] {
        assert_eq!(sizes(url, key), Some(1), "{url}");
    }
    assert_eq!(sizes("memory:", "deep/k"), None);
    assert_eq!(sizes("memory://other", "deep/k"), None);
    drop(held);
    assert_eq!(sizes("memory://shared", "deep/k"), None);
}

#[cfg(feature = "http")]
#[test]
fn what_is_shown_of_web_servers_opens_the_same() {
    let store = Store::open("https://host/d/?sig=x").unwrap();
    for (prefix, shown) in [
        ("a b", "https://host/d/a%20b"),
        ("run#1", "https://host/d/run%231"),
        ("x?y/z%", "https://host/d/x%3Fy/z%25"),
        ("a|zip:b", "https://host/d/a%7Czip:b"),
        ("\u{e9}", "https://host/d/%C3%A9"),
    ] {
        let below = store.with_prefix(prefix).unwrap();
        assert_eq!(below.location(), shown);
        assert_eq!(Store::open(shown).unwrap().location(), shown);
        let deeper = below.with_prefix("k#").unwrap();
        assert_eq!(deeper.location(), format!("{shown}/k%23"));
    }
}

#[cfg(feature = "http")]
#[test]
fn archives_of_web_servers_are_shown_as_they_open() {
    for (url, shown) in [
        ("https://h/x.zip|zip:p", "https://h/x.zip|zip:/p"),
        (
            "https://h/a%20b.zip|zip:p q",
            "https://h/a%20b.zip|zip:/p q",
        ),
        (
            "https://h/a%2520.zip|zip:p%20q",
            "https://h/a%2520.zip|zip:/p%20q",
        ),
        ("https://h/d/x%23.zip|zip:", "https://h/d/x%23.zip|zip:"),
        (
            "https://h/x.zip|zip:in.zip|zip:y",
            "https://h/x.zip|zip:/in.zip|zip:/y",
        ),
    ] {
        let store = Store::open(url).unwrap();
        assert_eq!(store.location(), shown);
        assert_eq!(Store::open(shown).unwrap().location(), shown);
        let below = store.with_prefix("d e").unwrap();
        assert_eq!(
            below.location(),
            format!("{}/d e", shown.trim_end_matches('/'))
        );
        assert_eq!(
            Store::open(below.location()).unwrap().location(),
            below.location()
        );
        assert_eq!(
            store.context().place("k").to_string(),
            format!("{}/k", shown.trim_end_matches('/'))
        );
    }
    let web = Store::open("https://h/d").unwrap();
    for key in ["a b", "a#b", "a?b", "a%20b", "a|zip:b"] {
        let text = web.context().place(key).to_string();
        let opened = Store::open(&text).unwrap();
        assert_eq!(opened.location(), web.with_prefix(key).unwrap().location());
    }
}

#[test]
fn prefixes_that_would_be_archives_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    for store in [
        Store::memory_named("m"),
        Store::local(directory.path()).unwrap(),
    ] {
        for prefix in ["x|zip:y", "a/b|zip:", "x|zip:"] {
            let error = store.with_prefix(prefix).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidKey, "{prefix}");
        }
        let plain = store.with_prefix("a|b/c|").unwrap();
        assert!(plain.location().ends_with("a|b/c|"));
    }
}
