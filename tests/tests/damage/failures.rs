//! Stores that fail, and objects that change or vanish.

use ndarray::IxDyn;

use super::*;

/// Creates an array on a store with scripted faults.
async fn faulty() -> (Hierarchy, FaultStore<InMemory>) {
    let faults = FaultStore::new(InMemory::new());
    let store = Store::new(Arc::new(faults.clone()), "faulty");
    let hierarchy = Hierarchy::new(store, registry());
    sharded(&hierarchy, &[codecs::bytes(true)]).await;
    (hierarchy, faults)
}

#[tokio::test]
async fn no_failure_of_a_store_becomes_fill_values() {
    let (sound, _) = faulty().await;
    let sound = sound.array("a").await.unwrap();
    let expected = sound.read::<i32>(s![4..8, 8..16]).await.unwrap();
    for fault in [
        Fault::PermissionDenied,
        Fault::Generic("broken"),
        Fault::Timeout,
        Fault::Truncate(7),
    ] {
        for request in 0..2 {
            let (hierarchy, faults) = faulty().await;
            let array = hierarchy.array("a").await.unwrap();
            faults.add(Rule::new(Operation::Get, SHARD, fault.clone()).on_call(request));
            // A failed request may be retried.
            match array.read::<i32>(s![4..8, 8..16]).await {
                Ok(elements) => assert_eq!(elements, expected, "{fault:?}"),
                Err(error) => assert!(error.to_string().contains(SHARD), "{error}"),
            }
        }
    }
}

#[tokio::test]
async fn a_shard_that_vanishes_after_its_index_was_read_is_read_again() {
    let (hierarchy, faults) = faulty().await;
    let array = hierarchy.array("a").await.unwrap();
    faults.add(Rule::new(Operation::Get, SHARD, Fault::NotFound).on_call(1));
    let found = array.read::<i32>(s![4..8, 8..16]).await.unwrap();
    assert_eq!(found, data().slice(s![4..8, 8..16]).into_dyn());
}

#[tokio::test]
async fn a_shard_that_is_replaced_while_it_is_read_is_read_from_one_version() {
    let (hierarchy, faults) = faulty().await;
    let array = hierarchy.array("a").await.unwrap();
    // In the other version, the inner chunks lie in reverse order, so that an index of one version
    // finds other inner chunks in the other one. Each byte is the number of its inner chunk.
    let mut other = stored(&hierarchy).await;
    let len = other.len() - 8 * 16;
    let (chunks, index) = other.split_at_mut(len);
    for (number, chunk) in (0..).zip(chunks.chunks_mut(len / 8).rev()) {
        chunk.fill(number);
    }
    for (entry, place) in index.chunks_mut(16).zip((0..8).rev()) {
        let offset = (place * (len / 8)) as u64;
        entry[..8].copy_from_slice(&offset.to_le_bytes());
    }
    faults.add(Rule::new(Operation::Get, SHARD, Fault::Swap(other.into())).on_call(1));
    let found = array.read::<i32>(s![4..8, 0..16]).await.unwrap();
    let expected = |index: IxDyn| {
        if index[1] < 8 {
            0x0202_0202
        } else {
            0x0303_0303
        }
    };
    assert_eq!(found, ArrayD::from_shape_fn(vec![4, 16], expected));
}

#[tokio::test]
async fn a_failed_put_leaves_the_old_object_and_is_an_error() {
    let (hierarchy, faults) = faulty().await;
    let array = hierarchy.array("a").await.unwrap();
    let before = stored(&hierarchy).await;
    faults.add(Rule::new(Operation::Put, SHARD, Fault::Generic("no space")));
    array.write(s![0..16, 0..16], arr0(4)).await.unwrap_err();
    assert_eq!(stored(&hierarchy).await, before);
}
