//! Dropped futures.

use super::*;

#[tokio::test]
async fn a_dropped_read_leaves_no_request() {
    let origin = filled().await;
    for fault in [Fault::Stall, Fault::StallWithin(3)] {
        for call in 0..2 {
            let proxy = Proxy::start(&origin.address).await;
            let array = Client::S3.patient(&proxy.address).array("a").await.unwrap();
            proxy.add(Rule::new("GET", SHARD, fault.clone()).on_calls(call..call + 1));
            drop_when(&proxy, "GET", call + 1, array.read::<i32>(s![2..6, 3..16])).await;
            assert_nothing_open(&proxy, "a dropped read").await;
            let found = in_time("the next read", array.read::<i32>(..))
                .await
                .unwrap();
            assert_eq!(found, elements().into_dyn());
        }
    }
}

#[tokio::test]
async fn a_dropped_write_leaves_no_request_lock_or_object() {
    for (method, fault) in [
        ("GET", Fault::Stall),
        ("GET", Fault::StallWithin(3)),
        ("PUT", Fault::Stall),
        ("PUT", Fault::StallAfter),
    ] {
        let what = format!("{method} {fault:?}");
        let (origin, proxy, _) = writable().await;
        let array = Client::S3.patient(&proxy.address).array("a").await.unwrap();
        let keys = origin.keys();
        proxy.clear();
        proxy.add(Rule::new(method, SHARD, fault.clone()));
        drop_when(&proxy, method, 1, array.write(s![4..7, 8..9], arr0(-5))).await;
        assert_nothing_open(&proxy, &what).await;
        let found = stored(&origin).await;
        let mut new = elements();
        new.slice_mut(s![4..7, 8..9]).fill(-5);
        assert!(
            found == elements().into_dyn() || found == new.clone().into_dyn(),
            "{what}"
        );
        assert_eq!(origin.keys(), keys, "{what}");
        in_time(&what, array.write(s![4..7, 8..9], arr0(-5)))
            .await
            .unwrap();
        assert_eq!(stored(&origin).await, new.into_dyn(), "{what}");
    }
}

/// Runs a future until the proxy has logged `requests` requests for the shard and the last one is
/// open, then drops the future.
async fn drop_when(proxy: &Proxy, method: &str, requests: usize, future: impl Future) {
    let seen = async {
        loop {
            let log = proxy.requests();
            let matching = log
                .iter()
                .filter(|request| request.method == method && request.path.contains(SHARD));
            if matching.count() >= requests && proxy.open() == 1 {
                // Leaves a moment for the response before the stall.
                tokio::time::sleep(Duration::from_millis(30)).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        _ = future => panic!("it did not stall"),
        () = in_time("the request", seen) => {}
    }
}

/// A write of local files, dropped after each number of polls, leaves the old or the new object and
/// nothing else.
#[tokio::test]
async fn a_dropped_local_write_leaves_a_whole_object_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::local(folder.path()).unwrap();
    let payload = |value: u8| vec![vec![value; 5000].into()];
    let mut version = store
        .put("k", payload(0), Precondition::None)
        .await
        .unwrap();
    for polls in 0..40_u8 {
        let precondition = match polls % 2 {
            0 => Precondition::None,
            _ => Precondition::IfVersion(version),
        };
        let mut put = Box::pin(store.put("k", payload(polls), precondition));
        for _ in 0..polls / 2 {
            if futures::poll!(&mut put).is_ready() {
                break;
            }
            tokio::time::sleep(Duration::from_micros(50)).await;
        }
        drop(put);
        let body = store.get("k", &ByteRange::All, None).await.unwrap();
        let body = body.unwrap();
        assert_eq!(body.object_size, 5000);
        assert!(body.bytes.iter().all(|byte| *byte == body.bytes[0]));
        // Operations in flight at the drop may finish now.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let body = store.get("k", &ByteRange::Range(0..1), None).await.unwrap();
        version = body.unwrap().version;
    }
    let put = store.put("k", payload(9), Precondition::IfVersion(version));
    in_time("the next write", put).await.unwrap();
    let files = std::fs::read_dir(folder.path()).unwrap();
    let files = files.map(|file| file.unwrap().file_name());
    assert_eq!(files.collect::<Vec<_>>(), ["k"]);
}
