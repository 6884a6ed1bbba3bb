//! The damage suite (`tests/damage-suite`): every damage is found and repaired as expected, and clean
//! stores by other writers are found clean.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::Command;

use zarr_tests::python;

#[test]
fn damages_are_found_and_repaired_and_clean_stores_are_clean() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/damage-suite/run.py");
    let output = Command::new(python::interpreter())
        .arg(suite)
        .env("ZARRCTL", env!("CARGO_BIN_EXE_zarrctl"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    println!("{text}");
}
