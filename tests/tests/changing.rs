//! Promise P3 against a store that changes at any point of a read: the elements of an object come
//! from one version.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use object_store::memory::InMemory;
use rand::Rng;
use rand::rngs::StdRng;
use rand::{SeedableRng, seq::SliceRandom};
use zarr::{Array, ArrayBuilder, Extension, Hierarchy, Store, codecs, registry};
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{BindCodec, Binder};
use zarr_store::testing::{Fault, FaultStore, Operation, Rule};
use zarr_store::{CostModel, Precondition};

const KEY: &str = "a/c/0";
/// Inner chunks per shard.
const INNER: usize = 12;
/// Elements per inner chunk, one byte each.
const LEN: usize = 4;

/// A version of the shard: the element that fills each inner chunk; `None` for a missing inner
/// chunk.
type Version = Vec<Option<u8>>;

fn random_version(random: &mut StdRng) -> Version {
    let inner = (0..INNER).map(|_| match random.random_range(0..4) {
        0 => None,
        1 => Some(0),
        _ => Some(random.random_range(1..=250)),
    });
    inner.collect()
}

/// Encodes the shard uncompressed, with inner chunks in random order and an index of offsets and
/// sizes at the end.
fn encode(version: &Version, random: &mut StdRng) -> Bytes {
    let mut order = (0..INNER).collect::<Vec<_>>();
    order.shuffle(random);
    let mut shard = Vec::new();
    let mut index = [[u64::MAX; 2]; INNER];
    for position in order {
        if let Some(element) = version[position] {
            index[position] = [shard.len() as u64, LEN as u64];
            shard.extend([element; LEN]);
        }
    }
    shard.extend(
        index
            .iter()
            .flatten()
            .flat_map(|number| number.to_le_bytes()),
    );
    shard.into()
}

fn elements(version: &Version, fill: u8, wanted: &[usize]) -> Vec<u8> {
    let of = |&position: &usize| [version[position].unwrap_or(fill); LEN];
    wanted.iter().flat_map(of).collect()
}

async fn create(hierarchy: &Hierarchy, fill: u8, inner: &[Extension]) -> Array {
    let sharding = Extension::new("sharding_indexed")
        .with("chunk_shape", [LEN])
        .with("codecs", inner)
        .with("index_codecs", [codecs::bytes(true)]);
    let metadata = ArrayBuilder::new(&[(INNER * LEN) as u64], "uint8")
        .with_chunk_shape(&[(INNER * LEN) as u64])
        .with_fill_value(fill)
        .unwrap()
        .with_codecs([sharding]);
    hierarchy
        .create_array("a", metadata.build().unwrap())
        .await
        .unwrap()
}

/// Reads the elements of these inner chunks as coordinates, so the gaps between them remain.
async fn read(array: &Array, wanted: &[usize]) -> zarr::Result<Vec<u8>> {
    let of = |&position: &usize| (0..LEN).map(move |element| (position * LEN + element) as u64);
    let indices = wanted.iter().flat_map(of).collect::<Vec<_>>();
    let found = array.read::<u8>([zarr::AxisIndices::from(indices)]).await?;
    Ok(found.into_raw_vec_and_offset().0)
}

/// Disables merging: each inner chunk that is not adjacent to another takes its own request.
fn no_merging() -> CostModel {
    CostModel {
        part_min: 1,
        ..CostModel::memory()
    }
}

#[tokio::test]
async fn a_shard_that_is_replaced_between_any_two_requests_is_read_from_one_version() {
    let mut random = StdRng::seed_from_u64(9);
    let (mut retried, mut stale) = (0, 0);
    for round in 0..300 {
        let fill = [0, 0, 5][round % 3];
        let faults = FaultStore::new(InMemory::new());
        let store = Store::new(Arc::new(faults.clone()), "changing").with_cost_model(no_merging());
        let hierarchy = Hierarchy::new(store, registry());
        let array = create(&hierarchy, fill, &[codecs::bytes(true)]).await;
        let versions: [Version; 3] = std::array::from_fn(|_| random_version(&mut random));
        let first = encode(&versions[0], &mut random);
        hierarchy
            .store()
            .put(KEY, vec![first], Precondition::None)
            .await
            .unwrap();
        let mut wanted = (0..INNER).collect::<Vec<_>>();
        wanted.shuffle(&mut random);
        wanted.truncate(random.random_range(1..=6));
        wanted.sort_unstable();
        if random.random() {
            // Caches the index.
            read(&array, &wanted[..1]).await.unwrap();
        }
        let mut call = random.random_range(0..=4);
        for version in &versions[1..] {
            let fault = match random.random_range(0..8) {
                0 => Fault::NotFound,
                _ => Fault::Swap(encode(version, &mut random)),
            };
            faults.add(Rule::new(Operation::Get, KEY, fault).on_call(call));
            call += random.random_range(1..=5);
        }
        let found = read(&array, &wanted).await.unwrap();
        let mut expected = versions
            .iter()
            .map(|version| elements(version, fill, &wanted));
        let absent = vec![fill; wanted.len() * LEN];
        let position = expected.position(|expected| expected == found);
        assert!(
            position.is_some() || found == absent,
            "round {round}: {found:?} is of no version of {versions:?}, inner chunks {wanted:?}"
        );
        retried += usize::from(position.is_some_and(|position| position > 0));
        stale += usize::from(position == Some(0));
    }
    assert!(
        retried > 50 && stale > 50,
        "{retried} rounds saw a change, {stale} did not"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_shard_that_others_replace_is_read_from_one_version() {
    let folder = tempfile::tempdir().unwrap();
    let hierarchy = zarr::open(folder.path().to_str().unwrap()).unwrap();
    let array = create(&hierarchy, 0, &[codecs::bytes(true)]).await;
    let mut random = StdRng::seed_from_u64(10);
    let versions = (0..8)
        .map(|_| random_version(&mut random))
        .collect::<Vec<_>>();
    let encoded = versions
        .iter()
        .map(|version| encode(version, &mut random))
        .collect::<Vec<_>>();
    let store = hierarchy.store().clone();
    store
        .put(KEY, vec![encoded[0].clone()], Precondition::None)
        .await
        .unwrap();
    let writer = tokio::spawn(async move {
        for round in 0..2000 {
            let shard = encoded[round % encoded.len()].clone();
            store
                .put(KEY, vec![shard], Precondition::None)
                .await
                .unwrap();
        }
    });
    let wanted = [0, 2, 3, 7, 11];
    let mut reads = 0;
    while !writer.is_finished() {
        let found = read(&array, &wanted).await.unwrap();
        let mut expected = versions.iter().map(|version| elements(version, 0, &wanted));
        assert!(expected.any(|expected| expected == found), "{found:?}");
        reads += 1;
    }
    writer.await.unwrap();
    assert!(reads > 10, "{reads} reads beside the writer");
}

/// The pending overwrites of the codec `overwrite`; each decode applies one.
static OVERWRITES: Mutex<Vec<(PathBuf, Bytes)>> = Mutex::new(Vec::new());
static DECODED: AtomicUsize = AtomicUsize::new(0);

/// A codec that keeps the bytes unchanged. Each decode simulates another program that overwrites
/// the file in place.
#[derive(Debug)]
struct Overwrite(EncodedSize);

impl BytesToBytes for Overwrite {
    fn name(&self) -> &'static str {
        "overwrite"
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
        DECODED.fetch_add(1, Ordering::Relaxed);
        if let Some((path, bytes)) = OVERWRITES.lock().unwrap().pop() {
            std::fs::write(&path, bytes).unwrap();
            // Changes the modification time at any file system clock resolution.
            let later =
                SystemTime::now() + Duration::from_secs(1 + DECODED.load(Ordering::Relaxed) as u64);
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(later)
                .unwrap();
        }
        Ok(())
    }
}

fn bind(
    _: &Extension,
    size: EncodedSize,
    _: &Binder<'_>,
) -> zarr_core::Result<Arc<dyn BytesToBytes>> {
    Ok(Arc::new(Overwrite(size)))
}

#[tokio::test]
async fn a_local_file_that_is_overwritten_in_place_is_read_from_one_version() {
    let registry = registry().with_codec("overwrite", BindCodec::BytesToBytes(bind));
    let mut random = StdRng::seed_from_u64(11);
    for overwrites in [1, 2, 9] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_str().unwrap()).unwrap();
        let hierarchy = Hierarchy::new(store, registry.clone());
        let array = create(
            &hierarchy,
            0,
            &[codecs::bytes(true), Extension::new("overwrite")],
        )
        .await;
        // Inner chunks have different offsets in each version: a stale index reads wrong bytes.
        let versions = (0..=overwrites)
            .map(|_| random_version(&mut random))
            .collect::<Vec<_>>();
        let encoded = versions
            .iter()
            .map(|version| encode(version, &mut random))
            .collect::<Vec<_>>();
        hierarchy
            .store()
            .put(KEY, vec![encoded[0].clone()], Precondition::None)
            .await
            .unwrap();
        let path = folder.path().join(KEY);
        let later = encoded[1..]
            .iter()
            .rev()
            .map(|bytes| (path.clone(), bytes.clone()));
        *OVERWRITES.lock().unwrap() = later.collect();
        let wanted = [0, 2, 4, 6, 8, 10];
        match read(&array, &wanted).await {
            Ok(found) => {
                let mut expected = versions.iter().map(|version| elements(version, 0, &wanted));
                assert!(
                    expected.any(|expected| expected == found),
                    "{overwrites}: {found:?}"
                );
            }
            Err(error) => {
                assert!(overwrites > 3, "{error}");
                assert!(
                    matches!(error.root(), zarr::Error::ChangedDuringRead { .. }),
                    "{error}"
                );
            }
        }
        OVERWRITES.lock().unwrap().clear();
    }
}
