//! Requests of writes, and of concurrent readers and writers.

use super::*;

#[tokio::test]
async fn a_write_sends_only_what_it_must_and_never_a_head() {
    let logged = Logged::new();
    let array = written(&logged).await;
    let requests = logged.requests();
    // Probes that neither the array nor the root exists in Zarr v3 or in Zarr v2 (a Zarr v3 document
    // would hide Zarr v2); writes both documents and four shards.
    assert_eq!(
        requests
            .iter()
            .filter(|request| request.starts_with("Put"))
            .count(),
        6,
        "{requests:?}"
    );
    assert_eq!(
        requests
            .iter()
            .filter(|request| request.starts_with("Get"))
            .count(),
        6,
        "{requests:?}"
    );

    array.write(s![0, 0, 0], arr0(9_u16)).await.unwrap();
    assert_eq!(logged.requests(), ["Get a/c/0/0/0", "Put a/c/0/0/0"]);
    array
        .write(s![.., 0..64, 0..64], Array3::<u16>::ones((64, 64, 64)))
        .await
        .unwrap();
    assert_eq!(logged.requests(), ["Put a/c/0/0/0"]);
    array
        .write(s![.., 0..64, 0..64], arr0(0_u16))
        .await
        .unwrap();
    assert_eq!(logged.requests(), ["Delete a/c/0/0/0"]);
    array.write(s![0, 0, 0], arr0(0_u16)).await.unwrap();
    assert_eq!(logged.requests(), ["Get a/c/0/0/0"]);
}

#[tokio::test]
async fn concurrent_readers_share_requests_and_concurrent_writers_a_put() {
    let logged = Logged::new();
    written(&logged).await;
    let array = logged.cold().array("a").await.unwrap();
    let reads = (0..16).map(|x| array.read::<u16>(s![0, 0, x]));
    let found = futures::future::try_join_all(reads).await.unwrap();
    assert!(
        found
            .iter()
            .zip(1..)
            .all(|(found, expected)| found.sum() == expected)
    );
    // The document, one index, and the inner chunks of all readers.
    assert_eq!(logged.requests().len(), 3);

    let writes = (0..16).map(|x| array.write(s![0, 0, x], arr0(100_u16)));
    futures::future::try_join_all(writes).await.unwrap();
    assert_eq!(
        array.read::<u16>(s![0, 0, 0..16]).await.unwrap().sum(),
        1600
    );
    let puts = logged
        .requests()
        .iter()
        .filter(|request| request.starts_with("Put"))
        .count();
    assert!(puts <= 2, "{puts} puts for 16 writers");
}

#[tokio::test]
async fn a_dropped_writer_takes_its_request_along_and_blocks_nobody() {
    let logged = Logged::new();
    let array = written(&logged).await;
    let slow = Rule::new(
        Operation::Get,
        "a/c/0/0/0",
        Fault::Delay(Duration::from_millis(50)),
    )
    .on_call(0);
    logged.log.clear();
    logged.log.add(slow);
    {
        let first = array.write(s![0, 0, 0], arr0(7_u16));
        let second = array.write(s![0, 0, 1], arr0(8_u16));
        tokio::select! {
            result = async { tokio::join!(first, second) } => panic!("{result:?} within a delay"),
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
    }
    array.write(s![0, 0, 2], arr0(9_u16)).await.unwrap();
    let found = array.read::<u16>(s![0, 0, 0..3]).await.unwrap();
    assert_eq!(found.iter().copied().collect::<Vec<_>>(), [1, 2, 9]);
}
