#![expect(
    clippy::unwrap_used,
    clippy::single_range_in_vec_init,
    reason = "tests"
)]

mod objects;
mod processes;
mod versions;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::lock::KeyLock;
use super::*;
use crate::tests::{pattern, put, read, read_ranges};
use crate::{ByteRange, ErrorKind, Precondition, Store, Version};

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::local(directory.path()).unwrap();
    (directory, store)
}
