//! Guarantees of safe functions: never an element of an earlier read, an invalid value, or two
//! concurrent writers of one byte.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use zarr::blocking::{Array, Hierarchy, open};
use zarr::{ArrayBuilder, Extension, Selection, codecs};
use zarr_core::plan::{Body, ChunkAccess, ReadPlan, Work};
use zarr_core::{ArrayLayout, AxisPlaces, ChunkSelection, Error, ErrorKind, Output, PlacedIndices};

/// Creates an array of 8 bytes in chunks of 4; only the first chunk is stored.
fn half_stored(data_type: &str) -> (Hierarchy, Array) {
    let hierarchy = open("memory:").unwrap();
    let metadata = ArrayBuilder::new(&[8], data_type).with_chunk_shape(&[4]);
    let array = hierarchy
        .create_array("a", metadata.build().unwrap())
        .unwrap();
    (hierarchy, array)
}

fn range(start: isize, end: isize) -> Selection {
    zarr::slices(ndarray::s![start..end])
}

fn layout(array: &Array) -> Arc<ArrayLayout> {
    Arc::new(array.as_async().layout().clone())
}

#[test]
fn a_second_read_into_an_output_leaves_nothing_of_the_first() {
    let (_hierarchy, array) = half_stored("uint8");
    array
        .write(range(0, 4), ndarray::arr1(&[7_u8; 4]).view().into_dyn())
        .unwrap();
    let output = Output::zeroed::<u8>(4).unwrap();
    array
        .read_output(range(0, 4), output.clone(), &[1])
        .unwrap();
    array
        .read_output(range(4, 8), output.clone(), &[1])
        .unwrap();
    assert_eq!(output.into_vec::<u8>(4).unwrap(), [0; 4]);
}

#[test]
fn bytes_that_are_no_bool_never_become_one() {
    let (_hierarchy, array) = half_stored("uint8");
    array
        .write(range(0, 4), ndarray::arr1(&[7_u8; 4]).view().into_dyn())
        .unwrap();
    let output = Output::zeroed::<u8>(4).unwrap();
    array
        .read_output(range(0, 4), output.clone(), &[1])
        .unwrap();
    let output = output.into_vec::<bool>(4).unwrap_err();
    assert_eq!(output.into_vec::<u8>(4).unwrap(), [7; 4]);
}

#[test]
fn a_damaged_bool_is_not_left_in_the_callers_array() {
    let (hierarchy, array) = half_stored("bool");
    let store = hierarchy.store();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let put = store.put(
        "a/c/0",
        vec![vec![0, 1, 7, 1].into()],
        zarr_store::Precondition::None,
    );
    runtime.block_on(put).unwrap();
    let mut into = ndarray::arr1(&[true; 4]).into_dyn();
    array.read_into(range(0, 4), into.view_mut()).unwrap_err();
    let bytes = zarr_core::element_bytes(into.as_slice().unwrap());
    assert!(bytes.iter().all(|&byte| byte <= 1), "{bytes:?}");
}

#[test]
fn strides_that_put_two_elements_in_one_place_are_refused() {
    let (_hierarchy, array) = half_stored("uint16");
    for strides in [&[0][..], &[1], &[-1], &[], &[2, 2]] {
        let output = Output::zeroed::<u16>(8).unwrap();
        let error = array.read_output(range(0, 8), output, strides).unwrap_err();
        assert!(
            error.to_string().contains("strides"),
            "{strides:?}: {error}"
        );
    }
    let output = Output::zeroed::<u16>(16).unwrap();
    array.read_output(range(0, 8), output, &[4]).unwrap();
}

fn access(key: &str, selection: ChunkSelection) -> ChunkAccess {
    ChunkAccess {
        key: key.into(),
        shape: [4].into(),
        selection,
        complete: false,
    }
}

fn placed(position: u64, stride: isize) -> ChunkSelection {
    ChunkSelection::orthogonal([AxisPlaces {
        indices: PlacedIndices::Range {
            start: 0,
            step: 1,
            count: 4,
            position,
        },
        stride,
    }])
}

fn listed(pairs: &[(u64, u64)]) -> ChunkSelection {
    ChunkSelection::orthogonal([AxisPlaces {
        indices: PlacedIndices::Pairs(pairs.to_vec()),
        stride: 1,
    }])
}

fn points(positions: &[u64], stride: isize) -> ChunkSelection {
    let coordinates = vec![vec![0; positions.len()]];
    ChunkSelection::points(&coordinates, positions.to_vec(), stride).unwrap()
}

#[test]
fn chunks_that_share_places_are_refused() {
    let (_hierarchy, array) = half_stored("uint8");
    let plan = |one, other| {
        ReadPlan::of_chunks(
            layout(&array),
            [access("a/c/0", one), access("a/c/1", other)],
        )
    };
    let refused = [
        (placed(0, 1), placed(0, 1)),
        (placed(0, 1), placed(3, 1)),
        (placed(0, 1), placed(4, 2)),
        (placed(0, 0), placed(4, 0)),
        (listed(&[(0, 0), (1, 2)]), listed(&[(0, 1), (1, 2)])),
        (listed(&[(0, 5), (1, 5)]), placed(0, 1)),
        (points(&[0, 3], 1), points(&[3], 1)),
        (points(&[0, 3], 0), points(&[4], 0)),
        (points(&[0], 1), placed(4, 1)),
    ];
    for (one, other) in refused {
        let described = format!("{one:?} {other:?}");
        let error = plan(one, other).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Selection, "{described}");
    }
    for (one, other) in [
        (placed(0, 1), placed(4, 1)),
        (placed(4, -1), placed(0, -1)),
        (listed(&[(0, 0), (1, 2)]), listed(&[(0, 3), (1, 1)])),
        (points(&[0, 3], 1), points(&[2, 1], 1)),
    ] {
        plan(one, other).unwrap();
    }
}

#[test]
fn an_output_has_one_read_at_a_time_and_an_object_one_attempt() {
    let (_hierarchy, array) = half_stored("uint8");
    let plan = array.as_async().plan_read(ndarray::s![..]).unwrap();
    let output = Output::zeroed::<u8>(8).unwrap();
    let mut reading = plan.start(&output).unwrap();
    assert_eq!(plan.start(&output.clone()).err(), Some(Error::OutputInUse));

    let mut object = reading.next().unwrap();
    let fetch = object.attempt().unwrap();
    assert_eq!(object.attempt().err(), Some(Error::OutputInUse));
    let work = fetch.supply(None).unwrap();
    assert_eq!(object.attempt().err(), Some(Error::OutputInUse));
    for work in work {
        match work.unwrap() {
            Work::Decode(job) => job.run().unwrap(),
            Work::Fetch(fetch) => panic!("{fetch:?}"),
        }
    }
    object.attempt().unwrap();

    drop(reading);
    assert_eq!(plan.start(&output).err(), Some(Error::OutputInUse));
    drop(object);
    plan.start(&output).unwrap();
}

/// Writes an array of 1 MiB in one shard of these codecs, and returns it with the shard.
fn one_shard(folder: &tempfile::TempDir, inner: u64, codecs: Vec<Extension>) -> (Array, Body) {
    let hierarchy = open(folder.path().to_str().unwrap()).unwrap();
    let metadata = ArrayBuilder::new(&[1 << 20], "uint8")
        .with_chunk_shape(&[inner])
        .with_shard_shape(&[1 << 20])
        .with_codecs(codecs);
    let array = hierarchy
        .create_array("a", metadata.build().unwrap())
        .unwrap();
    let elements = ndarray::Array1::from_elem(1 << 20, 7_u8);
    array.write(.., &elements).unwrap();
    let bytes = std::fs::read(folder.path().join("a/c/0")).unwrap();
    let object_size = bytes.len() as u64;
    let bytes = bytes.into();
    (array, Body { bytes, object_size })
}

#[test]
fn a_batch_of_a_shard_holds_the_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let (array, body) = one_shard(&folder, 4 << 10, vec![codecs::bytes(true)]);
    let plan = array.as_async().plan_read(ndarray::s![..]).unwrap();
    let output = Output::zeroed::<u8>(1 << 20).unwrap();
    let mut object = plan.start(&output).unwrap().next().unwrap();
    let works = object.attempt().unwrap().supply(Some(body)).unwrap();
    let mut batches = works.batches();
    let mut batch = batches.next().unwrap().unwrap();
    drop(batches);
    assert_eq!(object.attempt().err(), Some(Error::OutputInUse));
    let job = batch.next().unwrap().unwrap();
    drop(batch);
    assert_eq!(object.attempt().err(), Some(Error::OutputInUse));
    drop(job);
    object.attempt().unwrap();
}

#[test]
fn a_nested_shard_in_memory_is_divided_into_batches() {
    let folder = tempfile::tempdir().unwrap();
    let nested = codecs::sharding(&[64 << 10], &[codecs::bytes(true)]);
    let (array, body) = one_shard(&folder, 512 << 10, vec![nested]);
    let plan = array.as_async().plan_read(ndarray::s![..]).unwrap();
    let output = Output::zeroed::<u8>(1 << 20).unwrap();
    let mut object = plan.start(&output).unwrap().next().unwrap();
    let works = object.attempt().unwrap().supply(Some(body)).unwrap();
    let mut lens = Vec::new();
    for batch in works.batches() {
        let mut len = 0;
        for work in batch.unwrap() {
            match work.unwrap() {
                Work::Decode(job) => job.run().unwrap(),
                Work::Fetch(fetch) => panic!("{fetch:?}"),
            }
            len += 1;
        }
        lens.push(len);
    }
    assert_eq!(lens, [4; 4]);
    drop(object);
    assert!(
        output
            .into_vec::<u8>(1 << 20)
            .unwrap()
            .iter()
            .all(|&element| element == 7)
    );
}
