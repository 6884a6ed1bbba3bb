//! A worker of `compare.py`: reads one request per line from standard input, and writes one answer
//! per line to standard output.
//!
//! A request names a case and arrays. The answer holds the wall and CPU time of the operation
//! alone, in milliseconds, and a checksum of the data, which is computed outside of the
//! measurement.

use std::io::{BufRead, Write, stdin, stdout};
use std::time::{Duration, Instant};

use ndarray::{Array3, s};
use serde_json::{Value, json};
use zarr_benches::cpu_time;

mod ours;
mod peer;

/// The operations of an implementation.
pub trait Implementation {
    /// Reads a whole array.
    fn read_all(path: &str) -> Array3<u16>;
    /// Reads boxes `[start, end)` one after the other, and passes each to `use_box`.
    fn read_boxes(path: &str, boxes: &[[[u64; 3]; 2]], use_box: &mut dyn FnMut(&[u16]));
    /// Writes the whole of an existing array.
    fn write_all(path: &str, data: &Array3<u16>);
}

fn main() {
    let answer = match std::env::args().nth(1).as_deref() {
        Some("ours") => serve::<ours::Ours>,
        Some("zarrs") => serve::<peer::Zarrs>,
        _ => panic!("usage: zarr-benches ours|zarrs"),
    };
    answer();
}

fn serve<I: Implementation>() {
    let mut source = None;
    for line in stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let path = request["path"].as_str().expect("a path");
        let answer = match request["case"].as_str().expect("a case") {
            "read_all" => {
                let (data, time) = timed(|| I::read_all(path));
                answer(time, checksum(data.as_slice().expect("C order")))
            }
            "read_boxes" => {
                let boxes: Vec<[[u64; 3]; 2]> = serde_json::from_value(request["boxes"].clone()).expect("boxes");
                let mut sum = 0_u64;
                let ((), time) = timed(|| {
                    I::read_boxes(path, &boxes, &mut |data| sum = sum.wrapping_add(data[0].into()).wrapping_add(data.len() as u64));
                });
                answer(time, sum)
            }
            "write_all" => {
                let from = request["source"].as_str().expect("a source");
                let data = source.get_or_insert_with(|| I::read_all(from));
                let ((), time) = timed(|| I::write_all(path, data));
                answer(time, 0)
            }
            other => panic!("no case {other}"),
        };
        writeln!(stdout(), "{answer}").expect("standard output is open");
    }
}

fn answer((wall, cpu): (Duration, Duration), checksum: u64) -> Value {
    json!({"wall_ms": wall.as_secs_f64() * 1e3, "cpu_ms": cpu.as_secs_f64() * 1e3, "checksum": checksum.to_string()})
}

fn timed<R>(work: impl FnOnce() -> R) -> (R, (Duration, Duration)) {
    let (cpu, wall) = (cpu_time(), Instant::now());
    let result = work();
    (result, (wall.elapsed(), cpu_time() - cpu))
}

/// Computes the checksum of compare.py: the sum, modulo 2^64, of every 7th element times its
/// position modulo 65,521.
fn checksum(data: &[u16]) -> u64 {
    let elements = data.iter().step_by(7).enumerate();
    elements.fold(0, |sum, (i, &x)| sum.wrapping_add((i as u64 % 65_521) * u64::from(x)))
}

/// Converts a box to a slice.
pub fn slice(b: &[[u64; 3]; 2]) -> ndarray::SliceInfo<[ndarray::SliceInfoElem; 3], ndarray::Ix3, ndarray::Ix3> {
    let [start, end] = b.map(|corner| corner.map(|index| index as isize));
    s![start[0]..end[0], start[1]..end[1], start[2]..end[2]]
}
