//! The blocking front door has exactly the methods of the async front door, with identical names.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The names of public methods by type, in all sources below a folder.
type Methods = BTreeMap<String, BTreeSet<String>>;

fn name(text: &str) -> String {
    text.chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect()
}

/// Collects the methods of `impl` blocks, and the methods listed by `blocking!`.
fn collect(text: &str, methods: &mut Methods) {
    let (mut of, mut in_list) = (None, false);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("impl") {
            // Skips trait methods, which are not inherent methods of the type.
            let rest = rest.trim_start_matches("<'a>").trim_start_matches("<'_>");
            of =
                (!line.contains(" for ") && rest.starts_with(' ')).then(|| name(rest.trim_start()));
            in_list = false;
        } else if line == "blocking! {" {
            in_list = true;
            of = None;
        }
        if in_list && of.is_none() && line.ends_with('{') && line.starts_with("    ") {
            of = Some(name(line.trim_start()));
        }
        let line = line.trim_start();
        let signature = match in_list {
            true => line,
            false => line.strip_prefix("pub ").unwrap_or(""),
        };
        let signature = ["async ", "const "].iter().fold(signature, |rest, word| {
            rest.strip_prefix(word).unwrap_or(rest)
        });
        if let (Some(of), Some(rest)) = (&of, signature.strip_prefix("fn ")) {
            methods.entry(of.clone()).or_default().insert(name(rest));
        }
    }
}

fn sources(folder: &Path, methods: &mut Methods) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("blocking") {
            continue;
        }
        if path.is_dir() {
            sources(&path, methods);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            collect(&fs::read_to_string(path).unwrap(), methods);
        }
    }
}

#[test]
fn both_sides_have_the_methods_of_the_other() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../zarr-engine/src");
    let (mut waits, mut blocks) = (Methods::new(), Methods::new());
    sources(&source, &mut waits);
    for entry in fs::read_dir(source.join("blocking")).unwrap() {
        collect(
            &fs::read_to_string(entry.unwrap().path()).unwrap(),
            &mut blocks,
        );
    }
    assert!(blocks.len() >= 4, "{blocks:?}");
    assert!(
        waits["Array"].len() > 20 && waits["Group"].len() > 15 && waits["Hierarchy"].len() > 15
    );
    for (of, blocks) in &mut blocks {
        let waits = &waits[of];
        blocks.remove("as_async");
        let missing = waits.difference(blocks).collect::<Vec<_>>();
        let added = blocks.difference(waits).collect::<Vec<_>>();
        assert!(missing.is_empty(), "blocking::{of} has not: {missing:?}");
        assert!(added.is_empty(), "only blocking::{of} has: {added:?}");
    }
}
