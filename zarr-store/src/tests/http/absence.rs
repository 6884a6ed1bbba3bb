//! Absence, refusals and options.

use super::*;

#[tokio::test]
async fn a_refused_get_is_final_whatever_a_head_would_say() {
    let server = Server::start();
    for status in [
        400, 401, 402, 403, 405, 406, 407, 409, 411, 413, 414, 415, 417, 418, 421, 422, 423, 424,
        426, 428, 431, 451, 500, 501, 502, 503,
    ] {
        for range in [
            ByteRange::All,
            ByteRange::Range(0..9),
            ByteRange::Suffix(9),
            ByteRange::From(3),
        ] {
            let key = format!("no-head-{status}");
            let error = server.store.get(&key, &range, None).await.unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains(&status.to_string()),
                "{status} {range}: {text}"
            );
            assert!(
                !server.methods().contains(&"HEAD".to_owned()),
                "{status} {range}"
            );
        }
    }
    // Only the size would tell whether the range is outside.
    let error = server
        .store
        .get("no-head-416", &ByteRange::Range(0..9), None)
        .await;
    assert!(error.unwrap_err().to_string().contains("416"));
    for range in [ByteRange::Suffix(10), ByteRange::Range(90..100)] {
        let server = Server::start();
        let body = server
            .store
            .get("no-head-whole", &range, None)
            .await
            .unwrap();
        assert_eq!(body.unwrap().bytes, pattern(100).slice(90..));
    }
    assert!(
        server
            .store
            .get("no-head-404", &ByteRange::Range(0..9), None)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn only_404_is_absent() {
    let server = Server::start();
    for range in [ByteRange::All, ByteRange::Suffix(4), ByteRange::Range(2..4)] {
        assert_eq!(server.store.get("404", &range, None).await.unwrap(), None);
        for (status, kind) in [
            ("401", ErrorKind::PermissionDenied),
            ("403", ErrorKind::PermissionDenied),
            ("410", ErrorKind::Backend),
            ("500", ErrorKind::Backend),
            ("503", ErrorKind::Backend),
        ] {
            let error = server.store.get(status, &range, None).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(!error.to_string().contains("key=k"), "{error}");
        }
        for status in ["204", "202", "203"] {
            let error = server.store.get(status, &range, None).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Backend, "{error}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_absent_only_when_told_so() {
    let server = Server::start();
    let store = server.store.clone().with_missing_on_403();
    assert_eq!(store.get("403", &ByteRange::All, None).await.unwrap(), None);
    assert_eq!(store.size("403").await.unwrap(), None);
    let error = store.get("401", &ByteRange::All, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[test]
fn web_servers_list_where_they_are_told_to() {
    let options: [(&str, &str); 0] = [];
    assert!(
        !Store::open_with("http://localhost", options)
            .unwrap()
            .can_list()
    );
    let webdav = Store::open_with("http://localhost", [("webdav", "true")]);
    assert!(webdav.unwrap().can_list() && Store::memory().can_list());
}

#[test]
fn patience_is_an_option() {
    for (options, base) in [
        (vec![], 20),
        (vec![("timeout", "7s")], 7),
        (vec![("timeout", "7s"), ("retry_timeout", "1m")], 67),
    ] {
        let store = Store::open_with("http://localhost", options).unwrap();
        assert_eq!(store.context().deadline.base, Duration::from_secs(base));
    }
    let error = Store::open_with("http://localhost", [("timeout", "7")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{error}");
}
