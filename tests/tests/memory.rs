//! Peak memory: a read into the caller's array takes little extra memory, and a rewrite shard by
//! shard takes a few shards. Promise P5.
//!
//! Each case runs in its own process, and the kernel records the peak.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::Command;

use ndarray::{Array3, ArrayD, IxDyn, arr0, s};
use zarr::blocking::{Array, open};
use zarr::{ArrayBuilder, Selection, codecs};

const MIB: u64 = 1 << 20;
const LEN: u64 = 1024;

/// Creates 1024 x 1024 x 512 uint16, 1 GiB, in shards of 32 MiB and inner chunks of 512 KiB.
fn create(folder: &Path, path: &str) -> Array {
    let metadata = ArrayBuilder::new(&[LEN, LEN, LEN / 2], "uint16")
        .with_chunk_shape(&[64, 64, 64])
        .with_shard_shape(&[256, 256, 256]);
    open(folder.to_str().unwrap())
        .unwrap()
        .create_array(path, metadata.build().unwrap())
        .unwrap()
}

#[test]
fn reading_a_gibibyte_into_the_callers_array_takes_little_more() {
    let folder = tempfile::tempdir().unwrap();
    let array = create(folder.path(), "a");
    let block = Array3::from_shape_fn((256, 256, 256), |(z, y, x)| {
        u16::try_from((z * y + x) & 0xffff).unwrap()
    });
    for z in (0..1024).step_by(256) {
        for y in (0..1024).step_by(256) {
            for x in (0..512).step_by(256) {
                array
                    .write(
                        s![z..z + 256, y..y + 256, x..x + 256],
                        block.view().into_dyn(),
                    )
                    .unwrap();
            }
        }
    }
    let peak = peak_of(folder.path(), "read");
    assert!(peak < 1024 * MIB + 100 * MIB, "{} MiB", peak / MIB);
    let peak = peak_of(folder.path(), "rewrite");
    assert!(peak < 8 * 32 * MIB, "{} MiB", peak / MIB);
}

#[test]
fn a_compaction_holds_a_few_shards() {
    let folder = tempfile::tempdir().unwrap();
    // 24 shards of 16 MiB, 384 MiB, of which 8 decode to 128 MiB.
    let metadata = ArrayBuilder::new(&[24, 1 << 24], "uint8")
        .with_chunk_shape(&[1, 1 << 18])
        .with_shard_shape(&[1, 1 << 24])
        .with_codecs([codecs::bytes(false), codecs::crc32c()]);
    let array = open(folder.path().to_str().unwrap())
        .unwrap()
        .create_array("a", metadata.build().unwrap())
        .unwrap();
    for row in 0..24 {
        array.write(s![row, ..], arr0(5_u8)).unwrap();
        array.write(s![row, ..1 << 18], arr0(6_u8)).unwrap();
    }
    let dead = array.dead_space().unwrap();
    assert!(dead.iter().all(|shard| shard.dead == (1 << 18) + 4));
    let peak = peak_of(folder.path(), "compact");
    assert!(peak < (128 + 64) * MIB, "{} MiB", peak / MIB);
}

#[test]
fn a_bomb_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let metadata = ArrayBuilder::new(&[16], "uint8")
        .with_chunk_shape(&[16])
        .build()
        .unwrap();
    open(folder.path().to_str().unwrap())
        .unwrap()
        .create_array("a", metadata)
        .unwrap();
    // A zstd frame of 64 KB that decodes to 2 GiB of zeros, in runs of 128 KiB: a bomb for a codec
    // that expects a small chunk.
    let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    for number in 0..16_000_u32 {
        let header = u32::from(number == 15_999) | (1 << 1) | (0x2_0000 << 3);
        bomb.extend(&header.to_le_bytes()[..3]);
        bomb.push(0);
    }
    std::fs::create_dir_all(folder.path().join("a/c")).unwrap();
    std::fs::write(folder.path().join("a/c/0"), bomb).unwrap();
    let peak = peak_of(folder.path(), "bomb");
    assert!(peak < 64 * MIB, "{} MiB", peak / MIB);
}

/// Returns the peak memory of a child with this role, in bytes.
fn peak_of(folder: &Path, role: &str) -> u64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "role_of_a_child", "--nocapture"])
        .env("ZARR_TEST_ROLE", role)
        .env("ZARR_TEST_FOLDER", folder)
        // What a compaction holds, without the free blocks that glibc keeps for each thread.
        .envs((role == "compact").then_some(("MALLOC_MMAP_THRESHOLD_", "131072")))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{role}: {text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let peak = text
        .lines()
        .find_map(|line| line.strip_prefix("peak KiB: "))
        .unwrap();
    peak.parse::<u64>().unwrap() * 1024
}

/// Does nothing in the test run itself; in a child process it runs the child's work.
#[test]
fn role_of_a_child() {
    let Ok(role) = std::env::var("ZARR_TEST_ROLE") else {
        return;
    };
    let folder = std::env::var("ZARR_TEST_FOLDER").unwrap();
    let folder = Path::new(&folder);
    let array = open(folder.to_str().unwrap()).unwrap().array("a").unwrap();
    match role.as_str() {
        "read" => {
            let mut data = ArrayD::<u16>::zeros(IxDyn(&[1024, 1024, 512]));
            array.read_into(&Selection::all(), data.view_mut()).unwrap();
            assert_eq!(data[[300, 10, 7]], 44 * 10 + 7);
        }
        "rewrite" => {
            let copy = create(folder, "copy");
            for z in (0..1024).step_by(256) {
                for y in (0..1024).step_by(256) {
                    let part = s![z..z + 256, y..y + 256, 0..256];
                    copy.write(part, array.read::<u16>(part).unwrap().view())
                        .unwrap();
                }
            }
            copy.write(s![0, 0, 0], arr0(7_u16).view().into_dyn())
                .unwrap();
        }
        "compact" => {
            let done = array.compact(0).unwrap();
            assert_eq!((done.shards, done.freed), (24, 24 * ((1 << 18) + 4)));
        }
        "bomb" => {
            let error = array.read::<u8>(..).unwrap_err().to_string();
            assert!(error.contains("a/c/0: zstd"), "{error}");
        }
        other => panic!("no role {other:?}"),
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    // Ends the line that the harness has begun.
    println!("\npeak KiB: {}", peak.trim().trim_end_matches(" kB"));
}
