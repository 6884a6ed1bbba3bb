//! Real servers behind the faulty connection.

use super::*;

/// Faults of signed requests, on servers with their own interpretation of requests.
#[tokio::test(flavor = "multi_thread")]
async fn real_servers_behind_the_proxy_are_written_once_or_an_error() {
    each_server(async |direct, proxy, array| {
        let mut expected = elements();
        for (number, (fault, succeeds, _)) in (1..).zip(WRITE_FAULTS) {
            let what = format!("{} {fault:?}", direct.store().location());
            proxy.clear();
            proxy.add(Rule::new("PUT", SHARD, fault.clone()));
            let written = in_time(&what, array.write(s![4..7, 8..9], arr0(-number))).await;
            if succeeds {
                written.unwrap_or_else(|error| panic!("{what}: {error}"));
                expected.slice_mut(s![4..7, 8..9]).fill(-number);
            } else {
                written.unwrap_err();
            }
            let found = direct.array("a").await.unwrap();
            let found = found.read::<i32>(..).await.unwrap();
            assert_eq!(found, expected.clone().into_dyn(), "{what}");
            assert_nothing_open(&proxy, &what).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_servers_behind_the_proxy_are_read_right_or_an_error() {
    each_server(async |direct, proxy, array| {
        for (fault, once, _) in READ_FAULTS {
            // The range is part of the signature.
            if matches!(fault, Fault::IgnoreRange) {
                continue;
            }
            let what = format!("{} {fault:?}", direct.store().location());
            proxy.clear();
            proxy.add(Rule::new("GET", SHARD, fault.clone()));
            let part = s![2..6, 3..16];
            match in_time(&what, array.read::<i32>(part)).await {
                Ok(found) => assert_eq!(found, elements().slice(part).into_dyn(), "{what}"),
                Err(error) => assert!(once != Outcome::Right, "{what}: {error}"),
            }
            assert_nothing_open(&proxy, &what).await;
        }
    })
    .await;
}

/// Runs a test on each server concurrently: with the server's own address, the proxy, and the array
/// through the proxy.
async fn each_server(test: impl AsyncFn(Hierarchy, Proxy, Array)) {
    let servers = WRITABLE.iter().filter_map(|name| server(name));
    let running = servers.map(|server| async {
        let server = server.fresh();
        let direct = Hierarchy::new(server.store(), registry());
        create(&direct).await;
        let proxy = Proxy::start(&server.address).await;
        let proxied = server.through(&proxy.address).with("max_retries", "2");
        let store = proxied.with("read_timeout", "1s").store();
        let store = store.with_deadline(Deadline {
            base: Duration::from_secs(4),
            ..Deadline::default()
        });
        let array = Hierarchy::new(store, registry()).array("a").await.unwrap();
        // Makes the one-time probes of the store.
        let first = arr0(elements()[[0, 0]]);
        array.write(s![0, 0], first).await.unwrap();
        test(direct, proxy, array).await;
    });
    join_all(running).await;
}
