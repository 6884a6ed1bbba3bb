//! Reference arrays: valid arrays read bit for bit, and invalid arrays are refused with the right
//! kind of error.
//!
//! Our own corpus is `tests/conformance/corpus`, packed; `ZARR_CORPUS` names the folder of a public
//! corpus, with a `manifest.json` of cases. `tests/conformance/run.py` runs both against any
//! reader, with limits of time and memory per case.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use zarr::Strictness;
use zarr_tests::conformance::{Failure, kind, read_to_file};
use zarr_tests::repeats;

#[test]
fn our_corpus_is_read_and_refused_as_its_cases_expect() {
    let corpus = folder().join("corpus");
    let folder = tempfile::tempdir().unwrap();
    let (mut failures, mut count) = (Vec::new(), 0);
    for topic in read_json(&corpus.join("manifest.json"))["topics"]
        .as_object()
        .unwrap()
        .keys()
    {
        for case in read_json(&corpus.join(format!("{topic}.json")))["cases"]
            .as_array()
            .unwrap()
        {
            count += 1;
            let store = folder.path().join(count.to_string());
            unpack(case, &store);
            let out = folder.path().join("out");
            let (store, node) = (utf8(&store), text(case, "node"));
            let read = read_to_file(store, node, utf8(&out), Strictness::Strict);
            let problem = judge(case, read, |found| equal(found, &case["expected"]));
            if let Some(problem) = problem {
                failures.push(format!("{}: {problem}", text(case, "id")));
            }
        }
    }
    println!("{count} cases, {} not as expected", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count > 1200, "{count}");
}

#[test]
fn public_arrays_are_read_as_others_read_them() {
    let Some(corpus) = std::env::var_os("ZARR_CORPUS").map(PathBuf::from) else {
        println!(
            "not run: ZARR_CORPUS names no folder of reference arrays; our own corpus is run without it"
        );
        return;
    };
    let decisions = read_json(&folder().join("decisions.json"));
    // Spellings that only the strict mode refuses are read by default.
    public_arrays(&corpus, Strictness::Tolerant, |id| {
        decisions[id]
            .as_object()
            .filter(|decision| decision.get("decision").is_none())
    });
    public_arrays(&corpus, Strictness::Strict, |id| decisions[id].as_object());
}

fn public_arrays<'a>(
    corpus: &Path,
    strictness: Strictness,
    decision: impl Fn(&str) -> Option<&'a Map<String, Value>>,
) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let (mut failures, mut count) = (Vec::new(), 0);
    for case in read_json(&corpus.join("manifest.json"))["cases"]
        .as_array()
        .unwrap()
    {
        count += 1;
        let mut case = case.clone();
        if let Some(decision) = decision(text(&case, "id")) {
            case.as_object_mut().unwrap().extend(decision.clone());
        }
        let store = corpus.join(text(&case, "store"));
        let (store, node) = (utf8(&store), text(&case, "node"));
        let read = read_to_file(store, node, utf8(&out), strictness);
        let expected = case["expected"].as_str().map(|path| corpus.join(path));
        let problem = judge(&case, read, |found| {
            expected.is_none_or(|expected| equal(found, &load(&expected)))
        });
        if let Some(problem) = problem {
            failures.push(format!("{}: {problem}", text(&case, "id")));
        }
    }
    println!("{count} cases, {} not as expected", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count >= 158, "{count}");
}

/// Returns the deviation of an outcome from the expectation of a case, if any.
fn judge(
    case: &Value,
    read: Result<PathBuf, Failure>,
    is_right: impl FnOnce(&Path) -> bool,
) -> Option<String> {
    let expect = text(case, "expect");
    let must_refuse = !matches!(expect, "value" | "either" | "safe");
    match read {
        Err(error) if kind(&error) == "internal" => Some(error.to_string()),
        Err(error) if repeats(&error.to_string()) => Some(format!("a repeated part: {error}")),
        Err(error) if expect == "value" => Some(format!("{}: {error}", kind(&error))),
        Err(error) if must_refuse => {
            let given = case["kinds"].as_array();
            let right = match given {
                Some(kinds) => kinds.iter().any(|right| right == kind(&error)),
                None => expect == kind(&error),
            };
            (!right).then(|| format!("the wrong kind, {}: {error}", kind(&error)))
        }
        Ok(_) if must_refuse => Some("accepted".to_owned()),
        Ok(found) if expect != "safe" && !is_right(&found) => Some("other elements".to_owned()),
        _ => None,
    }
}

/// Writes the stored objects of a case.
fn unpack(case: &Value, store: &Path) {
    std::fs::create_dir_all(store).unwrap();
    for (key, content) in case["files"].as_object().unwrap() {
        let path = store.join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        if content.get("directory").is_some() {
            std::fs::create_dir_all(path).unwrap();
        } else if let Some(target) = content.get("link") {
            std::os::unix::fs::symlink(target.as_str().unwrap(), path).unwrap();
        } else if let Some(digits) = content.get("hex") {
            std::fs::write(path, from_hex(digits)).unwrap();
        } else {
            std::fs::write(path, content.as_str().unwrap()).unwrap();
        }
    }
}

/// Whether a file of elements equals `{"dtype", "shape", "hex"}` or `{"kind", "shape", "data"}`.
fn equal(found: &Path, expected: &Value) -> bool {
    if expected.is_null() {
        return true;
    }
    let mut found = load(found);
    if expected["kind"] == "constant" {
        let (element, bytes) = (text(expected, "hex"), text(&found, "hex"));
        let all_same = bytes
            .as_bytes()
            .chunks(element.len())
            .all(|found| found == element.as_bytes());
        return all_same && found["shape"] == expected["shape"];
    }
    if expected["dtype"].is_array() {
        found["dtype"] = expected["dtype"].clone();
    }
    found == *expected
}

/// Loads the elements of a `.npy` or `.json` file.
fn load(path: &Path) -> Value {
    let file = std::fs::read(path).unwrap();
    if path.extension().is_some_and(|end| end == "json") {
        return serde_json::from_slice(&file).unwrap();
    }
    let start = 10 + usize::from(u16::from_le_bytes([file[8], file[9]]));
    let header = std::str::from_utf8(&file[10..start]).unwrap();
    assert!(header.contains("'fortran_order': False") || header.contains(",), }"));
    let data_type = header.split('\'').nth(3).unwrap();
    let shape = header.split("'shape': (").nth(1).unwrap();
    let shape = shape.split(')').next().unwrap().split(',');
    let shape = shape
        .filter_map(|len| len.trim().parse().ok())
        .collect::<Vec<u64>>();
    let digits = file[start..].iter().map(|byte| format!("{byte:02x}"));
    json!({"dtype": data_type, "shape": shape, "hex": digits.collect::<String>()})
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn text<'a>(case: &'a Value, member: &str) -> &'a str {
    case[member].as_str().unwrap_or_default()
}

fn utf8(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn from_hex(digits: &Value) -> Vec<u8> {
    let digits = digits.as_str().unwrap();
    let bytes = (0..digits.len()).step_by(2);
    bytes
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}
