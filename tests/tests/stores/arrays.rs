//! Arrays and nodes on every store.

use super::*;

fn elements() -> Array2<i32> {
    Array2::from_shape_fn((40, 40), |(y, x)| {
        i32::try_from(y * 100 + x).unwrap() - 1500
    })
}

async fn write_arrays(store: Store) {
    let hierarchy = Hierarchy::new(store, registry());
    let metadata = ArrayBuilder::new(&[40, 40], "int32")
        .with_chunk_shape(&[8, 8])
        .with_shard_shape(&[16, 16])
        .with_codecs([codecs::bytes(true), codecs::zstd(3), codecs::crc32c()]);
    let array = hierarchy
        .create_array("g/sharded ~[0]", metadata.build().unwrap())
        .await
        .unwrap();
    array.write(.., elements()).await.unwrap();
    array.write(s![5..20, 30..], arr0(7)).await.unwrap();
    let metadata = ArrayBuilder::new(&[40, 40], "int32").with_chunk_shape(&[16, 40]);
    let array = hierarchy
        .create_array("g/h/plain", metadata.build().unwrap())
        .await
        .unwrap();
    array.write(s![..20, ..], arr0(3)).await.unwrap();
    let mut group = hierarchy.group("g").await.unwrap();
    group.consolidate().await.unwrap();
}

#[tokio::test]
async fn arrays_round_trip() {
    on_each_filled(write_arrays, async |store| {
        let group = Hierarchy::new(store.clone(), registry())
            .group("g")
            .await
            .unwrap();
        let mut expected = elements();
        expected.slice_mut(s![5..20, 30..]).fill(7);
        for group in [group.clone(), group.without_consolidated().unwrap()] {
            let array = group.array("sharded ~[0]").await.unwrap();
            assert_eq!(
                array.read::<i32>(..).await.unwrap(),
                expected.clone().into_dyn()
            );
            for part in [s![3..4, ..], s![.., 39..], s![14..18, 15..33]] {
                let found = array.read::<i32>(part).await.unwrap();
                assert_eq!(found, expected.slice(part).into_dyn());
            }
            let plain = group.array("h/plain").await.unwrap();
            assert_eq!(plain.read::<i32>(..).await.unwrap().sum(), 20 * 40 * 3);
        }
    })
    .await;
}

/// The program of the cookbook, on every store.
#[tokio::test]
async fn the_region_example_reads_from_every_store() {
    on_each(async |store| {
        let hierarchy = Hierarchy::new(store, registry());
        let array = region::example(&hierarchy).await.unwrap();
        let region = region::print_region(&array).await.unwrap();
        assert_eq!((region.shape(), region.sum()), (&[16, 16][..], 256));
    })
    .await;
}

/// Promise P3: a read of a shard returns one version, or reports that the object kept changing.
#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_shard_that_is_being_replaced_are_of_one_version() {
    on_each(async |store| {
        let hierarchy = Hierarchy::new(store, registry());
        let metadata = ArrayBuilder::new(&[32, 32], "uint32")
            .with_chunk_shape(&[4, 8])
            .with_shard_shape(&[32, 32])
            .with_codecs([codecs::bytes(true), codecs::zstd(3)]);
        let metadata = metadata.build().unwrap();
        let array = hierarchy.create_array("a", metadata).await.unwrap();
        // The upper half of each element is the version; the lower half varies the compressed size.
        let version = |number: u32| {
            let mut rng = random::rng(u64::from(number));
            Array2::from_shape_fn((32, 32), |_| {
                (number << 16) + rng.random_range(0..1 << (number % 16))
            })
        };
        array.write(.., version(0)).await.unwrap();
        let writing = array.clone();
        let writer = tokio::spawn(async move {
            for number in 1..60 {
                writing.write(.., version(number)).await.unwrap();
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
        });
        let (mut seen, mut last) = (HashSet::new(), 0);
        while !writer.is_finished() {
            match array.read::<u32>(s![2..14, 1..28]).await {
                Ok(found) => {
                    let number = found[[0, 0]] >> 16;
                    assert!(found.iter().all(|element| element >> 16 == number));
                    assert!(number >= last, "from {last} back to {number}");
                    last = number;
                    seen.insert(number);
                }
                Err(error) => assert!(
                    matches!(error.root(), zarr::Error::ChangedDuringRead { .. }),
                    "{error}"
                ),
            }
        }
        writer.await.unwrap();
        assert!(seen.len() > 2, "{seen:?}");
    })
    .await;
}

#[tokio::test]
async fn nodes_are_found_resized_and_deleted() {
    on_each(async |store| {
        write_arrays(store.clone()).await;
        let hierarchy = Hierarchy::new(store.clone(), registry());
        let walked = hierarchy
            .group("")
            .await
            .unwrap()
            .walk()
            .await
            .unwrap()
            .into_iter()
            .map(|(path, kind)| (path.to_string(), kind))
            .collect::<Vec<_>>();
        let expected = [
            ("/g", NodeKind::Group),
            ("/g/h", NodeKind::Group),
            ("/g/h/plain", NodeKind::Array),
            ("/g/sharded ~[0]", NodeKind::Array),
        ];
        assert_eq!(walked, expected.map(|(path, kind)| (path.to_owned(), kind)));

        let mut array = hierarchy.array("g/sharded ~[0]").await.unwrap();
        array.resize(&[20, 20]).await.unwrap();
        array.resize(&[40, 40]).await.unwrap();
        let again = Hierarchy::new(store.clone(), registry());
        let found = again
            .array("g/sharded ~[0]")
            .await
            .unwrap()
            .read::<i32>(..)
            .await
            .unwrap();
        let mut expected = Array2::<i32>::zeros((40, 40));
        expected
            .slice_mut(s![..20, ..20])
            .assign(&elements().slice(s![..20, ..20]));
        assert_eq!(found, expected.into_dyn());

        let exists = hierarchy.create_group("g/h", zarr::Attributes::default());
        assert!(matches!(
            exists.await.unwrap_err(),
            zarr::Error::AlreadyExists { .. }
        ));
        hierarchy.delete("g").await.unwrap();
        assert_eq!(keys(&store, "").await, ["zarr.json"]);
    })
    .await;
}
