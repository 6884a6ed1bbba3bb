//! Writes through a faulty connection.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_write_happens_once_or_is_an_error() {
    let running = WRITE_FAULTS.iter().map(|(fault, succeeds, _)| async move {
        let what = format!("{fault:?}");
        let (origin, proxy, array) = writable().await;
        let before = origin.puts();
        proxy.add(Rule::new("PUT", SHARD, fault.clone()));
        let written = in_time(&what, array.write(s![4..7, 8..9], arr0(-5))).await;
        let mut expected = elements();
        if *succeeds {
            written.unwrap_or_else(|error| panic!("{what}: {error}"));
            expected.slice_mut(s![4..7, 8..9]).fill(-5);
            assert_eq!(origin.puts() - before, 1, "{what}");
        } else {
            let error = written.unwrap_err();
            assert!(error.to_string().contains(SHARD), "{what}: {error}");
            assert!(!format!("{error:?} {error}").contains(SECRET), "{what}");
            assert_eq!(origin.puts(), before, "{what}");
        }
        assert_eq!(stored(&origin).await, expected.into_dyn(), "{what}");
        assert_nothing_open(&proxy, &what).await;
    });
    join_all(running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_never_gets_through_is_an_error_and_leaves_whole_objects() {
    let running = WRITE_FAULTS
        .iter()
        .map(|(fault, _, may_be_done)| async move {
            let what = format!("{fault:?}");
            let (origin, proxy, array) = writable().await;
            let keys = origin.keys();
            proxy.add(Rule::new("PUT", SHARD, fault.clone()).always());
            let written = in_time(&what, array.write(s![4..7, 8..9], arr0(-5))).await;
            let mut new = elements();
            new.slice_mut(s![4..7, 8..9]).fill(-5);
            let found = stored(&origin).await;
            let old = found == elements().into_dyn();
            assert!(old || (*may_be_done && found == new.into_dyn()), "{what}");
            // A put may be discovered as executed without an acknowledgement; a put that was not
            // executed is an error.
            if let Err(error) = written {
                assert!(error.to_string().contains(SHARD), "{what}: {error}");
            } else {
                assert!(!old, "{what}: acknowledged, and not there");
            }
            assert_nothing_open(&proxy, &what).await;
            proxy.clear();
            in_time(&what, array.write(s![0..32, 0..32], arr0(8)))
                .await
                .unwrap();
            assert_eq!(stored(&origin).await, ArrayD::from_elem(vec![32, 32], 8));
            assert_eq!(origin.keys(), keys, "{what}");
        });
    join_all(running).await;
}

#[tokio::test]
async fn an_array_whose_creation_was_not_acknowledged_is_created_once() {
    for fault in [
        Fault::Status(409),
        Fault::StatusAfter(503),
        Fault::ResetAfter,
        Fault::StallAfter,
    ] {
        let (_origin, proxy, array) = writable().await;
        proxy.add(Rule::new("PUT", "b/zarr.json", fault.clone()));
        let hierarchy = array.hierarchy();
        let create = || hierarchy.create_array("b", array.metadata().clone());
        in_time("creation", create()).await.unwrap();
        let error = create().await.unwrap_err();
        assert!(
            matches!(error, zarr::Error::AlreadyExists { .. }),
            "{fault:?}: {error}"
        );
    }
}

/// The acknowledgement is lost, and another writer changes the object before the client retries:
/// neither update is lost.
#[tokio::test]
async fn a_lost_acknowledgement_and_another_writer_lose_nothing() {
    for fault in [Fault::StallAfter, Fault::ResetAfter] {
        let (origin, proxy, array) = writable().await;
        let before = origin.puts();
        proxy.add(Rule::new("PUT", SHARD, fault));
        let other = Hierarchy::new(Origin::s3(&origin.address, &[]), registry());
        let other = other.array("a").await.unwrap();
        let theirs = async {
            while origin.puts() == before {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            other.write(s![0..4, 0..8], arr0(-2)).await.unwrap();
        };
        let ours = array.write(s![8..12, 0..8], arr0(-1));
        let (ours, ()) = in_time("two writers", futures::future::join(ours, theirs)).await;
        ours.unwrap();
        let mut expected = elements();
        expected.slice_mut(s![0..4, 0..8]).fill(-2);
        expected.slice_mut(s![8..12, 0..8]).fill(-1);
        assert_eq!(stored(&origin).await, expected.into_dyn());
    }
}

/// Promise P8: if the store does not report a lost race, nothing is merged.
#[tokio::test]
async fn a_server_that_ignores_conditions_is_refused_for_merges_unless_there_is_one_writer() {
    let origin = Origin::without_conditions().await;
    let metadata = ArrayBuilder::new(&[8], "int32").with_chunk_shape(&[4]);
    let metadata = metadata.build().unwrap();
    let array = |options: &[(&str, &str)]| {
        let store = Origin::s3(&origin.address, options);
        let hierarchy = Hierarchy::new(store, registry());
        let metadata = metadata.clone();
        async move {
            match hierarchy.array("a").await {
                Ok(array) => Ok(array),
                Err(_) => hierarchy.create_array("a", metadata).await,
            }
        }
    };
    let trusted = array(&[("single_writer", "true")]).await.unwrap();
    trusted.write(s![0..2], arr0(1)).await.unwrap();
    let error = array(&[]).await.unwrap().write(s![2..4], arr0(2)).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("condition"), "{error}");
    trusted.write(s![5..6], arr0(3)).await.unwrap();
    let found = trusted.read::<i32>(..).await.unwrap();
    assert_eq!(found.into_raw_vec_and_offset().0, [1, 1, 0, 0, 0, 3, 0, 0]);
    assert_eq!(origin.keys().len(), 4, "{:?}", origin.keys());
}
