//! Objects that change during a read: replaced, deleted, created and overwritten between any two
//! requests of the read.
//!
//! The model is a list of whole versions of each object. A read may return any version that existed
//! while it ran, but the elements of one object must come from exactly one version; a read that
//! cannot guarantee this fails with `ChangedDuringRead`. Promise P3. `ZARR_MODEL_CASES` and
//! `ZARR_MODEL_SEED` choose the random cases; a failure prints its seed.

#![expect(clippy::unwrap_used, reason = "tests")]

mod files;
mod stores;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use ndarray::{ArrayD, ArrayViewD, IxDyn};
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use rand::Rng;
use rand::rngs::StdRng;
use zarr::{
    Array, ArrayBuilder, ArrayMetadata, CacheOptions, ChunkForm, Error, Extension, Hierarchy,
    Selection, Store, WriteOptions, codecs, registry,
};
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{BindCodec, Binder};
use zarr_store::testing::{Fault, FaultStore, Operation, Rule};
use zarr_store::{ByteRange, CostModel, Precondition};
use zarr_tests::random;

/// Elements of one object along each axis; the array spans two adjacent objects.
const LEN: usize = 8;

const KEYS: [&str; 2] = ["a/c/0/0", "a/c/0/1"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Plain,
    Sharded,
    Nested,
}

const KINDS: [Kind; 3] = [Kind::Plain, Kind::Sharded, Kind::Nested];

/// A state of an object.
#[derive(Clone, Debug)]
struct Version {
    elements: ArrayD<i32>,
    /// None if the object is not stored.
    bytes: Option<Bytes>,
}

fn metadata(kind: Kind, fill: i32, codec: Extension) -> ArrayMetadata {
    let sharding = |inner: [usize; 2], codecs: Vec<Extension>| {
        Extension::new("sharding_indexed")
            .with("chunk_shape", inner)
            .with("codecs", codecs)
            .with("index_codecs", [codecs::bytes(true), codecs::crc32c()])
    };
    let plain = vec![codecs::bytes(true), codec];
    let chain = match kind {
        Kind::Plain => plain,
        Kind::Sharded => vec![sharding([2, 4], plain)],
        Kind::Nested => vec![sharding([4, 8], vec![sharding([2, 4], plain)])],
    };
    ArrayBuilder::new(&[LEN as u64, 2 * LEN as u64], "int32")
        .with_chunk_shape(&[LEN as u64; 2])
        .with_codecs(chain)
        .with_fill_value(fill)
        .unwrap()
        .build()
        .unwrap()
}

/// Returns the elements of a version: each 2 x 4 inner chunk holds the fill value, zeros, or
/// numbers unique to the version.
fn elements(rng: &mut StdRng, fill: i32, number: i32) -> ArrayD<i32> {
    let mut elements = ArrayD::from_elem(IxDyn(&[LEN, LEN]), fill);
    for (row, column) in (0..LEN).step_by(2).flat_map(|row| [(row, 0), (row, 4)]) {
        let kind = rng.random_range(0..5);
        for (y, x) in (row..row + 2).flat_map(|y| (column..column + 4).map(move |x| (y, x))) {
            elements[[y, x]] = match kind {
                0 | 1 => fill,
                2 => 0,
                _ => 1000 * number + i32::try_from(y * LEN + x).unwrap(),
            };
        }
    }
    elements
}

/// Returns the versions of both objects, as this engine writes them.
async fn versions(
    rng: &mut StdRng,
    document: &ArrayMetadata,
    fill: i32,
    count: usize,
) -> [Vec<Version>; 2] {
    let mut all = [Vec::new(), Vec::new()];
    for number in 0..count {
        let hierarchy = hierarchy_on(Store::memory(), CacheOptions::default());
        let options = WriteOptions {
            store_fill: rng.random_ratio(1, 4),
            ..WriteOptions::default()
        };
        let array = hierarchy.create_array("a", document.clone()).await.unwrap();
        let array = array.with_write_options(options);
        for (object, versions) in all.iter_mut().enumerate() {
            let number = i32::try_from(number * 2 + object + 1).unwrap();
            let elements = if rng.random_ratio(1, 5) {
                ArrayD::from_elem(IxDyn(&[LEN, LEN]), fill)
            } else {
                elements(rng, fill, number)
            };
            let columns = (object * LEN).cast_signed()..((object + 1) * LEN).cast_signed();
            array
                .write(ndarray::s![.., columns], elements.clone())
                .await
                .unwrap();
            let body = hierarchy.store().get(KEYS[object], &ByteRange::All, None);
            let bytes = body.await.unwrap().map(|body| body.bytes);
            versions.push(Version { elements, bytes });
        }
    }
    all
}

fn hierarchy_on(store: Store, caches: CacheOptions) -> Hierarchy {
    let registry = registry().with_codec("hooked", BindCodec::BytesToBytes(bind_hooked));
    Hierarchy::with_caches(store, registry, caches)
}

/// The number of requests for each object, and whether the read gave up.
struct Outcome {
    requests: [usize; 2],
    gave_up: bool,
}

async fn put(store: &InMemory, object: usize, version: &Version) {
    let path = object_store::path::Path::from(KEYS[object]);
    match &version.bytes {
        Some(bytes) => drop(store.put(&path, bytes.clone().into()).await.unwrap()),
        None => store.delete(&path).await.unwrap(),
    }
}

/// The number of reads that returned one version, and of reads that gave up.
#[derive(Default)]
struct Count {
    one_version: usize,
    gave_up: usize,
    bad: Vec<String>,
}

impl Count {
    fn add(&mut self, name: impl FnOnce() -> String, result: Result<Outcome, String>) {
        match result {
            Ok(outcome) if outcome.gave_up => self.gave_up += 1,
            Ok(_) => self.one_version += 1,
            Err(error) => self.bad.push(format!("{}: {error}", name())),
        }
    }

    fn finish(self) {
        let (good, bad) = (self.one_version + self.gave_up, self.bad.len());
        eprintln!("{good} right ({} gave up), {bad} wrong", self.gave_up);
        assert!(
            self.bad.is_empty(),
            "{bad} of {} reads are wrong, the first: {}",
            good + bad,
            self.bad[0]
        );
    }
}

/// Runs during the decoding of a chunk, which is between two positioned reads of a local read.
type Hook = Box<dyn FnMut() + Send>;

static HOOK: Mutex<Option<Hook>> = Mutex::new(None);

/// A codec that stores its input unchanged, and calls the hook.
#[derive(Debug)]
struct Hooked(EncodedSize);

fn bind_hooked(
    _: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> zarr_core::Result<Arc<dyn BytesToBytes>> {
    Ok(Arc::new(Hooked(decoded)))
}

impl BytesToBytes for Hooked {
    fn name(&self) -> &'static str {
        "hooked"
    }

    fn encoded_size(&self) -> EncodedSize {
        self.0
    }

    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> zarr_core::Result<()> {
        encoded.extend_from_slice(decoded);
        Ok(())
    }

    fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> zarr_core::Result<()> {
        decoded.extend_from_slice(encoded);
        if let Some(hook) = &mut *HOOK.lock().unwrap() {
            hook();
        }
        Ok(())
    }
}

/// The way in which a file changes.
#[derive(Clone, Copy, Debug)]
enum How {
    /// Another file is renamed over it, as this engine and most other writers do.
    Renamed,
    /// The file is overwritten in place, as by `open(path, "wb")`.
    Overwritten,
    /// The store puts the object.
    Put,
}

fn place(root: &Path, how: How, object: usize, version: &Version) {
    let path = root.join(KEYS[object]);
    let Some(bytes) = &version.bytes else {
        let _ = std::fs::remove_file(path);
        return;
    };
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    match how {
        How::Renamed => {
            let new = root.join("new");
            std::fs::write(&new, bytes).unwrap();
            std::fs::rename(new, path).unwrap();
        }
        How::Overwritten => std::fs::write(path, bytes).unwrap(),
        How::Put => {
            let store = Store::local(root).unwrap();
            let put = store.put(KEYS[object], vec![bytes.clone()], Precondition::None);
            futures::executor::block_on(put).unwrap();
        }
    }
}
