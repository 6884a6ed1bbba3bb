//! Patches whose future is dropped, and whose process is killed, at every request.

use super::*;

/// Waits until the server has no more uploads in progress; returns what is left after two seconds.
async fn left(store: &Store) -> Vec<Leftover> {
    // The requests that were under way end first: each takes less than a second.
    tokio::time::sleep(Duration::from_secs(2)).await;
    sweep(store).await
}

#[tokio::test]
async fn a_patch_dropped_at_any_request_leaves_no_upload() {
    let Some(on) = on_server("seaweedfs", true).await else {
        return;
    };
    on.write(0, 1).await.unwrap();
    let store = on.array.hierarchy().store().clone();
    let mut changed = vec![(0, 1)];
    let mut value = 1;
    // The server carries out the request after its caller is gone, or before that while the
    // response is under way.
    let slow = [
        Fault::Delay(Duration::from_millis(700)),
        Fault::Drip(Duration::from_millis(5)),
    ];
    let mut aborts = 0;
    for (method, call) in [("POST", 0), ("PUT", 0), ("PUT", 1), ("POST", 1)] {
        for fault in &slow {
            value += 1;
            on.proxy.clear();
            on.proxy
                .add(Rule::new(method, "a/c/0/0", fault.clone()).on_calls(call..call + 1));
            let seen = async {
                while matching(&on.proxy, method) <= call {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            };
            // Responses without a body are not slowed down.
            let is_done = tokio::select! {
                written = on.write(value as usize, value) => written.is_ok(),
                () = seen => false,
            };
            let deletes = || matching(&on.proxy, "DELETE");
            assert_eq!(left(&store).await, [], "{method} {call} {fault:?}");
            aborts += usize::from(deletes() > 0);
            let cold = on.cold().await;
            let row = cold.read::<u32>(s![value.cast_signed(), 1..]);
            if row.await.unwrap().iter().all(|&found| found == value) {
                let may_land = is_done || (method, call) == ("POST", 1);
                assert!(
                    may_land,
                    "a dropped patch landed: {method} {call} {fault:?}"
                );
                changed.push((value as usize, value));
            }
            on.check(&changed).await;
        }
    }
    assert!(aborts >= 6, "{aborts} of the dropped patches had an upload");
}

/// Returns the number of requests for the shard with this method.
fn matching(proxy: &Proxy, method: &str) -> usize {
    let requests = proxy.requests();
    let matching = requests
        .iter()
        .filter(|request| request.method == method && request.path.contains("a/c/0/0"));
    matching.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_between_any_two_requests_leaves_only_what_a_sweep_removes() {
    for name in ["seaweedfs", "azurite"] {
        let Some(on) = on_server(name, true).await else {
            continue;
        };
        let store = on.array.hierarchy().store().clone();
        let (mut call, mut kinds) = (0, Vec::new());
        loop {
            on.proxy.clear();
            // The server carries the request out, and the process never gets the response.
            on.proxy
                .add(Rule::new("", "", Fault::StallAfter).on_calls(call..call + 1));
            let job = Job::new(&on.server.url, &on.server.options, 1);
            let mut child = job.spawn(7);
            let status = loop {
                if on.proxy.requests().len() > call {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    break None;
                }
                if let Some(status) = child.status() {
                    break Some(status);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            drop(child);
            on.proxy.clear();
            let row = on.cold().await.read::<u32>(s![7, ..]).await.unwrap();
            let is_new = row.iter().all(|&found| found == 1_000_001);
            on.check(if is_new { &[(7, 1_000_001)] } else { &[] }).await;
            kinds.extend(sweep(&store).await.into_iter().map(|left| left.kind));
            assert_eq!(sweep(&store).await, [], "{name} {call}");
            let mut keys = store.list_dir("a/c/0").await.unwrap().keys;
            keys.extend(store.list_dir("a").await.unwrap().keys);
            assert_eq!(keys, ["0", "zarr.json"], "{name} {call}");
            if let Some(status) = status {
                assert!(status.success() && is_new, "{name}");
                break;
            }
            on.array.write(s![7..8, ..], initial(7..8)).await.unwrap();
            call += 1;
        }
        // The probe, and the patch itself.
        assert!(call >= 8, "{name}: {call} requests");
        let expected = match name {
            "seaweedfs" => vec![LeftoverKind::Upload, LeftoverKind::Probe],
            _ => vec![LeftoverKind::Probe],
        };
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds, expected, "{name}");
    }
}

#[tokio::test]
async fn probes_are_swept_by_name_and_age() {
    for name in zarr_tests::servers::WRITABLE {
        let Some(server) = zarr_tests::servers::server(name) else {
            continue;
        };
        let store = server.fresh().store();
        let probe = "a/c/.zarr-store-probe-0123456789abcdef";
        let keys = [
            probe,
            "a/.zarr-store-probe-0",
            "a/c/zarr-store-probe-0123456789abcdef",
        ];
        for key in keys {
            let put = store.put(key, vec!["0123".into()], zarr_store::Precondition::None);
            put.await.unwrap();
        }
        let hour = Duration::from_secs(3600);
        assert_eq!(store.sweep(hour).await.unwrap(), [], "{name}");
        let beside = store.with_prefix("b").unwrap();
        assert_eq!(sweep(&beside).await, [], "{name}");
        // Servers tell the time of an object in whole seconds.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let below = store.with_prefix("a").unwrap();
        let expected = Leftover {
            kind: LeftoverKind::Probe,
            key: probe.trim_start_matches("a/").to_owned(),
        };
        assert_eq!(sweep(&below).await, [expected], "{name}");
        assert_eq!(store.size(probe).await.unwrap(), None);
        assert!(store.size(keys[1]).await.unwrap().is_some());
        assert!(store.size(keys[2]).await.unwrap().is_some());
        assert!(store.clone().read_only().sweep(hour).await.is_err());
    }
}
