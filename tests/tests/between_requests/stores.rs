//! Changes between the requests of a read of a store.

use super::*;

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
                chunk_form: [ChunkForm::Encoded, ChunkForm::Decoded][rng.random_range(0..2)],
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
