//! Allocations of a read or write plan per inner chunk of a shard: a small constant.

#![expect(clippy::unwrap_used, reason = "tests")]
use std::sync::Arc;

use bytes::Bytes;
use zarr::ArrayBuilder;
use zarr_core::plan::{Body, ObjectState, ReadPlan, Work, WriteOptions, WritePlan};
use zarr_core::{ArrayLayout, Extension, Input, Output, Selection};
use zarr_tests::counting::{self, Counting};

#[global_allocator]
static COUNTING: Counting = Counting;

/// Inner chunks per shard, and elements per inner chunk.
const INNER: usize = 4096;
const LEN: usize = 16;

/// Allocations of a read and of a write per inner chunk.
const READ: usize = 3;
const WRITE: usize = 3;

fn layout() -> Arc<ArrayLayout> {
    let len = (INNER * LEN) as u64;
    let metadata = ArrayBuilder::new(&[len], "uint32")
        .with_chunk_shape(&[LEN as u64])
        .with_shard_shape(&[len])
        .with_codecs([Extension::new("bytes").with("endian", "little")])
        .build()
        .unwrap();
    Arc::new(ArrayLayout::bind(&metadata, &zarr::registry()).unwrap())
}

fn counted<R>(what: &str, most: usize, work: impl FnOnce() -> R) -> R {
    let (result, [count, _]) = counting::counted(work);
    assert!(
        count <= most * INNER + 500,
        "{what}: {count} allocations for {INNER} inner chunks"
    );
    println!(
        "{what}: {:.1} allocations for each inner chunk",
        count as f64 / INNER as f64
    );
    result
}

#[test]
fn plans_allocate_little_for_each_inner_chunk() {
    let layout = layout();
    let resolved = Selection::all().resolve(layout.shape()).unwrap();
    let elements = (1..=u32::try_from(INNER * LEN).unwrap()).collect::<Vec<_>>();
    let input = Input::from_vec(elements.clone(), 0);
    let options = WriteOptions::default();
    let plan = WritePlan::new(layout.clone(), "".into(), &resolved, &[4], options);
    let pieces = counted("write", WRITE, || {
        let object = plan.objects().next().unwrap();
        let mut encode = object.encode(ObjectState::Absent).unwrap();
        let encoded = encode
            .by_ref()
            .map(|job| job.run(&input).unwrap())
            .collect::<Vec<_>>();
        object.assemble(encode.finish(encoded)).unwrap().unwrap()
    });
    let shard = Bytes::from(pieces.concat());
    let output = Output::zeroed::<u32>(elements.len()).unwrap();
    let plan = ReadPlan::new(layout, "".into(), &resolved);
    counted("read", READ, || {
        for mut object in plan.start(&output).unwrap() {
            let body = Body {
                object_size: shard.len() as u64,
                bytes: shard.clone(),
            };
            for work in object.attempt().unwrap().supply(Some(body)).unwrap() {
                match work.unwrap() {
                    Work::Decode(job) => job.run().unwrap(),
                    Work::Fetch(fetch) => panic!("{fetch:?}"),
                }
            }
        }
    });
    assert!(output.into_vec::<u32>(elements.len()).unwrap() == elements);
}
