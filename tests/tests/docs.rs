//! What the documentation says of tests is so.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn promises_name_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    sources(&root.join("tests/tests"), &mut files);
    sources(&root.join("zarr-store/src"), &mut files);
    sources(&root.join("fuzz/bodies/tests"), &mut files);
    let code = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect::<String>();
    let page = std::fs::read_to_string(root.join("docs/promises.md")).unwrap();
    let mut promises = 0;
    for row in page.lines().filter(|row| row.starts_with("| P")) {
        let tests = row
            .split('|')
            .nth(2)
            .unwrap()
            .split('`')
            .skip(1)
            .step_by(2)
            .collect::<Vec<_>>();
        assert!(!tests.is_empty(), "{row}");
        for test in tests {
            assert!(code.contains(&format!("fn {test}(")), "{test} of {row}");
        }
        promises += 1;
    }
    assert_eq!(promises, 19);
}
