//! Secrets appear in no location, `Debug` output or error; and what URLs open.

use std::sync::Arc;

use object_store::memory::InMemory;

use super::{faulty, put};
use crate::testing::{Fault, Operation, Rule};
use crate::{ByteRange, ErrorKind, Store};

const SECRETS: [&str; 3] = ["hunter2", "signature", "alice"];

fn assert_clean(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn locations_and_errors_hold_no_secrets() {
    let url = "https://alice:hunter2@host/base?sig=signature";
    let store = Store::new(Arc::new(InMemory::new()), url);
    assert_clean(store.location());
    assert_clean(&format!("{store:?} {:?}", store.with_prefix("p").unwrap()));
    let error = store.get("a//b", &ByteRange::All, None).await.unwrap_err();
    assert_clean(&format!("{error} {error:?}"));

    let (store, faults) = faulty();
    put(&store, "k", "x").await;
    let text = "error performing GET https://alice:hunter2@host/k?sig=signature in 3 s";
    faults.add(Rule::new(Operation::Get, "k", Fault::Generic(text)));
    let error = store.get("k", &ByteRange::All, None).await.unwrap_err();
    assert_clean(&format!("{error} {error:?}"));
    assert!(error.to_string().contains("https://host/k"), "{error}");
    assert!(
        error.to_string().starts_with("faulty://store/k: get: "),
        "{error}"
    );

    for url in [
        "ftp://alice:hunter2@host/?signature",
        "gs://alice:hunter2@b ad/?signature",
    ] {
        let error = Store::open(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl);
        assert_clean(&format!("{error} {error:?}"));
    }
}

#[tokio::test]
async fn urls_and_paths_open_what_they_name() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("a b%");
    let url = url::Url::from_file_path(&root).unwrap();
    assert!(url.as_str().contains("a%20b%25"), "{url}");
    put(&Store::open(url.as_str()).unwrap(), "k", "x").await;
    assert!(root.join("k").is_file());
    let store = Store::open(root.to_str().unwrap()).unwrap();
    assert_eq!(super::read(&store, "k").await.unwrap(), "x");
    assert_eq!(store.location(), root.to_str().unwrap());

    for url in ["memory:", "memory://", "memory:///"] {
        assert_eq!(Store::open(url).unwrap().location(), "memory://");
    }
    assert!(Store::open("odd:name/below").unwrap().as_local().is_some());
    for url in ["nope://x", "file://host.example/x"] {
        assert_eq!(
            Store::open(url).unwrap_err().kind(),
            ErrorKind::InvalidUrl,
            "{url}"
        );
    }
    let error = Store::open_with("memory:", [("regoin", "hunter2")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownOption);
    assert!(error.to_string().contains("regoin"));
    assert_clean(&error.to_string());
}

#[cfg(not(feature = "s3"))]
#[test]
fn a_scheme_that_is_left_out_names_its_feature() {
    let error = Store::open("s3://bucket/x").unwrap_err();
    assert!(error.to_string().contains("feature \"s3\""), "{error}");
}

#[cfg(feature = "s3")]
#[test]
fn unknown_options_are_named_and_values_kept_back() {
    let options = [("region", "us-east-1"), ("regoin", "hunter2")];
    let error = Store::open_with("s3://bucket/x", options).unwrap_err();
    assert!(error.to_string().contains("\"regoin\""), "{error}");
    let options = [
        ("region", "us-east-1"),
        ("secret_access_key", "hunter2"),
        ("access_key_id", "alice"),
    ];
    let store = Store::open_with("s3://bucket/a b%20/", options).unwrap();
    assert_eq!(store.location(), "s3://bucket/a b%20");
    assert_clean(&format!("{store:?}"));
    let options = [
        ("single_writer", "perhaps"),
        ("profile", "default-to-nothing"),
    ];
    for option in options {
        let error = Store::open_with("s3://bucket/x", [option]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{error}");
    }
    let options = [("access_key_id", "alice"), ("timeout", "soon")];
    let error = Store::open_with("s3://bucket/x", options).unwrap_err();
    assert_clean(&format!("{error} {error:?}"));
}

#[cfg(feature = "http")]
#[tokio::test]
async fn web_servers_list_only_when_told_so() {
    let store = Store::open("http://alice:hunter2@127.0.0.1:1/data?sig=signature").unwrap();
    assert_eq!(store.location(), "http://127.0.0.1:1/data");
    let error = store.list_dir("").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let options = [("webdav", "true"), ("max_retries", "0")];
    let store = Store::open_with(
        "http://alice:hunter2@127.0.0.1:1/data?sig=signature",
        options,
    )
    .unwrap();
    for error in [
        store.list_dir("").await.unwrap_err(),
        store.get("k", &ByteRange::All, None).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Backend, "{error}");
        assert_clean(&format!("{error} {error:?}"));
    }
}

#[cfg(all(feature = "gcs", feature = "azure"))]
#[test]
fn clouds_are_built_from_options() {
    let key = [(
        "google_service_account_key",
        r#"{"gcs_base_url":"http://127.0.0.1:1","disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}"#,
    )];
    assert_eq!(
        Store::open_with("gs://bucket/x", key).unwrap().location(),
        "gs://bucket/x"
    );
    let emulator = [("azure_storage_use_emulator", "true")];
    assert_eq!(
        Store::open_with("az://container/x", emulator)
            .unwrap()
            .location(),
        "az://container/x"
    );
}
