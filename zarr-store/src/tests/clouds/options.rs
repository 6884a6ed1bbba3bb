//! Options are checked before any request.

use super::*;
use crate::CostModel;

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
        (
            "s3://b",
            "optimize_for",
            "speed",
            "must be time, requests or bytes",
        ),
        ("gs://b", "optimize_for", "", "time, requests or bytes"),
        ("az://b", "optimize_for", "true", "time, requests or bytes"),
        (
            "http://h",
            "optimize_for",
            "money",
            "time, requests or bytes",
        ),
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
        ("s3://b", "optimise_for", "optimize_for"),
        ("http://h", "optimize_fr", "optimize_for"),
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

#[test]
fn the_aim_adapts_the_cost_model() {
    for (url, preset) in [
        ("s3://b/p", CostModel::object()),
        ("gs://b", CostModel::object()),
        ("az://b", CostModel::object()),
        ("http://h/d", CostModel::http()),
    ] {
        let open = |aim: &[&str]| {
            let account = url.starts_with("az").then_some(("account_name", "a"));
            let options = aim.iter().map(|aim| ("optimize_for", *aim)).chain(account);
            Store::open_with(url, options).unwrap().cost_model().clone()
        };
        assert_eq!(open(&[]), preset);
        assert_eq!(open(&["Time"]), preset.clone().for_time());
        assert_eq!(open(&["bytes", "requests"]), preset.clone().for_requests());
        assert_eq!(open(&["bytes"]), preset.for_bytes());
    }
    for url in ["memory:", "file:///tmp", "relative/path"] {
        let error = Store::open_with(url, [("optimize_for", "time")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownOption, "{error}");
    }
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
