//! Reference arrays of other implementations: what is read is right, and what is refused is refused for a reason that is known.
//!
//! `ZARR_CORPUS` names the folder, which has a `manifest.json` of cases with the elements that several implementations agree on.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use serde_json::Value;
use zarr::blocking::open;
use zarr_tests::conformance::{Elements, Failure, variable_elements};

#[test]
fn reference_arrays_are_read_as_others_read_them() {
    let Ok(folder) = std::env::var("ZARR_CORPUS") else {
        println!("not run: ZARR_CORPUS names no folder of reference arrays");
        return;
    };
    let folder = Path::new(&folder);
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let (mut right, mut refused, mut failures) = (0, 0, Vec::new());
    for case in manifest["cases"].as_array().unwrap() {
        let text = |member: &str| case[member].as_str().unwrap_or_default();
        let store = folder.join(text("store"));
        let read = read(store.to_str().unwrap(), text("node"));
        match (read, text("expect")) {
            (Ok(_), "error") => failures.push(format!("{}: accepted", text("id"))),
            // Nobody agrees on what there is to read.
            (Ok(_), "either") if case["expected"].is_null() => right += 1,
            (Ok(found), _) => match equal(&found, &folder.join(text("expected"))) {
                true => right += 1,
                false => failures.push(format!("{}: other elements", text("id"))),
            },
            (Err(_), "error" | "either") => right += 1,
            (Err(error), _) if is_unsupported(&error) => refused += 1,
            // Old documents that the specification does not allow: a bool fill value of 0, `transpose` by letter.
            (Err(_), _) if text("source") == "neuroglancer" => refused += 1,
            (Err(error), _) => failures.push(format!("{}: {error}", text("id"))),
        }
    }
    println!(
        "{right} right, {refused} not supported, {} wrong",
        failures.len()
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(right >= 100, "{right}");
}

/// What was read.
enum Found {
    Fixed(Elements),
    Variable(Value),
}

fn read(store: &str, node: &str) -> Result<Found, Failure> {
    let array = open(store)?.array(node)?;
    match array.0.data_type().fixed_size() {
        Some(_) => Elements::of(&array).map(Found::Fixed),
        None => variable_elements(&array).map(Found::Variable),
    }
}

fn is_unsupported(error: &Failure) -> bool {
    match error.downcast_ref::<zarr::Error>() {
        Some(zarr::Error::Core(error)) => {
            matches!(error.root(), zarr_core::Error::UnknownExtension { .. })
        }
        _ => false,
    }
}

/// Compares elements with a `.npy` file, or with a JSON file that says that all are the same.
fn equal(found: &Found, expected: &Path) -> bool {
    let file = std::fs::read(expected).unwrap();
    let elements = match found {
        Found::Fixed(elements) => elements,
        Found::Variable(found) => return *found == serde_json::from_slice::<Value>(&file).unwrap(),
    };
    if expected
        .extension()
        .is_some_and(|extension| extension == "json")
    {
        let constant: Value = serde_json::from_slice(&file).unwrap();
        let hex = constant["hex"].as_str().unwrap();
        let element = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
        let element = element.collect::<Vec<_>>();
        return elements
            .bytes
            .chunks(element.len())
            .all(|found| found == element);
    }
    let header_size = usize::from(u16::from_le_bytes([file[8], file[9]]));
    let header = std::str::from_utf8(&file[10..10 + header_size]).unwrap();
    let shape = header.split(['(', ')']).nth(1).unwrap().split(',');
    let shape = shape
        .filter_map(|len| len.trim().parse::<usize>().ok())
        .collect::<Vec<_>>();
    header.contains("'fortran_order': False")
        && shape == elements.shape
        && file[10 + header_size..] == elements.bytes
}
