//! Reads arrays for conformance suites.
//!
//!     zarr-conformance --array_path=PATH      prints the elements in C order as fill-value JSON, one a line
//!     zarr-conformance read STORE NODE OUT    writes OUT.npy, or OUT.json for strings
//!     zarr-conformance serve                  answers {"store", "node", "out"} on standard input, one JSON a line
//!
//! Reads arrays strictly, or with `--tolerant` as the first argument accepts the spellings of
//! docs/tolerance.md.
//!
//! A refusal exits with 1 and prints `kind: text` on one line of standard error; `serve` returns
//! both in its answer. The kinds are those of [`kind`].

use std::io::{BufRead, BufWriter, Write, stdin, stdout};

use serde_json::{Value, json};
use zarr::Strictness;
use zarr_tests::conformance::{Elements, Failure, kind, open, read_to_file, variable_elements};

fn main() {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let run = match arguments.split_first() {
        Some((&"--tolerant", arguments)) => run(arguments, Strictness::Tolerant),
        _ => run(&arguments, Strictness::Strict),
    };
    if let Err(error) = run {
        eprintln!("{}: {}", kind(&error), error.to_string().replace('\n', " "));
        std::process::exit(1);
    }
}

fn run(arguments: &[&str], strictness: Strictness) -> Result<(), Failure> {
    match arguments {
        ["read", store, node, out] => {
            println!("{}", read_to_file(store, node, out, strictness)?.display());
            Ok(())
        }
        ["serve"] => serve(strictness),
        [path] if path.starts_with("--array_path=") => {
            print(&path["--array_path=".len()..], strictness)
        }
        ["--array_path", path] => print(path, strictness),
        _ => Err(
            "usage: zarr-conformance [--tolerant] --array_path=PATH | read STORE NODE OUT | serve"
                .into(),
        ),
    }
}

fn print(path: &str, strictness: Strictness) -> Result<(), Failure> {
    let array = open(path, strictness)?.array("")?;
    let mut out = BufWriter::new(stdout().lock());
    if array.as_async().data_type().fixed_size().is_none() {
        let elements = variable_elements(&array)?;
        for element in elements["data"].as_array().into_iter().flatten() {
            writeln!(out, "{element}")?;
        }
        return Ok(out.flush()?);
    }
    for element in Elements::of(&array)?.to_json() {
        writeln!(out, "{element}")?;
    }
    Ok(out.flush()?)
}

fn serve(strictness: Strictness) -> Result<(), Failure> {
    for line in stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let request: Value = serde_json::from_str(&line)?;
        let text = |member: &str| request[member].as_str().unwrap_or_default();
        let answer = match read_to_file(text("store"), text("node"), text("out"), strictness) {
            Ok(file) => json!({"ok": true, "file": file}),
            Err(error) => {
                json!({"ok": false, "kind": kind(&error), "error": error.to_string()})
            }
        };
        let mut out = stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
