//! Reads through a faulty connection.

use super::*;

const CLIENTS: [Client; 2] = [Client::S3, Client::Http];

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_right_or_an_error_that_names_the_object() {
    let origin = filled().await;
    let mut cases = Vec::new();
    for client in CLIENTS {
        for (fault, once, always) in READ_FAULTS {
            // The index, then the inner chunks.
            for call in 0..2 {
                cases.push((client, fault.clone(), Some(call), once));
            }
            cases.push((client, fault, None, always));
        }
    }
    let running = cases
        .iter()
        .map(|(client, fault, call, outcome)| read(&origin, *client, fault, *call, *outcome));
    // Runs concurrently, since most of the time is waiting.
    let failures = join_all(running).await;
    let failures = failures.into_iter().flatten().collect::<Vec<_>>();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Faults on metadata: no document is taken for absent, and no partial document for a whole one.
#[tokio::test(flavor = "multi_thread")]
async fn documents_are_read_or_an_error() {
    let origin = filled().await;
    let faults = READ_FAULTS
        .iter()
        .filter(|(fault, ..)| !matches!(fault, Fault::FlipByte(_)));
    let running = faults.flat_map(|(fault, ..)| {
        CLIENTS.map(|client| {
            let origin = origin.clone();
            async move {
                let what = format!("{client:?} {fault:?}");
                let proxy = Proxy::start(&origin.address).await;
                proxy.add(Rule::new("GET", "zarr.json", fault.clone()).always());
                let opened = client.hierarchy(&proxy.address);
                match in_time(&what, opened.array("a")).await {
                    Ok(array) => assert_eq!(array.shape(), [32, 32], "{what}"),
                    Err(error) => {
                        assert!(!matches!(error, zarr::Error::NodeNotFound { .. }), "{what}");
                        assert!(error.to_string().contains("a/zarr.json"), "{what}: {error}");
                    }
                }
                assert_nothing_open(&proxy, &what).await;
            }
        })
    });
    join_all(running).await;
}

#[tokio::test]
async fn a_flipped_byte_is_named_with_its_key_and_inner_chunk() {
    let origin = filled().await;
    for client in CLIENTS {
        let proxy = Proxy::start(&origin.address).await;
        let array = client.hierarchy(&proxy.address).array("a").await.unwrap();
        proxy.add(Rule::new("GET", SHARD, Fault::FlipByte(17)).on_calls(1..2));
        let error = array
            .read::<i32>(s![4..8, 8..16])
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("a/c/0/0: inner chunk [1, 1]: crc32c: stored 0x"),
            "{error}"
        );
        proxy.clear();
        proxy.add(Rule::new("GET", SHARD, Fault::FlipByte(17)));
        let cold = client.hierarchy(&proxy.address).array("a").await.unwrap();
        let error = cold
            .read::<i32>(s![4..8, 8..16])
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("a/c/0/0: ") && error.contains("index") && error.contains("crc32c"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_server_without_ranges_is_read_whole() {
    let origin = filled().await;
    for client in CLIENTS {
        let proxy = Proxy::start(&origin.address).await;
        proxy.add(Rule::new("GET", "", Fault::IgnoreRange).always());
        let array = client.hierarchy(&proxy.address).array("a").await.unwrap();
        for part in [s![4..8, 8..16], s![0..1, ..], s![.., 31..]] {
            let found = array.read::<i32>(part).await.unwrap();
            assert_eq!(found, elements().slice(part).into_dyn(), "{client:?}");
        }
    }
}

#[tokio::test]
async fn a_silent_server_is_an_error_within_the_deadline() {
    let origin = filled().await;
    for fault in [Fault::Stall, Fault::StallWithin(1)] {
        let proxy = Proxy::start(&origin.address).await;
        let array = Client::S3.patient(&proxy.address).array("a").await.unwrap();
        proxy.add(Rule::new("GET", SHARD, fault.clone()).always());
        let started = Instant::now();
        in_time("a silent server", array.read::<i32>(..))
            .await
            .unwrap_err();
        // Each of the two requests has its own deadline, plus a second of slack.
        let took = started.elapsed();
        assert!(
            took < 2 * DEADLINE + Duration::from_secs(1),
            "{fault:?} took {took:?}"
        );
        assert_nothing_open(&proxy, "a silent server").await;
    }
}

#[tokio::test]
async fn a_refused_access_is_absence_only_where_the_user_says_so() {
    let origin = filled().await;
    let proxy = Proxy::start(&origin.address).await;
    proxy.add(Rule::new("GET", "a/c/1", Fault::Status(403)).always());
    let read = async |options: &[(&str, &str)]| {
        let hierarchy = Hierarchy::new(Origin::s3(&proxy.address, options), registry());
        let array = hierarchy.array("a").await.unwrap();
        array.read::<i32>(s![.., 0]).await
    };
    let error = read(&[]).await.unwrap_err().to_string();
    assert!(error.contains("permission denied"), "{error}");
    let mut expected = elements().slice(s![.., 0]).to_owned();
    expected.slice_mut(s![16..]).fill(0);
    let found = read(&[("missing_on_403", "true")]).await.unwrap();
    assert_eq!(found, expected.into_dyn());
}

/// Half a second for 50 kB, more than the deadline for a request without a body.
#[tokio::test]
async fn a_slow_body_that_keeps_coming_is_no_timeout() {
    let origin = Origin::start().await;
    let deadline = Deadline {
        base: Duration::from_millis(300),
        bandwidth: 2e4,
    };
    let proxy = Proxy::start(&origin.address).await;
    let store = Origin::s3(&proxy.address, &[("max_retries", "0")]).with_deadline(deadline);
    let payload = vec![vec![7_u8; 50_000].into()];
    store.put("k", payload, Precondition::None).await.unwrap();
    proxy.add(Rule::new("GET", "k", Fault::Bandwidth(100_000)).always());
    for range in [
        ByteRange::All,
        ByteRange::Range(0..50_000),
        ByteRange::Suffix(50_000),
    ] {
        let body = store.get("k", &range, None).await.unwrap();
        assert_eq!(body.unwrap().bytes.len(), 50_000);
    }
}
