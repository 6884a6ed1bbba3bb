//! Futures and threads of the Rust API: panics, lent memory, futures that nobody polls, calls from
//! other runtimes, and futures that cross threads.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use futures::TryStreamExt;
use ndarray::Array2;
use object_store::memory::InMemory;
use zarr::core::{self, BindCodec, codec};
use zarr::{ArrayBuilder, Attributes, ErrorKind, Extension, Store, blocking, codecs};
use zarr_store::testing::{Fault, FaultStore, Operation, Rule};

const CHUNKS: usize = 16;
const ROWS: usize = 64;
const LEN: usize = 4096;

/// A store of the caller's own, and an array of chunks that take time to decode.
fn own_store() -> (FaultStore<InMemory>, blocking::Array) {
    let store = FaultStore::new(InMemory::new());
    let hierarchy =
        blocking::Hierarchy::new(Store::new(Arc::new(store.clone()), "own"), zarr::registry());
    let metadata = ArrayBuilder::new(&[(CHUNKS * ROWS) as u64, LEN as u64], "int32")
        .with_chunk_shape(&[ROWS as u64, LEN as u64])
        .with_codecs([codecs::bytes(true), codecs::gzip(1)]);
    let array = hierarchy.create_array("a", metadata.build().unwrap());
    (store, array.unwrap())
}

fn ones() -> Array2<i32> {
    Array2::from_shape_fn((CHUNKS * ROWS, LEN), |(y, x)| {
        i32::try_from(y * 7919 + x * 104_729).unwrap() | 1
    })
}

#[test]
fn a_panic_of_the_store_leaves_no_job_with_lent_memory() {
    let (store, array) = own_store();
    array.write(.., ones()).unwrap();
    for call in 0..CHUNKS {
        store.clear();
        store.add(Rule::new(Operation::Get, "a/c/*", Fault::Panic).on_call(call));
        let mut into = Array2::<i32>::zeros((CHUNKS * ROWS, LEN));
        let read = catch_unwind(AssertUnwindSafe(|| array.read_into(.., into.view_mut())));
        assert!(!matches!(read, Ok(Ok(()))));
        let before = into.clone();
        std::thread::sleep(Duration::from_millis(50));
        assert!(before == into, "written to after the call");
    }
}

#[test]
fn a_panic_of_the_store_leaves_no_job_that_reads_lent_memory() {
    let (store, array) = own_store();
    let mut data = ones();
    for call in 0..4 {
        store.clear();
        store.add(Rule::new(Operation::Put, "a/c/*", Fault::Panic).on_call(call));
        let write = catch_unwind(AssertUnwindSafe(|| array.write(.., data.view())));
        assert!(!matches!(write, Ok(Ok(()))));
        // Elements of the array are odd while it is lent.
        data.fill(2);
        std::thread::sleep(Duration::from_millis(50));
        store.clear();
        let stored = array.read::<i32>(..).unwrap();
        assert!(!stored.iter().any(|&element| element == 2), "{call}");
        data = ones();
    }
}

#[derive(Debug)]
struct Panics(codec::EncodedSize);

impl codec::BytesToBytes for Panics {
    fn name(&self) -> &'static str {
        "example.panics"
    }

    fn encoded_size(&self) -> codec::EncodedSize {
        self.0
    }

    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> core::Result<()> {
        encoded.extend(decoded);
        Ok(())
    }

    fn decode(&self, _: &[u8], _: &mut Vec<u8>) -> core::Result<()> {
        panic!("a bug of the codec")
    }
}

#[test]
fn a_panic_of_a_codec_is_an_error_in_every_store() {
    let folder = tempfile::tempdir().unwrap();
    for store in [Store::local(folder.path()).unwrap(), Store::memory()] {
        let bind = BindCodec::BytesToBytes(|_, size, _| Ok(Arc::new(Panics(size))));
        let registry = zarr::registry().with_codec("example.panics", bind);
        let hierarchy = blocking::Hierarchy::new(store, registry);
        let metadata = ArrayBuilder::new(&[8], "uint8")
            .with_chunk_shape(&[4])
            .with_codecs([codecs::bytes(false), Extension::new("example.panics")]);
        let array = hierarchy.create_array("a", metadata.build().unwrap());
        let array = array.unwrap();
        array.write(.., 1_u8).unwrap();
        for part in [0..4, 0..8] {
            let error = array.read::<u8>(part).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.to_string().contains("a bug of the codec"), "{error}");
        }
    }
}

/// Runs work on a thread of its own, and fails if it does not end.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || drop(sender.send(work())));
    receiver
        .recv_timeout(Duration::from_secs(60))
        .expect("the work ends")
}

#[test]
fn reads_go_on_while_a_stream_of_chunks_waits() {
    zarr::limits::set_bytes_in_flight(8 << 20);
    let hierarchy = blocking::open("memory:").unwrap();
    zarr::limits::set_bytes_in_flight(256 << 20);
    let create = |path: &str, data_type: &str| {
        let metadata =
            ArrayBuilder::new(&[8 << 10, 1 << 10], data_type).with_chunk_shape(&[1 << 10, 1 << 10]);
        hierarchy
            .create_array(path, metadata.build().unwrap())
            .unwrap()
    };
    let (a, b) = (create("a", "float32"), create("b", "float64"));
    a.write(.., 1_f32).unwrap();
    b.write(.., 2_f64).unwrap();
    let sum = in_time(move || {
        let chunks = a.read_chunks::<f32>(..).unwrap();
        let sums = chunks.map(|item| {
            let (chunk, data) = item.unwrap();
            let other = b.read::<f64>(chunk.extent()).unwrap();
            f64::from(data[[0, 0]]) + other[[0, 0]]
        });
        sums.sum::<f64>()
    });
    assert_eq!(sum, 24.0);
}

#[tokio::test]
async fn a_write_that_nobody_polls_keeps_no_other_writer_waiting() {
    let folder = tempfile::tempdir().unwrap();
    for store in [Store::local(folder.path()).unwrap(), Store::memory()] {
        let hierarchy = zarr::Hierarchy::new(store, zarr::registry());
        let metadata = ArrayBuilder::new(&[8], "int32").build().unwrap();
        let array = hierarchy.create_array("a", metadata).await.unwrap();
        array.write(.., 1).await.unwrap();
        let mut kept = Box::pin(array.write(0..2, 2));
        assert!(futures::poll!(&mut kept).is_pending());
        let other = tokio::time::timeout(Duration::from_secs(60), array.write(6..8, 3));
        other.await.expect("the write ends").unwrap();
        kept.await.unwrap();
        let found = array.read::<i32>(..).await.unwrap();
        assert_eq!(found.as_slice().unwrap(), [2, 2, 1, 1, 1, 1, 3, 3]);
    }
}

#[test]
fn calls_on_a_runtime_that_shuts_down_fail_as_input_and_output() {
    let (store, array) = own_store();
    array.write(0..1, 1).unwrap();
    for operation in [Operation::Put, Operation::Get] {
        store.clear();
        store.add(Rule::new(operation, "a/c/*", Fault::Hang));
        let array = array.as_async().clone();
        let mut call = Box::pin(async move {
            match operation {
                Operation::Put => array.write(.., 1).await,
                _ => array.read::<i32>(..).await.map(drop),
            }
        });
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let time = Duration::from_millis(500);
        let ended = runtime.block_on(async { tokio::time::timeout(time, &mut call).await });
        assert!(ended.is_err());
        runtime.shutdown_background();
        let error = in_time(|| futures::executor::block_on(call)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains("shut"), "{error}");
    }
}

/// Enough requests to use up the budget of a task of tokio.
fn use_blocking(url: &str) {
    let hierarchy = blocking::open(url).unwrap();
    let metadata = ArrayBuilder::new(&[400], "int32").with_chunk_shape(&[1]);
    let array = hierarchy.create_array("a", metadata.build().unwrap());
    let array = array.unwrap();
    array.write(.., 1).unwrap();
    for _ in 0..3 {
        assert_eq!(array.read::<i32>(..).unwrap().sum(), 400);
        array.write(2..3, 1).unwrap();
    }
    assert_eq!(array.read_chunks::<i32>(..).unwrap().count(), 400);
}

#[test]
fn blocking_calls_work_on_threads_of_other_runtimes() {
    let single = tokio::runtime::Builder::new_current_thread();
    let multi = tokio::runtime::Builder::new_multi_thread();
    for mut builder in [single, multi] {
        in_time(move || {
            let runtime = builder.enable_all().build().unwrap();
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().to_str().unwrap().to_owned();
            runtime.block_on(async move {
                let tasks = ["memory:".to_owned(), path.clone() + "/1"];
                tokio::spawn(async move { tasks.iter().for_each(|url| use_blocking(url)) })
                    .await
                    .unwrap();
                tokio::task::spawn_blocking(move || {
                    use_blocking("memory:");
                    use_blocking(&(path + "/2"));
                })
                .await
                .unwrap();
            });
        });
    }
}

fn sent<T: Send>(_: T) {}

/// Compiles only if every future of the async API can cross threads.
#[test]
fn futures_of_the_async_api_are_send() {
    fn arrays(a: &zarr::Array, b: &zarr::Array) {
        sent(async { b.write_chunks(a.read_chunks::<i32>(..)?).await });
        sent(async {
            b.write_chunks(futures::stream::iter((0..3).map(|i| Ok(([i, 0], 3)))))
                .await
        });
        sent(async { a.stored_chunks().try_collect::<Vec<_>>().await });
        sent(async { a.chunk([0])?.write(3).await });
        sent(async { a.inner_chunk([0])?.erase().await });
        sent(a.copy_to(b));
        sent(a.stored(9));
        sent(a.dead_space());
        sent(a.compact(0));
        sent(a.statistics(.., 9));
        sent(a.histogram(.., 0.0, 1.0, 9));
        sent(a.value_digest(..));
        sent(a.differences(b, .., Default::default(), 9));
        sent(a.rewrite_to(b, .., Default::default(), |_| {}));
    }
    fn changes(b: &mut zarr::Array) {
        sent(b.append(0, Array2::<i32>::ones((3, 100))));
        sent(b.resize(&[50, 50]));
        sent(b.reserve(0, 3));
        sent(b.append_published(0, Array2::<i32>::ones((3, 100))));
        sent(b.change_attributes(|a| Ok(a.clone().with("x", 1)?)));
        sent(b.set_attributes(Attributes::new()));
        sent(b.update_attributes(&3));
    }
    fn nodes(h: &zarr::Hierarchy, metadata: &zarr::ArrayMetadata) {
        sent(h.copy_with("e", h, "d", true, |_, _| {}));
        sent(h.rename("d", "e"));
        sent(h.delete("e"));
        sent(h.transfer("e", h, "d", Default::default(), |_| {}));
        sent(h.convert_v2("e"));
        sent(h.usage("e"));
        sent(h.create_array("e", metadata.clone()));
        sent(h.replace("e", metadata.clone().into()));
        sent(zarr::check::check(h, Default::default()));
    }
    fn groups(g: &mut zarr::Group) {
        sent(g.check_consolidated());
        sent(g.walk());
        sent(g.members());
        sent(g.documents());
        sent(g.consolidate());
    }
    let _ = (arrays, changes, nodes, groups);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let hierarchy = zarr::open("memory:").unwrap();
        let metadata = ArrayBuilder::new(&[9], "int32").with_chunk_shape(&[2]);
        let metadata = metadata.build().unwrap();
        let a = hierarchy.create_array("a", metadata.clone()).await.unwrap();
        let b = hierarchy.create_array("b", metadata).await.unwrap();
        a.write(.., 4).await.unwrap();
        let copy = tokio::spawn({
            let b = b.clone();
            async move { b.write_chunks(a.read_chunks::<i32>(..)?).await }
        });
        copy.await.unwrap().unwrap();
        assert_eq!(b.read::<i32>(..).await.unwrap().sum(), 36);
    });
}
