//! The documentation's statements about tests are true.

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
    sources(&root.join("zarr-codecs/src"), &mut files);
    sources(&root.join("fuzz/bodies/tests"), &mut files);
    let python = std::fs::read_dir(root.join("zarr-py/tests")).unwrap();
    files.extend(
        python
            .map(|file| file.unwrap().path())
            .filter(|file| file.is_file()),
    );
    let code = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect::<String>();
    for (page, promises) in [("promises.md", 22), ("patches.md", 11)] {
        let page = std::fs::read_to_string(root.join("docs").join(page)).unwrap();
        let (_, table) = page.split_once("| promise | tests |\n|---|---|\n").unwrap();
        let rows = table.lines().take_while(|row| row.starts_with("| "));
        let rows = rows.collect::<Vec<_>>();
        assert_eq!(rows.len(), promises);
        for row in rows {
            assert_tests_exist(row, &code);
        }
    }
}

/// Asserts that a row of a table names tests, and that the code defines them.
fn assert_tests_exist(row: &str, code: &str) {
    let tests = row.split('|').nth(2).unwrap().split('`').skip(1).step_by(2);
    let tests = tests.collect::<Vec<_>>();
    assert!(!tests.is_empty(), "{row}");
    for test in tests {
        let is_defined = |word: &&str| code.contains(&format!("{word} {test}("));
        assert!(["fn", "def"].iter().any(is_defined), "{test} of {row}");
    }
}

/// The rules by group: the letters of the group, and the number of rules.
const RULES: [(&str, usize); 25] = [
    ("A", 16),
    ("B", 15),
    ("C", 18),
    ("D", 18),
    ("E", 12),
    ("F", 16),
    ("G", 11),
    ("H", 17),
    ("I", 30),
    ("J", 16),
    ("K", 8),
    ("L", 7),
    ("M", 6),
    ("N", 5),
    ("O", 6),
    ("P", 6),
    ("Q", 10),
    ("R", 4),
    ("S", 32),
    ("T", 17),
    ("U", 14),
    ("V", 13),
    ("W", 9),
    ("X", 12),
    ("Y", 5),
];

/// Decisions without a test: about an option of a peer, and a store that is not read.
const UNTESTED: [&str; 2] = ["J14", "V12"];

#[test]
fn rules_name_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/spec.md")).unwrap();
    let mut expected = RULES
        .iter()
        .flat_map(|(group, count)| (1..=*count).map(move |number| format!("{group}{number}")));
    let rows = page.lines().filter(|row| row.starts_with("| "));
    for row in rows.filter(|row| !row.starts_with("| |")) {
        let cells = row.split('|').map(str::trim).collect::<Vec<_>>();
        let [_, id, rule, kind, tests, _] = cells[..] else {
            panic!("{row}");
        };
        assert_eq!(Some(id), expected.next().as_deref());
        assert!(!rule.is_empty() && ["holds", "decision", "Python"].contains(&kind));
        let tests = tests.split('`').skip(1).step_by(2).collect::<Vec<_>>();
        assert_eq!(tests.is_empty(), UNTESTED.contains(&id), "{row}");
        for test in tests {
            let (file, name) = test.split_once("::").unwrap();
            let (room, file) = file.split_once('/').unwrap();
            let python = room == "python";
            let folder = match room {
                "python" => "zarr-py/tests",
                "core" => "zarr-core/src",
                "codecs" => "zarr-codecs/src",
                "store" => "zarr-store/src",
                _ => "tests/tests",
            };
            let (extension, word) = if python { ("py", "def") } else { ("rs", "fn") };
            let path = root.join(folder).join(file).with_extension(extension);
            let code = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{test} of {id}"));
            assert!(code.contains(&format!("{word} {name}(")), "{test} of {id}");
        }
    }
    assert_eq!(expected.next(), None);
}
