//! Commands with their outputs, as files: `tests/golden/*.console`, and the guide
//! `docs/zarrctl.md`. Each file runs in a new directory with the sample. With `ZARRCTL_BLESS=1`,
//! the outputs are written instead of compared.

use std::fs;
use std::path::Path;

use crate::common::Place;

/// Runs the commands in a text, lines that begin with `$ `, and returns the text with their
/// outputs in place of the lines up to the next command or the end of the block.
fn run(place: &Place, text: &str, in_blocks: bool) -> String {
    let mut result = String::new();
    let mut in_block = !in_blocks;
    let mut is_output = false;
    for line in text.lines() {
        if in_blocks && line.starts_with("```") {
            in_block = line == "```console";
            is_output = false;
        }
        if in_block && let Some(command) = line.strip_prefix("$ ") {
            let (output, code) = place.shell(command);
            // The directory has another name in each run.
            let directory = format!("{}/", place.path("").display()).replace("//", "/");
            let output = output.replace(&directory, "");
            result += &format!("$ {command}\n{output}");
            if code != 0 {
                result += &format!("[exit code {code}]\n");
            }
            is_output = true;
        } else if !is_output {
            result += &format!("{line}\n");
        }
    }
    result
}

fn check(path: &Path, in_blocks: bool) {
    let expected = fs::read_to_string(path).unwrap();
    let found = run(&Place::new(), &expected, in_blocks);
    if std::env::var_os("ZARRCTL_BLESS").is_some() {
        fs::write(path, &found).unwrap();
        return;
    }
    if expected != found {
        let (at, (old, new)) = expected
            .lines()
            .zip(found.lines())
            .enumerate()
            .find(|(_, (a, b))| a != b)
            .unwrap_or((0, ("", "")));
        panic!(
            "{}:{}: expected\n{old}\nfound\n{new}\n\nall:\n{found}",
            path.display(),
            at + 1
        );
    }
    if !in_blocks {
        let wide = found
            .lines()
            // Commands, and values in JSON.
            .filter(|line| !line.starts_with("$ ") && !line.trim_start().starts_with('"'))
            .find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{}: more than 80 columns", path.display());
    }
}

#[test]
fn outputs_are_those_of_the_golden_files() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths = fs::read_dir(golden)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect::<Vec<_>>();
    paths.sort();
    assert!(paths.len() >= 10);
    for path in paths {
        check(&path, false);
    }
}

#[test]
fn outputs_are_those_of_the_guide() {
    check(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/zarrctl.md"),
        true,
    );
}
