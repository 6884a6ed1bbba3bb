//! The calls of a user of the engine: selections, data of every form, chunks and streams, async and
//! blocking.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "tests, of small numbers"
)]

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use ndarray::{Array1, Array2, Array3, ArrayD, Axis, arr0, array, s};
use rand::Rng;
use zarr::blocking::{self, Hierarchy, open};
use zarr::{ArrayBuilder, ErrorKind, Extension, Scalar, Selection, WriteOptions, codecs, points};
use zarr_tests::random;

fn numbers(shape: (usize, usize)) -> Array2<i32> {
    Array2::from_shape_fn(shape, |(row, column)| (100 * row + column) as i32)
}

/// An array of 9 x 14 numbers in shards of 4 x 6 with inner chunks of 2 x 3.
fn sharded(hierarchy: &Hierarchy, path: &str) -> blocking::Array {
    let metadata = ArrayBuilder::new(&[9, 14], "int32")
        .with_chunk_shape(&[2, 3])
        .with_shard_shape(&[4, 6])
        .with_codecs([codecs::bytes(true), codecs::zstd(1)])
        .with_dimension_names(["y", "x"])
        .build()
        .unwrap();
    hierarchy.create_array(path, metadata).unwrap()
}

#[test]
fn selections_of_every_form_mean_what_ndarray_says() {
    let hierarchy = open("memory:").unwrap();
    let array = sharded(&hierarchy, "a");
    let model = numbers((9, 14));
    array.write(.., &model).unwrap();
    let slice = |slice: ndarray::ArrayViewD<'_, i32>| slice.to_owned();
    let expected = slice(model.slice(s![2..5, 3]).into_dyn());
    assert_eq!(array.read::<i32>(s![2..5, 3]).unwrap(), expected);
    assert_eq!(array.read::<i32>((2..5, 3)).unwrap(), expected);
    assert_eq!(array.read::<i32>((2_u64..5, 3_u64)).unwrap(), expected);
    assert_eq!(array.read::<i32>((2..=4, -11)).unwrap(), expected);
    assert_eq!(array.read::<i32>((-7..-4, 3)).unwrap(), expected);
    assert_eq!(
        array.read::<i32>((("x", 3), ("y", 2..5))).unwrap(),
        expected
    );
    assert_eq!(array.read::<i32>((vec![2, 3, 4], 3)).unwrap(), expected);
    assert_eq!(array.read::<i32>((vec![2, -6, 4], 3)).unwrap(), expected);
    assert_eq!(
        array.read::<i32>(points([[2, 3], [3, 3], [4, 3]])).unwrap(),
        expected
    );
    let mut mask = Array2::from_elem((9, 14), false);
    mask.slice_mut(s![2..5, 3]).fill(true);
    assert_eq!(array.read::<i32>(&mask).unwrap(), expected);
    let rows = (0..9)
        .map(|row| (2..5).contains(&row))
        .collect::<Vec<bool>>();
    assert_eq!(array.read::<i32>((rows, 3)).unwrap(), expected);
    assert_eq!(
        array.read::<i32>(2..4).unwrap(),
        slice(model.slice(s![2..4, ..]).into_dyn())
    );
    assert_eq!(
        array.read::<i32>([2..4, 5..9]).unwrap(),
        slice(model.slice(s![2..4, 5..9]).into_dyn())
    );
    assert_eq!(
        array.read::<i32>((7.., ndarray::NewAxis, ..3)).unwrap(),
        slice(model.slice(s![7.., ndarray::NewAxis, ..3]).into_dyn())
    );
    assert_eq!(
        array.read::<i32>([("x", 5)]).unwrap(),
        slice(model.column(5).into_dyn())
    );
    assert_eq!(
        array.read::<i32>(&Selection::all()).unwrap(),
        model.clone().into_dyn()
    );
    let no_points: [[u64; 2]; 0] = [];
    assert_eq!(array.read::<i32>(points(no_points)).unwrap().len(), 0);
}

#[test]
fn selections_that_do_not_fit_are_refused_with_the_node() {
    let hierarchy = open("memory:").unwrap();
    let array = sharded(&hierarchy, "group/a");
    let kind = |error: zarr::Error| {
        assert_eq!(error.node().unwrap().as_str(), "group/a", "{error}");
        assert!(error.to_string().contains("group/a"), "{error}");
        error.kind()
    };
    let refused = [
        array.read::<i32>((0, 14)).unwrap_err(),
        array.read::<i32>((0, -15)).unwrap_err(),
        array.read::<i32>((vec![0, -10], 0)).unwrap_err(),
        array.read::<i32>((vec![0], 0, 0)).unwrap_err(),
        array.read::<i32>(3..10).unwrap_err(),
        array.read::<i32>([0, 0, 0]).unwrap_err(),
        array.read::<i32>([("z", 0)]).unwrap_err(),
        array.read::<i32>([("x", 0), ("x", 1)]).unwrap_err(),
        array.read::<i32>((("x", 0), 1)).unwrap_err(),
        array.read::<i32>((vec![0], ndarray::NewAxis)).unwrap_err(),
        array.read::<i32>(points([[0, 0, 0]])).unwrap_err(),
        array
            .read::<i32>(Array2::from_elem((9, 13), true))
            .unwrap_err(),
        array.read::<Array1<i32>>(..).unwrap_err(),
        array.write((0, 0..2), &[1, 2, 3]).unwrap_err(),
        array.write((0..2, 0..2), array![1, 2, 3]).unwrap_err(),
        array.chunk(&[3, 0]).unwrap_err(),
        array.chunk(&[0]).unwrap_err(),
        array.inner_chunk(&[5, 0]).unwrap_err(),
        array.view((vec![1], ..)).unwrap_err(),
    ];
    for error in refused {
        assert_eq!(kind(error), ErrorKind::Selection);
    }
    assert_eq!(
        kind(array.read::<f32>(..).unwrap_err()),
        ErrorKind::ElementType
    );
    assert_eq!(
        kind(array.write(.., "text").unwrap_err()),
        ErrorKind::ElementType
    );
}

#[test]
fn data_of_every_form_is_written_on_both_sides() {
    let hierarchy = open("memory:").unwrap();
    let array = sharded(&hierarchy, "a");
    let waits = array.as_async();
    let runtime = blocking::runtime();
    let model = numbers((9, 14));
    let reversed = model.slice(s![..;-1, ..]);
    let cow = ndarray::CowArray::from(reversed);
    let check = |expected: &ArrayD<i32>| {
        assert_eq!(array.read::<i32>(..).unwrap(), *expected);
        assert_eq!(runtime.block_on(waits.read::<i32>(..)).unwrap(), *expected);
        assert_eq!(
            runtime
                .block_on(waits.read::<Array2<i32>>(..))
                .unwrap()
                .into_dyn(),
            *expected
        );
        let mut into = ArrayD::<i32>::zeros(expected.shape());
        array.read_into(.., into.view_mut()).unwrap();
        assert_eq!(into, *expected);
        into.fill(0);
        runtime
            .block_on(waits.read_into(.., into.view_mut()))
            .unwrap();
        assert_eq!(into, *expected);
    };
    array.write(.., reversed).unwrap();
    check(&reversed.to_owned().into_dyn());
    runtime.block_on(waits.write(.., &model)).unwrap();
    check(&model.clone().into_dyn());
    runtime.block_on(waits.write(.., reversed)).unwrap();
    check(&reversed.to_owned().into_dyn());
    array.write(.., model.clone()).unwrap();
    check(&model.clone().into_dyn());
    array.write(.., cow).unwrap();
    check(&reversed.to_owned().into_dyn());
    array.write(.., model.as_slice().unwrap()).unwrap();
    check(&model.clone().into_dyn());
    array.write(.., 5).unwrap();
    check(&Array2::from_elem(model.raw_dim(), 5).into_dyn());
    runtime.block_on(waits.write(.., arr0(6))).unwrap();
    check(&Array2::from_elem(model.raw_dim(), 6).into_dyn());
    let row = model.row(4).to_vec();
    array.write(.., ([14], row.as_slice())).unwrap();
    check(
        &model
            .row(4)
            .broadcast((9, 14))
            .unwrap()
            .to_owned()
            .into_dyn(),
    );
    assert_eq!(array.read::<Scalar<i32>>((3, 2)).unwrap(), 402);
}

#[test]
fn strings_optionals_and_structs_are_read_and_written_like_numbers() {
    let hierarchy = open("memory:").unwrap();
    let create = |name: &str, builder: ArrayBuilder| {
        let array = hierarchy.create_array(name, builder.build().unwrap());
        array.unwrap()
    };
    let names = create(
        "names",
        ArrayBuilder::new(&[2, 3], "string").with_chunk_shape(&[1, 2]),
    );
    names.write((0, ..), &["Ada", "Grace", "Mary"]).unwrap();
    names.write((1, 1..), "x").unwrap();
    assert_eq!(
        names.read::<Array2<String>>(..).unwrap(),
        array![["Ada", "Grace", "Mary"], ["", "x", "x"]].mapv(str::to_owned)
    );
    let mut into = Array1::from_elem(2, String::new());
    names.read_into((0, 1..), into.view_mut()).unwrap();
    assert_eq!(into, array!["Grace".to_owned(), "Mary".to_owned()]);
    assert_eq!(
        names.read::<i32>(..).unwrap_err().kind(),
        ErrorKind::ElementType
    );

    let bytes = create("bytes", ArrayBuilder::new(&[3], "bytes"));
    bytes.write(1, vec![1_u8, 2]).unwrap();
    assert_eq!(
        bytes
            .read::<Vec<u8>>(..)
            .unwrap()
            .into_raw_vec_and_offset()
            .0,
        [vec![], vec![1, 2], vec![]]
    );

    for (inner, chain) in [
        ("int16", codecs::bytes(true)),
        ("string", Extension::new("vlen-utf8")),
    ] {
        let optional = Extension::new("optional").with("name", inner).with(
            "configuration",
            std::collections::BTreeMap::<String, String>::new(),
        );
        let data = match inner {
            "string" => chain,
            _ => chain,
        };
        let codec = Extension::new("optional")
            .with("mask_codecs", [Extension::new("packbits")])
            .with("data_codecs", [data]);
        let builder = ArrayBuilder::new(&[2, 2], "optional")
            .with_data_type(optional)
            .with_fill_json("null")
            .unwrap()
            .with_codecs([codec]);
        let array = create(&format!("optional_{inner}"), builder);
        if inner == "string" {
            let data = array![[None, Some("a".to_owned())], [Some(String::new()), None]];
            array.write(.., &data).unwrap();
            assert_eq!(array.read::<Array2<Option<String>>>(..).unwrap(), data);
            array.write((0, ..), None::<String>).unwrap();
            assert_eq!(
                array
                    .read::<Option<String>>((0, ..))
                    .unwrap()
                    .into_raw_vec_and_offset()
                    .0,
                [None, None]
            );
            assert_eq!(
                array.read::<Option<i16>>(..).unwrap_err().kind(),
                ErrorKind::ElementType
            );
        } else {
            let data = array![[None, Some(-7_i16)], [Some(0), None]];
            array.write(.., &data).unwrap();
            assert_eq!(array.read::<Array2<Option<i16>>>(..).unwrap(), data);
            let column = data
                .column(1)
                .broadcast((2, 2))
                .unwrap()
                .reversed_axes()
                .to_owned();
            array.write(.., column.view()).unwrap();
            assert_eq!(array.read::<Array2<Option<i16>>>(..).unwrap(), column);
        }
    }
}

#[test]
fn views_compose_as_slices_of_slices_do() {
    let hierarchy = open("memory:").unwrap();
    let metadata = ArrayBuilder::new(&[11, 12, 13], "int32").with_chunk_shape(&[3, 4, 5]);
    let array = hierarchy
        .create_array("a", metadata.build().unwrap())
        .unwrap();
    let model = Array3::from_shape_fn((11, 12, 13), |(z, y, x)| (1000 * z + 50 * y + x) as i32);
    array.write(.., &model).unwrap();
    let mut rng = random::rng(11);
    let mut slice = |len: usize| {
        let (a, b) = (rng.random_range(0..=len), rng.random_range(0..=len));
        let step = [-3, -2, -1, 1, 1, 2, 3][rng.random_range(0..7)];
        ndarray::Slice::new(a.min(b) as isize, Some(a.max(b) as isize), step)
    };
    for _ in 0..200 {
        let outer = [11, 12, 13].map(&mut slice);
        let mut expected = model.view().into_dyn();
        outer
            .iter()
            .enumerate()
            .for_each(|(axis, &slice)| expected.slice_axis_inplace(Axis(axis), slice));
        let view = array.view(outer).unwrap();
        let shape = expected.shape().to_vec();
        assert_eq!(
            view.shape(),
            shape.iter().map(|&len| len as u64).collect::<Vec<_>>()
        );
        assert_eq!(view.read::<i32>(..).unwrap(), expected, "{outer:?}");
        let inner = [slice(shape[0]), slice(shape[1]), slice(shape[2])];
        inner
            .iter()
            .enumerate()
            .for_each(|(axis, &slice)| expected.slice_axis_inplace(Axis(axis), slice));
        assert_eq!(
            view.read::<i32>(inner).unwrap(),
            expected,
            "{outer:?} {inner:?}"
        );
        let within = view.view(inner).unwrap();
        assert_eq!(
            within.read::<i32>(..).unwrap(),
            expected,
            "{outer:?} {inner:?}"
        );
        if expected.is_empty() {
            continue;
        }
        let last = within.view(-1).unwrap();
        let expected = expected.index_axis(Axis(0), expected.len_of(Axis(0)) - 1);
        assert_eq!(last.read::<i32>(..).unwrap(), expected);
        assert_eq!(
            last.read::<i32>((.., vec![0])).unwrap(),
            expected.slice_axis(Axis(1), (0..1).into())
        );
        assert_eq!(
            last.read::<Scalar<i32>>((0, -1)).unwrap(),
            expected[[0, expected.len_of(Axis(1)) - 1]]
        );
        assert_eq!(
            last.read::<i32>(points([[0, 0]])).unwrap().sum(),
            expected[[0, 0]]
        );
        let mask = expected.map(|value| value % 2 == 0);
        let even = expected
            .iter()
            .copied()
            .filter(|value| value % 2 == 0)
            .collect::<Vec<_>>();
        assert_eq!(
            last.read::<i32>(mask).unwrap().into_raw_vec_and_offset().0,
            even
        );
    }
}

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
            let global = array.inner_chunk(&place).unwrap();
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
        array.inner_chunk(&[0, 1]).unwrap(),
        array.inner_chunk(&[1, 0]).unwrap(),
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
    let (from, to) = (array.chunk(&[0, 1]).unwrap(), array.chunk(&[1, 0]).unwrap());
    let encoded = from.encoded().unwrap().unwrap();
    assert_eq!(from.stored_size().unwrap(), Some(encoded.len() as u64));
    to.write_encoded(encoded).unwrap();
    assert_eq!(to.read::<i32>().unwrap(), from.read::<i32>().unwrap());
    to.erase().unwrap();
    to.erase().unwrap();
    assert!(!to.is_stored().unwrap());
    assert_eq!(to.encoded().unwrap(), None);
    assert_eq!(to.read::<i32>().unwrap().sum(), 0);
    let inner = to.inner_chunk(&[0, 0]).unwrap();
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
        .inner_chunk(&[0, 2])
        .unwrap()
        .encoded()
        .unwrap()
        .unwrap();
    array
        .inner_chunk(&[3, 1])
        .unwrap()
        .write_encoded(from)
        .unwrap();
    let mut expected = model.clone();
    expected
        .slice_mut(s![6..8, 3..6])
        .assign(&model.slice(s![0..2, 6..9]));
    assert_eq!(array.read::<Array2<i32>>(..).unwrap(), expected);
    let refused = array
        .inner_chunk(&[0, 0])
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
    let failing = || Err::<(Vec<u64>, i32), _>(to.chunk(&[7, 7]).unwrap_err());
    to.write_chunks([failing()]).unwrap_err();
    let keeping = to.with_write_options(WriteOptions {
        store_fill: true,
        ..Default::default()
    });
    keeping.chunk(&[0, 0]).unwrap().write(0).unwrap();
    assert!(keeping.chunk(&[0, 0]).unwrap().is_stored().unwrap());
}
