//! The bodies of the fuzz targets: one function of bytes each, which panics if a promise is broken.
//!
//! The libFuzzer targets in `fuzz_targets/` call [`run`]. On stable Rust, `tests/seeds.rs` calls it
//! with every committed seed. Each body returns the memory that its input entitles it to, and `run`
//! compares that with the peak: promise P5.

#![expect(
    clippy::missing_panics_doc,
    reason = "a panic is how a body tells what it found"
)]

mod array_read;
mod codec_chain;
pub mod counting;
mod key_roundtrip;
mod metadata_json;
mod plan;
mod shard_index;
mod shard_read;
mod source;

pub use array_read::bag;
pub use codec_chain::{CHAINS, bind};
pub use shard_read::ARRAYS as SHARDED;

/// The bytes that a body may allocate beyond what its input entitles it to.
const SCRATCH: usize = 1 << 20;

/// A body, which runs one input and returns the bytes of memory that the input entitles it to.
type Body = fn(&[u8]) -> usize;

/// The targets by name.
pub const TARGETS: [(&str, Body); 7] = [
    ("array_read", array_read::run),
    ("codec_chain", codec_chain::run),
    ("key_roundtrip", key_roundtrip::run),
    ("metadata_json", metadata_json::run),
    ("plan", plan::run),
    ("shard_index", shard_index::run),
    ("shard_read", shard_read::run),
];

/// Runs one input of a target and checks its peak memory.
pub fn run(target: &str, data: &[u8]) {
    let (_, body) = TARGETS
        .iter()
        .find(|(name, _)| *name == target)
        .expect("a target of that name");
    let (declared, peak) = counting::peak_of(|| body(data));
    assert!(
        peak <= declared + SCRATCH,
        "{target}: {peak} bytes at the peak, {declared} declared for an input of {}",
        data.len()
    );
}
