//! Ranges, versions and bodies.

use super::*;

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
async fn the_option_optimize_for_decides_the_requests() {
    let server = Server::start();
    let url = format!("{}/data", server.address);
    for (aim, requests) in [("time", 1), ("requests", 1), ("bytes", 2)] {
        let mut stores = vec![Store::open_with(&url, [("optimize_for", aim)]).unwrap()];
        #[cfg(feature = "s3")]
        stores.push(server.s3(Some(("optimize_for", aim))));
        for store in stores {
            let wanted = [3..5, 90..100];
            let bodies = read_ranges(&store, "k", &wanted, None).await.unwrap();
            assert_eq!(bodies.concat().len(), 12);
            assert_eq!(server.methods().len(), requests, "{aim}");
        }
    }
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
