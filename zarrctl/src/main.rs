//! The binary `zarrctl`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(zarrctl::main_with(std::env::args_os()))
}
