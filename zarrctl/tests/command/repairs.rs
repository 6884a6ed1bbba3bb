//! `repair`, `check` and `verify`: other copies of the data, exit codes, all damage at once.

use std::fs;

use ndarray::Array1;
use zarr::ArrayBuilder;

use crate::common::Place;

/// Creates a hierarchy with a sharded array `s` and an array `t`, and a copy `copy.zarr`.
fn damaged() -> Place {
    let place = Place::new();
    let root = place.open("data.zarr");
    let values = Array1::from_iter(1..=64_i32);
    let shards = ArrayBuilder::new(&[64], "int32")
        .with_chunk_shape(&[4])
        .with_shard_shape(&[16]);
    let shards = root.create_array("s", shards.build().unwrap()).unwrap();
    shards.write(.., values.view()).unwrap();
    let chunks = ArrayBuilder::new(&[64], "int32").with_chunk_shape(&[16]);
    let chunks = root.create_array("t", chunks.build().unwrap()).unwrap();
    chunks.write(.., values.view()).unwrap();
    place.well(&["copy", "data.zarr", "copy.zarr"]);
    place
}

fn is_whole(place: &Place) {
    place.well(&["check", "data.zarr", "--deep"]);
    place.well(&["diff", "data.zarr", "copy.zarr"]);
}

const REPAIR: [&str; 7] = [
    "repair",
    "data.zarr",
    "--deep",
    "--from",
    "copy.zarr",
    "--apply",
    "--backup",
];

#[test]
fn damaged_objects_are_taken_from_a_copy() {
    let place = damaged();
    let file = |key: &str| place.path("data.zarr").join(key);
    // A cut shard, one without most of its bytes, an empty object, a cut chunk and documents.
    let shard = fs::read(file("s/c/0")).unwrap();
    fs::write(file("s/c/0"), &shard[..shard.len() - 9]).unwrap();
    fs::write(file("s/c/1"), &shard[..3]).unwrap();
    fs::write(file("s/c/2"), "").unwrap();
    fs::write(file("t/c/0"), "").unwrap();
    let chunk = fs::read(file("t/c/1")).unwrap();
    fs::write(file("t/c/1"), &chunk[..chunk.len() / 2]).unwrap();
    assert_eq!(place.run(&["repair", "data.zarr", "--deep"]).code, 1);
    place.well(&[&REPAIR[..], &["old"]].concat());
    is_whole(&place);
    assert_eq!(fs::read(place.path("old/s/c/1")).unwrap(), &shard[..3]);
    fs::write(file("t/zarr.json"), "{").unwrap();
    fs::remove_file(file("s/zarr.json")).unwrap();
    place.run(&[&REPAIR[..], &["older"]].concat());
    is_whole(&place);
}

#[test]
fn the_copies_of_groups_above_follow_a_repair() {
    let place = Place::new();
    let root = place.open("data.zarr");
    root.create_group("g/a", Default::default()).unwrap();
    place.well(&["consolidate", "data.zarr"]);
    let old = fs::read(place.path("data.zarr/zarr.json")).unwrap();
    let document = fs::read(place.path("data.zarr/g/a/zarr.json")).unwrap();
    fs::create_dir_all(place.path("data.zarr/g/p/q")).unwrap();
    fs::write(place.path("data.zarr/g/p/q/zarr.json"), document).unwrap();
    let repair = ["repair", "data.zarr/g", "--apply", "--backup", "old"];
    place.well(&repair);
    place.well(&["check", "data.zarr"]);
    assert_eq!(fs::read(place.path("old/above/zarr.json")).unwrap(), old);
}

#[test]
fn damage_in_the_copy_is_not_taken() {
    let place = damaged();
    for name in ["data.zarr", "copy.zarr"] {
        fs::write(place.path(name).join("t/c/1"), "no chunk").unwrap();
    }
    let done = place.run(&[&REPAIR[..], &["old"]].concat());
    assert_eq!(done.code, 1, "{}", done.stdout);
    assert!(done.stdout.contains("skipped"), "{}", done.stdout);
}

#[test]
fn what_a_repair_dropped_comes_back_from_a_copy() {
    let place = damaged();
    let shard = place.path("data.zarr/s/c/1");
    let mut bytes = fs::read(&shard).unwrap();
    bytes[3] ^= 0xff;
    fs::write(&shard, bytes).unwrap();
    let done = place.run(&[
        "repair",
        "data.zarr",
        "--deep",
        "--apply",
        "--backup",
        "old",
    ]);
    assert!(
        done.stdout.contains("without the damaged inner chunk"),
        "{}",
        done.stdout
    );
    assert_eq!(place.run(&["diff", "data.zarr", "copy.zarr"]).code, 1);
    // Missing inner chunks are legal: they come back only if asked for.
    place.well(&[&REPAIR[..], &["older"]].concat());
    assert_eq!(place.run(&["diff", "data.zarr", "copy.zarr"]).code, 1);
    fs::remove_file(place.path("data.zarr/t/c/2")).unwrap();
    place.well(&[&REPAIR[..], &["oldest", "--missing"]].concat());
    is_whole(&place);
}

#[test]
fn exit_codes_of_repair_are_those_of_check() {
    let place = damaged();
    for command in ["check", "repair"] {
        assert_eq!(place.run(&[command, "nope.zarr"]).code, 2, "{command}");
        assert_eq!(place.run(&[command, "data.zarr"]).code, 0, "{command}");
    }
    fs::write(place.path("data.zarr/t/zarr.json"), "{").unwrap();
    let done = place.run(&["repair", "data.zarr", "--apply"]);
    assert_eq!(done.code, 1);
    assert!(done.stdout.contains("without a repair"), "{}", done.stdout);
}

#[test]
fn a_closed_output_ends_no_repair() {
    let place = damaged();
    for number in 0..50 {
        fs::write(
            place
                .path("data.zarr")
                .join(format!("t/c/0.{number}.partial")),
            "x",
        )
        .unwrap();
    }
    let line =
        "{ zarrctl repair data.zarr --apply --backup kept --json -v; echo $? > code; } 2>&1 | true";
    place.shell(line);
    place.well(&["check", "data.zarr"]);
    assert_eq!(fs::read_to_string(place.path("code")).unwrap(), "0\n");
}

#[test]
fn verify_lists_all_damage() {
    let place = damaged();
    let manifest = place.well(&["checksum", "data.zarr", "--values", "--no-objects"]);
    fs::write(place.path("manifest.json"), manifest).unwrap();
    for key in ["s/c/0", "t/c/0", "t/c/3"] {
        fs::write(place.path("data.zarr").join(key), "no chunk").unwrap();
    }
    let done = place.run(&["verify", "data.zarr", "manifest.json"]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    for key in ["s/c/0", "t/c/0", "t/c/3"] {
        assert!(
            done.stdout.contains(&format!("damaged: {key}")),
            "{}",
            done.stdout
        );
    }
}

#[test]
fn messages_name_the_source_instead_of_its_root() {
    let place = damaged();
    fs::write(place.path("data.zarr/t/c/0"), "no chunk").unwrap();
    for args in [
        &["cat", "data.zarr/t"][..],
        &["stats", "data.zarr/t"],
        &["cat", "data.zarr/t", "99"],
    ] {
        let done = place.run(args);
        assert!(
            done.stderr.starts_with("error: data.zarr/t"),
            "{}",
            done.stderr
        );
    }
}
