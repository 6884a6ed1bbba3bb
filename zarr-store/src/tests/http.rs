//! The results of actual web server responses, from a small server in this process.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{pattern, read_ranges};
#[cfg(feature = "s3")]
use crate::CostModel;
use crate::{ByteRange, ErrorKind, Revalidated, Store, Version};

const HEADERS: &str = "ETag: \"v1\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n";

/// The method, path and range of every request so far.
type Log = Arc<Mutex<Vec<(String, String, Option<String>)>>>;

struct Server {
    store: Store,
    address: String,
    log: Log,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let url = format!("{address}/data?key=k");
        let log = Log::default();
        let requests = Arc::clone(&log);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let requests = Arc::clone(&requests);
                // A client that disconnects ends its thread.
                std::thread::spawn(move || serve(&stream, &requests).ok());
            }
        });
        let options = [("max_retries", "0"), ("timeout", "500ms")];
        Self {
            store: Store::open_with(&url, options).unwrap(),
            address,
            log,
        }
    }

    /// Opens the objects over S3, without an account.
    #[cfg(feature = "s3")]
    fn s3(&self, more: Option<(&str, &str)>) -> Store {
        let options = [
            ("endpoint", &*self.address),
            ("skip_signature", "true"),
            ("region", "somewhere"),
            ("max_retries", "0"),
        ];
        Store::open_with("s3://data", options.into_iter().chain(more)).unwrap()
    }

    fn methods(&self) -> Vec<String> {
        let log = std::mem::take(&mut *self.log.lock().unwrap());
        log.into_iter().map(|(method, ..)| method).collect()
    }
}

fn serve(stream: &TcpStream, log: &Log) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while let Some(request) = lines.next().transpose()? {
        let mut words = request.split(' ').map(str::to_owned);
        let (method, path) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let (mut range, mut if_match, mut if_none_match) = (None, None, None);
        for line in lines.by_ref() {
            let line = line?;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "range" => range = Some(value.trim_start_matches("bytes=").to_owned()),
                "if-match" => if_match = Some(value.to_owned()),
                "if-none-match" => if_none_match = Some(value.to_owned()),
                "authorization" => panic!("signed"),
                _ => {}
            }
        }
        log.lock()
            .unwrap()
            .push((method.clone(), path.clone(), range.clone()));
        answer(
            stream,
            &method,
            &path,
            range.as_deref(),
            if_match.as_deref(),
            if_none_match.as_deref(),
        )?;
    }
    Ok(())
}

fn answer(
    mut stream: &TcpStream,
    method: &str,
    path: &str,
    range: Option<&str>,
    if_match: Option<&str>,
    if_none_match: Option<&str>,
) -> std::io::Result<()> {
    let name = path
        .trim_start_matches("/data/")
        .split('?')
        .next()
        .unwrap_or_default();
    let size = match name {
        "k" | "whole" | "cut" => 100,
        "empty" => 0,
        "stall" => {
            std::thread::sleep(Duration::from_secs(5));
            return Ok(());
        }
        // Without a size, as RFC 9110 (8.6) requires.
        "204" => return write!(stream, "HTTP/1.1 204 No Content\r\n\r\n"),
        "no-head-whole" if method != "HEAD" => 100,
        no_head if no_head.starts_with("no-head-") => {
            let status = match method {
                "HEAD" => "404",
                _ => &no_head[8..],
            };
            return write!(stream, "HTTP/1.1 {status} no\r\nContent-Length: 0\r\n\r\n");
        }
        status => {
            return write!(stream, "HTTP/1.1 {status} no\r\nContent-Length: 0\r\n\r\n");
        }
    };
    if if_match.is_some_and(|tag| tag != "\"v1\"") {
        return write!(stream, "HTTP/1.1 412 no\r\nContent-Length: 0\r\n\r\n");
    }
    if if_none_match == Some("\"v1\"") {
        return write!(stream, "HTTP/1.1 304 no\r\n{HEADERS}\r\n");
    }
    let body = pattern(size);
    let wanted = match range
        .filter(|_| !name.ends_with("whole"))
        .and_then(|range| range.split_once('-'))
    {
        None => 0..size,
        Some(("", suffix)) => size.saturating_sub(suffix.parse().unwrap())..size,
        Some((start, "")) => start.parse().unwrap()..size,
        Some((start, last)) => start.parse().unwrap()..size.min(last.parse::<usize>().unwrap() + 1),
    };
    let partial = range.is_some() && !name.ends_with("whole");
    if partial && wanted.is_empty() {
        return write!(
            stream,
            "HTTP/1.1 416 no\r\nContent-Range: bytes */{size}\r\nContent-Length: 0\r\n\r\n"
        );
    }
    let status = if partial {
        format!(
            "206 Partial\r\nContent-Range: bytes {}-{}/{size}",
            wanted.start,
            wanted.end - 1
        )
    } else {
        "200 OK".to_owned()
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{HEADERS}\r\n",
        wanted.len()
    )?;
    if method == "HEAD" {
        return Ok(());
    }
    if name == "cut" {
        stream.write_all(&body[..wanted.len() / 2])?;
        return stream.shutdown(std::net::Shutdown::Both);
    }
    stream.write_all(&body[wanted])
}

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
async fn ranges_of_all_kinds() {
    let server = Server::start();
    for range in [
        ByteRange::All,
        ByteRange::Range(90..150),
        ByteRange::From(40),
        ByteRange::Suffix(10),
        ByteRange::Suffix(1000),
        ByteRange::Range(5..5),
    ] {
        let body = server.store.get("k", &range, None).await.unwrap().unwrap();
        let expected = range.resolve(100);
        assert_eq!(
            (body.range, body.object_size),
            (expected.clone(), 100),
            "{range}"
        );
        assert_eq!(
            body.bytes,
            pattern(100).slice(expected.start as usize..expected.end as usize)
        );
        assert_eq!(server.methods(), ["GET"], "{range}");
    }
    for range in [ByteRange::Range(100..110), ByteRange::From(200)] {
        let body = server.store.get("k", &range, None).await.unwrap().unwrap();
        assert_eq!((body.bytes.len(), body.object_size), (0, 100), "{range}");
        assert_eq!(server.methods(), ["GET", "HEAD"], "{range}");
    }
    for range in [ByteRange::All, ByteRange::Suffix(4), ByteRange::Range(0..4)] {
        let body = server
            .store
            .get("empty", &range, None)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((body.bytes.len(), body.object_size), (0, 0), "{range}");
    }
    let bodies = read_ranges(&server.store, "k", &[3..5, 90..100], None)
        .await
        .unwrap();
    assert_eq!(
        bodies,
        [pattern(100).slice(3..5), pattern(100).slice(90..100)]
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

#[tokio::test]
async fn signed_urls_keep_their_query() {
    let server = Server::start();
    server.store.get("k", &ByteRange::All, None).await.unwrap();
    server.store.size("k").await.unwrap();
    let url = format!("{}/data/k?key=k|zip:", server.address);
    let zip = Store::open(&url).unwrap();
    assert_eq!(zip.location(), format!("{}/data/k|zip:", server.address));
    let error = zip.get("k", &ByteRange::All, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let log = server.log.lock().unwrap().clone();
    assert_eq!(log.len(), 3);
    assert!(log.iter().all(|(_, path, _)| path == "/data/k?key=k"));
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn s3_without_an_account_and_without_ranges() {
    let server = Server::start();
    let store = server.s3(None);
    let suffix = ByteRange::Suffix(10);
    let body = store.get("k", &suffix, None).await.unwrap().unwrap();
    assert_eq!(body.bytes, pattern(100).slice(90..));
    assert!(store.get("204", &suffix, None).await.is_err());
    assert!(store.get("403", &suffix, None).await.is_err());
    let lenient = server.s3(Some(("missing_on_403", "true")));
    assert_eq!(lenient.get("403", &suffix, None).await.unwrap(), None);

    let wanted = [3..5, 90..100];
    let expected = [pattern(100).slice(3..5), pattern(100).slice(90..100)];
    let bodies = read_ranges(&store, "k", &wanted, None).await.unwrap();
    assert_eq!(bodies, expected);
    server.methods();
    let eager = CostModel {
        free_gap: 0,
        free_waste: 0,
        ..CostModel::object()
    };
    let eager = store.clone().with_cost_model(eager);
    let bodies = read_ranges(&eager, "whole", &wanted, None).await.unwrap();
    assert_eq!(bodies, expected);
    assert_eq!(
        server.methods(),
        ["GET"; 3],
        "two refused, then whole, once"
    );
    read_ranges(&store, "whole", &wanted, None).await.unwrap();
    assert_eq!(server.methods(), ["GET"], "remembered");
}

#[tokio::test]
async fn a_stalled_server_is_a_timeout() {
    let server = Server::start();
    let start = Instant::now();
    let error = server
        .store
        .get("stall", &ByteRange::All, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_body_that_is_cut_is_an_error() {
    let server = Server::start();
    for range in [ByteRange::All, ByteRange::Range(0..50)] {
        assert!(server.store.get("cut", &range, None).await.is_err());
    }
}

#[tokio::test]
async fn a_version_goes_into_if_match() {
    let server = Server::start();
    let version = server
        .store
        .get("k", &ByteRange::All, None)
        .await
        .unwrap()
        .unwrap()
        .version;
    assert!(
        server
            .store
            .get("k", &ByteRange::Suffix(3), Some(&version))
            .await
            .unwrap()
            .is_some()
    );
    let meta = object_store::PutResult {
        e_tag: Some("\"v2\"".into()),
        version: None,
        extensions: object_store::Extensions::default(),
    };
    let other = crate::Version::of_put(&meta);
    let error = server
        .store
        .get("k", &ByteRange::Suffix(3), Some(&other))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Changed);
}

#[tokio::test]
async fn a_known_version_is_not_sent_again_even_without_ranges() {
    let server = Server::start();
    let other = Version::of_put(&object_store::PutResult {
        e_tag: Some("W/\"v0\"".into()),
        version: None,
        extensions: object_store::Extensions::default(),
    });
    for name in ["k", "whole"] {
        let range = ByteRange::Range(10..20);
        // On the second pass, the server is known to send no ranges.
        for _ in 0..2 {
            let answer = server.store.get_if_changed(name, &range, &other);
            let Revalidated::Changed(body) = answer.await.unwrap() else {
                panic!("{name}");
            };
            assert_eq!(
                (&body.bytes[..], body.range),
                (&pattern(100)[10..20], 10..20)
            );
            let read = server.store.requests().bytes_read;
            server.methods();
            let again = server.store.get_if_changed(name, &range, &body.version);
            assert_eq!(again.await.unwrap(), Revalidated::Unchanged);
            assert_eq!(server.store.requests().bytes_read, read);
            assert_eq!(server.methods(), ["GET"]);
        }
    }
    for (name, kind) in [
        ("403", ErrorKind::PermissionDenied),
        ("500", ErrorKind::Backend),
    ] {
        let answer = server.store.get_if_changed(name, &ByteRange::All, &other);
        assert_eq!(answer.await.unwrap_err().kind(), kind);
    }
    let gone = server.store.get_if_changed("404", &ByteRange::All, &other);
    assert_eq!(gone.await.unwrap(), Revalidated::Absent);
}

#[tokio::test]
async fn a_server_without_ranges_is_read_whole() {
    let server = Server::start();
    let body = server
        .store
        .get("whole", &ByteRange::Suffix(10), None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (body.bytes, body.range),
        (pattern(100).slice(90..), 90..100)
    );
    server.methods();
    let bodies = read_ranges(&server.store, "whole", &[3..5, 90..100], None)
        .await
        .unwrap();
    assert_eq!(
        bodies,
        [pattern(100).slice(3..5), pattern(100).slice(90..100)]
    );
    assert_eq!(server.methods(), ["GET"]);
}

#[tokio::test]
async fn a_busy_server_is_not_asked_before_it_wants_to_be() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut times = Vec::new();
        for mut stream in listener.incoming().flatten().take(2) {
            let lines = BufReader::new(&stream).lines();
            assert!(
                lines
                    .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
                    .count()
                    > 0
            );
            times.push(Instant::now());
            let answer = match times.len() {
                1 => "429 busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n".to_owned(),
                _ => format!("200 OK\r\n{HEADERS}Content-Length: 2\r\n\r\nok"),
            };
            let (status, rest) = answer.split_once("\r\n").unwrap();
            write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n{rest}").unwrap();
        }
        times
    });
    let options = [("init_backoff", "1ms"), ("max_backoff", "2ms")];
    let store = Store::open_with(&url, options).unwrap();
    let body = store.get("k", &ByteRange::All, None).await.unwrap();
    assert_eq!(body.unwrap().bytes, "ok");
    let times = server.join().unwrap();
    assert!(times[1] - times[0] >= Duration::from_secs(1), "{times:?}");
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
