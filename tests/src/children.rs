//! Writer processes: the test binary runs itself again, as its test `role_of_a_child`. Each writer
//! makes its numbered updates to the array `a` of a store, and logs each one after it is
//! acknowledged. A writer that replaces a killed one continues after the last logged update.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use zarr::{Array, Hierarchy, Store, registry};

use crate::patched::patching;

/// What the writers do.
#[derive(Debug)]
pub struct Job {
    /// The URL of the store.
    pub url: String,
    /// The options of the store.
    pub options: Vec<(String, String)>,
    /// The number of updates of each writer.
    pub updates: usize,
    /// The object size in bytes from which the writers patch; `None` for the default.
    pub patch_from: Option<u64>,
    logs: tempfile::TempDir,
}

impl Job {
    /// Describes the updates to the array of a store.
    ///
    /// # Panics
    /// Panics if no folder for logs can be made.
    #[must_use]
    pub fn new(url: &str, options: &[(String, String)], updates: usize) -> Self {
        Self {
            url: url.to_owned(),
            options: options.to_vec(),
            updates,
            patch_from: None,
            logs: tempfile::tempdir().unwrap(),
        }
    }

    /// Starts a writer.
    ///
    /// # Panics
    /// Panics if the process cannot be started.
    #[must_use]
    pub fn spawn(&self, writer: usize) -> Child {
        let options = serde_json::to_string(&self.options).unwrap();
        let from = self.patch_from.map(|from| from.to_string());
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "role_of_a_child", "--nocapture"])
            .env("ZARR_TEST_WRITER", writer.to_string())
            .env("ZARR_TEST_UPDATES", self.updates.to_string())
            .env("ZARR_TEST_STORE", &self.url)
            .env("ZARR_TEST_OPTIONS", options)
            .env("ZARR_TEST_LOG", self.log_path(writer))
            .env("ZARR_TEST_PATCH_FROM", from.unwrap_or_default())
            .stdout(Stdio::null())
            .spawn();
        Child(child.unwrap())
    }

    /// Returns the numbers of the acknowledged updates of a writer.
    ///
    /// # Panics
    /// Panics if the log is damaged.
    #[must_use]
    pub fn log(&self, writer: usize) -> Vec<usize> {
        let text = std::fs::read_to_string(self.log_path(writer)).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    }

    fn log_path(&self, writer: usize) -> PathBuf {
        self.logs.path().join(writer.to_string())
    }
}

/// A writer process, killed when the test ends, even by a panic.
#[derive(Debug)]
pub struct Child(std::process::Child);

impl Child {
    /// Returns the status of a writer that has ended.
    ///
    /// # Panics
    /// Panics if the system does not know the process.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // The child may have exited already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Makes the updates of a writer in a child process; does nothing in the test run itself.
///
/// # Panics
/// Panics if an update fails.
pub async fn role(update: impl AsyncFn(&Array, usize, usize) -> zarr::Result<()>) {
    let variable = |name| std::env::var(name);
    let Ok(writer) = variable("ZARR_TEST_WRITER") else {
        return;
    };
    let writer = writer.parse().unwrap();
    let updates = variable("ZARR_TEST_UPDATES").unwrap().parse().unwrap();
    let options = variable("ZARR_TEST_OPTIONS").unwrap();
    let options: Vec<(String, String)> = serde_json::from_str(&options).unwrap();
    let mut store = Store::open_with(&variable("ZARR_TEST_STORE").unwrap(), options).unwrap();
    if let Ok(from) = variable("ZARR_TEST_PATCH_FROM").unwrap().parse() {
        store = patching(store, from);
    }
    let array = Hierarchy::new(store, registry()).array("a").await.unwrap();
    let log = PathBuf::from(variable("ZARR_TEST_LOG").unwrap());
    let done = std::fs::read_to_string(&log).unwrap_or_default();
    let done = done.lines().count();
    let mut log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .unwrap();
    for number in done + 1..=updates {
        update(&array, writer, number).await.unwrap();
        // One system call, so a line is written whole or not at all.
        log.write_all(format!("{number}\n").as_bytes()).unwrap();
    }
}
