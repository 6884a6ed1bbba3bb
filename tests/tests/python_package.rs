//! The Python package `zarr_py`, built as a wheel and installed: its tests, type stubs and
//! documentation.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use zarr_tests::python;

static PACKAGE: LazyLock<PathBuf> = LazyLock::new(python::package);

/// Runs a module in the environment; prints the output on failure.
fn run(module: &str, arguments: &[&str], folder: &Path) {
    let output = Command::new(&*PACKAGE)
        .args(["-m", module])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    // The last line of pytest's output: "N passed, N skipped".
    eprintln!("{module}: {}", text.lines().last().unwrap_or_default());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{module} {arguments:?}:\n{text}\n{errors}"
    );
}

#[test]
fn its_tests_pass() {
    // Half of the time of most tests is waiting, for processes and servers that they start.
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = (threads + 1).min(4).to_string();
    run(
        "pytest",
        &["-q", "-rs", "-n", &workers, "tests"],
        &python::package_root(),
    );
}

/// Runs the tests in zarr-python's sdist with our store in place of zarr-python's, or with our
/// pipeline enabled.
fn upstream(what: &str) {
    if std::env::var_os("ZARR_UPSTREAM").is_none() {
        eprintln!(
            "skipped: zarr-python's own tests with our {what}: set ZARR_UPSTREAM=1 to run them"
        );
        return;
    }
    let script = python::package_root().join("tests/upstream.py");
    let output = Command::new(&*PACKAGE)
        .arg(script)
        .args([what, "-n", "2"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().rev().take(2).collect::<Vec<_>>();
    eprintln!("zarr-python's tests with our {what}: {last:?}");
    assert!(output.status.success(), "{text}");
}

#[test]
fn zarr_pythons_tests_pass_with_our_store() {
    upstream("store");
}

#[test]
fn zarr_pythons_tests_pass_with_our_pipeline() {
    upstream("pipeline");
}

#[test]
fn zarr_pythons_tests_pass_with_our_pipeline_over_fsspec() {
    upstream("fsspec");
}

#[test]
fn zarr_pythons_tests_pass_with_our_pipeline_over_a_wrapper() {
    upstream("wrapper");
}

#[test]
fn xarrays_tests_pass_with_our_engine() {
    upstream("xarray");
}

#[test]
fn its_stubs_are_right() {
    run(
        "mypy",
        &["--strict", "python/zarr_py"],
        &python::package_root(),
    );
    run(
        "mypy.stubtest",
        &["zarr_py._native"],
        &python::package_root(),
    );
}

#[test]
fn its_source_distribution_has_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    run("maturin", &["sdist", "--out", out], &python::package_root());
    let archive = std::fs::read_dir(folder.path()).unwrap().next().unwrap();
    let archive = archive.unwrap().path();
    run(
        "tarfile",
        &["-e", archive.to_str().unwrap(), out],
        folder.path(),
    );
    let source = archive.file_name().unwrap().to_str().unwrap();
    let source = folder.path().join(source.strip_suffix(".tar.gz").unwrap());
    for part in [
        "zarr-core/src/lib.rs",
        "zarr-store/src/lib.rs",
        "Cargo.lock",
        "python/zarr_py/py.typed",
    ] {
        assert!(source.join(part).is_file(), "{part}");
    }
}

#[test]
fn the_examples_of_its_documentation_run() {
    let root = python::package_root().join("..");
    let pages = std::fs::read_dir(root.join("docs")).unwrap();
    let pages = pages.map(|page| page.unwrap().path());
    let mut pages = pages
        .filter(|page| {
            let name = page.file_name().unwrap().to_string_lossy();
            name.starts_with("python-")
        })
        .collect::<Vec<_>>();
    pages.sort();
    assert!(!pages.is_empty());
    let folder = tempfile::tempdir().unwrap();
    for page in pages {
        run(
            "doctest",
            &[
                "-o",
                "ELLIPSIS",
                page.canonicalize().unwrap().to_str().unwrap(),
            ],
            folder.path(),
        );
    }
}

#[test]
fn its_console_script_is_the_command_line() {
    let script = PACKAGE.with_file_name("zarrctl");
    let folder = tempfile::tempdir().unwrap();
    let command = |args: &[&str]| {
        let mut command = Command::new(&script);
        command.args(args).current_dir(folder.path());
        command
    };
    for (args, code) in [
        (&["--version"][..], 0),
        (&["create", "a.zarr", "--group"], 0),
        (&["check", "none.zarr"], 2),
        (&["info", "none.zarr"], 2),
        (&["dance"], 2),
    ] {
        let found = command(args).output().unwrap();
        assert_eq!(found.status.code(), Some(code), "{args:?}: {found:?}");
    }
    // Ctrl-C ends a command that is at work.
    let mut serve = command(&["serve", "a.zarr", "--port", "0"]);
    let mut server = serve.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let output = server.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
    assert!(line.starts_with("serving "), "{line}");
    let id = server.id().to_string();
    let kill = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(kill.success());
    let status = server.wait().unwrap();
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(2)
    );
}
