//! `copy` and `rechunk`: places, regions, stale chunks, data types.

use std::fs;

use ndarray::{Array1, Array2};
use serde_json::json;
use zarr::ArrayBuilder;

use crate::common::Place;

#[test]
fn a_hierarchy_is_not_copied_into_itself() {
    let place = Place::new();
    std::os::unix::fs::symlink("sample.zarr", place.path("link.zarr")).unwrap();
    for to in [
        "sample.zarr",
        "sample.zarr/run/new",
        "./sample.zarr/",
        "link.zarr/new",
        "sample.zarr/../sample.zarr",
    ] {
        for command in ["copy", "rechunk"] {
            let from = if command == "copy" {
                "sample.zarr"
            } else {
                "sample.zarr/temperature"
            };
            if command == "rechunk" && to != "sample.zarr" {
                continue;
            }
            let done = place.run(&[command, from, to, "--overwrite"]);
            assert_eq!(done.code, 2, "{command} {to}: {}", done.stdout);
        }
    }
    place.well(&["check", "sample.zarr"]);
}

#[test]
fn groups_above_a_copy_are_created_and_consolidated() {
    let place = Place::new();
    place.well(&["create", "new.zarr", "--group"]);
    place.well(&["consolidate", "new.zarr"]);
    place.well(&["copy", "sample.zarr/run", "new.zarr/a/b"]);
    assert!(place.path("new.zarr/a/zarr.json").exists());
    place.well(&["consolidate", "new.zarr", "--check"]);
    place.well(&[
        "create",
        "new.zarr/x/y/z",
        "--shape",
        "3",
        "--dtype",
        "int8",
    ]);
    place.well(&["consolidate", "new.zarr", "--check"]);
    let tree = place.well(&["tree", "new.zarr"]);
    assert!(tree.contains("mask") && tree.contains('z'), "{tree}");
    place.well(&["check", "new.zarr"]);
}

#[test]
fn stale_chunks_of_a_copy_are_named_and_removed() {
    let place = Place::new();
    place.well(&["copy", "sample.zarr", "b.zarr"]);
    fs::remove_file(place.path("sample.zarr/run/mask/c/0/0")).unwrap();
    place.well(&["create", "b.zarr/other", "--group"]);
    let done = place.run(&["copy", "sample.zarr", "b.zarr", "--verify", "values"]);
    assert_eq!(done.code, 1);
    assert!(
        done.stdout.contains("only in the copy: run/mask/c/0/0"),
        "{}",
        done.stdout
    );
    let found = place.json(&[
        "copy",
        "sample.zarr",
        "b.zarr",
        "--delete",
        "--verify",
        "values",
    ]);
    assert_eq!(
        (&found["only_in_copy"][0], &found["copied"]),
        (&json!("run/mask/c/0/0"), &json!(0))
    );
    assert!(place.path("b.zarr/other/zarr.json").exists());
    place.well(&["diff", "sample.zarr/run", "b.zarr/run"]);
}

#[test]
fn a_region_of_a_hierarchy_is_copied() {
    let place = Place::new();
    let args = [
        "copy",
        "sample.zarr",
        "part.zarr",
        "--region",
        "time=1:3,lat=2:5",
    ];
    let done = place.json(&[&args[..], &["--verify", "values"]].concat());
    assert_eq!(done["elements"], 2 * 3 * 8);
    let here = place.open("sample.zarr").array("temperature").unwrap();
    let there = place.open("part.zarr").array("temperature").unwrap();
    assert_eq!(there.shape(), [2, 3, 8]);
    let (expected, found) = (
        here.read::<f32>((1..3, 2..5, ..)).unwrap(),
        there.read::<f32>(..).unwrap(),
    );
    let bits = |value: &f32| value.to_bits();
    assert!(expected.iter().map(bits).eq(found.iter().map(bits)));
    place.well(&["diff", "sample.zarr/run", "part.zarr/run"]);
    let again = place.json(&args);
    assert_eq!(
        (&again["copied"], &again["elements"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(
        place
            .run(&["copy", "sample.zarr", "q.zarr", "--region", "height=3"])
            .code,
        2
    );
    place.well(&[
        "copy",
        "sample.zarr/temperature",
        "one.zarr",
        "--region",
        "1",
    ]);
    assert_eq!(place.json(&["info", "one.zarr"])["shape"], json!([1, 6, 8]));
}

#[test]
fn fill_values_are_converted_with_the_data_type() {
    let place = Place::new();
    let convert = |from: &str, fill: serde_json::Value, to: &str| {
        let fill = fill.to_string();
        let name = format!(
            "{}-{}",
            from.replace(['[', ']'], ""),
            to.replace(['[', ']'], "")
        );
        let args = ["--shape", "4", "--dtype", from, "--fill", &fill];
        place.well(&[&["create", &format!("{name}.zarr")][..], &args].concat());
        let target = format!("{name}-new.zarr");
        let done = place.run(&["rechunk", &format!("{name}.zarr"), &target, "--dtype", to]);
        match done.code {
            0 => Ok(place.json(&["info", &target])["fill_value"].clone()),
            _ => Err(done.stderr),
        }
    };
    for (from, fill, to, expected) in [
        ("float64", json!("NaN"), "float32", json!("NaN")),
        ("float64", json!(1.5), "float16", json!(1.5)),
        ("int32", json!(-7), "int64", json!(-7)),
        ("int16", json!(3), "float64", json!(3.0)),
        (
            "complex128",
            json!([1.0, "NaN"]),
            "complex64",
            json!([1.0, "NaN"]),
        ),
        ("float32", json!(2.0), "complex64", json!([2.0, 0.0])),
        ("datetime64[s]", json!("NaT"), "int64", json!(i64::MIN)),
    ] {
        assert_eq!(convert(from, fill, to), Ok(expected), "{from} to {to}");
    }
    for (from, fill, to) in [
        ("float64", json!("NaN"), "int32"),
        ("int16", json!(-1), "uint8"),
        ("datetime64[s]", json!("NaT"), "float64"),
    ] {
        let error = convert(from, fill, to).unwrap_err();
        assert!(error.contains("--fill"), "{from} to {to}: {error}");
    }
}

#[test]
fn complex_numbers_are_converted_and_compared() {
    use num_complex::Complex64;
    let place = Place::new();
    let metadata = ArrayBuilder::new(&[3], "complex128").build().unwrap();
    let array = place.open("a.zarr").create_array("", metadata).unwrap();
    let values = [(1.0, 2.0), (0.1, 5.0), (3.0, 4.0)].map(|(re, im)| Complex64::new(re, im));
    array.write(.., Array1::from(values.to_vec())).unwrap();
    place.well(&["rechunk", "a.zarr", "b.zarr", "--dtype", "complex64"]);
    assert_eq!(place.run(&["diff", "a.zarr", "b.zarr", "--values"]).code, 1);
    place.well(&[
        "diff", "a.zarr", "b.zarr", "--values", "--rtol", "1e-6", "--atol", "1e-6",
    ]);
    for wrong in ["nan", "-1", "x"] {
        let done = place.run(&["diff", "a.zarr", "b.zarr", "--atol", wrong]);
        assert_eq!(done.code, 2, "{wrong}");
    }
    array.write(2, Complex64::new(30.0, 4.0)).unwrap();
    let found = place.run(&[
        "diff", "a.zarr", "b.zarr", "--values", "--atol", "26", "--json",
    ]);
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(found["differences"][0]["values"]["largest"], 27.0);
}

#[test]
fn blosc_knows_the_size_of_an_element() {
    let place = Place::new();
    let args = ["--shape", "8", "--dtype", "float64", "--codecs", "blosc"];
    place.well(&[&["create", "a.zarr"][..], &args].concat());
    let document = |name: &str| place.well(&["info", name, "--document"]);
    assert!(
        document("a.zarr").contains("\"typesize\": 8"),
        "{}",
        document("a.zarr")
    );
    place.well(&["rechunk", "a.zarr", "b.zarr", "--dtype", "int16"]);
    assert!(
        document("b.zarr").contains("\"typesize\": 2"),
        "{}",
        document("b.zarr")
    );
}

#[test]
fn wrong_places_types_and_shapes_are_refused() {
    let place = Place::new();
    let create =
        |path: &str, dtype: &str| place.run(&["create", path, "--shape", "2,3", "--dtype", dtype]);
    for dtype in ["float33", "datetime64", "datetime64[fortnight]"] {
        let done = create("new.zarr", dtype);
        assert_eq!(done.code, 2);
        assert!(
            done.stderr.starts_with("error: --dtype: "),
            "{}",
            done.stderr
        );
    }
    assert_eq!(create("dates.zarr", "datetime64[10ms]").code, 0);
    let below = create("sample.zarr/run/mask/below", "int8");
    assert!(
        below.code == 2 && below.stderr.contains("is an array"),
        "{}",
        below.stderr
    );
    assert_eq!(create("rows.zarr", "uint8").code, 0);
    let npy = |shape: &str, len: usize| {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
        let header = format!("{header:117}\n");
        let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        file.extend(header.as_bytes());
        file.extend(vec![7; len]);
        fs::write(place.path("rows.npy"), file).unwrap();
    };
    npy("(3,)", 3);
    let done = place.run(&["append", "rows.zarr", "rows.npy"]);
    assert!(
        done.code == 2 && done.stderr.contains("(3)"),
        "{}",
        done.stderr
    );
    npy("(1, 3)", 3);
    assert_eq!(
        place.json(&["append", "rows.zarr", "rows.npy"])["shape"],
        json!([3, 3])
    );
    npy("(3, 1)", 3);
    assert_eq!(
        place.json(&["append", "rows.zarr", "rows.npy", "--axis", "-1"])["shape"],
        json!([3, 4])
    );
    assert_eq!(
        place
            .run(&["append", "rows.zarr", "rows.npy", "--axis", "-3"])
            .code,
        2
    );
}

#[test]
fn zarr_2_documents_are_printed_as_stored() {
    let place = Place::new();
    fs::create_dir_all(place.path("old.zarr/a")).unwrap();
    fs::write(place.path("old.zarr/.zgroup"), "{\"zarr_format\": 2}").unwrap();
    let document = json!({"zarr_format": 2, "shape": [2], "chunks": [2], "dtype": "<M8[s]",
        "compressor": null, "fill_value": 0, "order": "C", "filters": null});
    fs::write(place.path("old.zarr/a/.zarray"), document.to_string()).unwrap();
    fs::write(
        place.path("old.zarr/a/0"),
        [0_i64, 86_400].map(i64::to_le_bytes).concat(),
    )
    .unwrap();
    let printed = place.well(&["info", "old.zarr/a", "--document"]);
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed, document);
    // Dates are printed as dates.
    let dates = json!(["1970-01-01T00:00:00", "1970-01-02T00:00:00"]);
    assert_eq!(place.json(&["cat", "old.zarr/a"])["values"], dates);
    assert!(
        place
            .well(&["cat", "old.zarr/a", "--csv"])
            .contains("1,1970-01-02T00:00:00\n")
    );
    let stats = place.json(&["stats", "old.zarr/a"]);
    assert_eq!(stats["max"], dates[1]);
    assert_eq!(stats["mean"], "1970-01-01T12:00:00");
}

#[test]
fn infinity_has_one_spelling() {
    let place = Place::new();
    let metadata = ArrayBuilder::new(&[2, 2], "float64").build().unwrap();
    let array = place
        .open("a.zarr")
        .create_array("", metadata.clone())
        .unwrap();
    let values = Array2::from_shape_vec(
        (2, 2),
        vec![f64::INFINITY, 1.0, f64::NAN, f64::NEG_INFINITY],
    );
    array.write(.., values.unwrap()).unwrap();
    place.open("b.zarr").create_array("", metadata).unwrap();
    assert_eq!(
        place.json(&["cat", "a.zarr"])["values"],
        json!([["Infinity", 1.0], ["NaN", "-Infinity"]])
    );
    let stats = place.json(&["stats", "a.zarr"]);
    assert_eq!(
        (&stats["min"], &stats["max"]),
        (&json!("-Infinity"), &json!("Infinity"))
    );
    let text = place.well(&["stats", "a.zarr"]);
    assert!(
        text.contains("Minimum     -Infinity") && !text.contains("inf\n"),
        "{text}"
    );
    let diff = place.run(&["diff", "a.zarr", "b.zarr", "--json"]);
    let diff: serde_json::Value = serde_json::from_str(&diff.stdout).unwrap();
    assert_eq!(diff["differences"][0]["values"]["largest"], "Infinity");
}

#[test]
fn help_fits_80_columns() {
    let place = Place::new();
    let all = place.well(&["--help"]);
    let names = all.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = names.take_while(|line| !line.is_empty());
    let names = names.filter_map(|line| line.strip_prefix("  ")?.split_once(' '));
    let mut helps = vec![all.clone()];
    let names = names.filter(|(name, _)| !name.is_empty());
    helps.extend(names.map(|(name, _)| place.well(&["help", name])));
    assert!(helps.len() > 25);
    for help in &helps {
        let wide = help.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None);
    }
}

#[test]
fn leftovers_are_swept() {
    let place = Place::new();
    let done = place.run(&["sweep", "sample.zarr"]);
    assert!(
        done.code == 2 && done.stderr.contains("--yes"),
        "{}",
        done.stderr
    );
    fs::write(place.path("sample.zarr/run/mask/c/0#0"), "staged").unwrap();
    let found = place.json(&["sweep", "sample.zarr", "--older-than", "0s", "--yes"]);
    let key = "run/mask/c/0#0";
    assert_eq!(found["removed"], json!([{"kind": "file", "key": key}]));
}
