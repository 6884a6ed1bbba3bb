//! The operations that `contention.py` counts:
//!
//!     contention read|write PLACE raw|zstd INNER_KIB SHARDS THREADS TIMES
//!     contention transfer
//!
//! PLACE is an empty folder or `memory:`. Writes an array of `uint16`, then reads or writes it whole
//! TIMES times, and prints the inner chunks and, per inner chunk, the least CPU and wall time in
//! microseconds and the mean of the voluntary context switches. `transfer` prints the nanoseconds
//! of an addition to a number alone, and of one to a number that another thread adds to.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use ndarray::Array1;
use zarr::blocking::{Array, Hierarchy};
use zarr::{ArrayBuilder, Store, codecs, limits, registry};
use zarr_benches::Usage;

/// The elements of a shard: 4 MiB.
const SHARD: u64 = 2 << 20;

fn main() {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [op, place, codec, inner_kib, shards, threads, times] => {
            let number = |text: &str| text.parse::<u64>().expect("a number");
            limits::set_threads(number(threads) as usize).expect("threads");
            let len = number(shards) * SHARD;
            run(op, place, codec, number(inner_kib) << 9, len, number(times));
        }
        ["transfer"] => transfer(),
        _ => panic!("usage: contention read|write PLACE raw|zstd INNER_KIB SHARDS THREADS TIMES"),
    }
}

fn run(op: &str, place: &str, codec: &str, inner: u64, len: u64, times: u64) {
    let wave = |index: u64| (1000.0 + 300.0 * (index as f32 / 1000.0).sin()) as u16;
    let shard = (0..SHARD).map(wave).collect::<Vec<_>>();
    let values = Array1::from_vec(shard.repeat((len / SHARD) as usize));
    let store = Store::open(place).expect("a store");
    let metadata = ArrayBuilder::new(&[len], "uint16")
        .with_chunk_shape(&[inner])
        .with_shard_shape(&[SHARD])
        .with_codecs([codecs::bytes(true)].into_iter().chain(compressor(codec)));
    let metadata = metadata.build().expect("metadata");
    let array = Hierarchy::new(store, registry())
        .create_array("a", metadata)
        .expect("an array");
    array.write(.., &values).expect("a write");
    let work = |array: &Array| match op {
        "read" => drop(array.read::<u16>(..).expect("a read")),
        _ => array.write(.., &values).expect("a write"),
    };
    let found = (0..times).map(|_| {
        let before = Usage::start();
        work(&array);
        before.stop()
    });
    let found = found.collect::<Vec<_>>();
    let chunks = len / inner;
    let least = |of: fn(&Usage) -> f64| found.iter().map(of).fold(f64::INFINITY, f64::min);
    let us = |of| least(of) * 1e3 / chunks as f64;
    let switches = found.iter().map(|usage| usage.switches).sum::<i64>() as f64;
    println!(
        "{chunks} {} {} {}",
        us(|usage| usage.cpu_ms),
        us(|usage| usage.wall_ms),
        switches / (times * chunks) as f64
    );
}

fn compressor(codec: &str) -> Option<zarr::Extension> {
    (codec == "zstd").then(|| codecs::zstd(1))
}

fn transfer() {
    const TIMES: u64 = 20_000_000;
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    static DONE: AtomicBool = AtomicBool::new(false);
    let add = || {
        let start = Instant::now();
        for _ in 0..TIMES {
            NUMBER.fetch_add(1, Ordering::SeqCst);
        }
        start.elapsed().as_secs_f64() * 1e9 / TIMES as f64
    };
    let alone = add();
    let other = std::thread::spawn(|| {
        while !DONE.load(Ordering::Relaxed) {
            NUMBER.fetch_add(1, Ordering::SeqCst);
        }
    });
    let shared = add();
    DONE.store(true, Ordering::Relaxed);
    other.join().expect("no panic");
    println!("{alone:.1} {shared:.1}");
}
