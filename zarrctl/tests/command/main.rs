//! The binary from outside, as a process.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
mod console;
mod copies;
mod process;
mod repairs;
mod servers;
mod sparse;
