//! Several writers of one shard, and writers that are killed or run out of disk space: no
//! acknowledged update is lost.
//!
//! Promises P1 (atomic writes), P8 (concurrent writers), P10 (crash-safe).

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ndarray::{Array2, arr0, s};
use zarr::ArrayBuilder;
use zarr::blocking::{Array, open};

const CHUNKS: usize = 8;

/// Creates one shard of 8 x 8 inner chunks of 8 x 8 elements.
fn create(url: &str) -> Array {
    let metadata = ArrayBuilder::new(&[64, 64], "uint32")
        .with_chunk_shape(&[8, 8])
        .with_shard_shape(&[64, 64]);
    open(url)
        .unwrap()
        .create_array("a", metadata.build().unwrap())
        .unwrap()
}

/// Writes every inner chunk of one column of the grid, one at a time.
fn write_column(array: &Array, column: usize) {
    for row in 0..CHUNKS {
        let value = u32::try_from(1 + row * CHUNKS + column).unwrap();
        let (y, x) = ((row * 8).cast_signed(), (column * 8).cast_signed());
        array
            .write(s![y..y + 8, x..x + 8], arr0(value).view().into_dyn())
            .unwrap();
    }
}

fn lost(array: &Array) -> usize {
    let found = array.read::<u32>(..).unwrap();
    let expected = |y: usize, x: usize| u32::try_from(1 + (y / 8) * CHUNKS + x / 8).unwrap();
    found
        .indexed_iter()
        .filter(|(index, value)| **value != expected(index[0], index[1]))
        .count()
}

#[test]
fn eight_threads_on_one_shard_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["memory:", folder.path().to_str().unwrap()] {
        let array = create(url);
        std::thread::scope(|scope| {
            for column in 0..CHUNKS {
                let array = &array;
                scope.spawn(move || write_column(array, column));
            }
        });
        assert_eq!(lost(&array), 0, "{url}");
    }
}

/// The writers share nothing except the files.
#[test]
fn four_processes_on_one_shard_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let array = create(folder.path().to_str().unwrap());
    let children = (0..4)
        .map(|number| child(folder.path(), &format!("columns {number}")))
        .collect::<Vec<_>>();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(lost(&array), 0);
}

#[test]
fn a_killed_writer_leaves_whole_objects_and_blocks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let array = create(folder.path().to_str().unwrap());
    array.write(.., arr0(1_u32).view().into_dyn()).unwrap();
    for round in 0_u64..12 {
        let mut writer = child(folder.path(), "forever");
        std::thread::sleep(Duration::from_millis(60 + 17 * round));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let found = array.read::<u32>(..).unwrap();
        let first = found[[0, 0]];
        assert!(
            found.iter().all(|&value| value == first),
            "a torn shard after round {round}"
        );
        array
            .write(s![0, 0], arr0(first).view().into_dyn())
            .unwrap();
    }
    let names = open(folder.path().to_str().unwrap())
        .unwrap()
        .group("")
        .unwrap()
        .walk()
        .unwrap();
    assert_eq!(names.len(), 1);
}

/// A shard with mostly dead space, as appending writers leave it: its inner chunks are read one by
/// one.
#[test]
fn dead_space_is_not_read_and_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let array = create(folder.path().to_str().unwrap());
    for column in 0..CHUNKS {
        write_column(&array, column);
    }
    let file = folder.path().join("a/c/0/0");
    let shard = std::fs::read(&file).unwrap();
    // The index is at the end: 16 bytes per inner chunk, and a checksum.
    let index = shard.len() - (16 * CHUNKS * CHUNKS + 4);
    let dead = vec![0xAB; 1 << 20];
    std::fs::write(&file, [&shard[..index], &dead, &shard[index..]].concat()).unwrap();
    array
        .write(s![0, 0], arr0(1_u32).view().into_dyn())
        .unwrap();
    assert_eq!(lost(&array), 0);
    let written = std::fs::read(&file).unwrap();
    assert!(written.len() < dead.len(), "{} bytes", written.len());
}

#[test]
fn a_full_disk_leaves_the_old_object() {
    let folder = tempfile::tempdir().unwrap();
    let array = create(folder.path().to_str().unwrap());
    let old = Array2::from_shape_fn((64, 64), |(y, x)| {
        u32::try_from(y * 64 + x)
            .unwrap()
            .wrapping_mul(2_654_435_761)
    });
    array.write(.., old.view().into_dyn()).unwrap();
    let mut writer = child(folder.path(), "no-space");
    assert!(writer.wait().unwrap().success());
    assert_eq!(array.read::<u32>(..).unwrap(), old.into_dyn());
    array.write(.., arr0(3_u32).view().into_dyn()).unwrap();
    assert_eq!(array.read::<u32>(s![5, 5]).unwrap().sum(), 3);
}

fn child(folder: &Path, role: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "role_of_a_child", "--nocapture"])
        .env("ZARR_TEST_ROLE", role)
        .env("ZARR_TEST_FOLDER", folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Does nothing in the test run itself; in a child process it runs the child's work.
#[test]
fn role_of_a_child() {
    let Ok(role) = std::env::var("ZARR_TEST_ROLE") else {
        return;
    };
    let folder = std::env::var("ZARR_TEST_FOLDER").unwrap();
    let array = open(&folder).unwrap().array("a").unwrap();
    match role
        .split_once(' ')
        .map_or((role.as_str(), ""), |(role, argument)| (role, argument))
    {
        ("columns", number) => {
            let number: usize = number.parse().unwrap();
            write_column(&array, 2 * number);
            write_column(&array, 2 * number + 1);
        }
        ("forever", _) => {
            for value in 1_u32.. {
                array.write(.., arr0(value).view().into_dyn()).unwrap();
            }
        }
        ("no-space", _) => {
            // Limits files to one KiB, and turns an oversized write into an error instead of a
            // signal.
            // SAFETY: both calls affect only this process, which does no other work.
            unsafe {
                libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
                let limit = libc::rlimit {
                    rlim_cur: 1024,
                    rlim_max: 1024,
                };
                assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
            }
            let new = Array2::from_shape_fn((64, 64), |(y, x)| {
                u32::try_from(y * 64 + x).unwrap().wrapping_mul(40_503_001)
            });
            let error = array
                .write(.., new.view().into_dyn())
                .unwrap_err()
                .to_string();
            assert!(error.contains("a/c/0/0"), "{error}");
            array
                .write(s![0, 0], arr0(9_u32).view().into_dyn())
                .unwrap_err();
        }
        other => panic!("no role {other:?}"),
    }
}
