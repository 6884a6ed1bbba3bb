//! Objects that change during a read: replaced, deleted, created and overwritten between any two
//! requests of the read.
//!
//! The model is a list of whole versions of each object. A read may return any version that existed
//! while it ran, but the elements of one object must come from exactly one version; a read that
//! cannot guarantee this fails with `ChangedDuringRead`. Promise P3. `ZARR_MODEL_CASES` and
//! `ZARR_MODEL_SEED` choose the random cases; a failure prints its seed.

#![expect(clippy::unwrap_used, reason = "tests")]

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
    Array, ArrayBuilder, ArrayMetadata, CacheOptions, Error, Extension, Hierarchy, Selection,
    Store, WriteOptions, codecs, registry,
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

/// A change of one object to a version, before the request numbered `call`.
#[derive(Clone, Debug)]
struct Change {
    object: usize,
    call: usize,
    version: usize,
}

/// The cached state of the hierarchy before the objects change.
#[derive(Clone, Copy, Debug)]
enum Cache {
    /// Nothing is cached.
    Cold,
    /// The version stored at the start of the read is cached.
    Warm,
    /// A version replaced before the start of the read is cached.
    Stale,
}

const CACHES: [Cache; 3] = [Cache::Cold, Cache::Warm, Cache::Stale];

struct Case<'a> {
    versions: &'a [Vec<Version>; 2],
    document: &'a ArrayMetadata,
    caches: CacheOptions,
    cache: Cache,
    /// Whether ranges of one object merge into few requests.
    merged: bool,
    selection: Selection,
    changes: Vec<Change>,
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

impl Case<'_> {
    async fn run(&self) -> Result<Outcome, String> {
        let faults = FaultStore::new(InMemory::new());
        // One request per range, or few merged requests.
        let mut cost = CostModel::memory();
        if !self.merged {
            (cost.part_min, cost.amplification, cost.max_in_flight) = (1, 1.0, 2);
        }
        let store = Store::new(Arc::new(faults.clone()), "changing").with_cost_model(cost);
        let hierarchy = hierarchy_on(store, self.caches);
        let array = hierarchy
            .create_array("a", self.document.clone())
            .await
            .unwrap();
        let before = match self.cache {
            Cache::Stale => self.versions[0].len() - 1,
            _ => 0,
        };
        for (object, versions) in self.versions.iter().enumerate() {
            put(faults.inner(), object, &versions[before]).await;
        }
        if !matches!(self.cache, Cache::Cold) {
            array.read::<i32>(..).await.map_err(|e| e.to_string())?;
            array
                .read::<i32>(&self.selection)
                .await
                .map_err(|e| e.to_string())?;
        }
        for (object, versions) in self.versions.iter().enumerate() {
            put(faults.inner(), object, &versions[0]).await;
        }
        faults.clear();
        for change in &self.changes {
            let fault = match &self.versions[change.object][change.version].bytes {
                Some(bytes) => Fault::Swap(bytes.clone()),
                None => Fault::Delete,
            };
            let rule = Rule::new(Operation::Get, KEYS[change.object], fault);
            faults.add(rule.on_call(change.call));
        }
        let found = array.read::<i32>(&self.selection).await;
        let requests = KEYS.map(|key| {
            let requests = faults.requests();
            requests.iter().filter(|request| request.key == key).count()
        });
        let found = match found {
            Ok(found) => found,
            Err(error) if matches!(error.root(), Error::ChangedDuringRead { .. }) => {
                return Ok(Outcome {
                    requests,
                    gave_up: true,
                });
            }
            Err(error) => return Err(format!("neither a version nor a change: {error}")),
        };
        for (object, versions) in self.versions.iter().enumerate() {
            let seen = self
                .changes
                .iter()
                .filter(|change| change.object == object && change.call < requests[object]);
            let seen = std::iter::once(0).chain(seen.map(|change| change.version));
            let seen = seen.map(|version| &versions[version].elements);
            self.check(object, &found, seen.map(|elements| elements.view()))?;
        }
        Ok(Outcome {
            requests,
            gave_up: false,
        })
    }

    /// Checks that the elements read from one object match one of the versions.
    fn check<'v>(
        &self,
        object: usize,
        found: &ArrayD<i32>,
        mut versions: impl Iterator<Item = ArrayViewD<'v, i32>>,
    ) -> Result<(), String> {
        let places = random::indices_of(&self.selection, &[LEN, 2 * LEN]);
        let mine = places
            .iter()
            .zip(found)
            .map(|(&place, &value)| (place / (2 * LEN), place % (2 * LEN), value))
            .filter(|(_, column, _)| column / LEN == object)
            .map(|(row, column, value)| (row, column % LEN, value))
            .collect::<Vec<_>>();
        let is_one = versions.any(|version| {
            mine.iter()
                .all(|&(row, column, value)| version[[row, column]] == value)
        });
        if is_one {
            return Ok(());
        }
        Err(format!("object {object} is a mixture of versions: {found}"))
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

/// Applies each single change before each request: no read may give up or mix versions.
#[tokio::test]
async fn one_change_before_any_request_is_one_version() {
    let (mut count, mut most) = (Count::default(), 0);
    for seed in 0..8 {
        for (kind, fill) in KINDS.into_iter().flat_map(|kind| [(kind, 0), (kind, -7)]) {
            let mut rng = random::rng(seed);
            let document = metadata(kind, fill, codecs::crc32c());
            let versions = versions(&mut rng, &document, fill, 3).await;
            // A whole shard takes one request. Half a shard takes one for the index, and one for
            // each run of inner chunks.
            let half = [ndarray::s![..;4, ..], ndarray::s![..;4, 1..11]];
            let half = half.map(zarr::slices);
            let selections = [Selection::all()].into_iter().chain(half);
            for selection in selections {
                for (cache, merged) in CACHES.into_iter().flat_map(|c| [(c, false), (c, true)]) {
                    let mut case = Case {
                        versions: &versions,
                        document: &document,
                        caches: CacheOptions::default(),
                        cache,
                        merged,
                        selection: selection.clone(),
                        changes: vec![],
                    };
                    let quiet = case.run().await.unwrap();
                    most = most.max(quiet.requests[0]);
                    for (object, version) in [(0, 1), (1, 1), (0, 2), (1, 2)] {
                        for call in 0..quiet.requests[object] {
                            case.changes = vec![Change {
                                object,
                                call,
                                version,
                            }];
                            let result = case.run().await;
                            if let Ok(outcome) = &result {
                                assert!(!outcome.gave_up, "one change, and the read gave up");
                            }
                            let name = || {
                                let changes = &case.changes;
                                format!("seed {seed} {kind:?} fill {fill} {cache:?} {changes:?}")
                            };
                            count.add(name, result);
                        }
                    }
                }
            }
        }
    }
    assert!(
        most > 4,
        "no read has more than {most} requests for an object"
    );
    count.finish();
}

/// Applies many random changes, possibly too many for a read.
#[tokio::test]
async fn any_changes_are_one_version_or_an_error() {
    let number = |variable: &str, default: u64| {
        std::env::var(variable).map_or(default, |text| text.parse().unwrap())
    };
    let first = number("ZARR_MODEL_SEED", 0);
    let mut count = Count::default();
    for seed in first..first + number("ZARR_MODEL_CASES", 2000) {
        let mut rng = random::rng(seed);
        let kind = KINDS[rng.random_range(0..3)];
        let fill = [0, 0, -7][rng.random_range(0..3)];
        let document = metadata(kind, fill, codecs::crc32c());
        let versions = versions(&mut rng, &document, fill, 4).await;
        let changes = (0..rng.random_range(0..10)).map(|_| Change {
            object: rng.random_range(0..2),
            call: rng.random_range(0..12),
            version: rng.random_range(0..4),
        });
        let case = Case {
            changes: changes.collect(),
            versions: &versions,
            document: &document,
            caches: CacheOptions {
                chunk_size: [0, 1 << 20][rng.random_range(0..2)],
                ..CacheOptions::default()
            },
            cache: CACHES[rng.random_range(0..3)],
            merged: rng.random(),
            selection: random::selection(&mut rng, &[LEN, 2 * LEN]),
        };
        let result = case.run().await;
        let changes = &case.changes;
        let name = || format!("ZARR_MODEL_SEED={seed} {kind:?} fill {fill} {changes:?}");
        count.add(name, result);
    }
    count.finish();
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

/// Applies one change to a local file after any number of decoded chunks.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_after_any_chunk_is_one_version() {
    let mut count = Count::default();
    let old = SystemTime::now() - Duration::from_secs(60);
    for seed in 0..2 {
        for (kind, fill) in KINDS.into_iter().flat_map(|kind| [(kind, 0), (kind, -7)]) {
            let mut rng = random::rng(seed);
            let document = metadata(kind, fill, Extension::new("hooked"));
            let versions = versions(&mut rng, &document, fill, 3).await;
            for (how, warm) in [How::Renamed, How::Overwritten, How::Put]
                .into_iter()
                .flat_map(|how| [(how, false), (how, true)])
            {
                let folder = tempfile::tempdir().unwrap();
                let root = folder.path().to_path_buf();
                let open = || {
                    let store = Store::local(&root).unwrap();
                    hierarchy_on(store, CacheOptions::default())
                };
                open().create_array("a", document.clone()).await.unwrap();
                for (object, version) in [(0, 1), (1, 1), (0, 2), (1, 2)] {
                    for call in 0..16 {
                        let array = open().array("a").await.unwrap();
                        for (object, versions) in versions.iter().enumerate() {
                            place(&root, How::Renamed, object, &versions[0]);
                            // Sets an old modification time: file system clocks are too coarse to
                            // separate writes in quick succession.
                            if let Ok(file) = std::fs::File::options()
                                .write(true)
                                .open(root.join(KEYS[object]))
                            {
                                file.set_modified(old).unwrap();
                            }
                        }
                        if warm {
                            array.read::<i32>(..).await.unwrap();
                        }
                        let next = versions[object][version].clone();
                        let (mut seen, at) = (0, root.clone());
                        let fired = Arc::new(Mutex::new(false));
                        let says = Arc::clone(&fired);
                        *HOOK.lock().unwrap() = Some(Box::new(move || {
                            if seen == call {
                                place(&at, how, object, &next);
                                *says.lock().unwrap() = true;
                            }
                            seen += 1;
                        }));
                        let result = read_file(
                            &array,
                            &versions[object][0],
                            &versions[object][version],
                            object,
                        )
                        .await;
                        *HOOK.lock().unwrap() = None;
                        let name = || {
                            format!(
                                "seed {seed} {kind:?} fill {fill} {how:?} object {object} version {version} after chunk {call}"
                            )
                        };
                        count.add(name, result);
                        if !*fired.lock().unwrap() {
                            break;
                        }
                    }
                }
            }
        }
    }
    count.finish();
}

/// Reads only the object that changes: a file opened later could be half written.
async fn read_file(
    array: &Array,
    old: &Version,
    new: &Version,
    object: usize,
) -> Result<Outcome, String> {
    let columns = (object * LEN).cast_signed()..((object + 1) * LEN).cast_signed();
    match array.read::<i32>(ndarray::s![.., columns]).await {
        Ok(found) if found == old.elements || found == new.elements => Ok(Outcome {
            requests: [0; 2],
            gave_up: false,
        }),
        Ok(found) => Err(format!("a mixture of versions: {found}")),
        Err(error) => Err(format!("one change, and no version: {error}")),
    }
}
