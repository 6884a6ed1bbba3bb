//! Chunks, shards and inner chunks.

use super::*;

#[test]
fn chunks_and_inner_chunks_are_things() {
    let hierarchy = open("memory:").unwrap();
    let array = sharded(&hierarchy, "a");
    let model = numbers((9, 14)) + 1;
    assert_eq!(array.grid_shape(), [3, 3]);
    assert_eq!(array.inner_grid_shape(), Some(vec![5, 5]));
    assert_eq!((array.chunks().count(), array.shards().count()), (9, 9));
    assert_eq!(array.stored_chunks().count(), 0);
    for chunk in array.chunks() {
        let part = chunk
            .extent()
            .iter()
            .map(|range| range.start as usize..range.end as usize)
            .collect::<Vec<_>>();
        chunk
            .write(model.slice(s![part[0].clone(), part[1].clone()]))
            .unwrap();
        assert!(chunk.is_stored().unwrap());
        assert_eq!(chunk.shape(), [4, 6]);
    }
    assert_eq!(array.read::<Array2<i32>>(..).unwrap(), model);
    let mut stored = array
        .stored_chunks()
        .map(|chunk| chunk.unwrap().indices().to_vec())
        .collect::<Vec<_>>();
    stored.sort();
    assert_eq!(
        stored,
        array
            .chunks()
            .map(|chunk| chunk.indices().to_vec())
            .collect::<Vec<_>>()
    );

    // Inner chunks by their indices in the shard and in the array, each with its own bytes.
    let mut seen = 0;
    for shard in array.shards() {
        for inner in shard.inner_chunks() {
            seen += 1;
            let place =
                [0, 1].map(|axis| [2, 2][axis] * shard.indices()[axis] + inner.indices()[axis]);
            let global = array.inner_chunk(place).unwrap();
            assert_eq!(global.extent(), inner.extent());
            assert_eq!(global.shard().indices(), shard.indices());
            let found = inner.read::<Array2<i32>>().unwrap();
            let [rows, columns] = [0, 1]
                .map(|axis| inner.extent()[axis].start as usize..inner.extent()[axis].end as usize);
            assert_eq!(found, model.slice(s![rows, columns]));
            let encoded = inner.encoded().unwrap().unwrap();
            assert_eq!(inner.stored_size().unwrap(), Some(encoded.len() as u64));
        }
    }
    assert_eq!(seen, 25);

    // Copies encoded bytes of an inner chunk; its neighbours stay unchanged.
    let (from, to) = (
        array.inner_chunk([0, 1]).unwrap(),
        array.inner_chunk([1, 0]).unwrap(),
    );
    to.write_encoded(from.encoded().unwrap().unwrap()).unwrap();
    let mut expected = model.clone();
    expected
        .slice_mut(s![2..4, 0..3])
        .assign(&model.slice(s![0..2, 3..6]));
    assert_eq!(array.read::<Array2<i32>>(..).unwrap(), expected);
    to.erase().unwrap();
    assert!(!to.is_stored().unwrap());
    assert_eq!(
        (to.encoded().unwrap(), to.stored_size().unwrap()),
        (None, None)
    );
    expected.slice_mut(s![2..4, 0..3]).fill(0);
    assert_eq!(array.read::<Array2<i32>>(..).unwrap(), expected);
    to.write(9).unwrap();
    expected.slice_mut(s![2..4, 0..3]).fill(9);
    assert_eq!(array.read::<Array2<i32>>(..).unwrap(), expected);

    // Copies a whole encoded chunk.
    let (from, to) = (array.chunk([0, 1]).unwrap(), array.chunk([1, 0]).unwrap());
    let encoded = from.encoded().unwrap().unwrap();
    assert_eq!(from.stored_size().unwrap(), Some(encoded.len() as u64));
    to.write_encoded(encoded).unwrap();
    assert_eq!(to.read::<i32>().unwrap(), from.read::<i32>().unwrap());
    to.erase().unwrap();
    to.erase().unwrap();
    assert!(!to.is_stored().unwrap());
    assert_eq!(to.encoded().unwrap(), None);
    assert_eq!(to.read::<i32>().unwrap().sum(), 0);
    let inner = to.inner_chunk([0, 0]).unwrap();
    assert!(!inner.is_stored().unwrap());
    inner.erase().unwrap();
    assert!(!to.is_stored().unwrap());
}

#[test]
fn transposed_shards_find_their_inner_chunks() {
    let hierarchy = open("memory:").unwrap();
    let sharding = Extension::new("sharding_indexed")
        .with("chunk_shape", [3, 2])
        .with("codecs", [codecs::bytes(true)])
        .with("index_codecs", [codecs::bytes(true), codecs::crc32c()]);
    let metadata = ArrayBuilder::new(&[8, 9], "int32")
        .with_chunk_shape(&[4, 9])
        .with_codecs([codecs::transpose(&[1, 0]), sharding])
        .build()
        .unwrap();
    let array = hierarchy.create_array("a", metadata).unwrap();
    let model = numbers((8, 9)) + 1;
    array.write(.., &model).unwrap();
    assert_eq!(array.inner_grid_shape(), Some(vec![4, 3]));
    for shard in array.shards() {
        for inner in shard.inner_chunks() {
            let bytes = inner.encoded().unwrap().unwrap();
            let [rows, columns] = [0, 1]
                .map(|axis| inner.extent()[axis].start as usize..inner.extent()[axis].end as usize);
            let part = model.slice(s![rows, columns]).reversed_axes();
            let expected = part
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect::<Vec<_>>();
            assert_eq!(bytes, expected, "{:?}", inner.indices());
        }
    }
    let from = array
        .inner_chunk([0, 2])
        .unwrap()
        .encoded()
        .unwrap()
        .unwrap();
    array
        .inner_chunk([3, 1])
        .unwrap()
        .write_encoded(from)
        .unwrap();
    let mut expected = model.clone();
    expected
        .slice_mut(s![6..8, 3..6])
        .assign(&model.slice(s![0..2, 6..9]));
    assert_eq!(array.read::<Array2<i32>>(..).unwrap(), expected);
    let refused = array
        .inner_chunk([0, 0])
        .unwrap()
        .write_encoded(Bytes::from_static(b"x"));
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(error.key(), Some("a/c/0/0"));
    assert_eq!(error.inner_chunk(), Some(&[0, 0][..]));
}

#[test]
fn chunks_stream_in_both_directions() {
    let hierarchy = open("memory:").unwrap();
    let (from, to) = (sharded(&hierarchy, "from"), sharded(&hierarchy, "to"));
    let model = numbers((9, 14));
    from.write(.., &model).unwrap();
    let chunks = from.read_chunks::<i32>(..).unwrap();
    to.write_chunks(chunks.map(|item| item.map(|(chunk, data)| (chunk, data + 1))))
        .unwrap();
    assert_eq!(to.read::<Array2<i32>>(..).unwrap(), &model + 1);

    let runtime = blocking::runtime();
    runtime.block_on(async {
        let chunks = from
            .as_async()
            .read_chunks::<Array2<i32>>((5.., ..7))
            .unwrap();
        let chunks = chunks.map_ok(|(chunk, data)| (chunk.indices().to_vec(), data * 2));
        to.as_async().write_chunks(chunks).await.unwrap();
        let seen = from.as_async().read_chunks::<i32>((5.., ..7)).unwrap();
        assert_eq!(seen.count().await, 4);
    });
    let mut expected = &model + 1;
    expected
        .slice_mut(s![4.., ..12])
        .assign(&(&model.slice(s![4.., ..12]) * 2));
    assert_eq!(to.read::<Array2<i32>>(..).unwrap(), expected);

    let wrong = [
        Ok((vec![0_u64, 0], Array2::<i32>::zeros((4, 6)))),
        Ok((vec![0, 9], Array2::zeros((4, 6)))),
    ];
    assert_eq!(
        to.write_chunks(wrong).unwrap_err().kind(),
        ErrorKind::Selection
    );
    let failing = || Err::<(Vec<u64>, i32), _>(to.chunk([7, 7]).unwrap_err());
    to.write_chunks([failing()]).unwrap_err();
    let keeping = to.with_write_options(WriteOptions {
        store_fill: true,
        ..Default::default()
    });
    keeping.chunk([0, 0]).unwrap().write(0).unwrap();
    assert!(keeping.chunk([0, 0]).unwrap().is_stored().unwrap());
}
