//! Tags, dates and refusals.

use super::*;

#[tokio::test]
async fn weak_tags_and_none() {
    for tag in [
        "",
        "ETag: W/\"v1\"\r\n",
        "ETag: v1\r\n",
        "ETag: \"\u{e9}\"\r\n",
        "ETag: \"\"\r\n",
    ] {
        reads(move |asked| orderly(asked, tag)).await;
    }
    // A weak tag is never a condition.
    let server = Raw::start(|asked| orderly(asked, "ETag: W/\"v1\"\r\n"));
    let store = open(&server, &[]);
    let version = store
        .get("k", &ByteRange::All, None)
        .await
        .unwrap()
        .unwrap()
        .version;
    server.take();
    store
        .get("k", &ByteRange::Range(0..4), Some(&version))
        .await
        .unwrap();
    assert!(server.take()[0].field("if-match").is_none());
}

#[tokio::test]
async fn weak_tags_of_many_servers_behind_one_name() {
    use std::sync::atomic::{AtomicU64, Ordering};

    let day = |number: u64| format!("Last-Modified: Fri, {number:02} Nov 2026 10:00:00 GMT\r\n");
    let count = AtomicU64::new(0);
    reads(move |asked| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        orderly(asked, &format!("ETag: W/\"{number}\"\r\n{}", day(20)))
    })
    .await;
    let count = AtomicU64::new(0);
    let server = Raw::start(move |asked| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let date = 13 + 7 * (number % 2);
        orderly(asked, &format!("ETag: W/\"{number}\"\r\n{}", day(date)))
    });
    let store = open(&server, &[]);
    let ranges = [0..1, 90..100];
    let first = store
        .get("k", &ByteRange::All, None)
        .await
        .unwrap()
        .unwrap();
    let error = read_ranges(&store, "k", &ranges, Some(&first.version)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Changed);
}

#[tokio::test]
async fn what_nobody_asked_for_is_said_as_it_is() {
    for status in ["412 Precondition Failed", "304 Not Modified"] {
        let error = fails(ByteRange::All, move |_| match status.starts_with("304") {
            true => without_body(sized(status, "", b"")),
            false => sized(status, "", b""),
        })
        .await;
        assert_eq!(error.kind(), ErrorKind::Backend, "{error}");
        assert!(error.to_string().contains(&status[..3]), "{error}");
    }
    for page in ["<!DOCTYPE html><p>Log in", "\n <html lang=en>", "<HTML>"] {
        let server =
            Raw::start(|_| sized("200 OK", "Content-Type: text/html\r\n", page.as_bytes()));
        for key in ["zarr.json", "a/.zarray"] {
            let error = open(&server, &[]).get(key, &ByteRange::All, None).await;
            let text = error.unwrap_err().to_string();
            assert!(text.contains("web page") && text.contains(key), "{text}");
        }
        assert!(
            open(&server, &[])
                .get("c/0", &ByteRange::All, None)
                .await
                .is_ok()
        );
    }
}

#[tokio::test]
async fn dates_and_other_fields_that_nobody_reads() {
    for fields in [
        "Last-Modified: 0\r\n",
        "Last-Modified: Sunday, 06-Nov-94 08:49:37 GMT\r\n",
        "Last-Modified: Sun Nov  6 08:49:37 1994\r\n",
        "Content-Disposition: attachment; filename=\"caf\u{e9}\"\r\n",
        "Cache-Control: \u{fc}\r\nContent-Language: \u{e9}\r\n",
        "Content-Encoding: identity\r\n",
        "Content-Encoding: aws-chunked\r\n",
        "Content-Encoding: UTF-8\r\n",
        "Content-Encoding: \r\n",
    ] {
        reads(move |asked| orderly(asked, &format!("{TAG}{fields}"))).await;
    }
}

#[tokio::test]
async fn refusals_in_any_encoding_are_what_their_status_says() {
    let body: &[u8] = b"<html>\xff\xfe non trouv\xe9</html>";
    for (fields, status) in [("", "404 no"), ("Content-Encoding: gzip\r\n", "404 no")] {
        let server = Raw::start(move |_| sized(status, fields, body));
        for range in [ByteRange::All, ByteRange::Range(0..9)] {
            assert_eq!(
                open(&server, &[]).get("k", &range, None).await.unwrap(),
                None
            );
        }
    }
    let error = fails(ByteRange::All, |_| sized("403 no", "", b"caf\xe9")).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let error = fails(ByteRange::All, |_| {
        sized("404 no", "Connection: close\r\n", b"cut")[..40].to_vec()
    })
    .await;
    assert_ne!(error.kind(), ErrorKind::NotFound, "{error}");
}

/// Azure has no suffix ranges: such a read asks for the size first.
#[cfg(feature = "azure")]
#[tokio::test]
async fn an_object_that_changes_between_its_size_and_its_bytes_is_read_again() {
    use std::sync::atomic::{AtomicU64, Ordering};

    let heads = AtomicU64::new(0);
    let server = Raw::start(move |asked| {
        // The object changes after each of the first two requests for its size.
        let version = match asked.method.as_str() {
            "HEAD" => heads.fetch_add(1, Ordering::Relaxed),
            _ => heads.load(Ordering::Relaxed),
        };
        let tag = format!("\"{}\"", version.min(2));
        if asked.field("if-match").is_some_and(|wanted| wanted != tag) {
            return sized("412 Precondition Failed", "", b"");
        }
        let date = "Last-Modified: Fri, 20 Nov 2026 10:00:00 GMT";
        orderly(asked, &format!("ETag: {tag}\r\n{date}\r\n"))
    });
    let options = [
        ("endpoint", &*server.address),
        ("account_name", "account"),
        ("allow_http", "true"),
        ("skip_signature", "true"),
    ];
    let store = Store::open_with("az://container", options).unwrap();
    let read = store.get("k", &ByteRange::Suffix(10), None).await;
    assert_eq!(read.unwrap().unwrap().bytes, pattern(100).slice(90..));
    let expected = ["HEAD", "GET", "HEAD", "GET", "HEAD", "GET"];
    assert_eq!(server.methods(), expected);
}

/// A put that was sent once and refused stored nothing, even if the object has the bytes of the put:
/// another writer may have made the same change, and both would take it for their own.
#[cfg(feature = "azure")]
#[tokio::test]
async fn equal_bytes_of_another_writer_are_a_conflict() {
    for (lost, expected) in [(false, None), (true, Some(()))] {
        let puts = std::sync::atomic::AtomicU32::new(0);
        let server = Raw::start(move |asked| {
            let date = "Last-Modified: Fri, 20 Nov 2026 10:00:00 GMT";
            if asked.method != "PUT" {
                return orderly(asked, &format!("ETag: \"v2\"\r\n{date}\r\n"));
            }
            let refused = sized("412 Precondition Failed", "", b"");
            if asked.target.contains("probe") {
                return refused;
            }
            match puts.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                // The connection ends without a valid response.
                0 if lost => b"connection: close".to_vec(),
                _ => refused,
            }
        });
        let options = [
            ("endpoint", &*server.address),
            ("account_name", "account"),
            ("skip_signature", "true"),
            ("allow_http", "true"),
        ];
        let store = Store::open_with("az://container", options).unwrap();
        let old = crate::Version::of_put(&object_store::PutResult {
            e_tag: Some("\"v1\"".into()),
            version: None,
            extensions: object_store::Extensions::default(),
        });
        let put = store.put("k", vec![pattern(100)], crate::Precondition::IfVersion(old));
        let put = put.await;
        assert_eq!(put.as_ref().ok().map(drop), expected, "{put:?}");
        if let Err(error) = put {
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        }
    }
}
