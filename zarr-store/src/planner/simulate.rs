//! Compares the planner with policies of other libraries on a simulated store: `C` requests at
//! once, each taking `L` plus its bytes at the bandwidth of one connection. Only the plans differ;
//! the simulation reads no clock, so the figures are the same everywhere.
//!
//! `cargo test -p zarr-store simulate -- --nocapture` prints the table.

use std::ops::Range;
use std::time::Duration;

use super::tests::every;
use super::{merge_near, merge_overlaps, plan_ranges, size};
use crate::CostModel;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

struct Network {
    latency: Duration,
    /// The transfer rate of a connection, in bytes per second.
    bandwidth: f64,
}

impl Network {
    /// Returns when the last request ends, in ms, if each request starts, in order, as soon as a
    /// slot is free.
    #[expect(clippy::cast_precision_loss, reason = "sizes of a simulation")]
    fn run(&self, requests: &[Range<u64>], max_in_flight: usize) -> f64 {
        let mut free = vec![0.0_f64; max_in_flight];
        for request in requests {
            let slot = free
                .iter_mut()
                .min_by(|a, b| a.total_cmp(b))
                .expect("there are slots");
            *slot += self.latency.as_secs_f64() + size(request) as f64 / self.bandwidth;
        }
        free.into_iter().fold(0.0, f64::max) * 1e3
    }
}

/// Merges ranges at most 1 MiB apart, up to a size.
fn merged(wanted: &[Range<u64>], cap: u64) -> Vec<Range<u64>> {
    merge_near(&merge_overlaps(wanted.to_vec()), MIB, cap)
}

struct Row {
    pattern: &'static str,
    wanted: Vec<Range<u64>>,
    /// Times measured on a real server over loopback, at 15 ms and 80 MB/s, in ms.
    measured: [f64; 2],
}

fn rows() -> [Row; 6] {
    let row = |pattern, wanted, measured| Row {
        pattern,
        wanted,
        measured,
    };
    [
        row(
            "64 x 64 KiB, gap 64 KiB",
            every(64, 64 * KIB, 64 * KIB),
            [119.0, 119.0],
        ),
        row(
            "64 x 64 KiB, gap 512 KiB",
            every(64, 64 * KIB, 512 * KIB),
            [483.0, 227.0],
        ),
        row(
            "64 x 64 KiB, gap 2 MiB",
            every(64, 64 * KIB, 2 * MIB),
            [126.0, 128.0],
        ),
        row("64 MiB contiguous", every(16, 4 * MIB, 0), [858.0, 230.0]),
        row(
            "256 x 16 KiB, gap 16 KiB",
            every(256, 16 * KIB, 16 * KIB),
            [120.0, 121.0],
        ),
        row(
            "1024 x 16 KiB, gap 200 KiB",
            every(1024, 16 * KIB, 200 * KIB),
            [2872.0, 469.0],
        ),
    ]
}

/// The times of object_store, of zarr-python, of this planner for time with 32 and 64 requests in
/// flight, and of its default with 64.
fn times(wanted: &[Range<u64>], network: &Network) -> [f64; 5] {
    let ours = |max_in_flight, preset: CostModel| {
        let cost = CostModel {
            latency: network.latency,
            bandwidth: network.bandwidth,
            max_in_flight,
            ..preset
        };
        network.run(&plan_ranges(wanted, &cost).requests, max_in_flight)
    };
    let for_time = || CostModel::object().for_time();
    [
        network.run(&merged(wanted, u64::MAX), 10),
        network.run(&merged(wanted, 16 * MIB), 10),
        ours(32, for_time()),
        ours(64, for_time()),
        ours(64, CostModel::object()),
    ]
}

#[test]
fn simulate() {
    println!(
        "| pattern | object_store | gap 1 MiB, cap 16 MiB | for time, 32 in flight | for time, 64 in flight | default, 64 in flight |"
    );
    for (latency, bandwidth) in [(15, 80e6), (50, 50e6), (5, 200e6), (100, 10e6)] {
        let network = Network {
            latency: Duration::from_millis(latency),
            bandwidth,
        };
        println!(
            "|---|---|---|---|---|---| {latency} ms, {} MB/s",
            bandwidth / 1e6
        );
        for Row {
            pattern,
            wanted,
            measured,
        } in rows()
        {
            let found @ [object_store, zarr_python, ours_32, ours_64, default] =
                times(&wanted, &network);
            let [a, b, c, d, e] = found.map(|time| format!("{time:.0}"));
            println!("| {pattern} | {a} | {b} | {c} | {d} | {e} |");
            let best = found.into_iter().fold(f64::MAX, f64::min);
            assert!(
                ours_64 <= 1.1 * best,
                "{pattern}: {ours_64} ms, best {best}"
            );
            let others = object_store.min(zarr_python);
            assert!(
                ours_32 <= 1.1 * others,
                "{pattern}: {ours_32} ms, others {others}"
            );
            // With about as few requests as object_store, the default is as fast.
            assert!(
                default <= 1.1 * object_store,
                "{pattern}: {default} ms, object_store {object_store} ms"
            );
            if latency == 15 {
                for (simulated, measured) in found.into_iter().zip(measured) {
                    let off = (simulated - measured).abs() / measured;
                    assert!(off < 0.15, "{pattern}: {simulated} ms, measured {measured}");
                }
            }
        }
    }
}
