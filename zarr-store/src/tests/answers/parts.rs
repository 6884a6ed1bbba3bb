//! Partial responses that differ from the requested range.

use super::*;

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
