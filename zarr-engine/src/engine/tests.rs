//! Tests of plans for chunks whose keys, shapes and positions the caller chooses.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ndarray::{Array1, Array2, ArrayD, s};
use tracing::span;
use zarr_core::plan::{ChunkAccess, ReadPlan, WriteOptions, WritePlan};
use zarr_core::{ArrayLayout, AxisPlaces, ChunkSelection, Input, Output, PlacedIndices};

use super::Target;
use crate::{Array, ArrayBuilder, Hierarchy, blocking, open};

const ITEM: isize = 4;

/// Creates a [10, 12] int32 array with [6, 8] shards and [3, 4] inner chunks. Each element is 100
/// times its row plus its column.
async fn sharded(hierarchy: &Hierarchy) -> (Array, Array2<i32>) {
    let builder = ArrayBuilder::new(&[10, 12], "int32")
        .with_chunk_shape(&[3, 4])
        .with_shard_shape(&[6, 8]);
    let array = hierarchy
        .create_array("a", builder.build().unwrap())
        .await
        .unwrap();
    let elements = Array2::from_shape_fn((10, 12), |(row, column)| {
        i32::try_from(100 * row + column).unwrap()
    });
    array
        .write(s![..6, ..], elements.slice(s![..6, ..]).to_owned())
        .await
        .unwrap();
    (array, elements)
}

fn layout(array: &Array) -> Arc<ArrayLayout> {
    Arc::new(array.layout().clone())
}

fn range(start: u64, step: i64, count: u64, position: u64, stride: isize) -> AxisPlaces {
    AxisPlaces {
        indices: PlacedIndices::Range {
            start,
            step,
            count,
            position,
        },
        stride,
    }
}

fn access(key: &str, selection: ChunkSelection) -> ChunkAccess {
    ChunkAccess {
        key: key.into(),
        shape: [6, 8].into(),
        selection,
        complete: false,
    }
}

async fn read(hierarchy: &Hierarchy, plan: ReadPlan, len: usize) -> (Vec<i32>, Vec<Arc<str>>) {
    let output = Output::zeroed::<i32>(len).unwrap();
    let target = Target::fixed(output.clone()).reporting_absent();
    hierarchy.run_read(plan, target.clone()).await.unwrap();
    let absent = target.absent();
    drop(target);
    (output.into_vec(len).unwrap(), absent)
}

#[tokio::test]
async fn chunks_go_to_their_places_and_absent_ones_are_named() {
    let directory = tempfile::tempdir().unwrap();
    for url in ["memory:", directory.path().to_str().unwrap()] {
        let hierarchy = open(url).unwrap();
        let (array, elements) = sharded(&hierarchy).await;
        // Rows 4..8 by columns 1, 9 of the array, in Fortran order.
        let (row, column) = (ITEM, 4 * ITEM);
        let part = |start, count, position, index, to| {
            let rows = range(start, 1, count, position, row);
            let columns = PlacedIndices::Pairs(vec![(index, to)]);
            ChunkSelection::orthogonal([
                rows,
                AxisPlaces {
                    indices: columns,
                    stride: column,
                },
            ])
        };
        let chunks = [
            access("a/c/0/0", part(4, 2, 0, 1, 0)),
            access("a/c/0/1", part(4, 2, 0, 1, 1)),
            access("a/c/1/0", part(0, 2, 2, 1, 0)),
            access("a/c/1/1", part(0, 2, 2, 1, 1)),
        ];
        let plan = ReadPlan::of_chunks(layout(&array), chunks).unwrap();
        assert_eq!((plan.objects(), plan.decoded_size()), (4, 4 * 12 * 4));
        let (found, mut absent) = read(&hierarchy, plan, 8).await;
        let expected = [
            elements[[4, 1]],
            elements[[5, 1]],
            0,
            0,
            elements[[4, 9]],
            elements[[5, 9]],
            0,
            0,
        ];
        assert_eq!(found, expected);
        absent.sort();
        assert_eq!(absent, ["a/c/1/0".into(), "a/c/1/1".into()]);
    }
}

#[tokio::test]
async fn points_have_positions_of_their_own() {
    let hierarchy = open("memory:").unwrap();
    let (array, elements) = sharded(&hierarchy).await;
    let points =
        ChunkSelection::points(&[vec![5, 0, 5], vec![7, 2, 7]], vec![2, 0, 1], ITEM).unwrap();
    let plan = ReadPlan::of_chunks(layout(&array), [access("a/c/0/0", points)]).unwrap();
    let (found, _) = read(&hierarchy, plan, 3).await;
    assert_eq!(
        found,
        [elements[[0, 2]], elements[[5, 7]], elements[[5, 7]]]
    );
    assert!(ChunkSelection::points(&[vec![1], vec![1, 2]], vec![0], ITEM).is_err());
}

#[tokio::test]
async fn what_lies_outside_the_chunk_or_the_grid_is_refused() {
    let hierarchy = open("memory:").unwrap();
    let (array, _) = sharded(&hierarchy).await;
    let all = |rows, columns| {
        ChunkSelection::orthogonal([range(0, 1, rows, 0, 0), range(0, 1, columns, 0, ITEM)])
    };
    let pairs = PlacedIndices::Pairs(vec![(6, 0)]);
    let refused = [
        access("a/c/0/0", all(7, 1)),
        access(
            "a/c/0/0",
            ChunkSelection::orthogonal([range(0, 1, 1, 0, 0)]),
        ),
        access(
            "a/c/0/0",
            ChunkSelection::orthogonal([range(2, -1, 4, 0, 0), range(0, 1, 1, 0, 0)]),
        ),
        access(
            "a/c/0/0",
            ChunkSelection::orthogonal([
                AxisPlaces {
                    indices: pairs,
                    stride: 0,
                },
                range(0, 1, 1, 0, 0),
            ]),
        ),
        access(
            "a/c/0/0",
            ChunkSelection::points(&[vec![0], vec![8]], vec![0], ITEM).unwrap(),
        ),
        ChunkAccess {
            shape: [3, 4].into(),
            ..access("a/c/0/0", all(1, 1))
        },
    ];
    for access in refused {
        let described = format!("{access:?}");
        let error = ReadPlan::of_chunks(layout(&array), [access]).unwrap_err();
        assert!(
            error.to_string().contains("a/c/0/0"),
            "{described}: {error}"
        );
    }
}

/// Writes 7 to the first rows of the shard at the lower right corner; [4, 4] of its elements lie
/// inside the array.
async fn write_corner(hierarchy: &Hierarchy, array: &Array, rows: u64, complete: bool) {
    let selection = ChunkSelection::orthogonal([range(0, 1, rows, 0, 0), range(0, 1, 4, 0, 0)]);
    let chunk = ChunkAccess {
        complete,
        ..access("a/c/1/1", selection)
    };
    let plan = WritePlan::of_chunks(layout(array), [chunk], WriteOptions::default()).unwrap();
    hierarchy
        .run_write(plan, Input::from_vec(vec![7_i32], 0))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_complete_edge_chunk_is_replaced_and_another_is_merged() {
    let hierarchy = open("memory:").unwrap();
    let (array, _) = sharded(&hierarchy).await;
    let requests = || hierarchy.store().requests();
    let before = requests();
    write_corner(&hierarchy, &array, 4, true).await;
    assert_eq!(requests().gets, before.gets, "replaced without a read");
    write_corner(&hierarchy, &array, 2, false).await;
    assert!(requests().gets > before.gets, "merged");
    let found: ArrayD<i32> = array.read::<i32>(s![6.., 8..]).await.unwrap();
    assert!(found.iter().all(|&element| element == 7), "{found}");
}

#[tokio::test]
async fn a_layout_learns_chunks_of_another_shape() {
    let hierarchy = open("memory:").unwrap();
    let (array, _) = sharded(&hierarchy).await;
    let bound = array.layout().clone();
    let learn = |shape: &[u64]| {
        let layout = bound.clone();
        layout.with_chunk_shape(shape, array.metadata(), hierarchy.registry())
    };
    let layout = learn(&[3, 8]).unwrap();
    assert!(layout.codecs_of_shape(&[6, 8]).is_some());
    assert_eq!(layout.codecs_of(&[0, 0]).decoded().shape[..], [6, 8]);
    let learned = layout.codecs_of_shape(&[3, 8]).unwrap();
    assert_eq!(learned.decoded().shape[..], [3, 8]);
    // Inner chunks of [3, 4] do not divide it.
    assert!(learn(&[4, 8]).is_err());
}

/// A thread of the caller's pool that waits for a read must not run other tasks of its pool
/// meanwhile.
#[test]
fn a_read_on_a_thread_of_another_pool_runs_no_other_task_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let caller = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    for url in ["memory:", directory.path().to_str().unwrap()] {
        let hierarchy = blocking::open(url).unwrap();
        let metadata = ArrayBuilder::new(&[64, 64], "int32")
            .with_chunk_shape(&[4, 4])
            .with_shard_shape(&[32, 32])
            .build()
            .unwrap();
        let array = hierarchy.create_array("a", metadata).unwrap();
        let elements = Array2::<i32>::ones((64, 64)).into_dyn();
        let (held, ran) = (Arc::new(Mutex::new(())), Arc::new(AtomicUsize::new(0)));
        let disturb = || {
            for _ in 0..16 {
                let (held, ran) = (held.clone(), ran.clone());
                rayon::spawn(move || {
                    ran.fetch_add(usize::from(held.try_lock().is_err()), Ordering::Relaxed);
                });
            }
        };
        caller.install(|| {
            let lock = held.lock().unwrap();
            disturb();
            array.write(s![.., ..], elements.view()).unwrap();
            // Many shards, many inner chunks of one shard, one inner chunk.
            for slices in [s![.., ..], s![..32, ..32], s![..8, ..8], s![..4, ..4]] {
                disturb();
                let found: ArrayD<i32> = array.read::<i32>(slices).unwrap();
                assert!(found.iter().all(|&element| element == 1));
            }
            drop(lock);
        });
        assert_eq!(ran.load(Ordering::Relaxed), 0, "{url}");
    }
}

/// Ranges that arrive together go to the computing threads together.
#[tokio::test]
async fn inner_chunks_of_one_response_are_decoded_in_one_hop() {
    let hierarchy = open("memory:").unwrap();
    let metadata = ArrayBuilder::new(&[4096], "int32")
        .with_chunk_shape(&[4])
        .with_shard_shape(&[4096])
        .build()
        .unwrap();
    let array = hierarchy.create_array("a", metadata).await.unwrap();
    let elements = Array1::from_iter(0..4096_i32);
    array.write(s![..], elements.clone()).await.unwrap();
    let _listening = tracing::subscriber::set_default(Hops);
    let found = array.read::<i32>(s![..2048]).await.unwrap();
    assert_eq!(found, elements.slice(s![..2048]).into_dyn());
    // 512 inner chunks.
    assert_eq!(HOPS.get(), 1);
}

thread_local! {
    static HOPS: Cell<usize> = const { Cell::new(0) };
}

struct Hops;

impl tracing::Subscriber for Hops {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "zarr_engine::engine::remote"
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        HOPS.set(HOPS.get() + 1);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Runs `work` while the only thread for blocking file I/O is busy: any work that needs that thread
/// never finishes.
fn without_a_thread_for_files(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    let (release, busy) = std::sync::mpsc::channel::<()>();
    runtime.spawn_blocking(move || busy.recv());
    let most = std::time::Duration::from_mins(1);
    let done = runtime.block_on(async { tokio::time::timeout(most, work).await });
    drop(release);
    done.expect("a thread was asked for");
}

#[test]
fn small_files_are_written_without_another_thread_for_each() {
    let directory = tempfile::tempdir().unwrap();
    let hierarchy = blocking::open(directory.path().to_str().unwrap()).unwrap();
    let builder = ArrayBuilder::new(&[1000], "uint8").with_chunk_shape(&[2]);
    let array = hierarchy
        .create_array("a", builder.build().unwrap())
        .unwrap();
    let mut expected = Array1::from_iter((0..1000).map(|i| u8::try_from(i % 7).unwrap()));
    let counts = || array.as_async().hierarchy().store().requests();
    let before = counts();
    let data = expected.clone();
    without_a_thread_for_files(async { array.as_async().write(s![..], data).await.unwrap() });
    assert_eq!(counts().puts - before.puts, 500);
    assert_eq!(counts().deletes, before.deletes);
    assert_eq!(
        array.read::<u8>(s![..]).unwrap(),
        expected.clone().into_dyn()
    );
    // Deletes exactly the stored chunks that now hold only fill values.
    expected.slice_mut(s![10..20]).fill(0);
    let data = expected.clone();
    without_a_thread_for_files(async { array.as_async().write(s![..], data).await.unwrap() });
    assert_eq!(counts().deletes - before.deletes, 5);
    assert!(!directory.path().join("a/c/5").exists());
    assert_eq!(array.read::<u8>(s![..]).unwrap(), expected.into_dyn());
}

#[cfg(target_os = "linux")]
#[test]
fn documents_in_memory_are_read_without_another_thread() {
    let directory = tempfile::tempdir().unwrap();
    let hierarchy = blocking::open(directory.path().to_str().unwrap()).unwrap();
    let metadata = ArrayBuilder::new(&[3], "uint8").build().unwrap();
    hierarchy.create_array("a", metadata).unwrap();
    let range = zarr_store::ByteRange::All;
    let at_hand = hierarchy.store().get_now("a/zarr.json", &range, 1 << 20);
    if at_hand.is_none() {
        eprintln!("skipped: a file system that does not say what it has in memory");
        return;
    }
    let counts = || hierarchy.store().requests();
    let before = counts();
    without_a_thread_for_files(async {
        for _ in 0..10 {
            hierarchy.as_async().array("a").await.unwrap();
        }
    });
    assert_eq!(counts().gets - before.gets, 10);
}
