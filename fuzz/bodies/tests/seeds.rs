//! Runs every committed seed on stable Rust: none may panic, or take more memory than its input
//! entitles it to. Promises P5, P6 and P7.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

#[test]
fn no_seed_panics_or_takes_memory() {
    let mut total = 0;
    for (target, _) in zarr_fuzz::TARGETS {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds");
        let mut count = 0;
        for seed in std::fs::read_dir(seeds.join(target)).unwrap() {
            let path = seed.unwrap().path();
            let data = std::fs::read(&path).unwrap();
            println!("{}", path.display());
            zarr_fuzz::run(target, &data);
            (count, total) = (count + 1, total + data.len());
        }
        assert!(count >= 10, "{target} has {count} seeds");
    }
    assert!(total < 500_000, "{total} bytes of seeds");
}

/// Cuts and changes seeds, so that every test run covers what a fuzzer would find first.
#[test]
fn no_damaged_seed_panics_or_takes_memory() {
    for (target, _) in zarr_fuzz::TARGETS {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds");
        for seed in std::fs::read_dir(seeds.join(target)).unwrap() {
            let data = std::fs::read(seed.unwrap().path()).unwrap();
            let places = (0..data.len()).step_by(1 + data.len() / 64);
            for place in places {
                zarr_fuzz::run(target, &data[..place]);
                for change in [0x01, 0x80, 0xff] {
                    let mut damaged = data.clone();
                    damaged[place] ^= change;
                    zarr_fuzz::run(target, &damaged);
                }
            }
        }
    }
}
