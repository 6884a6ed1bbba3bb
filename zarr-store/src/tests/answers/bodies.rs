//! Bodies: chunked, cut, of unknown size, or of another range than requested.

use super::*;

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
