//! Arrays of 10^9 chunks of which a few are stored: by what is stored, in bounded memory.

use std::process::Command;
use std::time::{Duration, Instant};

use ndarray::Array2;
use zarr::ArrayBuilder;

use crate::common::{self, Place};

const SIDE: u64 = 320_000;

/// Creates an array of 10^9 chunks with three stored ones.
fn sparse(place: &Place, name: &str, fill: f32) {
    let metadata = ArrayBuilder::new(&[SIDE, SIDE], "float32")
        .with_chunk_shape(&[10, 10])
        .with_fill_value(fill)
        .unwrap();
    let array = place.open(name).create_array("", metadata.build().unwrap());
    let array = array.unwrap();
    for start in [0, 123_450, SIDE - 10] {
        let values = Array2::from_elem((10, 10), 5.0_f32);
        array
            .write((start..start + 10, start..start + 10), values)
            .unwrap();
    }
}

/// Runs a command with at most 2 GiB of address space beyond that of an idle process.
fn limited(place: &Place, args: &[&str]) -> common::Done {
    let binary = env!("CARGO_BIN_EXE_zarrctl");
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg("ulimit -v 3000000; exec \"$@\"")
        .arg("sh");
    shell.arg(binary).args(args).current_dir(place.path(""));
    let started = Instant::now();
    let done = common::done(shell.output().unwrap());
    assert!(started.elapsed() < Duration::from_secs(60), "{args:?}");
    done
}

#[test]
fn commands_go_by_what_is_stored() {
    let place = Place::new();
    sparse(&place, "a.zarr", 0.0);
    sparse(&place, "b.zarr", 0.0);
    sparse(&place, "other-fill.zarr", 1.0);
    let json = |args: &[&str], code: i32| -> serde_json::Value {
        let done = limited(&place, &[args, &["--json"]].concat());
        assert_eq!(done.code, code, "{args:?}: {}{}", done.stdout, done.stderr);
        serde_json::from_str(&done.stdout).unwrap()
    };
    let found = json(&["stats", "a.zarr", "--histogram", "2"], 0);
    assert_eq!(found["count"], SIDE * SIDE);
    assert_eq!(found["fill"], SIDE * SIDE - 300);
    assert_eq!(
        (found["max"].as_f64(), found["distinct"].as_u64()),
        (Some(5.0), Some(2))
    );
    assert_eq!(found["histogram"]["counts"][1], 300);
    assert_eq!(
        json(&["diff", "a.zarr", "b.zarr"], 0)["differences"],
        serde_json::json!([])
    );
    let found = json(
        &[
            "diff",
            "a.zarr",
            "other-fill.zarr",
            "--values",
            "--first",
            "2",
        ],
        1,
    );
    let values = &found["differences"][0]["values"];
    assert_eq!(values["different"], SIDE * SIDE - 300);
    assert_eq!(values["first"][0]["a"], 0.0);
    let digest =
        |name: &str| json(&["checksum", name, "--values", "--no-objects"], 0)["arrays"].clone();
    assert_eq!(digest("a.zarr"), digest("b.zarr"));
    assert_ne!(digest("a.zarr"), digest("other-fill.zarr"));
    let args = [
        "rechunk", "a.zarr", "c.zarr", "--chunks", "20,20", "--verify", "values",
    ];
    assert_eq!(json(&args, 0)["copied"], SIDE * SIDE);
    let args = [
        "rechunk", "a.zarr", "d.zarr", "--dtype", "float64", "--shards", "40,40",
    ];
    json(&args, 0);
    json(&["diff", "a.zarr", "d.zarr", "--values"], 0);
    let report = limited(&place, &["report", "a.zarr", "report.html"]);
    assert_eq!(report.code, 0, "{}", report.stderr);
    assert!(limited(&place, &["head", "a.zarr"]).stdout.contains("5.0"));
    let table = limited(&place, &["cat", "a.zarr"]);
    assert!(
        table.stdout.contains("319,900 more rows"),
        "{}",
        table.stdout
    );
}

#[test]
fn the_digest_of_a_sparse_array_is_that_of_its_elements() {
    // Above and below the number of parts from which on only stored chunks are read.
    let place = Place::new();
    for fill in [0.0, 1.5] {
        let digest = |chunk: u64| {
            let metadata = ArrayBuilder::new(&[1500, 7], "float64").with_chunk_shape(&[chunk, 3]);
            let metadata = metadata.with_fill_value(fill).unwrap().build().unwrap();
            let name = format!("{chunk}-{fill}.zarr");
            let array = place.open(&name).create_array("", metadata).unwrap();
            array.write((700..900, 2..5), 2.5).unwrap();
            [
                array.value_digest(..).unwrap(),
                array.value_digest((650..1400, 1..6)).unwrap(),
            ]
        };
        assert_eq!(digest(1), digest(1500));
    }
}

#[test]
fn values_are_printed_in_bounded_memory() {
    let place = Place::new();
    sparse(&place, "a.zarr", 0.0);
    for form in ["--json", "--csv", "--npy"] {
        let line = format!("ulimit -v 3000000; zarrctl cat a.zarr {form} | head -c 100000 | wc -c");
        let (output, code) = place.shell(&line);
        assert_eq!((output.trim(), code), ("100000", 0), "{form}");
    }
}
