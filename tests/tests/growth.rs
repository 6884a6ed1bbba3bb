//! Work grows at most in proportion to the size of a request: counts allocations and allocated
//! bytes for a size and a multiple of that size. docs/scale.md has curves of time.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use zarr::{ArrayBuilder, Extension, blocking};
use zarr_core::plan::{Body, ObjectState, ReadPlan, WriteOptions, WritePlan};
use zarr_core::{
    ArrayLayout, AxisIndices, BasicIndex, Error, Input, Members, Output, Selection, Slice,
};
use zarr_tests::counting::{Counting, counted};

#[global_allocator]
static COUNTING: Counting = Counting;

/// The factor between the two sizes of a case.
const FACTOR: usize = 4;

fn layout(shape: &[u64], chunk: &[u64]) -> Arc<ArrayLayout> {
    let metadata = ArrayBuilder::new(shape, "uint8").with_chunk_shape(chunk);
    let metadata = metadata.build().unwrap();
    Arc::new(ArrayLayout::bind(&metadata, &zarr::registry()).unwrap())
}

/// Reads a selection of an array of which no chunk is stored; its fill value is written.
fn read(layout: &Arc<ArrayLayout>, selection: &Selection) {
    let resolved = selection.resolve(layout.shape()).unwrap();
    let output = Output::zeroed::<u8>(resolved.elements().unwrap()).unwrap();
    let plan = ReadPlan::new(layout.clone(), "".into(), &resolved);
    plan.run(&output, |_, _| Ok::<_, Error>(None)).unwrap();
}

/// Counts work on a size and on a larger size, and fails if the larger costs more than `most` times
/// as much; 64 allocations and 4 KiB are free.
fn compare<I>(
    what: &str,
    sizes: [usize; 2],
    most: usize,
    prepare: impl Fn(usize) -> I,
    work: impl Fn(I),
) {
    // Tables that are made once are made here.
    work(prepare(sizes[0]));
    let counts = sizes.map(|size| {
        let input = prepare(size);
        counted(|| work(input)).1
    });
    for (size, [calls, bytes]) in sizes.iter().zip(counts) {
        println!("| {what} | {size} | {calls} | {bytes} |");
    }
    let [small, large] = counts;
    for (unit, free, small, large) in [
        ("allocations", 64, small[0], large[0]),
        ("bytes", 4096, small[1], large[1]),
    ] {
        let limit = (small + free) * most;
        assert!(
            large <= limit,
            "{what}: {small} {unit} for {}, {large} for {}",
            sizes[0],
            sizes[1]
        );
    }
}

/// Fails if four times the size costs clearly more than four times as much.
fn proportional<I>(what: &str, size: usize, prepare: impl Fn(usize) -> I, work: impl Fn(I)) {
    compare(what, [size, FACTOR * size], FACTOR + 1, prepare, work);
}

/// Fails if a thousand times the size costs more than the size. Plans count up to 16,384 objects one
/// by one, so the size is above that.
fn constant<I>(what: &str, size: usize, prepare: impl Fn(usize) -> I, work: impl Fn(I)) {
    compare(what, [size, 1000 * size], 1, prepare, work);
}

/// Returns `count` scattered indices below `len`.
fn scattered(count: usize, len: u64) -> Vec<u64> {
    (0..count as u64)
        .map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % len)
        .collect()
}

#[test]
fn coordinates_and_indices() {
    let flat = layout(&[1 << 30], &[1 << 20]);
    let plane = layout(&[4096, 4096], &[64, 64]);
    let one = |size| Selection::Coordinates(vec![scattered(size, 1 << 30)]);
    proportional("coordinates, one dimension", 250_000, one, |selection| {
        read(&flat, &selection)
    });
    let two = |size| Selection::Coordinates(vec![scattered(size, 4096), scattered(size, 4093)]);
    proportional("coordinates, 4,096 chunks", 250_000, two, |selection| {
        read(&plane, &selection)
    });
    proportional(
        "written coordinates, 4,096 chunks",
        250_000,
        two,
        |selection| {
            let resolved = selection.resolve(plane.shape()).unwrap();
            let plan = WritePlan::new(
                plane.clone(),
                "".into(),
                &resolved,
                &[1],
                WriteOptions::default(),
            );
            assert_eq!(plan.objects().count() as u64, plan.len());
        },
    );
    let indices = |size| Selection::Orthogonal(vec![AxisIndices::from(scattered(size, 1 << 30))]);
    proportional("indices of one dimension", 250_000, indices, |selection| {
        read(&flat, &selection)
    });
    let columns = |size| {
        let rows = AxisIndices::from(scattered(size, 4096));
        Selection::Orthogonal(vec![rows, AxisIndices::from(scattered(64, 4096))])
    };
    proportional("indices of two dimensions", 16_384, columns, |selection| {
        read(&plane, &selection)
    });
}

#[test]
fn selections_dimensions_and_shards() {
    let flat = layout(&[1 << 30], &[1 << 20]);
    proportional(
        "selections of one element",
        2_500,
        |size| size,
        |size| {
            for start in 0..isize::try_from(size).unwrap() {
                let slice = Slice {
                    start,
                    end: Some(start + 1),
                    step: 1,
                };
                read(&flat, &Selection::Slices(vec![slice.into()]));
            }
        },
    );
    proportional(
        "dimensions",
        8,
        |rank| rank,
        |rank| {
            let layout = layout(&vec![2; rank], &vec![1; rank]);
            let one = vec![BasicIndex::Integer(1); rank];
            read(&layout, &Selection::Slices(one));
        },
    );
    let shards = |count: usize| layout(&[64 * count as u64], &[64]);
    constant(
        "shards, plan and print a read of all",
        20_000,
        shards,
        |layout| {
            let resolved = Selection::all().resolve(layout.shape()).unwrap();
            let plan = ReadPlan::new(layout, "".into(), &resolved);
            assert!(plan.requests() > 0 && plan.to_string().len() > 100);
        },
    );
    constant("shards, read one element", 20_000, shards, |layout| {
        read(&layout, &Selection::Slices(vec![BasicIndex::Integer(-1)]));
    });
    constant(
        "shards, remove all but one",
        20_000,
        |count| {
            let metadata = ArrayBuilder::new(&[64 * count as u64], "uint8").with_chunk_shape(&[64]);
            let hierarchy = blocking::open("memory:").unwrap();
            let array = hierarchy
                .create_array("a", metadata.build().unwrap())
                .unwrap();
            for start in [0, 64 * count - 64] {
                array.write(start..start + 64, 1_u8).unwrap();
            }
            array
        },
        |mut array| array.resize(&[1]).unwrap(),
    );
}

#[test]
fn inner_chunks() {
    let layout = |count: usize| {
        let metadata = ArrayBuilder::new(&[8 * count as u64], "uint8")
            .with_chunk_shape(&[8])
            .with_shard_shape(&[8 * count as u64])
            .with_codecs([Extension::new("bytes")]);
        Arc::new(ArrayLayout::bind(&metadata.build().unwrap(), &zarr::registry()).unwrap())
    };
    let encode = |layout: &Arc<ArrayLayout>| {
        let input = Input::from_vec(vec![1_u8; usize::try_from(layout.shape()[0]).unwrap()], 0);
        let resolved = Selection::all().resolve(layout.shape()).unwrap();
        let plan = WritePlan::new(
            layout.clone(),
            "".into(),
            &resolved,
            &[1],
            WriteOptions::default(),
        );
        let object = plan.objects().next().unwrap();
        let mut jobs = object.encode(ObjectState::Absent).unwrap();
        let encoded = jobs
            .by_ref()
            .map(|job| job.run(&input).unwrap())
            .collect::<Vec<_>>();
        Bytes::from(
            object
                .assemble(jobs.finish(encoded))
                .unwrap()
                .unwrap()
                .concat(),
        )
    };
    let stored = |count| {
        let layout = layout(count);
        let shard = encode(&layout);
        (layout, shard)
    };
    proportional("inner chunks, write all", 1 << 16, layout, |layout| {
        drop(encode(&layout))
    });
    let read_of = |selection: Selection| {
        move |(layout, shard): (Arc<ArrayLayout>, Bytes)| {
            let resolved = selection.resolve(layout.shape()).unwrap();
            let output = Output::zeroed::<u8>(resolved.elements().unwrap()).unwrap();
            let plan = ReadPlan::new(layout, "".into(), &resolved);
            let get = |_: &str, range: &zarr_core::ByteRange| {
                let size = shard.len() as u64;
                let range = range.resolve(size);
                let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
                Ok::<_, Error>(Some(Body {
                    bytes: shard.slice(start..end),
                    object_size: size,
                }))
            };
            plan.run(&output, get).unwrap();
            assert_eq!(
                output.into_vec::<u8>(resolved.elements().unwrap()).unwrap()[0],
                1
            );
        }
    };
    proportional(
        "inner chunks, read all",
        1 << 16,
        stored,
        read_of(Selection::all()),
    );
    let last = Selection::Slices(vec![BasicIndex::Integer(-1)]);
    proportional(
        "inner chunks, index and read one",
        1 << 16,
        stored,
        read_of(last),
    );
}

#[test]
fn attributes_and_nodes() {
    let text = |size: usize| {
        let members = (0..size).map(|number| (format!("attribute {number}"), number));
        serde_json::to_string(&members.collect::<BTreeMap<_, _>>()).unwrap()
    };
    proportional("attributes, parse and format", 25_000, text, |text| {
        let members = Members::parse(text.as_bytes()).unwrap();
        assert!(members.to_text().unwrap().len() > text.len());
    });
    let consolidated = |size: usize| {
        let array = ArrayBuilder::new(&[10], "uint8")
            .build()
            .unwrap()
            .to_text()
            .unwrap();
        let array: serde_json::Value = serde_json::from_str(&array).unwrap();
        let nodes = (0..size).map(|number| (format!("a{number}"), array.clone()));
        let document = serde_json::json!({
            "zarr_format": 3, "node_type": "group",
            "consolidated_metadata": {
                "kind": "inline", "must_understand": false,
                "metadata": nodes.collect::<serde_json::Map<_, _>>(),
            },
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("zarr.json"), document.to_string()).unwrap();
        (folder, size)
    };
    proportional(
        "nodes in consolidated metadata, list",
        2_500,
        consolidated,
        |(folder, size)| {
            let hierarchy = blocking::open(folder.path().to_str().unwrap()).unwrap();
            assert_eq!(hierarchy.group("").unwrap().walk().unwrap().len(), size);
        },
    );
}
