//! Responses of web servers that RFC 9110 allows, and those that servers, proxies and caches
//! actually send.

use std::time::{Duration, Instant};

use super::raw::{Asked, Raw, chunked, orderly, sized, without_body};
use super::{pattern, read_ranges};
use crate::{Body, ByteRange, Error, ErrorKind, Result, Store};

const TAG: &str = "ETag: \"v1\"\r\n";

fn open(server: &Raw, options: &[(&str, &str)]) -> Store {
    let few = [("max_retries", "0"), ("timeout", "3s")];
    let url = format!("{}/data", server.address);
    Store::open_with(&url, few.into_iter().chain(options.iter().copied())).unwrap()
}

const ALL: [ByteRange; 7] = [
    ByteRange::All,
    ByteRange::Range(0..9),
    ByteRange::Range(20..100),
    ByteRange::Range(90..150),
    ByteRange::From(40),
    ByteRange::Suffix(10),
    ByteRange::Suffix(1000),
];

fn check(range: &ByteRange, body: Result<Option<Body>>) {
    let body = body.unwrap_or_else(|error| panic!("{range}: {error}"));
    let body = body.unwrap_or_else(|| panic!("{range}: absent"));
    let place = range.resolve(100);
    assert_eq!(
        (body.range, body.object_size),
        (place.clone(), 100),
        "{range}"
    );
    let expected = pattern(100).slice(place.start as usize..place.end as usize);
    assert_eq!(body.bytes, expected, "{range}");
}

/// Reads all ranges of a 100-byte object from a server.
async fn reads(answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) {
    let server = Raw::start(answer);
    for range in ALL {
        // First from a store that has seen nothing, then from one that has.
        let store = open(&server, &[]);
        check(&range, store.get("k", &range, None).await);
        check(&range, store.get("k", &range, None).await);
    }
    let store = open(&server, &[]);
    assert_eq!(store.size("k").await.unwrap(), Some(100));
    let bodies = read_ranges(&store, "k", &[3..5, 90..100], None).await;
    let expected = [pattern(100).slice(3..5), pattern(100).slice(90..100)];
    assert_eq!(bodies.unwrap(), expected);
    let bodies = read_ranges(&store, "k", &[90..101], None).await;
    assert_eq!(bodies.unwrap_err().kind(), ErrorKind::ShortBody);
}

/// Returns the error of reading a range.
async fn fails(
    range: ByteRange,
    answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static,
) -> Error {
    let server = Raw::start(answer);
    let body = open(&server, &[]).get("k", &range, None).await;
    body.expect_err("an answer that cannot be right")
}

fn partial(asked: &Asked, place: impl Fn(usize, usize) -> String) -> Vec<u8> {
    match asked.range(100) {
        Some(range) if !range.is_empty() => {
            let fields = format!("{}\r\n{TAG}", place(range.start, range.end - 1));
            sized("206 Partial", &fields, &pattern(100)[range])
        }
        _ => orderly(asked, TAG),
    }
}

#[tokio::test]
async fn parts_of_objects_of_unknown_size() {
    reads(|asked| {
        partial(asked, |start, last| {
            format!("Content-Range: bytes {start}-{last}/*")
        })
    })
    .await;
}

#[tokio::test]
async fn parts_of_unknown_size_where_nobody_answers_head() {
    reads(|asked| match asked.method.as_str() {
        "HEAD" => b"HTTP/1.1 405 no\r\nContent-Length: 0\r\n\r\n".to_vec(),
        _ => partial(asked, |start, last| {
            format!("Content-Range: bytes {start}-{last}/*")
        }),
    })
    .await;
}

#[tokio::test]
async fn places_in_other_letters() {
    reads(|asked| {
        partial(asked, |start, last| {
            format!("content-range:  Bytes  {start}-{last}/100 ")
        })
    })
    .await;
}

#[tokio::test]
async fn whole_bodies_in_chunks() {
    reads(|asked| match (asked.method.as_str(), asked.range(100)) {
        ("HEAD", _) => without_body(chunked("200 OK", TAG, b"")),
        (_, None) => chunked("200 OK", TAG, &pattern(100)),
        _ => orderly(asked, TAG),
    })
    .await;
}

#[tokio::test]
async fn parts_in_chunks() {
    reads(|asked| match asked.range(100) {
        Some(range) if !range.is_empty() => {
            let place = format!(
                "Content-Range: bytes {}-{}/100\r\n",
                range.start,
                range.end - 1
            );
            chunked("206 Partial", &place, &pattern(100)[range])
        }
        _ => orderly(asked, TAG),
    })
    .await;
}

#[tokio::test]
async fn whole_objects_in_chunks_to_every_range() {
    reads(|asked| match asked.method.as_str() {
        "HEAD" => without_body(chunked("200 OK", "", b"")),
        _ => chunked("200 OK", "", &pattern(100)),
    })
    .await;
}

#[tokio::test]
async fn bodies_that_end_with_the_connection() {
    reads(|asked| {
        let mut answer = b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        if asked.method != "HEAD" {
            answer.extend(pattern(100));
        }
        answer
    })
    .await;
}

#[tokio::test]
async fn a_body_in_chunks_that_ends_early_is_an_error() {
    let error = fails(ByteRange::All, |_| {
        let mut answer = chunked("200 OK", "Connection: close\r\n", &pattern(100));
        answer.truncate(answer.len() - 30);
        answer
    })
    .await;
    assert_ne!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn bodies_without_a_tag_that_break_off_are_asked_for_again() {
    for (often, retries, reads) in [
        (2, "3", true),
        (1, "3", true),
        (3, "3", false),
        (1, "0", false),
    ] {
        for range in ALL {
            let times = std::sync::atomic::AtomicU32::new(0);
            let server = Raw::start(move |asked| {
                let mut answer = orderly(asked, "Connection: close\r\n");
                let cut = times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < often;
                answer.truncate(answer.len() - if cut { 5 } else { 0 });
                answer
            });
            let store = open(&server, &[("max_retries", retries)]);
            let body = store.get("k", &range, None).await;
            let asked = server.methods().len();
            if reads {
                check(&range, body);
                assert_eq!(asked, often as usize + 1, "{range}");
            } else {
                assert!(body.is_err(), "{range}");
                assert_eq!(asked, if retries == "0" { 1 } else { 3 }, "{range}");
            }
        }
    }
}

#[tokio::test]
async fn less_than_the_range_asked_for() {
    reads(|asked| match asked.range(100) {
        Some(range) if !range.is_empty() => {
            let end = range.end.min(range.start + 33);
            let place = format!(
                "Content-Range: bytes {}-{}/100\r\n{TAG}",
                range.start,
                end - 1
            );
            sized("206 Partial", &place, &pattern(100)[range.start..end])
        }
        _ => orderly(asked, TAG),
    })
    .await;
}

#[tokio::test]
async fn more_than_the_range_asked_for() {
    // Like caches that keep blocks.
    reads(|asked| match asked.range(100) {
        Some(range) if !range.is_empty() => {
            let (start, end) = (
                range.start / 16 * 16,
                100.min(range.end.next_multiple_of(16)),
            );
            let place = format!("Content-Range: bytes {start}-{}/100\r\n{TAG}", end - 1);
            sized("206 Partial", &place, &pattern(100)[start..end])
        }
        _ => orderly(asked, TAG),
    })
    .await;
}

#[tokio::test]
async fn another_range_than_the_one_asked_for_is_an_error() {
    for place in [
        "50-59/100",
        "0-3/100",
        "9-5/100",
        "10-19/5",
        "0-18446744073709551615/*",
        "x-y/z",
        "10-19",
    ] {
        let error = fails(ByteRange::Range(10..20), move |_| {
            let fields = format!("Content-Range: bytes {place}\r\n{TAG}");
            sized("206 Partial", &fields, &pattern(10))
        })
        .await;
        assert!(
            matches!(error.kind(), ErrorKind::Backend | ErrorKind::ShortBody),
            "{place}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_part_where_the_whole_was_asked_for_is_an_error() {
    let error = fails(ByteRange::All, |_| {
        sized(
            "206 Partial",
            "Content-Range: bytes 0-9/100\r\n",
            &pattern(10),
        )
    })
    .await;
    assert!(
        error.to_string().contains("206") || error.to_string().contains("part"),
        "{error}"
    );
    let server = Raw::start(|_| {
        sized(
            "206 Partial",
            "Content-Range: bytes 0-99/100\r\n",
            &pattern(100),
        )
    });
    check(
        &ByteRange::All,
        open(&server, &[]).get("k", &ByteRange::All, None).await,
    );
}

#[tokio::test]
async fn parts_that_do_not_say_where_they_belong_are_errors() {
    let error = fails(ByteRange::Range(0..10), |_| {
        sized("206 Partial", TAG, &pattern(10))
    })
    .await;
    assert_eq!(error.kind(), ErrorKind::Backend, "{error}");
}

#[tokio::test]
async fn ranges_outside_in_all_forms() {
    for (status, place, text) in [
        (
            "416 no",
            "Content-Range: bytes */100\r\n",
            "<html>no</html>",
        ),
        ("416 no", "Content-Range: bytes */*\r\n", "<html>no</html>"),
        ("416 no", "", "<html>no</html>"),
        // Azurite, if a range begins at the end.
        ("206 Partial", "", ""),
        ("206 Partial", "Content-Range: bytes 100-99/100\r\n", ""),
    ] {
        for head in [true, false] {
            let server = Raw::start(move |asked| match asked.range(100) {
                _ if asked.method == "HEAD" && !head => {
                    b"HTTP/1.1 501 no\r\nContent-Length: 0\r\n\r\n".to_vec()
                }
                Some(range) if range.is_empty() => sized(status, place, text.as_bytes()),
                _ => orderly(asked, TAG),
            });
            let store = open(&server, &[]);
            for range in [ByteRange::Range(100..110), ByteRange::From(200)] {
                check(&range, store.get("k", &range, None).await);
            }
        }
    }
}

#[tokio::test]
async fn servers_that_refuse_every_range_past_the_end() {
    reads(|asked| {
        let reaches = asked.field("range").is_some_and(|range| {
            let (start, end) = range.trim_start_matches("bytes=").split_once('-').unwrap();
            let last = end.parse::<usize>().unwrap_or(0);
            last > if start.is_empty() { 100 } else { 99 }
        });
        match reaches {
            true => sized("416 no", "Content-Range: bytes */100\r\n", b""),
            false => orderly(asked, TAG),
        }
    })
    .await;
}

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
async fn servers_that_refuse_some_ranges_or_all() {
    for status in ["416 no", "400 no", "501 no"] {
        for fields in ["Content-Range: bytes */100\r\n", ""] {
            reads(move |asked| {
                let suffix = asked
                    .field("range")
                    .is_some_and(|range| range.contains("=-"));
                match suffix {
                    true => sized(status, fields, b""),
                    false => orderly(asked, TAG),
                }
            })
            .await;
        }
    }
    for status in ["416 no", "501 no"] {
        reads(move |asked| match asked.field("range") {
            Some(_) => sized(status, "", b""),
            None => orderly(asked, TAG),
        })
        .await;
    }
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

/// `pattern(100)` in gzip, as two members.
fn gzipped() -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in [&pattern(100)[..60], &pattern(100)[60..]] {
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let mut buffer = vec![0; compressor.gzip_compress_bound(part.len())];
        let size = compressor.gzip_compress(part, &mut buffer).unwrap();
        bytes.extend(&buffer[..size]);
    }
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut buffer = vec![0; compressor.gzip_compress_bound(bytes.len())];
    let size = compressor.gzip_compress(bytes, &mut buffer).unwrap();
    buffer.truncate(size);
    buffer
}

/// `pattern(100)` in deflate without the zlib frame.
fn deflated_raw() -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut buffer = vec![0; compressor.deflate_compress_bound(100)];
    let size = compressor
        .deflate_compress(&pattern(100), &mut buffer)
        .unwrap();
    buffer.truncate(size);
    buffer
}

fn deflated() -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut buffer = vec![0; compressor.zlib_compress_bound(100)];
    let size = compressor
        .zlib_compress(&pattern(100), &mut buffer)
        .unwrap();
    buffer.truncate(size);
    buffer
}

#[tokio::test]
async fn encoded_objects_are_decoded() {
    for (name, stored) in [
        ("gzip", gzipped()),
        ("x-gzip", gzipped()),
        ("GZIP", gzipped()),
        ("deflate", deflated()),
        ("deflate", deflated_raw()),
        ("aws-chunked,gzip", gzipped()),
        ("identity, gzip", gzipped()),
    ] {
        let fields = format!("Content-Encoding: {name}\r\n{TAG}");
        // Regardless of the range, as static hosts do.
        let (body, coding) = (stored.clone(), fields.clone());
        reads(move |asked| match asked.method.as_str() {
            "HEAD" => without_body(sized("200 OK", &coding, &body)),
            _ => sized("200 OK", &coding, &body),
        })
        .await;
        // Ranges of the encoded bytes, as S3 does.
        let (body, coding) = (stored.clone(), fields.clone());
        reads(move |asked| match asked.range(body.len()) {
            _ if asked.method == "HEAD" => without_body(sized("200 OK", &coding, &body)),
            None => sized("200 OK", &coding, &body),
            Some(range) if range.is_empty() => sized("416 no", "", b""),
            Some(range) => {
                let total = body.len();
                let place = format!(
                    "{coding}Content-Range: bytes {}-{}/{total}\r\n",
                    range.start,
                    range.end - 1
                );
                sized("206 Partial", &place, &body[range])
            }
        })
        .await;
        // Also with a chunked transfer.
        reads(move |asked| match asked.method.as_str() {
            "HEAD" => without_body(chunked("200 OK", &fields, &[])),
            _ => chunked("200 OK", &fields, &stored),
        })
        .await;
    }
}

#[tokio::test]
async fn encodings_that_are_broken_or_unknown_are_errors() {
    for name in ["br", "zstd", "compress", "gzip, gzip"] {
        let fields = format!("Content-Encoding: {name}\r\n");
        let error = fails(ByteRange::All, move |_| {
            sized("200 OK", &fields, &gzipped())
        })
        .await;
        assert!(
            error.to_string().contains("Content-Encoding"),
            "{name}: {error}"
        );
    }
    for spoil in [
        |bytes: &mut Vec<u8>| bytes.truncate(40),
        |bytes: &mut Vec<u8>| bytes[20] ^= 1,
    ] {
        let error = fails(ByteRange::All, move |_| {
            let mut body = gzipped();
            spoil(&mut body);
            sized("200 OK", "Content-Encoding: gzip\r\n", &body)
        })
        .await;
        assert!(error.to_string().contains("gzip"), "{error}");
    }
}

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
