//! Options that no client can use are refused by name, and no message shows their values.

use crate::{ErrorKind, Store};

#[test]
fn options_that_no_client_can_use_are_refused_by_name() {
    let good = [
        ("region", "r"),
        ("skip_signature", "true"),
        ("allow_http", "true"),
    ];
    for (name, value) in [
        ("endpoint", "127.0.0.1:9000"),
        ("endpoint", "localhost:9000"),
        ("endpoint", "minio"),
        ("endpoint", "//minio:9000"),
        ("endpoint", "http://"),
        ("endpoint", "ftp://minio"),
        ("aws_endpoint_url", "minio.local"),
        ("endpoint", "http://minio\n"),
        ("token", "abc\n"),
        ("secret_access_key", "hush\r\n"),
        ("access_key_id", "a\tb"),
        ("user_agent", "x\u{0}"),
        ("proxy_url", "proxy:3128"),
        ("endpoint", ""),
        ("endpoint", " http://127.0.0.1:9"),
        ("endpoint", "http:/127.0.0.1:9"),
        ("endpoint", "http:127.0.0.1:9"),
        ("endpoint", "http:\\\\127.0.0.1:9"),
        ("endpoint", "http://127.0.0.1:9 "),
        ("endpoint", "http://127.0.0.1:9/a b"),
        ("endpoint", "http:///127.0.0.1:9"),
        ("endpoint", "http://127.0.0.1:9#"),
        ("endpoint", "http://127.0.0.1:9/#x"),
        ("endpoint", "http://127.0.0.1:9?"),
        ("endpoint", "http://127.0.0.1:9/x?y=1"),
        ("endpoint", "http://me:hush@127.0.0.1:9"),
        ("endpoint", "http://me@127.0.0.1:9"),
        ("endpoint", "http://@127.0.0.1:9"),
        ("endpoint", "http://127.0.0.1:999999"),
        ("endpoint", "http://127.0.0.1:"),
        ("endpoint", "http://127.0.0.1:9/<x>"),
        ("endpoint", "http://127.0.0.1:9/\u{e9}"),
        ("endpoint", "http://127.0.0.1\\x"),
        ("aws_endpoint_url", "http://h/#"),
        ("endpoint_url", "https://h?x"),
        ("region", "a b"),
        ("region", ""),
        ("region", "a/b"),
        ("aws_region", "a#b"),
        ("default_region", "r.evil.org"),
        ("token", "\u{e9}abc"),
        ("access_key_id", "\u{e9}"),
        ("metadata_endpoint", "http://h#"),
        ("endpoint_url_sts", ""),
    ] {
        let options = good.iter().copied().chain([(name, value)]);
        let error = Store::open_with("s3://bucket/x", options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{name}={value:?}");
        let text = error.to_string();
        assert!(text.contains(&format!("option {name}")), "{text}");
        assert!(!text.contains("hush") && !text.contains("abc"), "{text}");
    }
    for (name, value) in [
        ("endpoint", "http://127.0.0.1:9000"),
        ("endpoint", "https://minio/x"),
        ("token", "a b+/="),
    ] {
        Store::open_with("s3://bucket/x", good.iter().copied().chain([(name, value)])).unwrap();
    }
    for (url, name) in [
        ("az://c/x", "azure_storage_endpoint"),
        ("http://host/x", "proxy_url"),
        ("gs://b/x", "base_url"),
        ("gs://b/x", "google_base_url"),
    ] {
        let options = [("account_name", "a"), (name, "nowhere")];
        let options = options
            .into_iter()
            .filter(|(name, _)| url.starts_with("az") || *name != "account_name");
        let error = Store::open_with(url, options).unwrap_err().to_string();
        assert!(error.contains(&format!("option {name}")), "{error}");
    }
}

#[test]
fn addresses_without_a_place_for_keys_are_refused_in_every_cloud() {
    for value in [
        "",
        " http://h",
        "http://h ",
        "http:/h",
        "http:h",
        "http:\\\\h",
        "http://h/a b",
        "http://h#",
        "http://h?x",
        "http://u:p@h",
    ] {
        for (url, name) in [("gs://b/x", "base_url"), ("az://c/x", "endpoint")] {
            let account = [("account_name", "acc")].into_iter();
            let account = account.filter(|_| url.starts_with("az"));
            let error = Store::open_with(url, account.chain([(name, value)])).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("option {name}")), "{value}: {text}");
        }
    }
    for value in ["", "a/b", "a b", "a.b", "a?"] {
        let error = Store::open_with("az://c/x", [("account_name", value)]).unwrap_err();
        assert!(error.to_string().contains("option account_name"), "{error}");
    }
}
