//! Allocations, requests and bytes of fixed reads and writes, which may not rise by more than 5 %
//! above those recorded in `counts.json`. Unlike time, they hardly depend on the machine.
//!
//! `RENEW_COUNTS=1 cargo test -p zarr-tests --test counts` records the present counts.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(unsafe_code, reason = "an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::{Array3, ArrayD, s};
use serde::{Deserialize, Serialize};
use zarr::blocking::{Array, Group, Hierarchy};
use zarr::object_store::memory::InMemory;
use zarr::{ArrayBuilder, Attributes, CacheOptions, ChunkForm, Selection, Store, codecs, registry};
use zarr_store::testing::FaultStore;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static ALLOCATED: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: counts, and delegates everything else to the system allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        ALLOCATED.fetch_add(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: guaranteed by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: guaranteed by the caller.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What a case costs, in all threads.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
struct Counts {
    allocations: u64,
    allocated_kib: u64,
    requests: u64,
    bytes: u64,
}

impl Counts {
    /// Names the counts with their values, each with a rise that is no regression: a thread may
    /// allocate once more, depending on which thread runs a task.
    fn named(self) -> [(&'static str, u64, u64); 4] {
        [
            ("allocations", self.allocations, 8),
            ("allocated KiB", self.allocated_kib, 4),
            ("requests", self.requests, 0),
            ("bytes", self.bytes, 0),
        ]
    }

    fn least(self, other: Self) -> Self {
        Self {
            allocations: self.allocations.min(other.allocations),
            allocated_kib: self.allocated_kib.min(other.allocated_kib),
            requests: self.requests.min(other.requests),
            bytes: self.bytes.min(other.bytes),
        }
    }
}

/// Counts `work` on a fresh hierarchy from `open`: the least of several runs, the first of which
/// fills what threads keep.
fn count<S>(store: &Store, open: impl Fn() -> S, work: impl Fn(&S)) -> Counts {
    let run = |_| {
        let state = open();
        let requests = || {
            let counts = store.requests();
            let all = [
                counts.gets,
                counts.heads,
                counts.puts,
                counts.lists,
                counts.deletes,
            ];
            (
                all.iter().sum::<u64>(),
                counts.bytes_read + counts.bytes_written,
            )
        };
        let before = (
            ALLOCATIONS.load(Ordering::Relaxed),
            ALLOCATED.load(Ordering::Relaxed),
            requests(),
        );
        work(&state);
        let after = (
            ALLOCATIONS.load(Ordering::Relaxed),
            ALLOCATED.load(Ordering::Relaxed),
            requests(),
        );
        Counts {
            allocations: after.0 - before.0,
            allocated_kib: (after.1 - before.1) >> 10,
            requests: after.2.0 - before.2.0,
            bytes: after.2.1 - before.2.1,
        }
    };
    (0..6).map(run).reduce(Counts::least).unwrap()
}

/// A store and what the cases find in it.
struct Fixture {
    store: Store,
    values: Array3<u16>,
}

const LEN: usize = 64;

impl Fixture {
    fn new(store: Store) -> Self {
        let values = Array3::from_shape_fn((LEN, LEN, LEN), |(z, y, x)| {
            u16::try_from((z * 7 + y * 5 + x * 3) % 251 + 1).unwrap()
        });
        let made = Self { store, values };
        let root = made.hierarchy();
        for name in ["read", "written", "changed", "appended"] {
            let shape = if name == "appended" { 0 } else { LEN as u64 };
            let metadata = ArrayBuilder::new(&[shape, LEN as u64, LEN as u64], "uint16")
                .with_chunk_shape(&[8, 16, 16])
                .with_shard_shape(&[32, 32, 32])
                .with_codecs([codecs::bytes(true), codecs::zstd(1)]);
            let array = root.create_array(name, metadata.build().unwrap()).unwrap();
            if name != "appended" {
                array.write(.., &made.values).unwrap();
            }
        }
        let metadata = ArrayBuilder::new(&[4000], "string").with_chunk_shape(&[500]);
        let words = ArrayD::from_shape_fn(vec![4000], |index| format!("sample {}", index[0]));
        let strings = root
            .create_array("strings", metadata.build().unwrap())
            .unwrap();
        strings.write(.., &words).unwrap();
        for name in ["many", "consolidated"] {
            let group = root.create_group(name, Attributes::default()).unwrap();
            for number in 0..50 {
                let metadata = ArrayBuilder::new(&[100], "uint8").with_chunk_shape(&[10]);
                group
                    .create_array(&format!("a{number}"), metadata.build().unwrap())
                    .unwrap();
            }
        }
        root.group("consolidated").unwrap().consolidate().unwrap();
        made
    }

    fn hierarchy(&self) -> Hierarchy {
        Hierarchy::new(self.store.clone(), registry())
    }

    /// Opens an array on a hierarchy without any cached index.
    fn array(&self, name: &str) -> Array {
        self.hierarchy().array(name).unwrap()
    }

    /// Opens an array whose shard indexes are cached.
    fn warm(&self) -> Array {
        let array = self.array("read");
        array.read::<u16>(s![..33, ..33, ..33]).unwrap();
        array
    }

    fn cached(&self) -> Array {
        let caches = CacheOptions {
            chunk_size: 64 << 20,
            chunk_form: ChunkForm::Decoded,
            ..CacheOptions::default()
        };
        let hierarchy = Hierarchy::with_caches(self.store.clone(), registry(), caches);
        let array = hierarchy.array("read").unwrap();
        array.read::<u16>(..).unwrap();
        array
    }

    fn group(&self, name: &str) -> Group {
        self.hierarchy().group(name).unwrap()
    }

    /// Counts all cases.
    fn counts(&self) -> BTreeMap<&'static str, Counts> {
        let read = || self.array("read");
        let store = &self.store;
        let inner = s![8..16, 16..32, ..16];
        let points = || {
            Selection::Coordinates(
                [3_u64, 5, 7]
                    .map(|step| (0..100).map(|i| i * step % LEN as u64).collect())
                    .to_vec(),
            )
        };
        let opened = |group: &Group| {
            (0..50).for_each(|number| drop(group.array(&format!("a{number}")).unwrap()));
        };
        BTreeMap::from([
            (
                "read all",
                count(store, read, |array| {
                    assert_eq!(
                        array.read::<u16>(..).unwrap(),
                        self.values.view().into_dyn()
                    )
                }),
            ),
            (
                "one inner chunk, cold",
                count(store, read, |array| drop(array.read::<u16>(inner).unwrap())),
            ),
            (
                "one inner chunk, its index cached",
                count(
                    store,
                    || self.warm(),
                    |array| drop(array.read::<u16>(inner).unwrap()),
                ),
            ),
            (
                "one inner chunk, cached",
                count(
                    store,
                    || self.cached(),
                    |array| drop(array.read::<u16>(inner).unwrap()),
                ),
            ),
            (
                "a slab through 4 shards",
                count(store, read, |array| {
                    drop(array.read::<u16>(s![20, .., ..]).unwrap())
                }),
            ),
            (
                "every third element",
                count(store, read, |array| {
                    drop(array.read::<u16>(s![..;3, ..;3, ..;3]).unwrap())
                }),
            ),
            (
                "100 points",
                count(
                    store,
                    || (self.warm(), points()),
                    |(array, points)| drop(array.read::<u16>(points).unwrap()),
                ),
            ),
            (
                "write all",
                count(
                    store,
                    || self.array("written"),
                    |array| array.write(.., &self.values).unwrap(),
                ),
            ),
            (
                "write a part",
                count(
                    store,
                    || self.array("changed"),
                    |array| array.write(inner, self.values.slice(inner)).unwrap(),
                ),
            ),
            (
                "append",
                count(
                    store,
                    || {
                        let mut array = self.array("appended");
                        array.resize(&[0, LEN as u64, LEN as u64]).unwrap();
                        array
                    },
                    |array| {
                        array
                            .clone()
                            .append(0, self.values.slice(s![..32, .., ..]))
                            .map(drop)
                            .unwrap();
                    },
                ),
            ),
            (
                "read strings",
                count(
                    store,
                    || self.array("strings"),
                    |array| drop(array.read::<String>(..).unwrap()),
                ),
            ),
            (
                "write strings",
                count(
                    store,
                    || {
                        (
                            self.array("strings"),
                            self.array("strings").read::<String>(..).unwrap(),
                        )
                    },
                    |(array, words)| array.write(.., words).unwrap(),
                ),
            ),
            (
                "open 50 arrays",
                count(store, || self.group("many"), opened),
            ),
            (
                "open 50 consolidated arrays",
                count(store, || self.group("consolidated"), opened),
            ),
            (
                "list 50 arrays",
                count(
                    store,
                    || self.group("many"),
                    |group| assert_eq!(group.children().unwrap().len(), 50),
                ),
            ),
        ])
    }
}

#[test]
fn no_count_rises_by_more_than_five_percent() {
    zarr::limits::set_threads(1).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = Store::open(folder.path().to_str().unwrap()).unwrap();
    // The wrapper keeps the engine from reading memory without a request.
    let memory = Store::new(Arc::new(FaultStore::new(InMemory::new())), "counted");
    let found = BTreeMap::from([
        ("files", Fixture::new(files).counts()),
        ("an object store", Fixture::new(memory).counts()),
    ]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counts.json");
    if std::env::var_os("RENEW_COUNTS").is_some() {
        let text = serde_json::to_string_pretty(&found).unwrap() + "\n";
        std::fs::write(&path, text).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let recorded: BTreeMap<String, BTreeMap<String, Counts>> = serde_json::from_str(&text).unwrap();
    let mut risen = Vec::new();
    for (place, cases) in &found {
        for (case, counts) in cases {
            let before = recorded[*place].get(*case);
            let before =
                before.unwrap_or_else(|| panic!("{case:?} is not recorded: RENEW_COUNTS=1"));
            for ((what, now, free), (_, before, _)) in
                counts.named().into_iter().zip(before.named())
            {
                if now * 100 > before * 105 + free * 100 {
                    risen.push(format!("{place}, {case}: {before} {what}, now {now}"));
                }
            }
        }
    }
    assert!(
        risen.is_empty(),
        "\n{}\nRENEW_COUNTS=1 records the counts, if the rise is meant",
        risen.join("\n")
    );
}
