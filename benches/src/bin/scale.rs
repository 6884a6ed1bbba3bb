//! Runs one case of `scale.py` in a process of its own, so that its peak memory can be measured:
//! `scale ours|zarrs CASE FOLDER`. The output is the wall and CPU time of the operation, the peak
//! memory of the process, and a checksum.

use std::path::Path;
use std::time::Instant;

use ndarray::{ArrayD, IxDyn};
use serde_json::json;
use zarr_benches::{cpu_time, peak_mib};

#[path = "scale/ours.rs"]
mod ours;
#[path = "scale/zarrs.rs"]
mod peer;

/// The size in bytes of an inner chunk of the only shard.
const INNER: u64 = 64;
const INNER_CHUNKS: u64 = 1 << 20;

/// The operations of an implementation. Every array is `uint8`.
trait Implementation {
    type Array;
    fn open(path: &str) -> Self::Array;
    fn read(array: &Self::Array, start: u64, end: u64) -> Vec<u8>;
    fn points(array: &Self::Array, points: Vec<u64>) -> Option<Vec<u8>>;
    fn write(array: &Self::Array, data: Vec<u8>);
    /// Opens the arrays `0`, `1`, ... of a group, and returns the sum of their lengths.
    fn open_many(folder: &str, count: u64) -> u64;
    /// Reads the chunks of an array on `pool`, one task each, and also writes them to `to` if it is
    /// given.
    fn chunks_on(pool: &rayon::ThreadPool, from: &Self::Array, to: Option<&Self::Array>, chunk: u64, count: u64) -> u64;
}

fn main() {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let [who, case, folder] = &arguments[..] else {
        panic!("usage: scale ours|zarrs CASE FOLDER");
    };
    match who.as_str() {
        "ours" => match case.as_str() {
            "shrink" => report(|| ours::shrink(folder)),
            "list_consolidated" => report(|| ours::list_consolidated(folder)),
            _ if case.starts_with("curve_") => report(|| ours::curve(case, folder)),
            _ => run::<ours::Ours>(case, folder),
        },
        "zarrs" => run::<peer::Zarrs>(case, folder),
        other => panic!("no implementation {other}"),
    }
}

fn run<I: Implementation>(case: &str, folder: &str) {
    let path = |name: &str| Path::new(folder).join(name).to_str().expect("UTF-8").to_owned();
    let all = INNER * INNER_CHUNKS;
    let inner = |array: &I::Array, at: u64| I::read(array, at * INNER, (at + 1) * INNER);
    match case {
        "one_inner" => {
            let array = I::open(&path("shard"));
            inner(&array, 1);
            report(|| inner(&array, 777_777));
        }
        "random_inner" => {
            let array = I::open(&path("shard"));
            inner(&array, 1);
            report(|| random(1000, INNER_CHUNKS).flat_map(|at| inner(&array, at)).collect());
        }
        "points" => {
            let array = I::open(&path("shard"));
            inner(&array, 1);
            let points = random(100_000, all).collect();
            report(|| I::points(&array, points).expect("points"));
        }
        "read_shard" => {
            let array = I::open(&path("shard"));
            report(|| I::read(&array, 0, all));
        }
        "write_shard" => {
            let array = I::open(&path("empty_shard"));
            let data = I::read(&I::open(&path("raw")), 0, all);
            report(|| {
                I::write(&array, data);
                Vec::new()
            });
        }
        "write_objects" => {
            let array = I::open(&path("small_chunks"));
            let data = I::read(&I::open(&path("raw")), 0, 65_536 * INNER);
            report(|| {
                I::write(&array, data);
                Vec::new()
            });
        }
        "open_many" => report(|| I::open_many(&path("many"), 1000).to_le_bytes().to_vec()),
        "own_pool" | "own_pool_copy" => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
            let from = I::open(&path("large_chunks"));
            let to = (case == "own_pool_copy").then(|| I::open(&path("large_chunks_copy")));
            report(|| I::chunks_on(&pool, &from, to.as_ref(), 32 << 20, 8).to_le_bytes().to_vec());
        }
        other => panic!("no case {other}"),
    }
}

/// Returns pseudo-random numbers below `end`, identical in every process.
fn random(count: u64, end: u64) -> impl Iterator<Item = u64> {
    let step = |x: u64| (x ^ (x >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (1..=count).map(move |i| step(step(i.wrapping_mul(0xD6E8_FEB8_6659_FD93))) % end)
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().enumerate().fold(0, |sum, (i, &byte)| sum.wrapping_add((i as u64 % 65_521) * u64::from(byte)))
}

fn report(work: impl FnOnce() -> Vec<u8>) {
    let (cpu, start) = (cpu_time(), Instant::now());
    let result = work();
    let (wall, cpu) = (start.elapsed(), cpu_time() - cpu);
    let (peak, checksum) = (peak_mib(), sum(&result));
    let (wall, cpu) = (wall.as_secs_f64() * 1e3, cpu.as_secs_f64() * 1e3);
    println!("{}", json!({"wall_ms": wall, "cpu_ms": cpu, "peak_mib": peak, "checksum": checksum.to_string()}));
}

fn vector(data: Vec<u8>) -> ArrayD<u8> {
    ArrayD::from_shape_vec(IxDyn(&[data.len()]), data).expect("one dimension")
}
